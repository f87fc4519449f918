#include <cstdlib>
#include <ctime>

#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using RuleTables = test::EngineTest;
using Verb = Decision::Verb;

// ---- conditions

struct Case {
  const char* when;  ///< condition
  const char* sql;
  bool matches;
};

/// The facts are alice, shop, psql, 127.0.0.1.
constexpr Case cases[] = {
    {"user = 'alice'", "select 1", true},
    {"user = 'Alice'", "select 1", false},
    {"user = 'al*'", "select 1", true},
    {"user = { 'bob', '*ice' }", "select 1", true},
    {"user = { 'bob', 'eve' }", "select 1", false},
    {"not_user = 'alice'", "select 1", false},
    {"not_user = { 'bob', 'eve' }", "select 1", true},
    {"database = 'shop'", "select 1", true},
    {"database = 'sho'", "select 1", false},
    {"application_name = 'psql*'", "select 1", true},
    {"application_name = ''", "select 1", false},
    {"client_address = '127.0.0.0/8'", "select 1", true},
    {"client_address = '127.0.0.1'", "select 1", true},
    {"client_address = { '10.0.0.0/8', '::1' }", "select 1", false},
    {"client_address = 'unix'", "select 1", false},
    {"not_client_address = { 'unix', '10.0.0.0/8' }", "select 1", true},
    {"tables = 'sales'", "select * from analytics.sales", true},
    {"tables = { 'orders', 'analytics.*' }", "select * from analytics.sales", true},
    {"tables = 'public.sales'", "select * from sales", true},
    {"tables = 'private.sales'", "select * from sales", false},
    {"tables = 'sales'", "insert into sales values (1)", true},
    {"tables = 'sales'", "select top 5 * from sales", true},
    {"not_tables = 'sales'", "select * from sales, orders", false},
    {"not_tables = 'sales'", "select * from orders", true},
    {"reads = 'sales'", "insert into sales select * from orders", false},
    {"reads = 'orders'", "insert into sales select * from orders", true},
    {"writes = 'sales'", "insert into sales select * from orders", true},
    {"writes = 'orders'", "insert into sales select * from orders", false},
    {"not_writes = '*'", "select * from orders", true},
    {"kind = 'select'", "select 1", true},
    {"kind = { 'copy_out', 'insert' }", "select 1", false},
    {"kind = { 'copy_out', 'insert' }", "copy sales to stdout", true},
    {"not_kind = 'select'", "select 1", false},
    {"command = 'CREATE TABLE'", "create table t (a int)", true},
    {"command = 'CREATE *'", "create index on t (a)", true},
    {"command = 'DROP *'", "create index on t (a)", false},
    {"functions = 'pg_sleep'", "select pg_catalog.pg_sleep(1)", true},
    {"functions = 'pg_catalog.pg_sleep'", "select pg_sleep(1)", false},
    {"functions = { 'lower', 'pg_sl*' }", "select pg_sleep(1)", true},
    {"not_functions = 'pg_sleep'", "select pg_sleep(1)", false},
    {"matches = '^select'", "select 1", true},
    {"matches = '^select'", "SELECT 1", false},
    {"matches = '(?i)^select'", "SELECT 1", true},
    {"matches = 'from.*secret'", "select * from\nsecret", true},
    {"matches = { 'x', '42' }", "select 42", true},
    {"not_matches = '42'", "select 42", false},
    {"matches = 'a.b'", "select 'a\xff""b'", true},
    {"matches = 'a\xc3\xa4?b'", "select 'ab'", true},
    {"read_only = true", "select 1", true},
    {"read_only = false", "select 1", false},
    {"read_only = false", "delete from t", true},
    {"aggregate = true", "select sum(x) from t", true},
    {"window = true", "select rank() over (order by x) from t", true},
    {"group_by = true", "select x from t group by x", true},
    {"distinct = true", "select distinct x from t", true},
    {"limit = false", "select x from t", true},
    {"limit = true", "select x from t limit 1", true},
    {"joins = true", "select * from a join b using (x)", true},
    {"joins = true", "select * from a", false},
    {"subquery = true", "select * from (select 1) s", true},
    {"for_update = true", "select * from t for update", true},
    {"returning = true", "delete from t returning x", true},
    {"parsed = false", "select top 5 * from t", true},
    {"parsed = true", "select top 5 * from t", false},
    {"in_transaction = false", "select 1", true},
    {"in_transaction = true", "select 1", false},
    {"tables = 'sales', user = 'alice', kind = 'select'", "select * from sales", true},
    {"tables = 'sales', user = 'bob', kind = 'select'", "select * from sales", false},
    {"where = function(stmt, session) return stmt.joins == 1 and session.user == 'alice' end", "select * from a, b", true},
    {"where = function(stmt) return stmt.joins == 2 end", "select * from a, b", false},
    {"where = function(stmt) end", "select 1", false},
    {"kind = 'insert', where = function(stmt) error('not asked') end", "select 1", false},
    {"hour = { 0, 24 }", "select 1", true},
    {"not_hour = { 0, 24 }", "select 1", false},
    {"", "select 1", true},
};

