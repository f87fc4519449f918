#include "protocol/login.hpp"

#include <gtest/gtest.h>

#include "protocol/md5.hpp"
#include "protocol/writer.hpp"
#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

const std::string salt = bytes("\1\2\3\4");

Credential stored_scram() { return parse_credential(format_scram_secret(derive_scram_keys("pencil", "salt", 2))); }
Credential stored_md5() { return parse_credential(*md5_secret("pencil", "alice")); }
Credential stored_digest() {
  return parse_credential("sha256|2187a52fbdef4be3750e483b1a7394c895581792627ef1230a5233fa3db1b0cb|73616c74");
}
Credential plain() { return parse_credential("pencil"); }

ServerLogin server(LoginMethod method, Credential credential, std::string channel_binding = "") {
  ServerLogin::Options options;
  options.method = method;
  options.user = "alice";
  options.credential = std::move(credential);
  options.random = salt + std::string(18, 'R');
  options.process_secret = "process secret";
  options.channel_binding = std::move(channel_binding);
  options.scram_iterations = 2;
  return ServerLogin(std::move(options));
}

ClientLogin client(Credential credential, bool allow_cleartext = true, ScramClient::Options scram = {}) {
  ClientLogin::Options options;
  options.user = "alice";
  options.credential = std::move(credential);
  options.random = std::string(18, 'r');
  options.allow_cleartext = allow_cleartext;
  options.scram = std::move(scram);
  return ClientLogin(std::move(options));
}

/// Takes the first frame from `wire`.
Frame take_frame(std::string& wire, std::string& storage) {
  FrameHeader header;
  if (read_header(wire, wire.size(), header) != HeaderStatus::complete) return {};
  storage = wire.substr(frame_header_size, header.body_size);
  wire.erase(0, header.frame_size());
  return {header.type, storage};
}

struct Outcome {
  LoginStatus server = LoginStatus::need_more;
  LoginStatus client = LoginStatus::need_more;
};

/// Both ends wired together until neither has anything to say.
Outcome run(ServerLogin& server_login, ClientLogin& client_login) {
  Outcome outcome;
  std::string to_client, to_server, body;
  outcome.server = server_login.start(to_client);
  while (!to_client.empty() || !to_server.empty()) {
    while (!to_client.empty()) {
      const Frame frame = take_frame(to_client, body);
      EXPECT_EQ(frame.type, 'R');
      outcome.client = client_login.on_authentication(frame.body, to_server);
      if (outcome.client == LoginStatus::failed) return outcome;
    }
    while (!to_server.empty()) {
      const Frame frame = take_frame(to_server, body);
      outcome.server = server_login.on_message(frame, to_client);
    }
  }
  return outcome;
}

struct PairCase {
  const char* name;
  LoginMethod method;
  Credential (*stored)();
  Credential (*known)();
  bool succeeds;
};

Credential unknown() { return {}; }
Credential wrong() { return parse_credential("pen"); }
Credential passed_through() { return derive_scram_keys("pencil", "salt", 2); }

TEST(Login, stored_secrets_let_in_those_who_know_them) {
  using enum LoginMethod;
  const PairCase cases[] = {
      {"trust", trust, unknown, unknown, true},
      {"cleartext, plain", password, plain, plain, true},
      {"cleartext, md5", password, stored_md5, plain, true},
      {"cleartext, scram", password, stored_scram, plain, true},
      {"cleartext, wrong", password, plain, wrong, false},
      {"cleartext, wrong for md5", password, stored_md5, wrong, false},
      {"cleartext, wrong for scram", password, stored_scram, wrong, false},
      {"cleartext, unknown user", password, unknown, plain, false},
      {"md5, plain", md5, plain, plain, true},
      {"md5, md5", md5, stored_md5, plain, true},
      {"md5, md5 on both sides", md5, stored_md5, stored_md5, true},
      {"md5 becomes scram", md5, stored_scram, plain, true},
      {"md5, wrong", md5, plain, wrong, false},
      {"md5, unknown user", md5, unknown, plain, false},
      {"cleartext, digest", password, stored_digest, plain, true},
      {"cleartext, wrong for digest", password, stored_digest, wrong, false},
      {"digest, plain", redshift_digest, plain, plain, true},
      {"digest, digest", redshift_digest, stored_digest, plain, true},
      {"digest, digest on both sides", redshift_digest, stored_digest, stored_digest, true},
      {"digest, wrong", redshift_digest, plain, wrong, false},
      {"digest, wrong for digest", redshift_digest, stored_digest, wrong, false},
      {"digest, md5 cannot", redshift_digest, stored_md5, plain, false},
      {"digest, scram cannot", redshift_digest, stored_scram, plain, false},
      {"digest, unknown user", redshift_digest, unknown, plain, false},
      {"scram, plain", scram_sha_256, plain, plain, true},
      {"scram, scram", scram_sha_256, stored_scram, plain, true},
      {"scram, passed through", scram_sha_256, stored_scram, passed_through, true},
      {"scram, wrong", scram_sha_256, stored_scram, wrong, false},
      {"scram, md5 cannot", scram_sha_256, stored_md5, plain, false},
      {"scram, unknown user", scram_sha_256, unknown, plain, false},
  };
  for (const PairCase& test : cases) {
    ServerLogin server_login = server(test.method, test.stored());
    ClientLogin client_login = client(test.known());
    const Outcome outcome = run(server_login, client_login);
    EXPECT_EQ(outcome.server, test.succeeds ? LoginStatus::done : LoginStatus::failed) << test.name;
    EXPECT_EQ(outcome.client == LoginStatus::done, test.succeeds) << test.name << client_login.error().message;
    if (test.succeeds) continue;
    EXPECT_EQ(server_login.error().sqlstate, "28P01") << test.name;
    EXPECT_EQ(server_login.error().message, "password authentication failed for user \"alice\"") << test.name;
    EXPECT_EQ(server_login.error().severity, Severity::fatal) << test.name;
  }
}

