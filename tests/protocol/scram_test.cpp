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

struct MessageCase {
  const char* message;
  const char* sqlstate;
};

TEST(ScramServer, first_messages_that_are_not_scram_are_refused) {
  const MessageCase cases[] = {
      {"", "08P01"}, {"n", "08P01"}, {"n,", "08P01"}, {"n,,", "08P01"}, {"n,,n=", "08P01"}, {"n,,n=u", "08P01"},
      {"n,,n=u,r=", "08P01"}, {"n,,n=u,r=a\x7f", "08P01"}, {"n,,n=u,r=a b", "08P01"}, {"n,,r=abc", "08P01"},
      {"x,,n=,r=abc", "08P01"}, {"nn,,n=,r=abc", "08P01"}, {",,n=,r=abc", "08P01"}, {"n,x,n=,r=abc", "08P01"},
      {"n,a=admin,n=,r=abc", "0A000"}, {"n,,m=ext,n=,r=abc", "0A000"}, {"p=tls-server-end-point,,n=,r=abc", "08P01"},
      {"p=,,n=,r=abc", "08P01"}};
  for (const MessageCase& test : cases) {
    ScramServer server = server_with();
    std::string reply;
    server.select("SCRAM-SHA-256");
    EXPECT_EQ(server.on_client_first(test.message, reply), ScramStatus::failed) << test.message;
    EXPECT_EQ(server.error().sqlstate, test.sqlstate) << test.message;
    EXPECT_EQ(reply, "") << test.message;
  }
}

TEST(ScramServer, bound_mechanism_takes_no_unbound_message_and_no_other_binding_type) {
  for (const char* message : {"n,,n=,r=abc", "y,,n=,r=abc", "p=tls-unique,,n=,r=abc"}) {
    ScramServer server = server_with("certificate hash");
    std::string reply;
    ASSERT_TRUE(server.select("SCRAM-SHA-256-PLUS"));
    EXPECT_EQ(server.on_client_first(message, reply), ScramStatus::failed) << message;
    EXPECT_EQ(server.error().sqlstate, "08P01") << message;
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
