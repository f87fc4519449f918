#include <algorithm>

#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using EngineHooks = test::EngineTest;
using Verb = Decision::Verb;

// ---- results

TEST_F(EngineHooks, without_a_rules_file_everything_is_default_and_understood) {
  ASSERT_TRUE(load(""));
  const Script& script = decide("select * from sales");
  EXPECT_TRUE(script.plain);
  EXPECT_EQ(script.items[0].decision->rule, "default");
  EXPECT_EQ(script.items[0].decision->route, no_route);
  EXPECT_EQ(script.items[0].statement->reads, (std::vector<TableName>{{"", "sales"}}));
  EXPECT_FALSE(decide("listen x").plain);
  EXPECT_FALSE(decide("begin").plain);
  EXPECT_FALSE(decide("").plain);
  EXPECT_FALSE(decide("select 1; select 2").plain);
}

TEST_F(EngineHooks, a_file_without_hooks_is_told_to_the_log) {
  ASSERT_TRUE(load("function routes() end"));
  ASSERT_EQ(logged_.size(), 1u);
  EXPECT_NE(logged_[0].find("defines none of the hooks"), std::string::npos);
  EXPECT_EQ(route("select 1"), "");
}

TEST_F(EngineHooks, route_names_the_line_that_decided) {
  ASSERT_TRUE(load("function route(stmt)\n  if stmt:touches('sales') then\n    return 'analytics'\n  end\nend"));
  EXPECT_EQ(route("select * from sales"), "analytics");
  EXPECT_EQ(decision("select * from sales").rule, "rules.lua:3 route");
  EXPECT_TRUE(decide("select * from sales").plain);
  EXPECT_EQ(decision("select * from orders").rule, "default");
}

TEST_F(EngineHooks, routing_rules_is_asked_when_route_says_nothing) {
  ASSERT_TRUE(load("function route(s) if s:touches('sales') then return 'analytics' end end\n"
                   "function routing_rules(u, q) return 'dev.1' end"));
  EXPECT_EQ(route("select * from sales"), "analytics");
  EXPECT_EQ(route("select * from orders"), "dev.1");
}

TEST_F(EngineHooks, rewrite_query_is_asked_when_rewrite_says_nothing) {
  ASSERT_TRUE(load("function rewrite(s) if s:touches('sales') then return 'select 1' end end\n"
                   "function rewrite_query(u, q) return 'select 2' end"));
  EXPECT_EQ(decision("select * from sales").rewritten, "select 1");
  EXPECT_EQ(decision("select * from orders").rewritten, "select 2");
}

TEST_F(EngineHooks, a_statement_may_be_routed_and_rewritten) {
  ASSERT_TRUE(load("function route() return 'analytics' end\nfunction rewrite() return 'select now()' end"));
  const Script& script = decide("select 1");
  EXPECT_EQ(route_name(script.items[0].decision->route), "analytics");
  EXPECT_EQ(script.items[0].decision->rewritten, "select now()");
  EXPECT_EQ(script.items[0].decision->rule, "rules.lua:1 route, rules.lua:2 rewrite");
  EXPECT_EQ(script.items[0].statement->functions, std::vector<std::string>{"now"});
}

TEST_F(EngineHooks, the_statement_of_a_rewritten_text_tells_its_effects) {
  ASSERT_TRUE(load("function rewrite() return 'listen jobs' end"));
  EXPECT_TRUE(has(decide("select 1").items[0].statement->effects, Effect::listen));
}

TEST_F(EngineHooks, reject_reaches_the_client_with_all_its_fields) {
  ASSERT_TRUE(load("function route()\n return reject{message = 'no', sqlstate = '0A000', detail = 'd', hint = 'h'} end"));
  const Decision& d = decision("select 1");
  EXPECT_EQ(d.verb, Verb::reject);
  EXPECT_EQ(d.refusal.message, "no");
  EXPECT_EQ(d.refusal.sqlstate, "0A000");
  EXPECT_EQ(d.refusal.detail, "d");
  EXPECT_EQ(d.refusal.hint, "h");
  EXPECT_EQ(d.rule, "rules.lua:2 route");
  EXPECT_EQ(d.route, no_route);
  EXPECT_FALSE(decide("select 1").plain);
}

