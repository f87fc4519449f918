#include "protocol/scram.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

// RFC 7677, 3: user "user", password "pencil".
const std::string rfc_salt = *base64_decode("W22ZaJ0SNY7soEsUEjb6gQ==");
const std::string rfc_client_nonce = "rOprNGfwEbeRWgbNEkqO";
const std::string rfc_server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string rfc_client_first = "n,,n=user,r=" + rfc_client_nonce;
const std::string rfc_server_first = "r=" + rfc_client_nonce + rfc_server_nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string rfc_client_final = "c=biws,r=" + rfc_client_nonce + rfc_server_nonce +
                                     ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string rfc_server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

const ScramKeys& rfc_keys() {
  static const ScramKeys keys = derive_scram_keys("pencil", rfc_salt, 4096);
  return keys;
}
/// Two iterations: the tests below do not look at PBKDF2.
const ScramKeys& cheap_keys() {
  static const ScramKeys keys = derive_scram_keys("pencil", "salt", 2);
  return keys;
}

ScramServer rfc_server() { return {rfc_keys(), true, rfc_server_nonce, ""}; }

TEST(ScramServer, speaks_the_exchange_of_rfc_7677) {
  ScramServer server = rfc_server();
  std::string reply;
  ASSERT_TRUE(server.select("SCRAM-SHA-256"));
  EXPECT_EQ(server.on_client_first(rfc_client_first, reply), ScramStatus::need_more);
  EXPECT_EQ(reply, rfc_server_first);
  EXPECT_EQ(server.on_client_final(rfc_client_final, reply), ScramStatus::done);
  EXPECT_EQ(reply, rfc_server_final);
}

TEST(ScramServer, knows_the_client_key_after_a_login_with_a_stored_secret) {
  const std::optional<ScramKeys> stored = parse_scram_secret(format_scram_secret(rfc_keys()));
  ASSERT_TRUE(stored);
  EXPECT_FALSE(stored->has_client_key);
  ScramServer server(*stored, true, rfc_server_nonce, "");
  std::string reply;
  server.select("SCRAM-SHA-256");
  server.on_client_first(rfc_client_first, reply);
  ASSERT_EQ(server.on_client_final(rfc_client_final, reply), ScramStatus::done);
  EXPECT_TRUE(server.keys().has_client_key);
  EXPECT_EQ(server.keys().client_key, rfc_keys().client_key);
}

struct Exchange {
  ScramStatus status = ScramStatus::failed;
  bool client_done = false;
  std::string mechanism;
  SqlError error;
};

/// Client and server against each other; `meddle` sees every message on its way, by its number from 0.
Exchange run(ScramClient& client, ScramServer& server, const std::function<void(int, std::string&)>& meddle = {}) {
  Exchange result;
  const auto pass = [&](int number, std::string message) {
    if (meddle) meddle(number, message);
    return message;
  };
  const std::string offered = pass(0, server.mechanisms());
  result.mechanism = client.choose(offered);
  if (result.mechanism.empty() || !server.select(result.mechanism)) return result;
  std::string from_server, from_client = pass(1, client.client_first());
  result.status = server.on_client_first(from_client, from_server);
  result.error = server.error();
  if (result.status != ScramStatus::need_more) return result;
  if (client.on_server_first(pass(2, from_server), from_client) == ScramStatus::failed) {
    result.status = ScramStatus::failed;
    result.error = client.error();
    return result;
  }
  result.status = server.on_client_final(pass(3, from_client), from_server);
  result.error = server.error();
  if (result.status != ScramStatus::done) return result;
  result.client_done = client.on_server_final(pass(4, from_server)) == ScramStatus::done;
  if (!result.client_done) result.error = client.error();
  return result;
}

ScramClient client_with(std::string_view password, ScramClient::Options options = {}) {
  return {"user", SecretText(password), "clientnonce", std::move(options), nullptr};
}
ScramServer server_with(std::string channel_binding = "", bool genuine = true) {
  return {cheap_keys(), genuine, "servernonce", std::move(channel_binding)};
}
ScramClient::Options bound_to(std::string channel_binding, bool require = false) {
  ScramClient::Options options;
  options.channel_binding = std::move(channel_binding);
  options.require_channel_binding = require;
  return options;
}

TEST(Scram, right_password_convinces_both_sides) {
  ScramClient client = client_with("pencil");
  ScramServer server = server_with();
  const Exchange result = run(client, server);
  EXPECT_EQ(result.status, ScramStatus::done);
  EXPECT_TRUE(result.client_done);
  EXPECT_EQ(result.mechanism, "SCRAM-SHA-256");
}

TEST(Scram, wrong_password_is_refused) {
  ScramClient client = client_with("pencil ");
  ScramServer server(*parse_scram_secret(format_scram_secret(cheap_keys())), true, "servernonce", "");
  EXPECT_EQ(run(client, server).status, ScramStatus::refused);
  EXPECT_FALSE(server.keys().has_client_key);
}

