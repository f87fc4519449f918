#include "protocol/scram_keys.hpp"

#include <gtest/gtest.h>

#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

const std::string postgresql_secret =
    "SCRAM-SHA-256$4096:Hr08/NPp5SvmFJYnxtQHeg==$m27YofIlF8wkvRpi1PUtlBniyBBQxNVQSw9GWkBfu3k=:"
    "10yc13Ykun7Q6Q7izErWXYOGvseDqtt+OsfEE2pDVzw=";

TEST(ScramKeys, stored_secret_of_postgresql_is_read_and_written_back) {
  const std::optional<ScramKeys> keys = parse_scram_secret(postgresql_secret);
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->iterations, 4096u);
  EXPECT_EQ(keys->salt.size(), 16u);
  EXPECT_FALSE(keys->has_client_key);
  EXPECT_EQ(format_scram_secret(*keys), postgresql_secret);
}

TEST(ScramKeys, derived_keys_are_postgresqls) {
  const std::optional<ScramKeys> stored = parse_scram_secret(postgresql_secret);
  ASSERT_TRUE(stored);
  EXPECT_EQ(format_scram_secret(derive_scram_keys("pencil", stored->salt, stored->iterations)), postgresql_secret);
}

TEST(ScramKeys, every_truncation_of_a_stored_secret_is_refused) {
  for (std::size_t size = 0; size < postgresql_secret.size(); ++size)
    EXPECT_FALSE(parse_scram_secret(std::string(postgresql_secret, 0, size))) << size;
}

TEST(ScramKeys, malformed_secrets_are_refused) {
  const std::string keys = "$m27YofIlF8wkvRpi1PUtlBniyBBQxNVQSw9GWkBfu3k=:10yc13Ykun7Q6Q7izErWXYOGvseDqtt+OsfEE2pDVzw=";
  for (const std::string& bad :
       {"SCRAM-SHA-256$0:c2FsdA==" + keys, "SCRAM-SHA-256$x:c2FsdA==" + keys, "SCRAM-SHA-256$-1:c2FsdA==" + keys,
        "SCRAM-SHA-256$99999999999:c2FsdA==" + keys, "SCRAM-SHA-256$4294967295:c2FsdA==" + keys, "SCRAM-SHA-256$4096:" + keys,
        "SCRAM-SHA-256$4096:!!!!" + keys, "SCRAM-SHA-1$4096:c2FsdA==" + keys, "SCRAM-SHA-256$4096:c2FsdA==" + keys + "x",
        std::string("SCRAM-SHA-256$4096:c2FsdA==$c2hvcnQ=:c2hvcnQ=")})
    EXPECT_FALSE(parse_scram_secret(bad)) << bad;
}

TEST(ScramKeys, mock_salt_is_stable_for_a_user_and_differs_between_users_and_processes) {
  EXPECT_EQ(scram_salt("process", "alice"), scram_salt("process", "alice"));
  EXPECT_NE(scram_salt("process", "alice"), scram_salt("process", "bob"));
  EXPECT_NE(scram_salt("process", "alice"), scram_salt("other", "alice"));
  EXPECT_EQ(scram_salt("process", "alice").size(), 16u);
  EXPECT_EQ(mock_scram_keys("process", "alice").salt, scram_salt("process", "alice"));
}

TEST(ScramKeyCache, derives_once_for_the_same_question) {
  ScramKeyCache cache;
  EXPECT_FALSE(cache.find("u", "p", "salt", 2));
  const ScramKeys first = cache.get_or_derive("u", "p", "salt", 2);
  ASSERT_TRUE(cache.find("u", "p", "salt", 2));
  EXPECT_EQ(cache.find("u", "p", "salt", 2)->stored_key, first.stored_key);
  EXPECT_EQ(cache.get_or_derive("u", "p", "salt", 2).stored_key, derive_scram_keys("p", "salt", 2).stored_key);
  EXPECT_EQ(cache.size(), 1u);
}

TEST(ScramKeyCache, any_other_question_has_another_answer) {
  ScramKeyCache cache;
  cache.get_or_derive("u", "p", "salt", 2);
  EXPECT_FALSE(cache.find("v", "p", "salt", 2));
  EXPECT_FALSE(cache.find("u", "q", "salt", 2));
  EXPECT_FALSE(cache.find("u", "p", "tlas", 2));
  EXPECT_FALSE(cache.find("u", "p", "salt", 3));
  EXPECT_FALSE(cache.find("u" + bytes("\0") + "p", "", "salt", 2));
}

TEST(ScramKeyCache, oldest_entry_makes_room) {
  ScramKeyCache cache(2);
  for (const char* user : {"a", "b", "c"}) cache.get_or_derive(user, "p", "salt", 1);
  EXPECT_EQ(cache.size(), 2u);
  EXPECT_FALSE(cache.find("a", "p", "salt", 1));
  EXPECT_TRUE(cache.find("c", "p", "salt", 1));
  cache.clear();
  EXPECT_EQ(cache.size(), 0u);
}

TEST(ScramKeyCache, capacity_zero_keeps_nothing) {
  ScramKeyCache cache(0);
  EXPECT_EQ(cache.get_or_derive("a", "p", "salt", 1).stored_key, derive_scram_keys("p", "salt", 1).stored_key);
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace pgswitch::protocol