TEST_F(EngineHooks, reject_with_a_message_alone_is_42501) {
  ASSERT_TRUE(load("function rewrite() return reject 'read only today' end"));
  EXPECT_EQ(decision("select 1").refusal.message, "read only today");
  EXPECT_EQ(decision("select 1").refusal.sqlstate, "42501");
}

TEST_F(EngineHooks, answer_reaches_the_client_with_its_rows) {
  ASSERT_TRUE(load("function route() return answer{columns = {'a', 'b', 'c', 'd'}, rows = {{1, 'x', true}, {2.5, nil, false, 'z'}, {}}} end"));
  const Decision& d = decision("select 1");
  ASSERT_EQ(d.verb, Verb::answer);
  EXPECT_EQ(d.answer.columns, (std::vector<std::string>{"a", "b", "c", "d"}));
  using Row = std::vector<std::optional<std::string>>;
  EXPECT_EQ(d.answer.rows, (std::vector<Row>{{"1", "x", "t", std::nullopt},
                                             {"2.5", std::nullopt, "f", "z"},
                                             {std::nullopt, std::nullopt, std::nullopt, std::nullopt}}));
}

// ---- what a rule does wrong

struct Wrong {
  const char* name;
  const char* rules;
  const char* says;  ///< part of the detail
};

class EngineWrongRules : public test::EngineTest, public testing::WithParamInterface<Wrong> {};

TEST_P(EngineWrongRules, are_refused_counted_and_logged) {
  ASSERT_TRUE(load(GetParam().rules)) << error_;
  const Decision d = decision("select 1");
  EXPECT_EQ(d.verb, Verb::reject);
  EXPECT_EQ(d.refusal.sqlstate, "XX000");
  EXPECT_EQ(d.refusal.message, "rule failed");
  EXPECT_NE(d.refusal.detail.find(GetParam().says), std::string::npos) << d.refusal.detail;
  EXPECT_TRUE(d.refusal.detail.starts_with("rules.lua:")) << d.refusal.detail;
  EXPECT_NE(d.refusal.detail.find(", statement "), std::string::npos);
  EXPECT_FALSE(d.refusal.hint.empty());
  EXPECT_EQ(d.rewritten, std::nullopt);
  ASSERT_EQ(logged_.size(), 1u);
  EXPECT_EQ(logged_[0], "rule failed: " + d.refusal.detail);
  EXPECT_EQ(engine_->rule_stats()[1].errors, 1u);
}