TEST(Scram, mock_exchange_is_refused_even_with_the_right_proof) {
  ScramClient client = client_with("pencil");
  ScramServer server = server_with("", false);
  EXPECT_EQ(run(client, server).status, ScramStatus::refused);
}

TEST(Scram, binds_to_the_channel_when_both_sides_can) {
  ScramClient client = client_with("pencil", bound_to("certificate hash", true));
  ScramServer server = server_with("certificate hash");
  const Exchange result = run(client, server);
  EXPECT_EQ(result.mechanism, "SCRAM-SHA-256-PLUS");
  EXPECT_EQ(result.status, ScramStatus::done);
  EXPECT_TRUE(result.client_done);
}

TEST(Scram, another_certificate_in_between_is_found_out) {
  ScramClient client = client_with("pencil", bound_to("the attacker's certificate"));
  ScramServer server = server_with("certificate hash");
  const Exchange result = run(client, server);
  EXPECT_EQ(result.status, ScramStatus::failed);
  EXPECT_EQ(result.error.sqlstate, "28000");
  EXPECT_EQ(result.error.message, "SCRAM channel binding check failed");
}

TEST(Scram, removal_of_PLUS_from_the_offer_is_found_out) {
  ScramClient client = client_with("pencil", bound_to("certificate hash"));
  ScramServer server = server_with("certificate hash");
  const Exchange result = run(client, server, [](int number, std::string& message) {
    if (number == 0) message = text("SCRAM-SHA-256") + bytes("\0");
  });
  EXPECT_EQ(result.status, ScramStatus::failed);
  EXPECT_EQ(result.error.sqlstate, "28000");
  EXPECT_EQ(result.error.message, "SCRAM channel binding negotiation error");
}

TEST(Scram, client_that_can_bind_logs_in_to_a_server_that_cannot) {
  ScramClient client = client_with("pencil", bound_to("certificate hash"));
  ScramServer server = server_with();
  EXPECT_TRUE(run(client, server).client_done);
}

TEST(Scram, client_that_requires_binding_refuses_a_server_without) {
  ScramClient client = client_with("pencil", bound_to("certificate hash", true));
  ScramServer server = server_with();
  EXPECT_EQ(run(client, server).mechanism, "");
  EXPECT_EQ(client.error().sqlstate, "28000");
}

TEST(Scram, keys_seen_by_a_server_log_in_at_another_with_the_same_secret) {
  ScramClient first = client_with("pencil");
  ScramServer server(*parse_scram_secret(format_scram_secret(cheap_keys())), true, "servernonce", "");
  ASSERT_EQ(run(first, server).status, ScramStatus::done);
  ScramClient passed_through(server.keys(), "clientnonce", {});
  ScramServer behind = server_with();
  EXPECT_TRUE(run(passed_through, behind).client_done);
}

TEST(Scram, keys_for_another_salt_are_not_tried) {
  ScramClient client(rfc_keys(), "clientnonce", {});
  ScramServer server = server_with();
  const Exchange result = run(client, server);
  EXPECT_EQ(result.status, ScramStatus::failed);
  EXPECT_EQ(result.error.sqlstate, "28000");
}

TEST(Scram, every_changed_byte_on_the_way_is_found_out) {
  for (const int number : {1, 2, 3, 4}) {
    for (std::size_t at = 0; at < 200; ++at) {
      bool changed = false;
      ScramClient client = client_with("pencil");
      ScramServer server = server_with();
      const Exchange result = run(client, server, [&](int message_number, std::string& message) {
        if (message_number != number || at >= message.size()) return;
        message[at] = static_cast<char>(message[at] ^ 1);
        changed = true;
      });
      if (!changed) break;
      EXPECT_FALSE(result.client_done) << "message " << number << " byte " << at;
    }
  }
}

TEST(Scram, every_truncation_on_the_way_is_found_out) {
  for (const int number : {1, 2, 3, 4}) {
    for (std::size_t size = 0;; ++size) {
      bool cut = false;
      ScramClient client = client_with("pencil");
      ScramServer server = server_with();
      const Exchange result = run(client, server, [&](int message_number, std::string& message) {
        if (message_number != number || size >= message.size()) return;
        message = std::string(message, 0, size);
        cut = true;
      });
      if (!cut) break;
      EXPECT_FALSE(result.client_done) << "message " << number << " cut to " << size;
    }
  }
}

/// "SQLSTATE message" or "SQLSTATE message: detail".
std::string told(const SqlError& error) {
  return error.sqlstate + ' ' + error.message + (error.detail.empty() ? "" : ": " + error.detail);
}
const std::string malformed = "08P01 malformed SCRAM message: ";

struct MessageCase {
  std::string message;
  std::string error;
};

