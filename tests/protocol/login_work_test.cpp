// What a login costs the server: the same digests are computed whether there is such a user or not, so that the time does not tell.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <openssl/evp.h>

#include "protocol/login.hpp"
#include "protocol/md5.hpp"
#include "tests/protocol/bytes.hpp"

namespace {

struct Work {
  int digests = 0;
  std::size_t bytes = 0;  ///< that were digested
  int derivations = 0;    ///< by PBKDF2
  bool operator==(const Work&) const = default;
};
void PrintTo(const Work& work, std::ostream* out) { *out << work.digests << " digests of " << work.bytes << " bytes, " << work.derivations << " derivations"; }
thread_local Work work;

template <class Function>
Function* original(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// In the place of OpenSSL's own, which they call.
extern "C" int EVP_DigestFinal_ex(EVP_MD_CTX* context, unsigned char* digest, unsigned int* size) {
  ++work.digests;
  return original<decltype(EVP_DigestFinal_ex)>("EVP_DigestFinal_ex")(context, digest, size);
}
extern "C" int EVP_DigestUpdate(EVP_MD_CTX* context, const void* data, std::size_t size) {
  work.bytes += size;
  return original<decltype(EVP_DigestUpdate)>("EVP_DigestUpdate")(context, data, size);
}
extern "C" int PKCS5_PBKDF2_HMAC(const char* password, int password_size, const unsigned char* salt, int salt_size, int iterations, const EVP_MD* method,
                                 int size, unsigned char* key) {
  ++work.derivations;
  return original<decltype(PKCS5_PBKDF2_HMAC)>("PKCS5_PBKDF2_HMAC")(password, password_size, salt, salt_size, iterations, method, size, key);
}

namespace pgswitch::protocol {
namespace {

constexpr std::string_view secret = "a secret of this process";
ScramKeyCache cache;

Credential none() { return {}; }
Credential plain() { return parse_credential("a password of 24 letters"); }  // as long as the secret
Credential stored_md5() { return parse_credential(*md5_secret("x", "alice")); }
Credential stored_scram() { return parse_credential(format_scram_secret(derive_scram_keys("x", "a salt of 16 byt", 4096))); }

/// Of an attempt with a wrong password, on the server's side.
Work work_of(LoginMethod method, const Credential& stored) {
  ServerLogin::Options options;
  options.method = method;
  options.user = "alice";
  options.credential = stored;
  options.random = std::string(ServerLogin::random_bytes, 'R');
  options.process_secret = secret;
  options.cache = &cache;
  ServerLogin login(std::move(options));
  std::string out;
  work = {};
  login.is_costly();
  LoginStatus status = login.start(out);
  const auto answer = [&](std::string_view body) {
    if (status == LoginStatus::need_more) status = login.on_password_message(body, out);
  };
  switch (method) {
    case LoginMethod::scram_sha_256: {
      const std::string first = "n,,n=,r=rOprNGfwEbeRWgbNEkqO";
      answer(bytes("SCRAM-SHA-256\0\0\0\0") + static_cast<char>(first.size()) + first);
      answer("c=biws,r=rOprNGfwEbeRWgbNEkqO" + scram_nonce(std::string(18, 'R')) + ",p=" + base64_encode(std::string(32, 'p')));
      break;
    }
    case LoginMethod::md5: answer(bytes("md500000000000000000000000000000000\0")); break;
    case LoginMethod::redshift_digest: break;
    default: answer(bytes("wrong\0"));
  }
  const Work done = work;
  if (method == LoginMethod::redshift_digest) {
    EXPECT_EQ(status, LoginStatus::need_more);
  } else {
    EXPECT_EQ(status, LoginStatus::failed);
    EXPECT_EQ(login.error().message, "password authentication failed for user \"alice\"");
  }
  return done;
}

TEST(LoginWork, is_the_same_whether_there_is_such_a_user_or_not) {
  using enum LoginMethod;
  work_of(scram_sha_256, plain());  // the first time its keys are derived
  const struct {
    LoginMethod method;
    std::vector<Credential> stored;
  } cases[] = {{scram_sha_256, {plain(), stored_scram()}}, {md5, {plain(), stored_md5()}}, {password, {plain()}}, {redshift_digest, {plain()}}};
  for (const auto& one : cases) {
    const Work expected = work_of(one.method, none());
    EXPECT_GT(expected.digests, 0);
    for (const Credential& stored : one.stored) EXPECT_EQ(work_of(one.method, stored), expected) << static_cast<int>(one.method) << ", " << stored.index();
  }
}

// The rest that the time can tell, once for each user with a plain password, until whoever comes first.
TEST(LoginWork, of_the_first_login_with_a_plain_password_has_its_keys_derived) {
  cache.clear();
  EXPECT_EQ(work_of(LoginMethod::scram_sha_256, plain()).derivations, 1);
  EXPECT_EQ(work_of(LoginMethod::scram_sha_256, plain()).derivations, 0);
  EXPECT_EQ(work_of(LoginMethod::scram_sha_256, none()).derivations, 0);
}

}  // namespace
}  // namespace pgswitch::protocol
