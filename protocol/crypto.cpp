#include "protocol/crypto.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace pgswitch::protocol {
namespace {

const unsigned char* octets(ByteView data) { return reinterpret_cast<const unsigned char*>(data.data()); }

constexpr std::uint8_t no_digit = 0xff;

/// Six bits for each base64 digit; no_digit for any other character.
constexpr std::array<std::uint8_t, 256> base64_values = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(no_digit);
  std::uint8_t value = 0;
  for (const char digit : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    values[static_cast<unsigned char>(digit)] = value++;
  return values;
}();

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

enum class Algorithm : std::uint8_t { sha256, md5 };

/// EVP_sha256() is looked up by its name in every use (OpenSSL 3), which costs more than the digest of a short text. Fetched
/// once and kept to the end of the process.
const EVP_MD* method_of(Algorithm algorithm) {
  static const EVP_MD* const methods[] = {EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_fetch(nullptr, "MD5", nullptr)};
  return methods[static_cast<std::size_t>(algorithm)];
}

/// The thread's own, kept for the next digest.
EVP_MD_CTX* context_of(Algorithm algorithm) {
  using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;
  thread_local const Context contexts[] = {Context(EVP_MD_CTX_new()), Context(EVP_MD_CTX_new())};
  return contexts[static_cast<std::size_t>(algorithm)].get();
}

/// A digest that is being computed; on each thread one of an algorithm at a time.
class Hash {
 public:
  explicit Hash(Algorithm algorithm) : context_(context_of(algorithm)) {
    const EVP_MD* const method = method_of(algorithm);
    ok_ = method != nullptr && context_ != nullptr && EVP_DigestInit_ex2(context_, method, nullptr) == 1;
  }
  Hash& add(const void* data, std::size_t size) {
    ok_ = ok_ && EVP_DigestUpdate(context_, data, size) == 1;
    return *this;
  }
  Hash& add(ByteView data) { return add(data.data(), data.size()); }
  /// False: OpenSSL has no such algorithm here, or no memory.
  bool finish(unsigned char* digest) { return ok_ && EVP_DigestFinal_ex(context_, digest, nullptr) == 1; }

 private:
  EVP_MD_CTX* context_;
  bool ok_ = false;
};

constexpr std::size_t sha256_block = 64;

}  // namespace

Digest sha256(ByteView data) {
  Digest digest{};
  Hash(Algorithm::sha256).add(data).finish(digest.data());
  return digest;
}

// RFC 2104. OpenSSL's own makes three contexts for each.
Digest hmac_sha256(ByteView key, std::initializer_list<ByteView> parts) {
  std::array<unsigned char, sha256_block> block{};
  Digest digest{};
  if (key.size() > block.size()) {
    digest = sha256(key);
    std::copy(digest.begin(), digest.end(), block.begin());
  } else {
    std::copy(key.begin(), key.end(), block.begin());
  }
  for (unsigned char& octet : block) octet ^= 0x36;
  Hash inner(Algorithm::sha256);
  inner.add(block.data(), block.size());
  for (const ByteView part : parts) inner.add(part);
  inner.finish(digest.data());
  for (unsigned char& octet : block) octet ^= 0x36 ^ 0x5c;
  Hash(Algorithm::sha256).add(block.data(), block.size()).add(view(digest)).finish(digest.data());
  OPENSSL_cleanse(block.data(), block.size());
  return digest;
}

std::optional<Md5Digest> md5(ByteView first, ByteView second) {
  Md5Digest digest{};
  return Hash(Algorithm::md5).add(first).add(second).finish(digest.data()) ? std::optional(digest) : std::nullopt;
}

Digest pbkdf2_sha256(ByteView password, ByteView salt, std::uint32_t iterations) {
  Digest digest{};
  PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), octets(salt), static_cast<int>(salt.size()),
                    static_cast<int>(iterations), method_of(Algorithm::sha256), static_cast<int>(digest.size()), digest.data());
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
  std::string data(text.size() * 3 / 4, '\0');
  char* at = data.data();
  std::uint32_t bits = 0;
  int count = 0;
  for (const char digit : text) {
    const std::uint8_t value = base64_values[static_cast<unsigned char>(digit)];
    if (value == no_digit) return std::nullopt;
    bits = bits << 6 | value;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    *at++ = static_cast<char>(bits >> count);
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