TEST(ScramServer, first_messages_that_are_not_scram_are_refused_in_postgresqls_words) {
  const MessageCase cases[] = {
      {"", malformed + "The message is empty."},
      {bytes("n,,n=,r=a\0c"), malformed + "Message length does not match input length."},
      {"n", malformed + "Comma expected, but found character \"0x00\"."},
      {"nn,,n=,r=abc", malformed + "Comma expected, but found character \"'n'\"."},
      {"n,", malformed + "Unexpected attribute \"0x00\" in client-first-message."},
      {"n,x,n=,r=abc", malformed + "Unexpected attribute \"'x'\" in client-first-message."},
      {"n,,", malformed + "Expected attribute \"n\" but found \"0x00\"."},
      {"n,,n", malformed + "Expected character \"=\" for attribute \"n\"."},
      {"n,,r=abc", malformed + "Expected attribute \"n\" but found \"'r'\"."},
      {"n,,n=u", malformed + "Expected attribute \"r\" but found \"0x00\"."},
      {"n,,n=u,r=a\x7f", "08P01 non-printable characters in SCRAM nonce"},
      {"n,,n=u,r=a b", "08P01 non-printable characters in SCRAM nonce"},
      {"n,,n=u,r=a,", ""},
      {"n,,n=u,r=", ""},
      {"n,,n=u,r=a,,", malformed + "Attribute expected, but found invalid character \"','\"."},
      {"n,,n=u,r=a,x", malformed + "Expected character \"=\" for attribute \"x\"."},
      {"hello", malformed + "Unexpected channel-binding flag \"'h'\"."},
      {",,n=,r=abc", malformed + "Unexpected channel-binding flag \"','\"."},
      {"\x1f,,n=,r=abc", malformed + "Unexpected channel-binding flag \"0x1f\"."},
      {"\xff,,n=,r=abc", malformed + "Unexpected channel-binding flag \"0xff\"."},
      {"n,a=admin,n=,r=abc", "0A000 client uses authorization identity, but it is not supported"},
      {"n,,m=ext,n=,r=abc", "0A000 client requires an unsupported SCRAM extension"},
      {"p=tls-server-end-point,,n=,r=abc", malformed + "The client selected SCRAM-SHA-256 without channel binding, but the SCRAM "
                                                       "message includes channel binding data."}};
  for (const MessageCase& test : cases) {
    ScramServer server = server_with();
    std::string reply;
    server.select("SCRAM-SHA-256");
    const bool accepted = test.error.empty();
    EXPECT_EQ(server.on_client_first(test.message, reply), accepted ? ScramStatus::need_more : ScramStatus::failed) << test.message;
    EXPECT_EQ(accepted ? "" : told(server.error()), test.error) << test.message;
    EXPECT_EQ(reply.empty(), !accepted) << test.message;
  }
}

TEST(ScramServer, last_messages_that_are_not_scram_are_refused_in_postgresqls_words) {
  const std::string proof = base64_encode(std::string(32, 'p'));
  const MessageCase cases[] = {
      {"", malformed + "The message is empty."},
      {bytes("c=biws,r=a\0b"), malformed + "Message length does not match input length."},
      {"hello", malformed + "Expected attribute \"c\" but found \"'h'\"."},
      {"c=AAAA,r=abc,p=AAAA", "08P01 unexpected SCRAM channel-binding attribute in client-final-message"},
      {"c=eSws,r=abc,p=AAAA", "08P01 unexpected SCRAM channel-binding attribute in client-final-message"},
      {"c=biws,p=" + proof, malformed + "Expected attribute \"r\" but found \"'p'\"."},
      {"c=biws,r=abc", malformed + "Attribute expected, but found end of string."},
      {"c=biws,r=abc,x=1", malformed + "Attribute expected, but found end of string."},
      {"c=biws,r=abc,1=1", malformed + "Attribute expected, but found invalid character \"'1'\"."},
      {"c=biws,r=abc,p=!!!!", malformed + "Malformed proof in client-final-message."},
      {"c=biws,r=abc,p=AAAA", malformed + "Malformed proof in client-final-message."},
      {"c=biws,r=abcservernonce,p=" + proof + ",x=1", malformed + "Garbage found at the end of client-final-message."},
      {"c=biws,r=other,p=" + proof, "08P01 invalid SCRAM response: Nonce does not match."}};
  for (const MessageCase& test : cases) {
    ScramServer server = server_with();
    std::string reply;
    server.select("SCRAM-SHA-256");
    ASSERT_EQ(server.on_client_first("n,,n=,r=abc", reply), ScramStatus::need_more);
    EXPECT_EQ(server.on_client_final(test.message, reply), ScramStatus::failed) << test.message;
    EXPECT_EQ(told(server.error()), test.error) << test.message;
  }
}