TEST_P(EngineWrongRules, go_to_the_clients_own_database_when_so_configured) {
  options_.on_error = OnError::use_default;
  ASSERT_TRUE(load(GetParam().rules)) << error_;
  const Decision d = decision("select 1");
  EXPECT_EQ(d.verb, Verb::route);
  EXPECT_EQ(d.route, no_route);
  EXPECT_EQ(d.rewritten, std::nullopt);
  EXPECT_EQ(d.rule, "default");
  EXPECT_EQ(engine_->rule_stats()[1].errors, 1u);
  EXPECT_EQ(logged_.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Table, EngineWrongRules,
    testing::Values(
        Wrong{"error", "function route()\n error('boom') end", "rules.lua:2: boom (hook route"},
        Wrong{"error_table", "function route()\n error({}) end", "rules.lua:2: error object is a table value (hook route"},
        Wrong{"nil_index", "function route(s)\n local x = nil\n return x.y end", "rules.lua:3: attempt to index a nil value"},
        Wrong{"unknown_route", "function route()\n return 'nowhere' end", "rules.lua:2: there is no route named \"nowhere\""},
        Wrong{"unknown_route_of_rr", "function routing_rules() return 'x' end", "(hook routing_rules"},
        Wrong{"number", "function route() return 5 end", "not a number"},
        Wrong{"boolean", "function route() return true end", "not a boolean"},
        Wrong{"plain_table", "function route() return {message = 'x'} end", "not a table"},
        Wrong{"stmt", "function route(s) return s end", "not a userdata"},
        Wrong{"zero_byte", "function route() return 'a\\0b' end", "zero byte"},
        Wrong{"unknown_field", "function route(s)\n return s.tabels end", "rules.lua:2: stmt has no field 'tabels'; it has text, kind,"},
        Wrong{"unknown_session_field", "function route(_, s) return s.usr end", "session has no field 'usr'; it has user, database,"},
        Wrong{"assigned_field", "function route(s) s.text = 'x' end", "read-only"},
        Wrong{"method_with_a_dot", "function route(s) return s.touches('sales') end", "stmt:touches"},
        Wrong{"budget", "function route() while true do end end", "instruction budget is used up"},
        Wrong{"memory", "function route() return ('x'):rep(1e8) end", "memory"},
        Wrong{"reject_without_message", "function route()\n return reject{} end", "rules.lua:2: reject{} needs a message"},
        Wrong{"reject_with_a_typo", "function route() return reject{message = 'x', sqlsate = '1'} end", "not 'sqlsate'"},
        Wrong{"reject_with_a_bad_sqlstate", "function route() return reject{message = 'x', sqlstate = '4250'} end", "not an SQLSTATE"},
        Wrong{"reject_with_success", "function route() return reject{message = 'x', sqlstate = '00000'} end", "not an SQLSTATE"},
        Wrong{"reject_with_a_number", "function route() return reject{message = 5} end", "must be a string"},
        Wrong{"reject_spoiled_later", "function route() local r = reject{message = 'x'} r.message = nil return r end", "needs a message"},
        Wrong{"answer_without_columns", "function route() return answer{rows = {}} end", "needs columns"},
        Wrong{"answer_with_no_column", "function route() return answer{columns = {}, rows = {}} end", "at least one column"},
        Wrong{"answer_without_rows", "function route() return answer{columns = {'a'}} end", "needs rows"},
        Wrong{"answer_with_a_wide_row", "function route() return answer{columns = {'a'}, rows = {{1, 2}}} end", "row 1 has more values"},
        Wrong{"answer_with_a_table", "function route() return answer{columns = {'a'}, rows = {{{}}}} end", "row 1, column 1 is a table"},
        Wrong{"answer_with_a_flat_row", "function route() return answer{columns = {'a'}, rows = {1}} end", "row 1 is not a list"},
        Wrong{"answer_that_is_too_large",
              "function route() local s = ('x'):rep(400000) return answer{columns = {'a'}, rows = {{s}, {s}, {s}}} end", "1048576 bytes"},
        Wrong{"rewrite_to_two", "function rewrite()\n return 'select 1; select 2' end", "rules.lua:2: the rewritten text has 2 statements"},
        Wrong{"rewrite_to_nothing", "function rewrite() return ' ; ' end", "is empty"},
        Wrong{"rewrite_that_does_not_parse", "function rewrite() return 'selec 1' end", "does not parse: syntax error"},
        Wrong{"rewrite_query_that_does_not_parse", "function rewrite_query(u, q) return q .. ' from' end", "does not parse"}),
    [](const auto& wrong) { return std::string(wrong.param.name); });

TEST_F(EngineHooks, a_failed_rewrite_takes_the_route_with_it) {
  ASSERT_TRUE(load("function route() return 'analytics' end function rewrite() error('x') end"));
  EXPECT_EQ(decision("select 1").verb, Verb::reject);
  options_.on_error = OnError::use_default;
  ASSERT_TRUE(load("function route() return 'analytics' end function rewrite() error('x') end"));
  EXPECT_EQ(route("select 1"), "");
}

TEST_F(EngineHooks, what_did_not_parse_may_be_rewritten_to_what_does_not_parse) {
  ASSERT_TRUE(load("function rewrite(s) if not s.parsed then return 'select top 5 * from other' end end"));
  EXPECT_EQ(decision("select top 5 * from sales").rewritten, "select top 5 * from other");
}

TEST_F(EngineHooks, errors_are_logged_once_per_rule_and_second_and_counted_each) {
  ASSERT_TRUE(load("function route() error('x') end"));
  for (int i = 0; i < 5; ++i) decide("select 1");
  EXPECT_EQ(logged_.size(), 1u);
  now_us_ += 999'999;
  decide("select 1");
  EXPECT_EQ(logged_.size(), 1u);
  now_us_ += 1;
  decide("select 1");
  EXPECT_EQ(logged_.size(), 2u);
  EXPECT_EQ(engine_->rule_stats()[1].errors, 7u);
}

TEST_F(EngineHooks, the_engine_works_on_after_a_rule_used_up_its_memory) {
  ASSERT_TRUE(load("function route(s) if s:touches('bomb') then local t = {} while true do t[#t+1] = ('x'):rep(1e5) .. #t end end return 'analytics' end"));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(decision("select * from bomb").verb, Verb::reject);
    EXPECT_EQ(route("select * from sales where n = " + std::to_string(i)), "analytics");
  }
}