TEST(ServerLogin, unknown_user_and_wrong_password_cannot_be_told_apart) {
  for (const LoginMethod method : {LoginMethod::password, LoginMethod::md5, LoginMethod::scram_sha_256, LoginMethod::redshift_digest}) {
    std::string wire[2];
    SqlError errors[2];
    Credential credentials[2] = {plain(), unknown()};
    for (int i = 0; i < 2; ++i) {
      ServerLogin login = server(method, credentials[i]);
      ClientLogin peer = client(wrong());
      std::string to_client, to_server, body;
      LoginStatus status = login.start(to_client);
      while (status == LoginStatus::need_more) {
        wire[i] += to_client;
        ASSERT_NE(peer.on_authentication(take_frame(to_client, body).body, to_server), LoginStatus::failed);
        status = login.on_message(take_frame(to_server, body), to_client);
      }
      errors[i] = login.error();
    }
    EXPECT_EQ(wire[0], wire[1]);
    EXPECT_EQ(errors[0].message, errors[1].message);
    EXPECT_EQ(errors[0].sqlstate, errors[1].sqlstate);
  }
}

TEST(ServerLogin, leaves_what_a_login_at_a_server_needs) {
  ServerLogin scram_login = server(LoginMethod::scram_sha_256, stored_scram());
  ClientLogin scram_client = client(plain());
  ASSERT_EQ(run(scram_login, scram_client).server, LoginStatus::done);
  const auto* keys = std::get_if<ScramKeys>(&scram_login.proven_credential());
  ASSERT_NE(keys, nullptr);
  EXPECT_TRUE(keys->has_client_key);

  ServerLogin clear_login = server(LoginMethod::password, stored_scram());
  ClientLogin clear_client = client(plain());
  ASSERT_EQ(run(clear_login, clear_client).server, LoginStatus::done);
  const auto* password = std::get_if<Password>(&clear_login.proven_credential());
  ASSERT_NE(password, nullptr);
  EXPECT_EQ(password->text.text(), "pencil");
}

TEST(ServerLogin, hands_the_password_over_and_says_nothing_of_it) {
  ServerLogin login = server(LoginMethod::handed_over, stored_scram());
  std::string out, request;
  ASSERT_EQ(login.start(out), LoginStatus::need_more);
  write_authentication(request, authentication_code::cleartext);
  EXPECT_EQ(out, request);
  out.clear();
  EXPECT_FALSE(login.is_costly());
  ASSERT_EQ(login.on_password_message(bytes("whatever\0"), out), LoginStatus::done);
  EXPECT_EQ(out, "") << "AuthenticationOk is the caller's to send";
  const auto* sent = std::get_if<Password>(&login.proven_credential());
  ASSERT_NE(sent, nullptr);
  EXPECT_EQ(sent->text.text(), "whatever");

  ServerLogin empty = server(LoginMethod::handed_over, unknown());
  empty.start(out);
  EXPECT_EQ(empty.on_password_message(bytes("\0"), out), LoginStatus::failed);
  EXPECT_EQ(empty.error().message, "empty password returned by client");
}

TEST(ServerLogin, offers_channel_binding_only_over_tls) {
  std::string without, with;
  server(LoginMethod::scram_sha_256, plain()).start(without);
  server(LoginMethod::scram_sha_256, plain(), "hash").start(with);
  EXPECT_EQ(without.find("SCRAM-SHA-256-PLUS"), std::string::npos);
  EXPECT_NE(with.find("SCRAM-SHA-256-PLUS"), std::string::npos);
}

