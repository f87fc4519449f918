#include "protocol/redshift_digest.hpp"

#include <openssl/crypto.h>

#include <algorithm>

#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace pgswitch::protocol {
namespace {

constexpr std::string_view digest_prefix = "sha256|";
/// Of a salt or a nonce: far more than any server or driver sends.
constexpr std::size_t longest_part = 1024;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.empty() || text.size() % 2 != 0) return std::nullopt;
  std::string raw;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]);
    const int low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    raw.push_back(static_cast<char>(high << 4 | low));
  }
  return raw;
}

void append_number(std::string& out, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift & 0xff));
}

/// Int32 length, bytes.
void append_part(std::string& out, ByteView part) {
  append_number(out, part.size());
  out += part;
}

std::optional<ByteView> take_part(BodyReader& in) {
  const std::uint32_t size = in.int32();
  if (!in.ok() || size > longest_part) return std::nullopt;
  const ByteView part = in.bytes(size);
  return in.ok() ? std::optional(part) : std::nullopt;
}

}  // namespace

DigestSecret::~DigestSecret() { OPENSSL_cleanse(salted.data(), salted.size()); }

std::optional<DigestSecret> parse_digest_secret(std::string_view text) {
  if (!text.starts_with(digest_prefix)) return std::nullopt;
  text.remove_prefix(digest_prefix.size());
  const std::size_t bar = text.find('|');
  if (bar == std::string_view::npos) return std::nullopt;
  std::optional<std::string> digest = from_hex(text.substr(0, bar));
  std::optional<std::string> salt = from_hex(text.substr(bar + 1));
  if (!digest || !salt || salt->size() > longest_part) return std::nullopt;
  DigestSecret secret;
  const bool fits = digest->size() == secret.salted.size();
  if (fits) std::copy(digest->begin(), digest->end(), secret.salted.begin());
  cleanse(*digest);
  secret.salt = std::move(*salt);
  return fits ? std::optional(std::move(secret)) : std::nullopt;
}

DigestSecret derive_digest_secret(std::string_view password, ByteView salt) {
  std::string text(password);
  text += salt;
  DigestSecret secret;
  secret.salted = sha256(text);
  secret.salt = salt;
  cleanse(text);
  return secret;
}

std::optional<DigestRequest> read_digest_request(ByteView data) {
  BodyReader in(data);
  DigestRequest request;
  request.algorithm = in.int32();
  const std::optional<ByteView> salt = take_part(in);
  const std::optional<ByteView> nonce = salt ? take_part(in) : std::nullopt;
  if (!nonce || !in.at_end()) return std::nullopt;
  request.salt = *salt;
  request.server_nonce = *nonce;
  return request;
}

std::string digest_request(ByteView salt, ByteView server_nonce) {
  std::string data;
  append_number(data, digest_algorithm_sha256);
  append_part(data, salt);
  append_part(data, server_nonce);
  return data;
}

std::optional<DigestAnswer> read_digest_answer(ByteView body) {
  BodyReader in(body);
  const std::optional<ByteView> digest = take_part(in);
  const std::optional<ByteView> nonce = digest ? take_part(in) : std::nullopt;
  if (!nonce || !in.at_end()) return std::nullopt;
  return DigestAnswer{*digest, *nonce};
}

void write_digest_answer(std::string& out, const Digest& digest, ByteView client_nonce) {
  MessageWriter message(out, redshift_digest_answer);
  message.int32(static_cast<std::uint32_t>(digest.size())).bytes(view(digest));
  message.int32(static_cast<std::uint32_t>(client_nonce.size())).bytes(client_nonce);
}

Digest digest_response(const DigestSecret& secret, ByteView server_nonce, ByteView client_nonce) {
  std::string text(view(secret.salted));
  text += server_nonce;
  text += client_nonce;
  const Digest digest = sha256(text);
  cleanse(text);
  return digest;
}

}  // namespace pgswitch::protocol
