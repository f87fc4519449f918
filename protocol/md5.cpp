#include "protocol/md5.hpp"

#include <algorithm>

#include "protocol/crypto.hpp"

namespace pgswitch::protocol {
namespace {

constexpr std::string_view prefix = "md5";
constexpr std::string_view hex_digits = "0123456789abcdef";

std::optional<std::string> prefixed_digest(std::string_view first, std::string_view second) {
  const std::optional<Md5Digest> digest = md5(first, second);
  if (!digest) return std::nullopt;
  std::string text(prefix.size() + 2 * digest->size(), '\0');
  char* at = std::copy(prefix.begin(), prefix.end(), text.data());
  for (const std::uint8_t octet : *digest) {
    *at++ = hex_digits[octet >> 4];
    *at++ = hex_digits[octet & 15];
  }
  return text;
}

}  // namespace

bool is_md5_secret(std::string_view text) {
  const auto is_hex_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == prefix.size() + 32 && text.starts_with(prefix) &&
         std::all_of(text.begin() + prefix.size(), text.end(), is_hex_digit);
}

std::optional<std::string> md5_secret(std::string_view password, std::string_view user) {
  return prefixed_digest(password, user);
}

std::optional<std::string> md5_response(std::string_view secret, ByteView salt) {
  if (!is_md5_secret(secret)) return std::nullopt;
  return prefixed_digest(secret.substr(prefix.size()), salt);
}

}  // namespace pgswitch::protocol
