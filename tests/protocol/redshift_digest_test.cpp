#include "protocol/redshift_digest.hpp"

#include <gtest/gtest.h>

#include "protocol/login.hpp"
#include "protocol/writer.hpp"
#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

/// The example of Redshift's manual (CREATE USER): "Mypassword1" with this salt.
constexpr std::string_view documented =
    "sha256|821708135fcc42eb3afda85286dee0ed15c2c461d000291609f77eb113073ec2|"
    "c721bff5d9042cf541ff7b9d48fa8a6e545c19a763e3710151f9513038b0f6c6";
constexpr std::string_view password = "Mypassword1";
constexpr std::string_view client_nonce = "1700000000000";

std::string server_nonce() { return bytes("\0\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17"); }
/// SHA256(821708... + server_nonce + client_nonce).
constexpr std::string_view response_hex = "948b9a6320accdd3505242266b1ad6e6748788110cc89dd1add9ee61f768d3e2";

std::string hex(ByteView raw) {
  std::string text;
  for (const char c : raw) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

std::string request_body(std::uint32_t algorithm, std::string_view salt, std::string_view nonce) {
  return int32(13) + int32(algorithm) + int32(static_cast<std::uint32_t>(salt.size())) + std::string(salt) +
         int32(static_cast<std::uint32_t>(nonce.size())) + std::string(nonce);
}

ClientLogin client(Credential credential, std::string random = std::string(18, 'r')) {
  ClientLogin::Options options;
  options.user = "alice";
  options.credential = std::move(credential);
  options.random = std::move(random);
  return ClientLogin(std::move(options));
}

TEST(RedshiftDigest, the_documented_secret_is_what_the_password_and_its_salt_give) {
  const auto stored = parse_digest_secret(documented);
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->salt.size(), 32u);
  EXPECT_EQ(hex(view(derive_digest_secret(password, stored->salt).salted)), "821708135fcc42eb3afda85286dee0ed15c2c461d000291609f77eb113073ec2");
  EXPECT_EQ(view(derive_digest_secret(password, stored->salt).salted), view(stored->salted));
}

TEST(RedshiftDigest, answers_as_the_drivers_do) {
  const auto stored = parse_digest_secret(documented);
  ASSERT_TRUE(stored);
  EXPECT_EQ(hex(view(digest_response(*stored, server_nonce(), client_nonce))), response_hex);
}

TEST(RedshiftDigest, other_texts_are_no_stored_secret) {
  const std::string digest(64, 'a');
  for (const std::string& text : {std::string(), std::string("sha256|"), "sha256|" + digest, "sha256|" + digest + "|", "sha256|" + digest + "|abc",
                                  "sha256|" + digest + "|zz", "sha256|" + digest.substr(2) + "|aa", "SHA256|" + digest + "|aa", "sha256|" + digest + "|aa|aa"})
    EXPECT_FALSE(parse_digest_secret(text)) << text;
  EXPECT_TRUE(parse_digest_secret("sha256|" + digest + "|AA"));
  EXPECT_TRUE(std::holds_alternative<Password>(parse_credential("sha256|of something else"))) << "a password may begin so";
}

TEST(ClientLogin, answers_a_digest_from_the_password_and_from_the_stored_secret) {
  const auto stored = parse_digest_secret(documented);
  ASSERT_TRUE(stored);
  for (const Credential& known : {parse_credential(password), parse_credential(documented)}) {
    ClientLogin login = client(known);
    std::string out;
    ASSERT_EQ(login.on_authentication(request_body(0, stored->salt, server_nonce()), out), LoginStatus::need_more) << login.error().message;
    ASSERT_EQ(out.size(), 5u + 4 + 32 + 4 + 18);
    EXPECT_EQ(out[0], 'd') << "not 'p'";
    const std::string body = body_of(out);
    const auto answer = read_digest_answer(body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->client_nonce, std::string(18, 'r'));
    EXPECT_EQ(answer->digest, view(digest_response(*stored, server_nonce(), answer->client_nonce)));
    EXPECT_EQ(login.on_authentication(int32(0), out), LoginStatus::done);
  }
}

struct RequestCase {
  const char* name;
  std::string body;
  std::string credential;
  const char* sqlstate;
};

