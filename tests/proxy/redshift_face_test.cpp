#include "proxy/redshift/face.hpp"

#include <gtest/gtest.h>

#include "proxy/config.hpp"
#include "proxy/redshift/upkeep.hpp"
#include "proxy/welcome.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::redshift {
namespace {

std::string value_of(const ParameterList& list, std::string_view name) {
  for (const auto& [key, value] : list)
    if (key == name) return value;
  return "(none)";
}

/// As seen in traces of Redshift's drivers.
ParameterList reported() {
  return {{"application_name", ""}, {"client_encoding", "UTF8"}, {"DateStyle", "ISO, MDY"}, {"integer_datetimes", "on"}, {"is_superuser", "off"},
          {"server_encoding", "UNICODE"}, {"server_version", "8.0.2"}, {"session_authorization", "alice"}, {"TimeZone", "UTC"},
          {"timezone_abbreviations", "Default"}, {"padb_version", "1.0.63269"}, {"padb_revision", "abc"}, {"max_numeric_precision", "38"},
          {"max_varchar_size", "65535"}, {"datashare_enabled", "on"}, {"session_id", "0b7e"}, {"server_protocol_version", "3"},
          {"external_database", "off"}, {"case_sensitive", "on"}};
}

TEST(RedshiftFace, shows_what_clients_of_postgresql_understand) {
  const ParameterList face = face_of(reported(), "");
  for (const char* name : {"session_id", "server_protocol_version", "timezone_abbreviations", "max_varchar_size", "max_numeric_precision", "datashare_enabled",
                           "external_database", "case_sensitive"})
    EXPECT_EQ(value_of(face, name), "(none)") << name;
  EXPECT_EQ(value_of(face, "server_version"), "8.0.2");
  EXPECT_EQ(value_of(face, "padb_revision"), "abc") << "by which asyncpg knows that it is Redshift";
  EXPECT_EQ(value_of(face, "server_encoding"), "UTF8");
  EXPECT_EQ(value_of(face, "client_encoding"), "UTF8");
  EXPECT_EQ(value_of(face, "standard_conforming_strings"), "on") << "what clients quote by";
  EXPECT_EQ(value_of(face, "session_authorization"), "alice");
}

TEST(RedshiftFace, of_another_version_hides_that_it_is_redshift) {
  const ParameterList face = face_of(reported(), "15.0");
  EXPECT_EQ(value_of(face, "server_version"), "15.0");
  EXPECT_EQ(value_of(face, "padb_revision"), "(none)");
  EXPECT_EQ(value_of(face, "padb_version"), "(none)");
}

TEST(RedshiftFace, of_a_server_that_says_little_is_whole) {
  const ParameterList face = face_of({{"server_version", "8.0.2"}}, "");
  for (const char* name : {"client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings", "integer_datetimes", "IntervalStyle"})
    EXPECT_NE(value_of(face, name), "(none)") << name;
}

TEST(RedshiftFace, asks_redshift_of_nothing_that_it_may_not_know) {
  const std::vector<std::pair<std::string, std::string>> settings{{"datestyle", "German"}, {"extra_float_digits", "3"}, {"IntervalStyle", "iso_8601"},
                                                                  {"TimeZone", "Europe/Berlin"}, {"standard_conforming_strings", "off"}, {"search_path", "a"}};
  const auto asked = askable(settings);
  ASSERT_EQ(asked.size(), 2u);
  EXPECT_EQ(asked[0].first, "datestyle");
  EXPECT_EQ(asked[1].first, "TimeZone");
  TrackedValues tracked = tracked_of(reported());
  protocol::SqlError error;
  EXPECT_EQ(settings_query(asked, face_of(reported(), ""), tracked, error), "SET DateStyle TO 'German';SET TimeZone TO 'Europe/Berlin'");
  tracked[static_cast<std::size_t>(Tracked::time_zone)] = "GMT";
  EXPECT_EQ(settings_query({}, face_of(reported(), ""), tracked, error), "SET TimeZone TO 'UTC'") << "of the session before";
  EXPECT_EQ(settings_query({{"timezone", "a'b\\"}}, face_of(reported(), ""), tracked_of(reported()), error), "SET TimeZone TO 'a''b\\\\'") << "no literal can end early";
  EXPECT_EQ(settings_query({{"client_encoding", "utf-8"}}, face_of(reported(), ""), tracked_of(reported()), error), "");
  EXPECT_EQ(settings_query({{"client_encoding", "LATIN1"}}, face_of(reported(), ""), tracked_of(reported()), error), "") << "Redshift has one only";
  EXPECT_FALSE(settings_query({{"client_encoding", "no such"}}, face_of(reported(), ""), tracked_of(reported()), error));
  EXPECT_FALSE(error.message.empty());
  ParameterList face = face_of(reported(), "");
  tell_encoding({{"client_encoding", "windows-1252"}}, face);
  EXPECT_EQ(tracked_of(face)[static_cast<std::size_t>(Tracked::client_encoding)], "WIN1252");
}

TEST(RedshiftFace, is_recognised_by_version) {
  EXPECT_TRUE(is_redshift("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.63269"));
  EXPECT_FALSE(is_redshift("PostgreSQL 15.8 (Debian 15.8-0+deb12u1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit"));
  EXPECT_TRUE(is_own_version("8.0.2"));
  EXPECT_TRUE(is_own_version(""));
  EXPECT_FALSE(is_own_version("15.8 (Debian 15.8-0+deb12u1)"));
}

TEST(RedshiftFace, version_is_asked_for_by_nothing_else) {
  for (const char* text : {"select version()", "SELECT VERSION();", " select\n pg_catalog.version ( ) ; ", "/* ping */ select version() -- x"}) EXPECT_TRUE(asks_version(text)) << text;
  for (const char* text : {"select version", "select version() from t", "select version(), 1", "select pg_catalog.pg_catalog.version()", "select a.version()",
                           "select version(1)", "selectversion()", "show version", "select 'version()'", ""})
    EXPECT_FALSE(asks_version(text)) << text;
  EXPECT_EQ(version_number("15.8 (Debian 15.8-0+deb12u1)"), "150008");
  EXPECT_EQ(version_number("18beta1"), "180000");
  EXPECT_EQ(version_number("9.6.24"), "90624");
}

TEST(RedshiftFace, reported_values_are_spelled_as_postgresql_does) {
  EXPECT_EQ(usual_value(Tracked::client_encoding, "UNICODE"), "UTF8");
  EXPECT_EQ(usual_value(Tracked::client_encoding, "LATIN1"), "LATIN1");
  EXPECT_EQ(usual_value(Tracked::date_style, "iso, mdy"), "ISO, MDY");
  EXPECT_EQ(usual_value(Tracked::date_style, "Postgres, MDY"), "Postgres, MDY");
  EXPECT_EQ(usual_value(Tracked::application_name, "unicode"), "unicode");
}

std::shared_ptr<const Database> database(Config& config, const std::string& name, ServerKind kind) {
  auto made = std::make_shared<Database>();
  made->name = name;
  made->route = rules::intern_route(name);
  made->kind = kind;
  config.databases[name] = made;
  return made;
}

TEST(RedshiftFace, is_that_of_the_only_postgresql_where_rules_lead_there) {
  Config config;
  const auto own = database(config, "face_dw", ServerKind::redshift);
  EXPECT_EQ(config.face_of(*own), nullptr);
  const auto oltp = database(config, "face_oltp", ServerKind::postgres);
  EXPECT_EQ(config.face_of(*own), nullptr) << "nobody gets there";
  config.rules_file = "rules.lua";
  EXPECT_EQ(config.face_of(*own), oltp);
  const auto other = database(config, "face_other", ServerKind::postgres);
  EXPECT_EQ(config.face_of(*own), nullptr) << "which one?";
  config.face_database = "face_other";
  EXPECT_EQ(config.face_of(*own), other);
  config.face_database = "face_dw";
  EXPECT_EQ(config.face_of(*own), nullptr);
}

TEST(RedshiftUpkeep, sends_nothing_that_is_a_syntax_error_there) {
  for (const char* query : {"DISCARD ALL", "discard all;", "RESET ALL; DEALLOCATE ALL", "SELECT pg_advisory_unlock_all(); RESET ALL", "CLOSE ALL;UNLISTEN *;RESET ALL"})
    EXPECT_EQ(reset_query(query), "RESET ALL") << query;
  EXPECT_EQ(reset_query("RESET ALL; SET query_group TO 'pool'"), "RESET ALL; SET query_group TO 'pool'");
  EXPECT_EQ(check_query("<empty>"), "SELECT 1");
  EXPECT_EQ(check_query(""), "SELECT 1");
  EXPECT_EQ(check_query("SELECT 2"), "SELECT 2");
}

TEST(RedshiftUpkeep, knows_what_a_reset_leaves_behind) {
  ServerState state;
  EXPECT_TRUE(can_reset(state, false));
  EXPECT_FALSE(can_reset(state, true));
  state.unknown_settings = true;
  state.settings.set("search_path", std::string("SET search_path TO a"));
  EXPECT_TRUE(can_reset(state, false));
  ServerState with_tables = state;
  with_tables.session_state = true;
  EXPECT_FALSE(can_reset(with_tables, false));
  state.settings.set("session_authorization", std::string("SET SESSION AUTHORIZATION b"));
  EXPECT_FALSE(can_reset(state, false));
}

}  // namespace
}  // namespace pgswitch::redshift
