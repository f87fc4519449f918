// What rules see of the session: search_path, TLS, settings, writes, pins; and the route that it wishes.
#include "engine_fixture.hpp"
#include "rules/setting_value.hpp"

namespace pgswitch::rules::test {
namespace {

/// A session that has written to two tables.
class FixedState final : public SessionState {
 public:
  std::optional<std::string> setting(std::string_view name) const override {
    return name == "work_mem" ? std::optional<std::string>("8MB") : std::nullopt;
  }
  const std::vector<WrittenTable>& written() const override { return tables_; }
  std::int64_t last_write_us() const override { return 9'000'000; }
  std::string pinned_by() const override { return "temp_table, listen"; }

 private:
  std::vector<WrittenTable> tables_{{{"app", "orders"}, 7'000'000}, {{"", "items"}, 9'000'000}};
};

class SessionFacts : public EngineTest {
 protected:
  std::string logged(std::string_view expression) {
    logged_.clear();
    EXPECT_TRUE(load("function route(stmt, session) log(tostring(" + std::string(expression) + ")) end")) << error_;
    decide("select 1");
    return logged_.empty() ? "nothing" : logged_.back();
  }
};

}  // namespace

TEST(SettingValue, is_what_show_would_tell) {
  const std::pair<const char*, const char*> table[] = {
      {"SET search_path = a, \"B\", 'c d'", "a, B, c d"},
      {"set search_path to Analytics", "analytics"},
      {"SET LOCAL search_path = 'it''s'", "it's"},
      {"SET \"search_path\"='a','b'", "a, b"},
      {"SELECT pg_catalog.set_config('search_path','a, b',false)", "a, b"},
      {"SELECT set_config('pgswitch.route', 'app.redshift', false)", "app.redshift"},
      {"SET pgswitch.route = 'app.redshift'", "app.redshift"},
      {"SET TIME ZONE 'Europe/Berlin'", "Europe/Berlin"},
      {"SET work_mem = 64", "64"},
      {"SET ROLE bob", "bob"},
      {"SET SESSION AUTHORIZATION 'bob'", "bob"},
      {"SET a.b TO E'x\\'y'", "x'y"},
      {"SET x = -1", "-1"},
      {"SET x /* y */ = on;", "on"},
      {"SET SCHEMA 's2'", "s2"},
      {"SET LOCAL search_path TO DEFAULT", ""},
  };
  for (const auto& [statement, value] : table) EXPECT_EQ(setting_value(statement), value) << statement;
}

TEST(SettingValue, of_a_search_path_is_what_postgresql_makes_of_it) {
  const std::pair<const char*, const char*> table[] = {
      {"SET search_path = E's\\x32'", "*"},
      {"SET search_path = U&\"s\\0032\"", "*"},
      {"SELECT set_config('search_path', 'S2, \"A b\"', false)", "s2, A b"},
      {"SET search_path = 'S2'", "S2"},
      {"SET search_path = S2", "s2"},
  };
  for (const auto& [statement, value] : table) EXPECT_EQ(search_path_value(statement), value) << statement;
}

TEST_F(SessionFacts, a_search_path_that_nobody_knows_may_be_any) {
  ASSERT_TRUE(load("rules { { when = { tables = 's2.*' }, reject = 'closed' } }")) << error_;
  facts_.search_path = unknown_value;
  EXPECT_EQ(decision("select * from orders").verb, Decision::Verb::reject);
  EXPECT_EQ(decision("select * from s1.orders").verb, Decision::Verb::route);
  facts_.search_path.clear();
  facts_.identity = next_identity();
  const Script& script = decide("select set_config('search_' || 'path', 's2', false); select * from orders");
  EXPECT_EQ(script.items[1].decision->verb, Decision::Verb::reject);
}

TEST_F(SessionFacts, a_table_without_its_schema_is_in_each_of_the_search_path) {
  ASSERT_TRUE(load("function route(stmt) log('called') if stmt:touches('analytics.*') then return 'analytics' end end")) << error_;
  EXPECT_EQ(route("select * from sales"), "");
  facts_.search_path = "app, analytics";
  facts_.identity = next_identity();
  EXPECT_EQ(route("select * from sales"), "analytics");
  EXPECT_EQ(route("select * from public.sales"), "");
  facts_.search_path = "app";
  facts_.identity = next_identity();
  EXPECT_EQ(route("select * from sales"), "");
  EXPECT_EQ(calls(), 4u);
  EXPECT_EQ(route("select * from sales"), "");
  EXPECT_EQ(calls(), 4u) << "it is remembered for each search_path";
}

TEST_F(SessionFacts, the_default_search_path_is_the_users_schema_and_public) {
  ASSERT_TRUE(load("rules { { when = { tables = 'alice.*' }, route = 'analytics' }, { when = { tables = 'public.t' }, route = 'dev.1' } }")) << error_;
  EXPECT_EQ(route("select * from x"), "analytics");
  facts_ = facts_of("bob");
  EXPECT_EQ(route("select * from x"), "");
  EXPECT_EQ(route("select * from t"), "dev.1");
}

TEST_F(SessionFacts, a_string_sees_the_search_path_that_it_sets) {
  ASSERT_TRUE(load("rules { { when = { tables = 'analytics.sales' }, route = 'analytics' } }")) << error_;
  const Script& script = decide("set search_path = analytics; select * from sales; reset search_path; select * from sales");
  EXPECT_EQ(route_name(script.items[1].decision->route), "analytics");
  EXPECT_EQ(script.items[3].decision->route, no_route);
}

TEST_F(SessionFacts, have_what_the_session_says_of_itself) {
  FixedState state;
  facts_.state = &state;
  facts_.began_us = 4'000'000;
  facts_.tls = true;
  facts_.certificate = "robot";
  facts_.client_address = "10.1.2.3";
  const std::pair<const char*, const char*> table[] = {
      {"session.tls", "true"},
      {"session.certificate", "robot"},
      {"session.age", "6.0"},
      {"session:setting('work_mem')", "8MB"},
      {"session:setting('nothing')", "nil"},
      {"session.search_path", "nil"},
      {"session:since_write()", "1.0"},
      {"session:since_write('orders')", "3.0"},
      {"session:since_write('app.orders')", "3.0"},
      {"session:since_write('other.orders')", "nil"},
      {"session:since_write('x', 'items')", "1.0"},
      {"table.concat(session.written, ' ')", "app.orders items"},
      {"session.pinned_by", "temp_table, listen"},
      {"session:in_network('10.0.0.0/8')", "true"},
      {"session:in_network('192.168.0.0/16', '10.1.2.3')", "true"},
      {"session:in_network('unix')", "false"},
  };
  for (const auto& [expression, value] : table) EXPECT_EQ(logged(expression), value) << expression;
}

TEST_F(SessionFacts, are_empty_where_nothing_is_known) {
  const std::pair<const char*, const char*> table[] = {
      {"session.tls", "false"},       {"session.certificate", "nil"}, {"session:since_write()", "nil"}, {"session:since_write('t')", "nil"},
      {"#session.written", "0"},      {"session.pinned_by", "nil"},   {"session:setting('x')", "nil"},
  };
  for (const auto& [expression, value] : table) EXPECT_EQ(logged(expression), value) << expression;
}

TEST_F(SessionFacts, a_rule_of_the_table_asks_for_tls_certificates_and_writes) {
  ASSERT_TRUE(load("rules { { name = 'written', when = { read_only = true, wrote_within = 2 }, route = 'dev.1' },\n"
                   "  { name = 'robots', when = { certificate = 'robot*' }, route = 'dev.2' },\n"
                   "  { name = 'secret', when = { tables = 'secret', tls = false }, reject = 'TLS only' } }")) << error_;
  EXPECT_EQ(decision("select * from secret").verb, Decision::Verb::reject);
  facts_.tls = true;
  facts_.identity = next_identity();
  EXPECT_EQ(decision("select * from secret").verb, Decision::Verb::route);
  facts_.certificate = "robot 7";
  facts_.identity = next_identity();
  EXPECT_EQ(route("select * from secret"), "dev.2");
  FixedState state;
  facts_.state = &state;
  EXPECT_EQ(route("select * from secret"), "dev.1");
  now_us_ += 2'000'000;
  EXPECT_EQ(route("select * from secret"), "dev.2");
}

namespace {

class ChosenRoute : public EngineTest {
 protected:
  ChosenRoute() { options_.route_users = {"alice", "bi_*"}; }
};

}  // namespace

TEST_F(ChosenRoute, a_hint_takes_the_place_of_the_rules_route) {
  ASSERT_TRUE(load("rules { { when = { tables = 't' }, route = 'analytics' }, { when = { tables = 'no' }, reject = 'no' } }")) << error_;
  EXPECT_EQ(route("select * from t"), "analytics");
  for (const char* hint : {"/* pgswitch: route=dev.1 */ ", "/*pgswitch:route=dev.1*/", "-- pgswitch : route = dev.1\n"})
    EXPECT_EQ(route(hint + std::string("select * from t")), "dev.1") << hint;
  EXPECT_EQ(decision("/* pgswitch: route=dev.1 */ select * from t").rule, "hint");
  EXPECT_EQ(decision("/* pgswitch: route=dev.1 */ select * from no").verb, Decision::Verb::reject);
  EXPECT_EQ(decision("/* pgswitch: route=nowhere */ select * from t").refusal.sqlstate, "22023");
  facts_ = facts_of("bob");
  EXPECT_EQ(route("/* pgswitch: route=dev.1 */ select * from t"), "analytics") << "it is a comment";
  EXPECT_EQ(route("/* pgswitch: route=nowhere */ select * from t"), "analytics");
}

TEST_F(ChosenRoute, the_setting_may_be_made_by_those_who_may) {
  ASSERT_TRUE(load("")) << error_;
  EXPECT_EQ(decision("set pgswitch.route = 'dev.1'").verb, Decision::Verb::route);
  EXPECT_EQ(decision("select set_config('pgswitch.route', 'dev.1', false)").verb, Decision::Verb::route);
  EXPECT_EQ(decision("set pgswitch.route = 'nowhere'").refusal.sqlstate, "22023");
  EXPECT_EQ(decision("set pgswitch.route = ''").verb, Decision::Verb::route);
  facts_ = facts_of("bob");
  EXPECT_EQ(decision("set pgswitch.route = 'dev.1'").refusal.sqlstate, "42501");
  EXPECT_EQ(decision("set local \"pgswitch\".route to 'dev.1'").refusal.sqlstate, "42501");
  EXPECT_EQ(decision("reset pgswitch.route").verb, Decision::Verb::route);
  facts_.wished_route = "dev.1";
  ASSERT_NE(engine_->connect(facts_), nullptr);
  EXPECT_EQ(engine_->connect(facts_)->sqlstate, "42501");
}

TEST_F(ChosenRoute, the_setting_routes_what_does_not_go_anywhere) {
  ASSERT_TRUE(load("")) << error_;
  facts_.wished_route = "dev.2";
  EXPECT_EQ(engine_->connect(facts_), nullptr);
  EXPECT_EQ(route("select 1"), "dev.2");
  EXPECT_EQ(route("begin"), "");
  EXPECT_EQ(route("show work_mem"), "");
  const Script& script = decide("set pgswitch.route = 'dev.1'; select 1; reset all; select 1");
  EXPECT_EQ(route_name(script.items[1].decision->route), "dev.1");
  EXPECT_EQ(script.items[3].decision->route, no_route);
  facts_.user = "mallory";  // was allowed once
  facts_.identity = next_identity();
  EXPECT_EQ(route("select 1"), "");
}

TEST_F(EngineTest, what_rules_limit_and_count_is_in_the_decision) {
  ASSERT_TRUE(load("rules { { name = 'bi', when = { user = 'bi' }, delay = 0.2, timeout = 5, max_rows = 1000, route = 'analytics', metric = 'bi' },\n"
                   "  { name = 'slow', when = { tables = 'slow' }, delay = 1 } }\n"
                   "function route(stmt) if stmt:touches('big') then stmt:max_rows(10):timeout(1.5) metric('big', 2) end end\n"
                   "function rewrite(stmt) if stmt:touches('big') then stmt:timeout(2) return stmt:set_limit(11) end end")) << error_;
  const Decision& big = decision("select * from big");
  EXPECT_EQ(big.limits, (StatementLimits{0, 2'000'000, 10}));
  EXPECT_FALSE(decide("select * from big").plain);
  EXPECT_EQ(decision("select * from slow").limits, (StatementLimits{1'000'000, 0, 0}));
  facts_ = facts_of("bi");
  EXPECT_EQ(decision("select 1").limits.describe(), "delay 0.2 s, timeout 5 s, max_rows 1000");
  EXPECT_EQ(route("select 1"), "analytics");
  ASSERT_EQ(engine_->metrics().size(), 2u);
  EXPECT_EQ(engine_->metrics()[0].name, "big");
  EXPECT_EQ(engine_->metrics()[0].value, 4);
  EXPECT_EQ(engine_->metrics()[1].value, 2);
}

TEST_F(EngineTest, the_route_that_a_rule_names_as_fallback_is_in_the_decision) {
  ASSERT_TRUE(load("rules { { name = 'bi', when = { user = 'bi' }, fallback = 'analytics' }, { name = 'strict', when = { user = 'eve' }, fallback = false, route = 'dev.1' },\n"
                   "        { name = 'told', mode = 'observe', when = { tables = 'told' }, fallback = 'dev.1' } }\n"
                   "function route(stmt) if stmt:touches('big') then stmt:fallback('dev.1'):timeout(1) end end")) << error_;
  EXPECT_EQ(route_name(decision("select * from big").fallback.value()), "dev.1");
  EXPECT_EQ(decision("select * from big").rule, "rules.lua:3 route");
  EXPECT_EQ(decision("select * from small").fallback, std::nullopt);
  EXPECT_EQ(decision("select * from told").observed.at(0).would, "fallback dev.1");
  EXPECT_NE(engine_->explain("select * from big", facts_).find("\n  fallback   dev.1\n"), std::string::npos) << engine_->explain("select * from big", facts_);
  facts_ = facts_of("bi");
  EXPECT_EQ(route_name(decision("select 1").fallback.value()), "analytics");
  EXPECT_TRUE(decide("select 1").plain);
  facts_ = facts_of("eve");
  EXPECT_EQ(decision("select 1").fallback, no_route);
  EXPECT_EQ(route("select 1"), "dev.1");
}

TEST_F(EngineTest, a_fallback_that_is_none_is_an_error) {
  for (const char* rule : {"fallback = 'nowhere'", "fallback = true", "fallback = 1", "reject = 'no', fallback = 'analytics'"})
    EXPECT_FALSE(load("rules { { when = { tables = 't' }, " + std::string(rule) + " } }")) << rule;
  ASSERT_TRUE(load("function route(stmt) stmt:fallback('nowhere') end")) << error_;
  EXPECT_EQ(decision("select 1").refusal.sqlstate, "XX000");
}

TEST_F(EngineTest, limits_that_make_no_sense_are_errors) {
  for (const char* rule : {"delay = 0", "delay = -1", "timeout = '5'", "timeout = 1e9", "max_rows = 0", "max_rows = 1.5", "metric = ''"})
    EXPECT_FALSE(load("rules { { when = { tables = 't' }, pass = true, " + std::string(rule) + " } }")) << rule;
  EXPECT_FALSE(load("rules { { reject = 'no', timeout = 5 } }"));
  EXPECT_NE(error_.find("goes to a server"), std::string::npos) << error_;
  ASSERT_TRUE(load("function route(stmt) stmt:delay(0) end")) << error_;
  EXPECT_EQ(decision("select 1").refusal.sqlstate, "XX000");
}

}  // namespace pgswitch::rules::test