TEST_F(RuleTables, match_when_all_conditions_hold) {
  for (const Case& row : cases) {
    ASSERT_TRUE(load("rules { { when = { " + std::string(row.when) + " }, route = 'analytics' } }")) << row.when << ": " << error_;
    EXPECT_EQ(route(row.sql), row.matches ? "analytics" : "") << row.when << " of " << row.sql;
    EXPECT_TRUE(logged_.empty()) << row.when << ": " << logged_.front();
  }
}

TEST_F(RuleTables, know_clients_of_unix_sockets_and_of_ipv6) {
  ASSERT_TRUE(load("rules { { when = { client_address = 'unix' }, route = 'dev.1' },\n"
                   "        { when = { client_address = 'fd00::/8' }, route = 'dev.2' } }")) << error_;
  facts_.client_address = "unix";
  facts_.identity = next_identity();
  EXPECT_EQ(route("select 1"), "dev.1");
  facts_.client_address = "fd12::1";
  facts_.identity = next_identity();
  EXPECT_EQ(route("select 1"), "dev.2");
  facts_.client_address = "fe80::1";
  facts_.identity = next_identity();
  EXPECT_EQ(route("select 1"), "");
}

TEST_F(RuleTables, know_a_statement_by_its_fingerprint) {
  ASSERT_TRUE(load("function route(stmt) log(stmt.fingerprint) end"));
  decide("select x from t where id = 1");
  ASSERT_EQ(logged_.size(), 1u);
  const std::string fingerprint = logged_[0];
  ASSERT_TRUE(load("rules { { when = { fingerprint = '" + fingerprint + "' }, route = 'dev.1' } }")) << error_;
  EXPECT_EQ(route("select x from t where id = 2"), "dev.1");
  EXPECT_EQ(route("select y from t where id = 2"), "");
}

/// The process is in this time zone.
struct Zone {
  explicit Zone(const char* name) {
    ::setenv("TZ", name, 1);
    ::tzset();
  }
  ~Zone() {
    ::unsetenv("TZ");
    ::tzset();
  }
};