TEST(ScramServer, channel_binding_that_is_not_what_the_mechanism_says_is_refused) {
  const std::string unbound = malformed + "The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not include channel binding data.";
  const std::string unsupported = "08P01 unsupported SCRAM channel-binding type ";
  const MessageCase cases[] = {{"n,,n=,r=abc", unbound},
                               {"y,,n=,r=abc", unbound},
                               {"p=tls-unique,,n=,r=abc", unsupported + "\"tls-unique\""},
                               {"p=,,n=,r=abc", unsupported + "\"\""},
                               {"p=" + std::string(40, '\n') + ",,n=,r=abc", unsupported + '"' + std::string(30, '?') + '"'},
                               {"p", malformed + "Expected character \"=\" for attribute \"p\"."}};
  for (const MessageCase& test : cases) {
    ScramServer server = server_with("certificate hash");
    std::string reply;
    ASSERT_TRUE(server.select("SCRAM-SHA-256-PLUS"));
    EXPECT_EQ(server.on_client_first(test.message, reply), ScramStatus::failed) << test.message;
    EXPECT_EQ(told(server.error()), test.error) << test.message;
  }
}

TEST(ScramServer, takes_only_what_it_offered) {
  EXPECT_FALSE(server_with().select("SCRAM-SHA-256-PLUS"));
  EXPECT_FALSE(server_with().select("SCRAM-SHA-1"));
  EXPECT_FALSE(server_with().select(""));
  EXPECT_EQ(server_with().mechanisms(), text("SCRAM-SHA-256") + bytes("\0"));
  EXPECT_EQ(server_with("hash").mechanisms(), text("SCRAM-SHA-256-PLUS") + text("SCRAM-SHA-256") + bytes("\0"));
}

TEST(ScramServer, reads_past_extensions_of_the_last_message) {
  ScramServer server = rfc_server();
  std::string reply;
  server.select("SCRAM-SHA-256");
  server.on_client_first(rfc_client_first + ",x=later", reply);
  // The proof covers the extension, so it is wrong here: read, and refused for the proof alone.
  const std::string final = "c=biws,r=" + rfc_client_nonce + rfc_server_nonce + ",x=1,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  EXPECT_EQ(server.on_client_final(final, reply), ScramStatus::refused);
}

TEST(ScramClient, refuses_first_messages_of_a_hostile_server) {
  const std::string nonce = "r=clientnonceS";
  const std::string cases[] = {
      "", "r=", "r=clientnonce,s=c2FsdA==,i=4096" /* adds nothing */, "r=other,s=c2FsdA==,i=4096", nonce, nonce + ",s=c2FsdA==",
      nonce + ",s=,i=4096", nonce + ",s=c2Fsd,i=4096", nonce + ",s=c2FsdA==,i=0", nonce + ",s=c2FsdA==,i=-1",
      nonce + ",s=c2FsdA==,i=x", nonce + ",s=c2FsdA==,i=1x", nonce + ",s=c2FsdA==,i=4294967297",
      nonce + ",s=c2FsdA==,i=2147483647" /* would take ten minutes */, "m=ext," + nonce + ",s=c2FsdA==,i=1",
      nonce + ",s=" + base64_encode(std::string(2000, 's')) + ",i=1", nonce + std::string(10000, 'n') + ",s=c2FsdA==,i=1"};
  for (const std::string& message : cases) {
    ScramClient client = client_with("pencil");
    std::string reply;
    client.choose(text("SCRAM-SHA-256") + bytes("\0"));
    client.client_first();
    EXPECT_EQ(client.on_server_first(message, reply), ScramStatus::failed) << message.substr(0, 60);
    EXPECT_EQ(client.error().sqlstate, "08P01") << message.substr(0, 60);
    EXPECT_EQ(reply, "");
  }
}

TEST(ScramClient, cap_on_iterations_is_the_callers) {
  ScramClient::Options options;
  options.max_iterations = 1;
  ScramClient client = client_with("pencil", options);
  ScramServer server = server_with();
  EXPECT_EQ(run(client, server).status, ScramStatus::failed);
}

TEST(ScramClient, reports_a_refusal_inside_scram) {
  ScramClient client = client_with("pencil");
  EXPECT_EQ(client.on_server_final("e=invalid-proof"), ScramStatus::failed);
  EXPECT_EQ(client.error().sqlstate, "28P01");
}

TEST(ScramClient, finds_no_mechanism_in_lists_without_one) {
  for (const std::string& list : {std::string(), bytes("\0"), text("SCRAM-SHA-1") + bytes("\0"), std::string("SCRAM-SHA-256")}) {
    ScramClient client = client_with("pencil");
    EXPECT_EQ(client.choose(list), "");
    EXPECT_EQ(client.error().severity, Severity::fatal);
  }
}

}  // namespace
}  // namespace pgswitch::protocol