TEST_F(EngineHooks, create_says_where_the_rules_are_wrong) {
  EXPECT_FALSE(load("x = 1\nx ="));
  EXPECT_EQ(error_.substr(0, 12), "rules.lua:2:");
  EXPECT_FALSE(load("\n\nroute = 'x'"));
  EXPECT_EQ(error_, "rules.lua:3: hook 'route' must be a function, not a string");
}

// ---- connect

TEST_F(EngineHooks, connect_may_refuse) {
  ASSERT_TRUE(load("function connect(session) if session.user ~= 'alice' then return reject{message = 'not you', sqlstate = '28000'} end end"));
  EXPECT_EQ(engine_->connect(facts_), nullptr);
  const Refusal* refusal = engine_->connect(facts_of("bob"));
  ASSERT_NE(refusal, nullptr);
  EXPECT_EQ(refusal->message, "not you");
  EXPECT_EQ(refusal->sqlstate, "28000");
  EXPECT_EQ(engine_->rule_stats()[1].rule, "rules.lua connect");
  EXPECT_EQ(engine_->rule_stats()[1].hits, 2u);
  EXPECT_EQ(engine_->rule_stats()[1].refusals, 1u);
}

TEST_F(EngineHooks, connect_that_fails_follows_the_policy) {
  for (const char* text : {"function connect() error('x') end", "function connect() return 'analytics' end"}) {
    options_.on_error = OnError::reject;
    ASSERT_TRUE(load(text));
    ASSERT_NE(engine_->connect(facts_), nullptr);
    EXPECT_EQ(engine_->connect(facts_)->sqlstate, "XX000");
    options_.on_error = OnError::use_default;
    ASSERT_TRUE(load(text));
    EXPECT_EQ(engine_->connect(facts_), nullptr);
    EXPECT_EQ(engine_->rule_stats()[1].errors, 1u);
  }
}

TEST_F(EngineHooks, without_a_connect_hook_everybody_may) {
  ASSERT_TRUE(load("function route() end"));
  EXPECT_EQ(engine_->connect(facts_), nullptr);
}

// ---- stmt and session

struct Said {
  const char* expression;
  const char* sql;
  const char* value;
};