TEST_F(RuleTables, ask_for_the_hour_in_local_time_each_time) {
  const Zone zone("EST5");
  std::int64_t hour = 0;  // of UTC
  options_.unix_us = [&hour] { return hour * 3'600'000'000; };
  ASSERT_TRUE(load("rules { { when = { hour = { 22, 6 } }, route = 'dev.1' }, { when = { hour = { 9, 17 } }, route = 'dev.2' } }")) << error_;
  for (const auto& [utc, expected] : {std::pair{2, ""}, {3, "dev.1"}, {5, "dev.1"}, {10, "dev.1"}, {11, ""}, {13, ""}, {14, "dev.2"}, {21, "dev.2"}, {22, ""}}) {
    hour = utc;
    EXPECT_EQ(route("select 1"), expected) << utc;
  }
  EXPECT_TRUE(has(decision("select 1").depends_on, Dependency::volatile_));
}

// ---- the order

TEST_F(RuleTables, the_first_that_matches_decides_and_the_hooks_when_none_does) {
  ASSERT_TRUE(load("rules {\n"
                   "  { name = 'first', when = { tables = 'a' }, route = 'dev.1' },\n"
                   "  { name = 'second', when = { tables = { 'a', 'b' } }, route = 'dev.2' },\n"
                   "}\n"
                   "function route(stmt) return 'analytics' end\n"
                   "rules { { name = 'third', when = { tables = 'c' }, pass = true } }\n")) << error_;
  EXPECT_EQ(route("select * from a"), "dev.1");
  EXPECT_EQ(decision("select * from a").rule, "rules.lua:2 first");
  EXPECT_EQ(route("select * from b"), "dev.2");
  EXPECT_EQ(decision("select * from b").rule, "rules.lua:3 second");
  EXPECT_EQ(route("select * from d"), "analytics");
  EXPECT_EQ(decision("select * from d").rule, "rules.lua:5 route");
  EXPECT_EQ(route("select * from c"), "");
  EXPECT_EQ(decision("select * from c").rule, "rules.lua:6 third");
}

TEST_F(RuleTables, rules_of_modules_stand_where_they_are_required_and_have_their_lines) {
  folder_.write("more/bi.lua", "rules {\n  { name = 'in a module', when = { tables = 'b' }, route = 'dev.2' } }");
  ASSERT_TRUE(load("rules { { name = 'one', when = { tables = 'a' }, route = 'dev.1' } }\nrequire 'more.bi'\n"
                   "rules { { name = 'last', route = 'analytics' } }")) << error_;
  EXPECT_EQ(decision("select * from a, b").rule, "rules.lua:1 one");
  EXPECT_EQ(decision("select * from b").rule, "more/bi.lua:2 in a module");
  EXPECT_EQ(decision("select 1").rule, "rules.lua:3 last");
}

TEST_F(RuleTables, rules_without_a_name_are_numbered) {
  ASSERT_TRUE(load("rules { { when = { tables = 'a' }, route = 'dev.1' }, { route = 'dev.2' } }")) << error_;
  EXPECT_EQ(decision("select 1").rule, "rules.lua:1 rule 2");
}

TEST_F(RuleTables, rules_made_by_a_program_have_the_line_of_the_call) {
  ASSERT_TRUE(load("local list = {}\n"
                   "for _, name in ipairs { 'a', 'b' } do\n"
                   "  list[#list + 1] = { name = name, when = { tables = name }, route = 'dev.1' }\n"
                   "end\n"
                   "rules(list)\n")) << error_;
  EXPECT_EQ(decision("select * from b").rule, "rules.lua:5 b");
}

// ---- actions

TEST_F(RuleTables, refuse_answer_and_rewrite) {
  ASSERT_TRUE(load("rules {\n"
                   "  { name = 'words', when = { tables = 'a' }, reject = 'not a' },\n"
                   "  { name = 'table', when = { tables = 'b' }, reject = { message = 'not b', sqlstate = '0A000', detail = 'd', hint = 'h' } },\n"
                   "  { name = 'call', when = { tables = 'c' }, reject = reject { message = 'not c' } },\n"
                   "  { name = 'answer', when = { tables = 'd' }, answer = { columns = { 'x' }, rows = { { 1 }, { 2 } } } },\n"
                   "  { name = 'text', when = { tables = 'e' }, rewrite = 'select * from f;' },\n"
                   "  { name = 'function', when = { tables = 'g' }, route = 'dev.1',\n"
                   "    rewrite = function(stmt, session) return (stmt.text:gsub('g', session.user)) end },\n"
                   "  { name = 'left alone', when = { tables = 'h' }, route = 'dev.2', rewrite = function() end },\n"
                   "  { name = 'refused', when = { tables = 'i' }, route = 'dev.2', rewrite = function() return reject 'not i' end },\n"
                   "}\n"
                   "function rewrite(stmt) error('not asked') end\n")) << error_;
  EXPECT_EQ(decision("select * from a").refusal.message, "not a");
  EXPECT_EQ(decision("select * from a").refusal.sqlstate, "42501");
  const Refusal refusal = decision("select * from b").refusal;
  EXPECT_EQ(refusal.message + refusal.sqlstate + refusal.detail + refusal.hint, "not b0A000dh");
  EXPECT_EQ(decision("select * from c").refusal.message, "not c");
  EXPECT_EQ(decision("select * from c").rule, "rules.lua:4 call");
  EXPECT_EQ(decision("select * from d").verb, Verb::answer);
  EXPECT_EQ(decision("select * from d").answer.rows.size(), 2u);
  EXPECT_EQ(decision("select * from e").rewritten, "select * from f");
  EXPECT_EQ(decide("select * from e").items[0].statement->reads, (std::vector<TableName>{{"", "f"}}));
  EXPECT_EQ(decision("select * from g").rewritten, "select * from alice");
  EXPECT_EQ(decision("select * from g").rule, "rules.lua:7 function");
  EXPECT_EQ(route("select * from g"), "dev.1");
  EXPECT_EQ(decision("select * from h").rewritten, std::nullopt);
  EXPECT_EQ(route("select * from h"), "dev.2");
  EXPECT_EQ(decision("select * from h").rule, "rules.lua:9 left alone");
  EXPECT_EQ(decision("select * from i").refusal.message, "not i");
  EXPECT_EQ(route("select * from i"), "");
  EXPECT_TRUE(logged_.empty());
}

// The words that a rule puts in place of a statement are its own even where the client's are the same.
TEST_F(RuleTables, a_text_that_stands_for_a_shape_replaces_every_text_of_it) {
  ASSERT_TRUE(load("rules { { when = { tables = 't' }, rewrite = 'select 1 from t' } }")) << error_;
  EXPECT_EQ(decision("select 1 from t").rewritten, "select 1 from t");
  EXPECT_EQ(decision("select 2 from t").rewritten, "select 1 from t");
}

TEST_F(RuleTables, count_what_they_do) {
  ASSERT_TRUE(load("rules {\n"
                   "  { name = 'a', when = { tables = 'a' }, route = 'dev.1' },\n"
                   "  { name = 'b', when = { tables = 'b' }, reject = 'no' },\n"
                   "  { name = 'c', when = { tables = 'c' }, answer = { columns = { 'x' }, rows = {} } },\n"
                   "  { name = 'd', when = { tables = 'd' }, rewrite = 'select 1' },\n"
                   "  { name = 'e', when = { tables = 'e' }, rewrite = function() error('x') end },\n"
                   "}\n"
                   "function route() end\n")) << error_;
  for (int i = 0; i < 3; ++i) {
    for (const char* table : {"a", "b", "c", "d", "e", "f"}) decide("select * from " + std::string(table));
  }
  const auto& stats = engine_->rule_stats();
  ASSERT_EQ(stats.size(), 7u);
  std::string all;
  for (const RuleStats& rule : stats) {
    all += rule.rule;
    for (const std::uint64_t number : {rule.hits, rule.refusals, rule.rewrites, rule.answers, rule.errors}) all += " " + std::to_string(number);
    all += "\n";
  }
  EXPECT_EQ(all,
            "default 3 0 0 0 0\n"
            "rules.lua:2 a 3 0 0 0 0\n"
            "rules.lua:3 b 3 3 0 0 0\n"
            "rules.lua:4 c 3 0 0 3 0\n"
            "rules.lua:5 d 3 0 3 0 0\n"
            "rules.lua:6 e 3 3 0 0 3\n"
            "rules.lua route 0 0 0 0 0\n");
}

// ---- what a rule does wrong

struct Failing {
  const char* rules;
  const char* says;
};

constexpr Failing failing[] = {
    {"rules {\n { name = 'bad', rewrite = function()\n error('boom') end } }", "rules.lua:3: boom (rule bad, statement "},
    {"rules {\n { name = 'bad', when = { where = function() error('boom') end }, route = 'dev.1' } }", "rules.lua:2: boom (rule bad, "},
    {"rules { { name = 'bad', when = { where = function() return 'yes' end }, route = 'dev.1' } }", "where returns true or false, not a string"},
    {"rules { { name = 'bad', when = { where = function() while true do end end }, route = 'dev.1' } }", "budget is used up"},
    {"rules { { name = 'bad', rewrite = function() return 5 end } }", "not a number"},
    {"rules { { name = 'bad', rewrite = function() return 'selec 1' end } }", "the rewritten text does not parse"},
    {"rules { { name = 'bad', rewrite = function() return 'select 1; select 2' end } }", "has 2 statements"},
    {"rules { { name = 'bad', rewrite = function() return ('x'):rep(1e8) end } }", "memory"},
    {"rules { { name = 'bad', when = { parsed = false }, rewrite = 'selec 1' }, { name = 'next', rewrite = function() rules {} end } }", "only while the rules file is loaded"},
};

TEST_F(RuleTables, a_failing_rule_is_refused_counted_and_logged_or_passed_by_policy) {
  for (const Failing& row : failing) {
    logged_.clear();
    options_.on_error = OnError::reject;
    ASSERT_TRUE(load(row.rules)) << error_;
    const Decision refused = decision("select 1");
    EXPECT_EQ(refused.verb, Verb::reject) << row.rules;
    EXPECT_EQ(refused.refusal.sqlstate, "XX000");
    EXPECT_NE(refused.refusal.detail.find(row.says), std::string::npos) << refused.refusal.detail;
    EXPECT_EQ(refused.rule, engine_->rule_stats()[refused.rule_index].rule);
    EXPECT_EQ(engine_->rule_stats()[refused.rule_index].errors, 1u);
    ASSERT_EQ(logged_.size(), 1u);
    EXPECT_EQ(logged_[0], "rule failed: " + refused.refusal.detail);
    options_.on_error = OnError::use_default;
    ASSERT_TRUE(load(row.rules)) << error_;
    EXPECT_EQ(decision("select 1").verb, Verb::route) << row.rules;
    EXPECT_EQ(decision("select 1").rule, "default");
    EXPECT_EQ(route("select 1"), "");
  }
}

TEST_F(RuleTables, a_text_too_long_for_a_regular_expression_fails_by_policy) {
  options_.lua_instructions = 1000;
  ASSERT_TRUE(load("rules { { name = 'long', when = { kind = 'select', matches = 'x$' }, reject = 'no' } }")) << error_;
  EXPECT_EQ(decision("select 1").verb, Verb::route);
  const std::string long_text = "select '" + std::string(20'000, 'y') + "'";
  EXPECT_EQ(decision(long_text).refusal.sqlstate, "XX000");
  EXPECT_NE(decision(long_text).refusal.detail.find("rules.lua:1: the text is too long"), std::string::npos);
  EXPECT_EQ(decision("insert into t values ('" + std::string(20'000, 'y') + "')").verb, Verb::route);
}

TEST_F(RuleTables, the_table_works_on_after_a_function_used_up_the_memory) {
  ASSERT_TRUE(load("rules {\n"
                   "  { name = 'bomb', when = { tables = 'bomb' }, rewrite = function() return ('x'):rep(1e8) end },\n"
                   "  { name = 'next', when = { where = function(s) return s:touches('sales') end }, route = 'analytics' } }")) << error_;
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(decision("select * from bomb").verb, Verb::reject);
    EXPECT_EQ(route("select * from sales where n = " + std::to_string(i)), "analytics");
  }
}

TEST_F(RuleTables, a_table_that_is_another_one_when_it_is_loaded_again_is_not_used) {
  ASSERT_TRUE(load("rules { { name = 'rule at ' .. now(), when = { tables = 'bomb' }, rewrite = function() return ('x'):rep(1e8) end },\n"
                   "  { name = 'next', when = { where = function(s) return true end }, route = 'analytics' } }")) << error_;
  decide("select * from bomb");
  now_us_ += 1'000'000;
  EXPECT_NE(decision("select 1").refusal.detail.find("rules{} was given other rules"), std::string::npos) << decision("select 1").refusal.detail;
}

}  // namespace
}  // namespace pgswitch::rules