TEST(ClientLogin, refuses_a_digest_that_it_cannot_or_should_not_answer) {
  const std::string good = request_body(0, "salt", "nonce");
  const RequestCase cases[] = {
      {"no algorithm", int32(13), "pencil", "08P01"},
      {"cut off", good.substr(0, good.size() - 1), "pencil", "08P01"},
      {"too long", good + "x", "pencil", "08P01"},
      {"a salt of four billion bytes", int32(13) + int32(0) + int32(0xffffffff), "pencil", "08P01"},
      {"a nonce of 2 kB", request_body(0, "salt", std::string(2048, 'n')), "pencil", "08P01"},
      {"scrypt", request_body(1, "salt", "nonce"), "pencil", "0A000"},
      {"another salt", good, std::string(documented), "28000"},
      {"md5 alone", good, "md5" + std::string(32, 'a'), "28000"},
      {"nothing known", good, "", "28000"},
  };
  for (const RequestCase& test : cases) {
    ClientLogin login = client(parse_credential(test.credential));
    std::string out;
    EXPECT_EQ(login.on_authentication(test.body, out), LoginStatus::failed) << test.name;
    EXPECT_EQ(login.error().sqlstate, test.sqlstate) << test.name;
    EXPECT_EQ(out, "") << test.name;
  }
  ClientLogin twice = client(parse_credential("pencil"));
  std::string out;
  EXPECT_EQ(twice.on_authentication(good, out), LoginStatus::need_more);
  EXPECT_EQ(twice.on_authentication(good, out), LoginStatus::failed);
  ClientLogin without_nonce = client(parse_credential("pencil"), "");
  EXPECT_EQ(without_nonce.on_authentication(good, out), LoginStatus::failed);
}

TEST(ClientLogin, shows_its_token_only_where_nobody_else_reads_it) {
  ClientLogin::Options options;
  options.user = "alice";
  options.token = SecretText("eyJ.token");
  std::string out;
  ClientLogin bare(options);
  EXPECT_EQ(bare.on_authentication(int32(14), out), LoginStatus::failed);
  EXPECT_EQ(out, "");
  EXPECT_NE(bare.error().message.find("TLS"), std::string::npos);
  options.allow_cleartext = true;
  ClientLogin safe(options);
  ASSERT_EQ(safe.on_authentication(int32(14), out), LoginStatus::need_more);
  EXPECT_EQ(out, frame('i', text("eyJ.token")));
  EXPECT_EQ(safe.on_authentication(int32(0), out), LoginStatus::done);
  options.token = SecretText();
  ClientLogin none(options);
  EXPECT_EQ(none.on_authentication(int32(14), out), LoginStatus::failed);
  EXPECT_NE(none.error().message.find("none is configured"), std::string::npos);
}

ServerLogin server(std::string_view secret) {
  ServerLogin::Options options;
  options.method = LoginMethod::redshift_digest;
  options.user = "alice";
  options.credential = parse_credential(secret);
  options.random = std::string(ServerLogin::random_bytes, 'R');
  options.process_secret = "process secret";
  return ServerLogin(std::move(options));
}

TEST(ServerLogin, asks_for_a_digest_as_drivers_read_it) {
  std::string out;
  server(documented).start(out);
  const auto stored = parse_digest_secret(documented);
  EXPECT_EQ(out, frame('R', request_body(0, stored->salt, std::string(ServerLogin::random_bytes, 'R'))));
  EXPECT_LT(out.size(), 2000u) << "ODBC's limit";
}

TEST(ServerLogin, a_digest_comes_in_a_frame_of_its_own_type) {
  const auto stored = parse_digest_secret(documented);
  const Digest digest = digest_response(*stored, std::string(ServerLogin::random_bytes, 'R'), client_nonce);
  std::string answer, out;
  write_digest_answer(answer, digest, client_nonce);
  const std::string body = body_of(answer);
  ServerLogin right = server(documented);
  right.start(out);
  EXPECT_EQ(right.on_message({'d', body}, out), LoginStatus::done);
  ServerLogin as_password = server(documented);
  as_password.start(out);
  EXPECT_EQ(as_password.on_message({'p', body}, out), LoginStatus::failed);
  EXPECT_EQ(as_password.error().sqlstate, "08P01");
  ServerLogin cut = server(documented);
  cut.start(out);
  EXPECT_EQ(cut.on_message({'d', ByteView(body).substr(0, body.size() - 1)}, out), LoginStatus::failed);
  EXPECT_EQ(cut.error().sqlstate, "08P01");
  ServerLogin short_digest = server(documented);
  short_digest.start(out);
  const std::string half = int32(4) + "abcd" + int32(1) + "n";
  EXPECT_EQ(short_digest.on_message({'d', half}, out), LoginStatus::failed);
  EXPECT_EQ(short_digest.error().sqlstate, "28P01");
  ServerLogin md5_login = [] {
    ServerLogin::Options options;
    options.method = LoginMethod::md5;
    options.credential = parse_credential("pencil");
    options.random = std::string(ServerLogin::random_bytes, 'R');
    return ServerLogin(std::move(options));
  }();
  md5_login.start(out);
  EXPECT_EQ(md5_login.on_message({'d', body}, out), LoginStatus::failed) << "nobody asked for one";
}

}  // namespace
}  // namespace pgswitch::protocol
