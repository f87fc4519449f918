// The console's language, and who may use which of its commands.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "proxy/admin/commands.hpp"
#include "proxy/admin/show.hpp"

namespace pgswitch::admin {
namespace {

using Texts = std::vector<std::string>;

TEST(console_command, semicolons_separate_statements_but_not_inside_quotes_or_comments) {
  const struct {
    const char* text;
    Texts statements;
  } cases[] = {
      {"", {}},
      {" ;; \n; ", {}},
      {"-- nothing", {}},
      {"/* nothing */ ;", {}},
      {"show pools", {"show pools"}},
      {"show pools;", {"show pools"}},
      {"SHOW a;SHOW b", {"SHOW a", "SHOW b"}},
      {"pause \"a;b\"; resume", {"pause \"a;b\"", " resume"}},
      {"set x = 'a;''b;'; reload", {"set x = 'a;''b;'", " reload"}},
      {"show /* ; */ pools; -- ;\nreload", {"show /* ; */ pools", " -- ;\nreload"}},
      {"pause \"never closed; resume", {"pause \"never closed; resume"}},
      {"show /* never closed; resume", {"show /* never closed; resume"}},
  };
  for (const auto& one : cases) {
    const auto found = split_statements(one.text);
    EXPECT_EQ(Texts(found.begin(), found.end()), one.statements) << one.text;
  }
}

TEST(console_command, words_keep_their_spelling_and_the_verb_is_lower_case) {
  const struct {
    const char* text;
    std::string verb;
    Texts words;
    bool foreign;
  } cases[] = {
      {"SHOW Pools", "show", {"Pools"}, false},
      {"\t pause  App.redshift-1 ", "pause", {"App.redshift-1"}, false},
      {"PAUSE \"My \"\"Base\"\"\"", "pause", {"My \"Base\""}, false},
      {"set a = 'it''s'", "set", {"a", "it's"}, false},
      {"show pools where a = 'b' = c", "show", {"pools", "where", "a", "b", "c"}, true},
      {"= 1", "", {"1"}, true},
      {"show/* c */pools -- d", "show", {"pools"}, false},
      {"select version()", "select", {"version"}, true},
      {"(select 1)", "", {"select", "1"}, true},
      {"pause \"\"", "pause", {""}, false},
      {"\"\" pause", "", {"pause"}, true},
      {"pause \"", "pause", {""}, false},
      {"", "", {}, false},
  };
  for (const auto& one : cases) {
    const Command command = parse_command(one.text);
    EXPECT_EQ(command.verb, one.verb) << one.text;
    EXPECT_EQ(command.words, one.words) << one.text;
    EXPECT_EQ(command.foreign, one.foreign) << one.text;
  }
}

TEST(console_command, one_equals_sign_is_part_of_the_language) {
  EXPECT_EQ(parse_command("set a = b").equals, 1u);
  EXPECT_EQ(parse_command("show pools where user='x'").equals, 3u);
  EXPECT_EQ(parse_command("show pools").equals, 0u);
}

TEST(console_command, a_show_may_be_filtered_by_a_column) {
  Plan plan;
  ASSERT_FALSE(make_plan(parse_command("SHOW POOLS WHERE \"user\" = 'App'"), ConsoleRights::stats, plan));
  EXPECT_EQ(plan.filter->second, "App");
  EXPECT_EQ(plan.show->fields[plan.filter->first].name, "user");
  const auto code_of = [&](const char* text) { return make_plan(parse_command(text), ConsoleRights::stats, plan)->sqlstate; };
  EXPECT_EQ(code_of("SHOW POOLS WHERE nothing = 1"), "42703");
  EXPECT_EQ(code_of("SHOW POOLS WHERE user"), "42601");
  EXPECT_EQ(code_of("SHOW VERSION user = 1"), "42601");
  EXPECT_EQ(code_of("PAUSE WHERE user = 1"), "42601");
}

std::string sqlstate_of(const char* text, ConsoleRights rights) {
  Plan plan;
  const auto refused = make_plan(parse_command(text), rights, plan);
  return refused ? refused->sqlstate : "";
}

TEST(console_command, every_command_that_changes_something_needs_an_admin) {
  for (const char* text : {"RELOAD", "PAUSE", "PAUSE app", "RESUME", "RESUME app", "DISABLE app", "ENABLE app", "RECONNECT",
                           "WAIT_CLOSE", "KILL", "KILL app", "KILL_CLIENT 1", "SHUTDOWN", "SHUTDOWN WAIT_FOR_CLIENTS", "SHUTDOWN WAIT_FOR_TRANSACTIONS",
                           "shutdown wait_for_servers", "\"kill\""}) {
    EXPECT_EQ(sqlstate_of(text, ConsoleRights::stats), "42501") << text;
    EXPECT_EQ(sqlstate_of(text, ConsoleRights::none), "42501") << text;
    EXPECT_EQ(sqlstate_of(text, ConsoleRights::admin), "") << text;
  }
}

TEST(console_command, whatever_runs_and_is_no_show_and_no_set_is_for_admins) {
  for (const Verb& verb : verbs()) {
    if (verb.run && verb.name != "set") {
      EXPECT_EQ(verb.needs, ConsoleRights::admin) << verb.name;
    }
  }
}

TEST(console_command, a_stats_user_may_show_everything) {
  for (const Show& show : shows()) {
    const std::string words = show.least_words > 0 ? " 'select 1'" : "";
    EXPECT_EQ(sqlstate_of(("SHOW " + std::string(show.name) + words).c_str(), ConsoleRights::stats), "") << show.name;
  }
  EXPECT_EQ(sqlstate_of("SHOW pools", ConsoleRights::none), "42501");
}

TEST(console_command, what_no_table_allows_is_a_syntax_error) {
  for (const char* text : {"SHOW", "SHOW nonsense", "SHOW pools clients", "SELECT version()", "SELECT 2", "PAUSE a b", "RELOAD now",
                           "PAUSE = app", "DROP TABLE x", "(select 1)", "SHOW pools, clients", "KILL_CLIENT 1 2", "SHOW ROUTE", "SELECT route",
                           "SHOW ROUTE 'select 1' USER a DATABASE b c"})
    EXPECT_EQ(sqlstate_of(text, ConsoleRights::admin), "42601") << text;
}

TEST(console_command, what_drivers_send_unasked_is_accepted) {
  for (const char* text : {"BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE, READ ONLY", "START TRANSACTION", "COMMIT", "ROLLBACK",
                           "DEALLOCATE ALL", "DISCARD ALL", "SET extra_float_digits = 3", "set application_name to 'a (b)'",
                           "SELECT 1", "SHOW TRANSACTION ISOLATION LEVEL", "select Pools"})
    EXPECT_EQ(sqlstate_of(text, ConsoleRights::stats), "") << text;
}

TEST(console_command, an_unknown_command_is_quoted_and_cut) {
  Plan plan;
  const auto refused = make_plan(parse_command(" FROB x "), ConsoleRights::admin, plan);
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->message, "invalid command 'FROB x', use SHOW HELP;");
  const auto longer = make_plan(parse_command(std::string(10'000, 'x')), ConsoleRights::admin, plan);
  ASSERT_TRUE(longer);
  EXPECT_LT(longer->message.size(), 300u);
}

/// pgbouncer's types in one letter each: what its clients were written for.
std::string letters(std::span<const Field> fields) {
  std::string text;
  for (const Field& field : fields)
    text += field.type == Type::int4 ? 'i' : field.type == Type::int8 ? 'q' : field.type == Type::numeric ? 'N' : 's';
  return text;
}

TEST(console_command, columns_have_the_types_of_pgbouncer_and_ours_follow) {
  const struct {
    const char* name;
    std::string types;
  } cases[] = {
      {"databases", "ssissiiiissiiiiii" "is"},
      {"pools", "ssiiiiiiiiiiiiiss"},
      {"clients", "ssssssisissiiississii" "ss"},
      {"servers", "ssssssisissiiississii" "sss"},
      {"users", "ssssiiii"},
      {"stats", "s" + std::string(24 + 1, 'N')},
      {"stats_totals", "s" + std::string(12, 'N')},
      {"stats_averages", "s" + std::string(12, 'N')},
      {"totals", "sN"},
      {"lists", "si"},
      {"state", "ss"},
      {"config", "ssss"},
      {"dns_hosts", "sqs"},
      {"dns_zones", "sqi"},
      {"version", "s"},
      {"routes", "ssqqqqqqqqsqqqqqqqsq"},
      {"route", "s"},
  };
  for (const auto& one : cases) {
    const auto show = std::find_if(shows().begin(), shows().end(), [&](const Show& each) { return each.name == one.name; });
    ASSERT_NE(show, shows().end()) << one.name;
    EXPECT_EQ(letters(show->fields), one.types) << one.name;
  }
}

}  // namespace
}  // namespace pgswitch::admin
