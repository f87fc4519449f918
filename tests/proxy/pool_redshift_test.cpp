#include <gtest/gtest.h>

#include "tests/proxy/pool_fixture.hpp"

namespace pgswitch::pool_test {
namespace {

constexpr std::string_view redshift_version =
    "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.63269";

std::string one_value(std::string_view value) {
  std::string out;
  const std::vector<std::optional<std::string>> row{std::string(value)};
  protocol::write_data_row(out, row);
  return out + complete("SELECT");
}

/// A server that reports what Redshift does, and says of itself what `version` is.
std::string greeting_of_redshift() {
  std::string greeting;
  protocol::write_authentication(greeting, 0);
  greeting += parameter("server_version", "8.0.2") + parameter("datestyle", "iso, mdy") + parameter("client_encoding", "UNICODE") +
              parameter("session_id", "1") + parameter("padb_revision", "abc");
  protocol::write_backend_key_data(greeting, 77, "abcd");
  return greeting + ready();
}

std::string value_of(const ParameterList& list, std::string_view name) {
  for (const auto& [key, value] : list)
    if (key == name) return value;
  return "(none)";
}

class RedshiftPoolTest : public PoolTest {
 protected:
  RedshiftPoolTest() {
    server.greeting = greeting_of_redshift();
    server.reply = [this](const std::string& frame) {
      if (frame == "Q SELECT version()") return one_value(version);
      return frame[0] == 'Q' ? complete("OK") : std::string();
    };
    settings.database.kind = ServerKind::redshift;
  }
  std::string version{redshift_version};
};

TEST_F(RedshiftPoolTest, kind_auto_asks_each_connection_what_it_is) {
  settings.database.kind = ServerKind::automatic;
  PoolShard& shard = make();
  EXPECT_EQ(limits.kind_of(shard.database()), ServerKind::automatic);
  const Lease first = lease(shard);
  EXPECT_EQ(first->state.kind, ServerKind::redshift);
  EXPECT_EQ(limits.kind_of(shard.database()), ServerKind::redshift);
  EXPECT_EQ(server.backend(0).seen, std::vector<std::string>{"Q SELECT version()"});
  version = "PostgreSQL 15.8 on x86_64-pc-linux-gnu";
  const Lease second = lease(shard);
  EXPECT_EQ(second->state.kind, ServerKind::postgres) << "another host of the same line";
  EXPECT_EQ(limits.kind_of(shard.database()), ServerKind::postgres);
}

TEST_F(RedshiftPoolTest, a_configured_kind_is_not_asked_for) {
  const Lease held = lease(make());
  EXPECT_EQ(held->state.kind, ServerKind::redshift);
  EXPECT_TRUE(server.backend(0).seen.empty());
  settings = Settings(server.port());
  const Lease other = lease(make());
  EXPECT_EQ(other->state.kind, ServerKind::postgres);
  EXPECT_TRUE(server.backend(1).seen.empty());
}

TEST_F(RedshiftPoolTest, utf8_is_asked_for_of_redshift) {
  const Lease held = lease(make());
  EXPECT_NE(server.backend(0).startup.find(std::string("client_encoding\0UTF8\0", 21)), std::string::npos);
  settings = Settings(server.port());
  const Lease other = lease(make());
  EXPECT_EQ(server.backend(1).startup.find("client_encoding"), std::string::npos) << "a PostgreSQL has a default of its own";
}

TEST_F(RedshiftPoolTest, what_it_reports_is_read_as_postgresql_would_say_it) {
  PoolShard& shard = make();
  const Lease held = lease(shard);
  EXPECT_EQ(held->state.reported[static_cast<std::size_t>(Tracked::client_encoding)], "UTF8");
  EXPECT_EQ(held->state.reported[static_cast<std::size_t>(Tracked::date_style)], "ISO, MDY");
  const ParametersPtr face = shard.parameters();
  EXPECT_EQ(value_of(*face, "DateStyle"), "ISO, MDY");
  EXPECT_EQ(value_of(*face, "datestyle"), "(none)");
  EXPECT_EQ(value_of(*face, "session_id"), "(none)");
  EXPECT_EQ(value_of(*face, "server_version"), "8.0.2");
}

TEST_F(RedshiftPoolTest, the_version_that_is_shown_can_be_configured) {
  settings.config.redshift_server_version = "15.0";
  PoolShard& shard = make();
  const Lease held = lease(shard);
  EXPECT_EQ(value_of(*shard.parameters(), "server_version"), "15.0");
  EXPECT_EQ(value_of(*shard.parameters(), "padb_revision"), "(none)");
}

TEST_F(RedshiftPoolTest, is_reset_by_what_it_has) {
  settings.config.pool_mode = PoolMode::session;
  settings.config.server_reset_query = "DISCARD ALL";
  PoolShard& shard = make();
  Lease held = lease(shard);
  held->state.settings.set("query_group", std::string("SET query_group TO 'a'"));
  held.give_back(Leftover());
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().idle == 1; }));
  EXPECT_EQ(server.backend(0).seen, std::vector<std::string>{"Q RESET ALL"});
  EXPECT_TRUE(lease(shard)->state.settings.empty());
}

TEST_F(RedshiftPoolTest, is_rolled_back_before_that) {
  settings.config.server_reset_query = "DISCARD ALL";
  PoolShard& shard = make();
  Lease held = lease(shard);
  held->state.unknown_settings = true;
  Leftover leftover;
  leftover.in_transaction = true;
  held.give_back(leftover);
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().idle == 1; }));
  EXPECT_EQ(server.backend(0).seen, (std::vector<std::string>{"Q ROLLBACK", "Q RESET ALL"}));
}

TEST_F(RedshiftPoolTest, is_closed_when_nothing_would_reset_it) {
  PoolShard& shard = make();
  Lease held = lease(shard);
  held->state.session_state = true;
  held.give_back(Leftover());
  ASSERT_TRUE(loop.run_until([&] { return server.open_backends() == 0; }));
  Lease unknown = lease(shard);
  Leftover leftover;
  leftover.state_unknown = true;
  unknown.give_back(leftover);
  ASSERT_TRUE(loop.run_until([&] { return server.open_backends() == 0; }));
  for (const FakeBackend& backend : server.backends)
    for (const std::string& frame : backend.seen) EXPECT_EQ(frame, "X");
}

TEST_F(RedshiftPoolTest, is_checked_by_a_query_that_every_version_answers) {
  settings.config.server_check_delay = 1;
  PoolShard& shard = make();
  lease(shard).give_back(Leftover());
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().idle + shard.counts().used == 1; }));
  loop.skew_us += one_second;
  lease(shard).give_back(Leftover());
  EXPECT_EQ(server.backend(0).seen, std::vector<std::string>{"Q SELECT 1"});
}

}  // namespace
}  // namespace pgswitch::pool_test
