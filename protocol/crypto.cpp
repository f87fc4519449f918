#include "protocol/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

#include <utility>

namespace pgswitch::protocol {
namespace {

const unsigned char* octets(ByteView data) { return reinterpret_cast<const unsigned char*>(data.data()); }

/// Six bits of a base64 digit, or -1.
int base64_value(char digit) {
  if (digit >= 'A' && digit <= 'Z') return digit - 'A';
  if (digit >= 'a' && digit <= 'z') return digit - 'a' + 26;
  if (digit >= '0' && digit <= '9') return digit - '0' + 52;
  return digit == '+' ? 62 : digit == '/' ? 63 : -1;
}

}  // namespace

Digest sha256(ByteView data) {
  Digest digest;
  SHA256(octets(data), data.size(), digest.data());
  return digest;
}

Digest hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  std::string message;
  for (const ByteView part : parts) message.append(part);
  Digest digest{};
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(message), message.size(), digest.data(), nullptr);
  return digest;
}

Digest pbkdf2_sha256(ByteView password, ByteView salt, std::uint32_t iterations) {
  Digest digest{};
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt), static_cast<int>(salt.size()),
                    static_cast<int>(iterations), EVP_sha256(), static_cast<int>(digest.size()), digest.data());
  return digest;
}

std::string base64_encode(ByteView data) {
  std::string text((data.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock ends with a NUL
  auto* const target = reinterpret_cast<unsigned char*>(text.data());
  const int size = EVP_EncodeBlock(target, octets(data), static_cast<int>(data.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

std::optional<std::string> base64_decode(ByteView text) {
  if (text.size() % 4 != 0) return std::nullopt;
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  std::string data;
  data.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : text) {
    const int value = base64_value(digit);
    if (value < 0) return std::nullopt;
    bits = (bits << 6 | static_cast<std::uint32_t>(value)) & 0xffffff;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    data.push_back(static_cast<char>(bits >> count));
  }
  const bool stray_bits = (bits & ((1u << count) - 1)) != 0;
  return stray_bits ? std::nullopt : std::optional(std::move(data));
}

bool equal_secrets(ByteView left, ByteView right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

void cleanse(std::string& text) {
  text.resize(text.capacity());  // no reallocation: what a shorter text left behind is overwritten too
  OPENSSL_cleanse(text.data(), text.size());
  text.clear();
}

std::string tls_server_end_point(const x509_st* certificate) {
  int digest_id = NID_undef;
  if (certificate == nullptr) return {};
  X509* const writable = const_cast<X509*>(certificate);  // the call caches what it finds
  if (!X509_get_signature_info(writable, &digest_id, nullptr, nullptr, nullptr)) return {};
  if (digest_id == NID_md5 || digest_id == NID_sha1) digest_id = NID_sha256;
  const EVP_MD* method = digest_id == NID_undef ? nullptr : EVP_get_digestbynid(digest_id);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (method == nullptr || !X509_digest(certificate, method, digest, &size)) return {};
  return {reinterpret_cast<const char*>(digest), size};
}

SecretText& SecretText::operator=(const SecretText& other) {
  if (this == &other) return *this;
  cleanse(text_);
  text_ = other.text_;
  return *this;
}

SecretText& SecretText::operator=(SecretText&& other) noexcept {
  if (this == &other) return *this;
  cleanse(text_);
  text_.swap(other.text_);
  return *this;
}

}  // namespace pgswitch::protocol