TEST(Login, binds_to_the_channel) {
  ScramClient::Options scram;
  scram.channel_binding = "hash";
  scram.require_channel_binding = true;
  ServerLogin server_login = server(LoginMethod::scram_sha_256, plain(), "hash");
  ClientLogin client_login = client(plain(), true, scram);
  EXPECT_EQ(run(server_login, client_login).client, LoginStatus::done);
}

TEST(ServerLogin, client_may_wait_with_its_first_scram_message) {
  ServerLogin login = server(LoginMethod::scram_sha_256, plain());
  std::string out;
  login.start(out);
  out.clear();
  EXPECT_EQ(login.on_password_message(text("SCRAM-SHA-256") + int32(0xffffffff), out), LoginStatus::need_more);
  EXPECT_EQ(out, frame('R', int32(11)));
  EXPECT_EQ(login.on_password_message("n,,n=,r=abc", out), LoginStatus::need_more);
}

struct BodyCase {
  LoginMethod method;
  std::string body;
  const char* sqlstate;
};

TEST(ServerLogin, malformed_answers_are_refused) {
  using enum LoginMethod;
  const std::string name = text("SCRAM-SHA-256");
  const BodyCase cases[] = {
      {password, "", "08P01"}, {password, "pencil", "08P01"}, {password, bytes("pen\0cil\0"), "08P01"},
      {password, text("pencil") + "x", "08P01"}, {password, text(""), "28P01"},
      {md5, "", "08P01"}, {md5, "md5", "08P01"}, {md5, text(""), "28P01"}, {md5, text("md5"), "28P01"},
      {scram_sha_256, std::string(1020, 'x'), "08P01"}, {scram_sha_256, std::string(1021, 'x'), "28P01"},
      {scram_sha_256, "", "08P01"}, {scram_sha_256, "SCRAM", "08P01"}, {scram_sha_256, name, "08P01"},
      {scram_sha_256, name + "abc", "08P01"}, {scram_sha_256, name + int32(0xfffffff0), "08P01"},
      {scram_sha_256, name + int32(0x7fffffff) + "n,,", "08P01"}, {scram_sha_256, name + int32(3) + "n,,x", "08P01"},
      {scram_sha_256, name + int32(0xffffffff) + "x", "08P01"}, {scram_sha_256, name + int32(0), "08P01"},
      {scram_sha_256, text("SCRAM-SHA-256-PLUS") + int32(0), "08P01"}, {scram_sha_256, text("PLAIN") + int32(0), "08P01"},
  };
  for (const BodyCase& test : cases) {
    ServerLogin login = server(test.method, plain());
    std::string out;
    login.start(out);
    out.clear();
    EXPECT_EQ(login.on_password_message(test.body, out), LoginStatus::failed) << test.body;
    EXPECT_EQ(login.error().sqlstate, test.sqlstate) << test.body;
    EXPECT_EQ(out, "") << test.body;
    EXPECT_EQ(login.on_password_message(text("pencil"), out), LoginStatus::failed) << "a failure is final";
    EXPECT_EQ(out, "") << test.body;
  }
}

TEST(ServerLogin, scram_message_without_a_mechanism_is_no_string) {
  for (const char* body : {"", "SCRAM-SHA-256"}) {
    ServerLogin login = server(LoginMethod::scram_sha_256, plain());
    std::string out;
    login.start(out);
    EXPECT_EQ(login.on_password_message(body, out), LoginStatus::failed);
    EXPECT_EQ(login.error().message, "invalid string in message");
  }
}

TEST(ServerLogin, other_messages_end_it) {
  for (const char type : {'Q', 'X', 'S', '!'}) {
    ServerLogin login = server(LoginMethod::scram_sha_256, plain());
    std::string out;
    login.start(out);
    EXPECT_EQ(login.on_message({type, "select 1"}, out), LoginStatus::failed);
    EXPECT_EQ(login.error().sqlstate, "08P01");
    EXPECT_NE(login.error().message.find("expected SASL response"), std::string::npos);
  }
}

TEST(ServerLogin, password_before_start_is_refused) {
  std::string out;
  EXPECT_EQ(server(LoginMethod::md5, plain()).on_password_message(text("x"), out), LoginStatus::failed);
}

TEST(ServerLogin, does_not_start_without_random_bytes) {
  ServerLogin::Options options;
  options.credential = plain();
  std::string out;
  EXPECT_EQ(ServerLogin(options).start(out), LoginStatus::failed);
  EXPECT_EQ(out, "");
}

struct RequestCase {
  const char* name;
  Credential (*known)();
  std::string body;
  const char* sqlstate;
};

const std::string scram_offer = int32(10) + text("SCRAM-SHA-256") + bytes("\0");

