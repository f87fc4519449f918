#include "protocol/crypto.hpp"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>

#include "protocol/md5.hpp"
#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

TEST(Base64, vectors_of_rfc_4648) {
  const std::pair<std::string, std::string> cases[] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
                                                       {bytes("\xff\xfe\xfd\0"), "//79AA=="}};
  for (const auto& [raw, encoded] : cases) {
    EXPECT_EQ(base64_encode(raw), encoded);
    EXPECT_EQ(base64_decode(encoded), raw);
  }
}

TEST(Base64, anything_but_the_one_encoding_is_refused) {
  for (const char* bad : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "=", "Zm 9", "Zm9v\n", "Zm-_", "Z=g=", "Zg==Zg=="})
    EXPECT_FALSE(base64_decode(bad)) << bad;
}

std::string hex(const Digest& digest) {
  std::string text;
  for (const std::uint8_t octet : digest) {
    text += "0123456789abcdef"[octet >> 4];
    text += "0123456789abcdef"[octet & 15];
  }
  return text;
}

TEST(Sha256, vectors_of_fips_180_4) {
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Hmac, vectors_of_rfc_4231) {
  const std::string key(20, '\x0b'), long_key(131, '\xaa');
  EXPECT_EQ(hex(hmac_sha256(key, {"Hi ", "There"})), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  EXPECT_EQ(hex(hmac_sha256("Jefe", {"what do ya want ", "", "for nothing?"})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha256(long_key, {"Test Using Larger Than Block-Size Key - Hash Key First"})),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(Md5, digest_of_two_parts_is_that_of_the_whole) {
  EXPECT_EQ(md5("abc", "def"), md5("abcdef", ""));
  EXPECT_NE(md5("abc", "def"), md5("abc", "de"));
}

TEST(Md5, secret_and_response_are_postgresqls) {
  // CREATE ROLE m PASSWORD 'pencil' with password_encryption = md5.
  EXPECT_EQ(md5_secret("pencil", "m"), "md58bbf3f45673bf67d02e4214911f3417f");
  // md5('8bbf3f45673bf67d02e4214911f3417f' || '\x01020304')
  EXPECT_EQ(md5_response("md58bbf3f45673bf67d02e4214911f3417f", "\1\2\3\4"), "md5b102d64f0a7f8aa6cc98d60d13b48b72");
}

TEST(Md5, secret_is_told_by_its_form) {
  const std::string good = "md58bbf3f45673bf67d02e4214911f3417f";
  EXPECT_TRUE(is_md5_secret(good));
  EXPECT_FALSE(is_md5_secret(good.substr(1)));
  EXPECT_FALSE(is_md5_secret(good + "0"));
  EXPECT_FALSE(is_md5_secret("md58BBF3F45673BF67D02E4214911F3417F"));
  EXPECT_FALSE(is_md5_secret("md5"));
  EXPECT_FALSE(md5_response("pencil", "salt"));
}

TEST(Secrets, are_equal_only_when_every_byte_is) {
  EXPECT_TRUE(equal_secrets("abc", "abc"));
  EXPECT_TRUE(equal_secrets("", ""));
  EXPECT_FALSE(equal_secrets("abc", "abd"));
  EXPECT_FALSE(equal_secrets("abc", "abcd"));
}

TEST(Secrets, text_is_overwritten_before_its_memory_is_given_back) {
  std::string text = "a password longer than any small string";
  const char* const memory = text.data();
  cleanse(text);
  EXPECT_TRUE(text.empty());
  EXPECT_EQ(text.data(), memory);
  for (std::size_t i = 0; i < text.capacity(); ++i) ASSERT_EQ(memory[i], '\0') << i;
}

TEST(Secrets, secret_text_copies_and_moves_like_a_value) {
  SecretText first("pencil");
  SecretText second(first);
  EXPECT_EQ(second.text(), "pencil");
  SecretText third(std::move(first));
  EXPECT_EQ(third.text(), "pencil");
  second = SecretText("other");
  EXPECT_EQ(second.text(), "other");
  third = second;
  EXPECT_EQ(third.text(), "other");
}

/// A self-signed certificate whose key is `type` and whose signature uses `digest` (null for Ed25519).
std::unique_ptr<X509, decltype(&X509_free)> make_certificate(const char* type, const EVP_MD* digest) {
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      std::string_view(type) == "RSA" ? EVP_RSA_gen(2048) : EVP_PKEY_Q_keygen(nullptr, nullptr, type), &EVP_PKEY_free);
  std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), &X509_free);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
  X509_set_pubkey(certificate.get(), key.get());
  X509_sign(certificate.get(), key.get(), digest);
  return certificate;
}

std::string hash_of(const X509* certificate, const EVP_MD* digest) {
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  X509_digest(certificate, digest, hash, &size);
  return {reinterpret_cast<const char*>(hash), size};
}

TEST(ChannelBinding, end_point_is_hashed_with_the_digest_of_the_signature_but_never_with_a_weak_one) {
  const std::pair<const EVP_MD*, const EVP_MD*> cases[] = {
      {EVP_sha256(), EVP_sha256()}, {EVP_sha384(), EVP_sha384()}, {EVP_sha512(), EVP_sha512()}, {EVP_sha1(), EVP_sha256()}};
  for (const auto& [signature, expected] : cases) {
    const auto certificate = make_certificate("RSA", signature);
    EXPECT_EQ(tls_server_end_point(certificate.get()), hash_of(certificate.get(), expected)) << EVP_MD_get0_name(signature);
  }
}

TEST(ChannelBinding, certificate_without_a_digest_offers_none) {
  EXPECT_EQ(tls_server_end_point(make_certificate("ED25519", nullptr).get()), "");
  EXPECT_EQ(tls_server_end_point(nullptr), "");
}

}  // namespace
}  // namespace pgswitch::protocol