TEST_F(EngineHooks, stmt_and_session_show_what_is_known) {
  const Said table[] = {
      {"stmt.text", " select 1 -- x", "select 1"},
      {"stmt.kind", "select 1", "select"},
      {"stmt.command", "create table t (a int)", "CREATE TABLE"},
      {"stmt.parsed", "select 1", "true"},
      {"stmt.parsed", "select top 5 * from t", "false"},
      {"stmt.read_only", "select 1", "true"},
      {"stmt.read_only", "delete from t", "false"},
      {"table.concat(stmt.tables, ',')", "insert into a.b select * from c, b", "c,b,a.b"},
      {"table.concat(stmt.reads, ',')", "insert into a.b select * from c", "c"},
      {"table.concat(stmt.writes, ',')", "insert into a.b select * from c", "a.b"},
      {"table.concat(stmt.functions, ',')", "select lower(x) from t", "lower"},
      {"#stmt.tables + #stmt.tables", "select * from t", "2"},
      {"stmt.aggregate", "select sum(x) from t", "true"},
      {"stmt.window", "select rank() over (order by x) from t", "true"},
      {"stmt.group_by", "select x from t group by x", "true"},
      {"stmt.distinct", "select distinct x from t", "true"},
      {"stmt.limit", "select x from t limit 5", "true"},
      {"stmt.limit", "select x from t", "false"},
      {"stmt.joins", "select * from a join b using (x) join c using (x)", "2"},
      {"stmt.subquery", "select * from (select 1) s", "true"},
      {"stmt.for_update", "select * from t for update", "true"},
      {"stmt.returning", "delete from t returning x", "true"},
      {"stmt.parameters", "select $2, $1", "2"},
      {"#stmt.fingerprint .. tostring(stmt.fingerprint:match('^%x+$') ~= nil)", "select 1", "16true"},
      {"stmt.hints[1]:match('%a+=%a+')", "/* route=x */ select 1", "route=x"},
      {"table.concat(stmt.words, ' ')", "select top 5 * from t", "select top from t"},
      {"stmt.redshift_keyword", "select 1", "nil"},
      {"stmt.redshift_keyword", "unload ('select 1') to 's3://b/k'", "UNLOAD"},
      {"stmt.modifying_cte", "with x as (delete from t returning a) select a from x", "true"},
      {"stmt.modifying_cte", "delete from t", "false"},
      {"table.concat(stmt.effects, ', ')", "select pg_advisory_lock(1) from t", "session advisory lock, unknown number of locks"},
      {"#stmt.effects", "select 1", "0"},
      {"stmt:touches('sales')", "unload ('select * from sales') to 's3://b/k'", "true"},
      {"stmt:calls('pg_sleep')", "select (10::float8).pg_sleep", "true"},
      {"stmt:touches('sales')", "select * from sales", "true"},
      {"stmt:touches('sales')", "select * from analytics.sales", "true"},
      {"stmt:touches('sales')", "select * from salesman", "false"},
      {"stmt:touches('sale*')", "select * from salesman", "true"},
      {"stmt:touches('analytics.*')", "select * from analytics.sales", "true"},
      {"stmt:touches('analytics.*')", "select * from sales", "false"},
      {"stmt:touches('public.sales')", "select * from sales", "true"},
      {"stmt:touches('private.sales')", "select * from sales", "false"},
      {"stmt:touches('x', 'sales')", "insert into sales values (1)", "true"},
      {"stmt:touches('sales')", "select top 5 * from sales", "true"},
      {"stmt:calls('now')", "select pg_catalog.now()", "true"},
      {"stmt:calls('pg_catalog.now')", "select now()", "false"},
      {"stmt:calls('x', 'now')", "select now()", "true"},
      {"session.user", "select 1", "alice"},
      {"session.database", "select 1", "shop"},
      {"session.application_name", "select 1", "psql"},
      {"session.client_address", "select 1", "127.0.0.1"},
      {"session.in_transaction", "select 1", "false"},
  };
  for (const Said& row : table) {
    logged_.clear();
    ASSERT_TRUE(load("function route(stmt, session) log(" + std::string(row.expression) + ") end")) << error_;
    decide(row.sql);
    ASSERT_EQ(logged_.size(), 1u) << row.expression;
    EXPECT_EQ(logged_[0], row.value) << row.expression << " of " << row.sql;
  }
}

