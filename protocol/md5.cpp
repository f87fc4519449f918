#include "protocol/md5.hpp"

#include <openssl/evp.h>

#include "protocol/crypto.hpp"

namespace pgswitch::protocol {
namespace {

constexpr std::string_view prefix = "md5";
constexpr std::string_view hex_digits = "0123456789abcdef";

std::optional<std::string> prefixed_digest(std::string_view first, std::string_view second) {
  std::string message(first);
  message += second;
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  const int done = EVP_Digest(message.data(), message.size(), digest, &size, EVP_md5(), nullptr);
  cleanse(message);
  if (done != 1) return std::nullopt;
  std::string text(prefix);
  for (unsigned i = 0; i < size; ++i) {
    text.push_back(hex_digits[digest[i] >> 4]);
    text.push_back(hex_digits[digest[i] & 15]);
  }
  return text;
}

}  // namespace

bool is_md5_secret(std::string_view text) {
  return text.size() == prefix.size() + 32 && text.starts_with(prefix) &&
         text.find_first_not_of(hex_digits, prefix.size()) == std::string_view::npos;
}

std::optional<std::string> md5_secret(std::string_view password, std::string_view user) {
  return prefixed_digest(password, user);
}

std::optional<std::string> md5_response(std::string_view secret, ByteView salt) {
  if (!is_md5_secret(secret)) return std::nullopt;
  return prefixed_digest(secret.substr(prefix.size()), salt);
}

}  // namespace pgswitch::protocol