TEST(ClientLogin, requests_it_cannot_or_will_not_answer_fail_clearly) {
  const RequestCase cases[] = {
      {"nothing", plain, "", "08P01"},
      {"three bytes", plain, bytes("\0\0\0"), "08P01"},
      {"Ok with data", plain, int32(0) + "x", "08P01"},
      {"Kerberos 5", plain, int32(2), "0A000"},
      {"GSSAPI", plain, int32(7), "0A000"},
      {"SSPI", plain, int32(9), "0A000"},
      {"Redshift digest without its parts", plain, int32(13) + "x", "08P01"},
      {"Redshift identity provider without a token", plain, int32(14), "28000"},
      {"more than Redshift's code 14", plain, int32(14) + "x", "08P01"},
      {"unheard of", plain, int32(0xffffffff), "0A000"},
      {"cleartext with data", plain, int32(3) + "x", "08P01"},
      {"cleartext, only md5 known", stored_md5, int32(3), "28000"},
      {"cleartext, nothing known", unknown, int32(3), "28000"},
      {"md5 with 3 bytes of salt", plain, int32(5) + "abc", "08P01"},
      {"md5 with 5 bytes of salt", plain, int32(5) + "abcde", "08P01"},
      {"md5, only scram known", passed_through, int32(5) + "abcd", "28000"},
      {"scram, only md5 known", stored_md5, scram_offer, "28000"},
      {"scram, keys without client key", stored_scram, scram_offer, "28000"},
      {"sasl without a mechanism of ours", plain, int32(10) + text("OAUTHBEARER") + bytes("\0"), "28000"},
      {"sasl without a list", plain, int32(10), "28000"},
      {"continue before sasl", plain, int32(11) + "r=x", "08P01"},
      {"final before sasl", plain, int32(12) + "v=x", "08P01"},
  };
  for (const RequestCase& test : cases) {
    ClientLogin login = client(test.known());
    std::string out;
    EXPECT_EQ(login.on_authentication(test.body, out), LoginStatus::failed) << test.name;
    EXPECT_EQ(login.error().sqlstate, test.sqlstate) << test.name;
    EXPECT_EQ(out, "") << test.name;
    EXPECT_EQ(login.error().message.find("pencil"), std::string::npos) << test.name;
  }
}

TEST(ClientLogin, sends_no_cleartext_password_over_an_open_connection) {
  ClientLogin login = client(plain(), false);
  std::string out;
  EXPECT_EQ(login.on_authentication(int32(3), out), LoginStatus::failed);
  EXPECT_EQ(login.error().sqlstate, "28000");
  EXPECT_EQ(out, "");
}

TEST(ClientLogin, server_that_skips_its_own_proof_is_refused) {
  ClientLogin login = client(plain());
  std::string out;
  ASSERT_EQ(login.on_authentication(scram_offer, out), LoginStatus::need_more);
  EXPECT_EQ(login.on_authentication(int32(0), out), LoginStatus::failed);
  EXPECT_EQ(login.error().sqlstate, "28000");
}

TEST(ClientLogin, server_that_asks_twice_is_refused) {
  for (const std::string& second : {scram_offer, int32(3), int32(5) + "abcd"}) {
    ClientLogin login = client(plain());
    std::string out;
    ASSERT_EQ(login.on_authentication(scram_offer, out), LoginStatus::need_more);
    out.clear();
    EXPECT_EQ(login.on_authentication(second, out), LoginStatus::failed);
    EXPECT_EQ(out, "");
  }
}

TEST(ClientLogin, required_channel_binding_accepts_nothing_less) {
  ScramClient::Options scram;
  scram.channel_binding = "hash";
  scram.require_channel_binding = true;
  for (const std::string& request : {int32(0), int32(3), int32(5) + "abcd", scram_offer}) {
    ClientLogin login = client(plain(), true, scram);
    std::string out;
    EXPECT_EQ(login.on_authentication(request, out), LoginStatus::failed);
    EXPECT_EQ(login.error().sqlstate, "28000");
    EXPECT_EQ(out, "");
  }
}

TEST(Credential, kind_is_told_by_the_form_of_the_stored_secret) {
  EXPECT_TRUE(std::holds_alternative<std::monostate>(parse_credential("")));
  EXPECT_TRUE(std::holds_alternative<Password>(parse_credential("pencil")));
  EXPECT_TRUE(std::holds_alternative<Password>(parse_credential("md5pencil")));
  EXPECT_TRUE(std::holds_alternative<Password>(parse_credential("SCRAM-SHA-256$broken")));
  EXPECT_TRUE(std::holds_alternative<Md5Secret>(stored_md5()));
  EXPECT_TRUE(std::holds_alternative<ScramKeys>(stored_scram()));
}

}  // namespace
}  // namespace pgswitch::protocol
