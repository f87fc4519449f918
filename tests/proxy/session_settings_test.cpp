#include <gtest/gtest.h>

#include "proxy/session/settings.hpp"
#include "rules/analyze.hpp"

namespace pgswitch {
namespace {

constexpr std::size_t time_zone = static_cast<std::size_t>(Tracked::time_zone);

/// A session, the server it is on, and another one.
struct Session {
  Session() : settings(TrackedCopy(tracked), {}) { here.reported = there.reported = TrackedCopy(tracked); }
  void run(std::string_view sql) {
    for (const auto& one : rules::analyze(sql).statements) settings.apply(*one.statement, here);
  }
  std::string replay(const ServerState& server) const {
    std::string statements;
    settings.replay(server, statements);
    return statements;
  }
  TrackedValues tracked{"UTF8", "ISO, MDY", "UTC", "postgres", "on", "app"};
  SessionSettings settings;
  ServerState here, there;
};

TEST(session_settings, replay_is_empty_where_nothing_differs) {
  Session session;
  EXPECT_EQ(session.replay(session.there), "");
  session.run("set search_path to a");
  EXPECT_EQ(session.replay(session.here), "");
  EXPECT_EQ(session.replay(session.there), "set search_path to a");
  session.settings.replayed(session.there);
  EXPECT_EQ(session.replay(session.there), "");
}

TEST(session_settings, session_user_and_role_come_first_and_in_this_order) {
  Session session;
  session.run("set a.b to 'x'; set search_path to a; set role r; set session authorization u; set role r2");
  EXPECT_EQ(session.replay(session.there), "set session authorization u;set role r2;set a.b to 'x';set search_path to a");
}

TEST(session_settings, what_another_session_left_is_reset) {
  Session session;
  session.there.settings = {{"my.setting", "SET my.setting TO 1"}, {"work_mem", "SET work_mem TO 1"}};
  EXPECT_EQ(session.replay(session.there), "RESET \"my\".\"setting\";RESET \"work_mem\"");
}

TEST(session_settings, tracked_values_are_quoted_whatever_they_hold) {
  Session session;
  EXPECT_TRUE(session.settings.on_parameter_status(session.here, "TimeZone", "it's", false));
  EXPECT_EQ(session.replay(session.there), "SET TimeZone='it''s'");
  EXPECT_TRUE(session.settings.on_parameter_status(session.here, "timezone", "a\\'b", false));
  EXPECT_EQ(session.replay(session.there), "SET TimeZone= E'a\\\\''b'");
}

TEST(session_settings, the_encoding_is_replayed_by_itself) {
  constexpr auto client_encoding = static_cast<std::size_t>(Tracked::client_encoding);
  Session session;
  session.run("set my.x to 'x'");
  std::string statements;
  EXPECT_FALSE(session.settings.replay_encoding(session.there, statements));
  session.there.reported.set(client_encoding, "LATIN1");
  EXPECT_TRUE(session.settings.replay_encoding(session.there, statements));
  EXPECT_EQ(statements, "SET client_encoding='UTF8'");
  EXPECT_EQ(session.replay(session.there), "set my.x to 'x'");
}

TEST(session_settings, are_one_list_with_those_of_the_server_and_of_savepoints) {
  Session session;
  session.run("set my.x to 'x'");
  session.settings.replayed(session.there);
  EXPECT_TRUE(session.there.settings.shares(session.here.settings));
  const Settings before = session.here.settings;
  session.settings.savepoint("s", session.here);
  session.run("set my.y to 'y'");
  session.settings.rollback_to("s", session.here);
  EXPECT_TRUE(session.here.settings.shares(before));
}

TEST(session_settings, a_transaction_that_is_lost_takes_reported_ones_back_and_tells) {
  Session session;
  session.settings.on_parameter_status(session.here, "TimeZone", "CET", false);
  session.settings.commit();
  session.settings.end_cycle();
  session.settings.on_parameter_status(session.here, "TimeZone", "Asia/Tokyo", false);
  session.settings.rollback_lost();
  EXPECT_EQ(session.replay(session.there), "SET TimeZone='CET'");
  std::string told;
  session.settings.tell_wanted(told);
  EXPECT_EQ(told, std::string("S\0\0\0\x11TimeZone\0CET\0", 18));
  session.settings.tell_wanted(told);
  EXPECT_EQ(told.size(), 18u);
}

TEST(session_settings, an_empty_application_name_is_a_value_like_any_other) {
  constexpr auto application_name = static_cast<std::size_t>(Tracked::application_name);
  Session session;
  session.there.reported.set(application_name, "");
  EXPECT_EQ(session.replay(session.there), "SET application_name='app'");
  EXPECT_TRUE(session.settings.on_parameter_status(session.here, "application_name", "", false));
  session.there.reported.set(application_name, "of another client");
  EXPECT_EQ(session.replay(session.there), "SET application_name=''");
}

TEST(session_settings, what_a_server_never_reported_is_left_alone) {
  Session session;
  session.there.reported.set(time_zone, "");
  EXPECT_EQ(session.replay(session.there), "");
}

TEST(session_settings, a_value_of_ours_is_told_only_when_it_is_news) {
  Session session;
  EXPECT_FALSE(session.settings.on_parameter_status(session.there, "TimeZone", "UTC", true));
  EXPECT_TRUE(session.settings.on_parameter_status(session.there, "TimeZone", "CET", true));
  EXPECT_EQ(session.there.reported[time_zone], "CET");
  EXPECT_EQ(session.replay(session.there), "SET TimeZone='UTC'");
  EXPECT_FALSE(session.settings.on_parameter_status(session.there, "server_version", "15", true));
  EXPECT_TRUE(session.settings.on_parameter_status(session.there, "server_version", "15", false));
}

TEST(session_settings, rollback_restores_session_and_server) {
  Session session;
  session.run("set search_path to a");
  session.settings.commit();
  session.run("set search_path to b; set work_mem to 1");
  session.settings.rollback(session.here);
  EXPECT_EQ(session.replay(session.here), "");
  EXPECT_EQ(session.replay(session.there), "set search_path to a");
}

TEST(session_settings, savepoints_nest_and_the_newest_of_a_name_counts) {
  Session session;
  session.run("set search_path to a");
  session.settings.savepoint("s", session.here);
  session.run("set search_path to b");
  session.settings.savepoint("s", session.here);
  session.run("set search_path to c");
  session.settings.rollback_to("s", session.here);
  EXPECT_EQ(session.replay(session.there), "set search_path to b");
  session.settings.release_savepoint("s");
  session.settings.rollback_to("s", session.here);
  EXPECT_EQ(session.replay(session.there), "set search_path to a");
  session.settings.rollback(session.here);
  EXPECT_EQ(session.replay(session.there), "");
}

TEST(session_settings, reset_all_spares_the_role_and_discard_all_does_not) {
  Session session;
  session.run("set role r; set search_path to a; reset all");
  EXPECT_EQ(session.replay(session.there), "set role r");
  session.run("discard all");
  EXPECT_EQ(session.replay(session.there), "");
}

TEST(session_settings, reset_of_a_tracked_setting_returns_to_its_start_value) {
  Session session;
  session.settings.on_parameter_status(session.here, "TimeZone", "CET", false);
  session.run("reset timezone");
  session.settings.on_parameter_status(session.here, "TimeZone", "UTC", false);
  EXPECT_EQ(session.replay(session.there), "");
}

}  // namespace
}  // namespace pgswitch
