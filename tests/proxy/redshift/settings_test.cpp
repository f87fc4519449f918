#include <gtest/gtest.h>

#include <array>
#include <string>

#include "proxy/redshift/settings.hpp"
#include "proxy/session/settings.hpp"
#include "rules/analyze.hpp"

namespace pgswitch::redshift {
namespace {

using How = SettingChange::How;

SettingChange on_redshift(std::string_view name, std::string_view value) { return change_for(ServerKind::redshift, name, value); }
SettingChange on_postgres(std::string_view name, std::string_view value) { return change_for(ServerKind::postgres, name, value); }

TEST(redshift_settings, every_line_of_the_table_is_found) {
  constexpr std::array<std::string_view, 10> names{"analyze_threshold_percent", "client_encoding", "enable_case_sensitive_identifier", "intervalstyle",
                                                   "lock_timeout", "pgswitch.route", "query_group", "readonly", "wlm_query_slot_count", "xmloption"};
  for (const std::string_view name : names) EXPECT_NE(find_setting(name), nullptr) << name;
  EXPECT_EQ(find_setting("search_path"), nullptr);
  EXPECT_EQ(find_setting(""), nullptr);
  EXPECT_EQ(find_setting("zz"), nullptr);
}

TEST(redshift_settings, what_both_have_is_sent_as_it_is) {
  for (const char* const name : {"search_path", "datestyle", "timezone", "application_name", "no_such_setting"}) {
    EXPECT_EQ(on_redshift(name, "x").how, How::as_it_is) << name;
    EXPECT_EQ(on_postgres(name, "x").how, How::as_it_is) << name;
  }
}

TEST(redshift_settings, what_one_lacks_is_not_sent_there) {
  EXPECT_EQ(on_redshift("lock_timeout", "5s").how, How::nothing);
  EXPECT_EQ(on_postgres("lock_timeout", "5s").how, How::as_it_is);
  EXPECT_EQ(on_redshift("query_group", "x").how, How::as_it_is);
  EXPECT_EQ(on_postgres("query_group", "x").how, How::nothing);
}

TEST(redshift_settings, a_promise_that_nobody_keeps_is_refused) {
  EXPECT_EQ(on_redshift("row_security", "off").how, How::refused);
  EXPECT_EQ(on_redshift("row_security", "ON").how, How::nothing);
  EXPECT_EQ(on_redshift("row_security", "").how, How::nothing);
  EXPECT_EQ(on_redshift("role", "boss").how, How::refused);
  EXPECT_EQ(on_redshift("role", "none").how, How::nothing);
  EXPECT_EQ(on_redshift("intervalstyle", "iso_8601").how, How::refused);
  EXPECT_EQ(on_redshift("bytea_output", "escape").how, How::refused);
  EXPECT_EQ(on_redshift("bytea_output", "escape").error.sqlstate, "0A000");
  EXPECT_EQ(on_postgres("row_security", "off").how, How::as_it_is);
}

TEST(redshift_settings, float_digits_are_two_at_most) {
  EXPECT_EQ(on_redshift("extra_float_digits", "3").text, "SET extra_float_digits TO 2");
  EXPECT_EQ(on_redshift("extra_float_digits", "2").how, How::as_it_is);
  EXPECT_EQ(on_redshift("extra_float_digits", "-15").how, How::as_it_is);
  EXPECT_EQ(on_redshift("extra_float_digits", "").how, How::as_it_is);
  EXPECT_EQ(on_postgres("extra_float_digits", "3").how, How::as_it_is);
}

TEST(redshift_settings, timeouts_are_numbers_of_milliseconds) {
  EXPECT_EQ(on_redshift("statement_timeout", "5000").how, How::as_it_is);
  EXPECT_EQ(on_redshift("statement_timeout", "5s").text, "SET statement_timeout TO 5000");
  EXPECT_EQ(on_redshift("statement_timeout", "1.5 min").text, "SET statement_timeout TO 90000");
  EXPECT_EQ(on_redshift("statement_timeout", "1us").text, "SET statement_timeout TO 1");
  EXPECT_EQ(on_redshift("statement_timeout", "5 lightyears").how, How::as_it_is);
}

TEST(redshift_settings, encoding_is_utf8) {
  for (const char* const name : {"UTF8", "utf-8", "UNICODE", "SQL_ASCII"}) EXPECT_EQ(on_redshift("client_encoding", name).how, How::nothing) << name;
  EXPECT_EQ(on_redshift("client_encoding", "LATIN1").how, How::nothing) << "the session's own";
  EXPECT_EQ(on_redshift("client_encoding", "no such").how, How::refused);
  EXPECT_TRUE(encoding_objection("LATIN1"));
  EXPECT_TRUE(encoding_objection("what is that"));
  for (const char* const name : {"", "UTF8", "utf-8", "SQL_ASCII"}) EXPECT_FALSE(encoding_objection(name)) << name;
  EXPECT_EQ(on_postgres("client_encoding", "LATIN1").how, How::as_it_is);
}

TEST(redshift_settings, readonly_of_redshifts_drivers) {
  EXPECT_EQ(on_postgres("readonly", "1").text, "SET default_transaction_read_only TO on");
  EXPECT_EQ(on_postgres("readonly", "0").text, "SET default_transaction_read_only TO off");
  EXPECT_EQ(on_postgres("readonly", "").text, "RESET default_transaction_read_only");
  EXPECT_EQ(on_redshift("readonly", "1").how, How::nothing);
}

TEST(redshift_settings, names_that_show_asks_for) {
  EXPECT_EQ(shown_setting("SHOW Lock_Timeout"), "lock_timeout");
  EXPECT_EQ(shown_setting("show transaction isolation level;"), "transaction_isolation");
  EXPECT_EQ(shown_setting("show /* x */ time zone"), "timezone");
  EXPECT_EQ(shown_setting("show session authorization"), "session_authorization");
  EXPECT_EQ(shown_setting("show pgswitch.route"), "pgswitch.route");
  EXPECT_EQ(shown_setting("show \"query_group\""), "query_group");
  EXPECT_EQ(shown_setting("show tables from schema a.b"), "");
}

/// A session that has been on a PostgreSQL, and what servers are sent of its settings.
struct Session {
  explicit Session(std::string_view sql) : settings(TrackedCopy(tracked), {}) {
    here.reported = TrackedCopy(tracked);
    for (const auto& one : rules::analyze(sql).statements) settings.apply(*one.statement, here);
  }
  std::string replay(ServerKind kind) const {
    ServerState server;
    server.kind = kind;
    server.reported = TrackedCopy(tracked);
    std::string statements;
    settings.replay(server, statements);
    return statements;
  }
  TrackedValues tracked{"UTF8", "ISO, MDY", "UTC", "postgres", "on", "app"};
  SessionSettings settings;
  ServerState here;
};

TEST(redshift_settings, replay_translates_for_each_kind) {
  const Session session("set lock_timeout = 1; set query_group = 'x'; set search_path = a; set extra_float_digits = 3; set readonly = 1");
  EXPECT_EQ(session.replay(ServerKind::postgres), "set extra_float_digits = 3;set lock_timeout = 1;SET default_transaction_read_only TO on;set search_path = a");
  EXPECT_EQ(session.replay(ServerKind::redshift), "SET extra_float_digits TO 2;set query_group = 'x';set search_path = a");
}

TEST(redshift_settings, replay_to_redshift_is_refused_where_it_would_lie) {
  ServerState redshift;
  redshift.kind = ServerKind::redshift;
  EXPECT_FALSE(Session("set lock_timeout = 1").settings.objection(redshift));
  EXPECT_EQ(Session("set row_security = off").settings.objection(redshift)->sqlstate, "0A000");
  EXPECT_EQ(Session("set role r").settings.objection(redshift)->sqlstate, "0A000");
}

TEST(redshift_settings, what_only_redshift_has_tells_no_prepared_statements_apart) {
  EXPECT_EQ(Session("set client_host_name = 'a'; set query_group = 'x'").settings.parsing(), Session("select 1").settings.parsing());
}

}  // namespace
}  // namespace pgswitch::redshift