TEST_F(EngineHooks, a_kept_stmt_shows_nothing_later) {
  ASSERT_TRUE(load("local kept\nfunction route(stmt, session) kept = {stmt, session} end\n"
                   "function connect() local ok, e = pcall(function() return kept[1].kind end) log(e)\n"
                   "ok, e = pcall(function() return kept[1]:touches('x') end) log(e) end"));
  decide("select 1");
  engine_->connect(facts_);
  ASSERT_EQ(logged_.size(), 2u);
  for (const std::string& line : logged_) EXPECT_NE(line.find("only during the hook"), std::string::npos) << line;
}

// ---- several statements

TEST_F(EngineHooks, each_statement_of_a_string_is_decided) {
  ASSERT_TRUE(load("function route(s) if s:touches('sales') then return 'analytics' end end"));
  const std::string sql = "select * from orders; select * from sales ;";
  const Script& script = decide(sql);
  ASSERT_EQ(script.items.size(), 2u);
  EXPECT_EQ(script.items[0].decision->route, no_route);
  EXPECT_EQ(route_name(script.items[1].decision->route), "analytics");
  EXPECT_EQ(sql.substr(script.items[1].begin, script.items[1].size), "select * from sales");
  EXPECT_FALSE(script.plain);
}

TEST_F(EngineHooks, rules_see_the_transaction_that_an_earlier_statement_opens) {
  ASSERT_TRUE(load("function route(s, session) log(s.kind, session.in_transaction) end"));
  decide("select 1; begin; select 2; commit; select 3");
  EXPECT_EQ(logged_, (std::vector<std::string>{"select\tfalse", "begin\tfalse", "select\ttrue", "commit\ttrue", "select\tfalse"}));
}

TEST_F(EngineHooks, nobody_is_asked_about_an_empty_statement) {
  ASSERT_TRUE(load("function route(s) log('called') end"));
  for (const char* sql : {"", ";", " ", "-- x"}) EXPECT_EQ(decide(sql).items[0].statement->kind, Kind::empty);
  EXPECT_EQ(calls(), 0u);
}

TEST_F(EngineHooks, every_use_of_a_decision_is_counted) {
  ASSERT_TRUE(load("function route(s) if s:touches('sales') then return 'analytics' elseif s:touches('no') then return reject 'no' "
                   "elseif s:touches('a') then return answer{columns = {'x'}, rows = {}} end end\n"
                   "function rewrite(s) if s:touches('old') then return 'select * from new' end end"));
  for (int i = 0; i < 3; ++i) {
    decide("select * from sales");
    decide("select * from no");
    decide("select * from a");
    decide("select * from old");
    decide("select 1");
  }
  const std::vector<RuleStats>& stats = engine_->rule_stats();
  ASSERT_EQ(stats.size(), 3u);
  EXPECT_EQ(stats[0].rule, "default");
  EXPECT_EQ(stats[0].hits, 3u);
  EXPECT_EQ(stats[1].rule, "rules.lua route");
  EXPECT_EQ(stats[1].hits, 9u);
  EXPECT_EQ(stats[1].refusals, 3u);
  EXPECT_EQ(stats[1].answers, 3u);
  EXPECT_EQ(stats[2].rule, "rules.lua rewrite");
  EXPECT_EQ(stats[2].hits, 3u);
  EXPECT_EQ(stats[2].rewrites, 3u);
}

// What is code to a server that takes backslashes as escapes is a literal to one that does not, and the reverse.
TEST_F(EngineHooks, strings_are_read_as_the_session_has_set_them) {
  ASSERT_TRUE(load("function route(stmt) if stmt:touches('secret') then return 'dev.1' end end")) << error_;
  const std::string sql = R"(select 'x\', (select 1 from secret) as y --' from t)";
  EXPECT_EQ(route(sql), "dev.1");
  facts_.standard_conforming_strings = false;
  EXPECT_EQ(route(sql), "");
  facts_.standard_conforming_strings = true;
  EXPECT_EQ(route(sql), "dev.1");
}

}  // namespace
}  // namespace pgswitch::rules
