#include "rules/rule_test_run.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

constexpr char rules_text[] = R"(rules {
  { name = "no sleep", when = { functions = "pg_sleep" }, reject = { message = "no sleeping", sqlstate = "0A000", hint = "wait" } },
  { name = "night", when = { tables = "sales", hour = { 22, 6 } }, route = "dev.1" },
  { name = "analytics", when = { tables = "sales" }, route = "analytics" },
  { name = "here", when = { tables = "told" }, answer = { columns = { "a", "b" }, rows = { { "1", "x" } } } },
  { name = "old", when = { tables = "old" }, rewrite = "select * from new" },
  { name = "broken", when = { tables = "broken" }, rewrite = function() return nil + 1 end },
  { name = "watched", mode = "observe", when = { user = "eve" }, reject = "no eve" },
  { name = "busy", when = { tables = "busy", where = function() local r = routes["analytics"] return r.healthy and r.active + r.waiting < 3 end }, route = "analytics" },
  { name = "slow", when = { tables = "busy", where = function() return routes["dev.1"].p99 > routes["dev.1"].median * 5 end }, route = "dev.2" },
  { name = "quota", when = { tables = "counted", where = function() return shared.add("count", 1, 60) > 2 end }, reject = "that is enough" },
  { name = "fresh", when = { tables = "written", wrote_within = 5 }, pass = true },
  { name = "replica", when = { tables = "written", where = function(stmt, session) return session:setting("work_mem") ~= "1GB" and not session.tls end }, route = "dev.2" },
  { name = "flag", when = { tables = "flagged", where = function() return shared.get("flag") == "up" end }, route = "dev.1" },
}
function connect(session)
  if session.user == "nobody" then return reject "go away" end
end
function route(stmt, session)
  if session.application_name == "bi" then return "dev.2" end
end
)";

/// Tests of rules_text, as a file of tests says them.
class RuleTests : public testing::Test {
 protected:
  RuleTestRun run(std::string_view tests) {
    EngineOptions options;
    options.rules_file = folder_.write("rules.lua", rules_text);
    for (const char* name : {"shop", "analytics", "dev.1", "dev.2"}) options.routes.emplace_back(name, intern_route(name));
    options.on_error = OnError::use_default;
    options.mode = RulesMode::observe;
    auto loaded = load(tests);
    EXPECT_TRUE(loaded) << error_;
    auto done = run_rule_tests(std::move(options), loaded ? std::move(*loaded) : std::vector<RuleTest>(), error_);
    EXPECT_TRUE(done) << error_;
    return done ? std::move(*done) : RuleTestRun();
  }
  std::optional<std::vector<RuleTest>> load(std::string_view tests) {
    Facts session;
    session.user = "app";
    session.database = "shop";
    session.client_address = "127.0.0.1";
    return load_rule_tests(folder_.write("rules_test.lua", tests), session, [](std::string_view) {}, error_);
  }
  /// Of the only test.
  std::string mismatches(std::string_view test) {
    std::string all;
    const RuleTestRun done = run(test);
    for (const Mismatch& one : done.results.front().mismatches) all += one.what + ": " + one.expected + " | " + one.got + "\n";
    return all;
  }

  test::RulesFolder folder_;
  std::string error_;
};

TEST_F(RuleTests, pass_where_the_rules_do_what_they_say) {
  for (const char* test : {
           "test('t', { sql = 'select 1', expect = { pass = true, rule = 'default', route = 'shop', text = 'select 1' } })",
           "test('t', { sql = 'select * from sales', expect = { route = 'analytics', rule = 'analytics', text = 'select * from sales' } })",
           "test('t', { sql = 'select * from sales', hour = 23, expect = { route = 'dev.1', rule = 'rules.lua:3 night' } })",
           "test('t', { sql = 'select pg_sleep(1)', expect = { reject = true } })",
           "test('t', { sql = 'select pg_sleep(1)', expect = { reject = 'no sleeping' } })",
           "test('t', { sql = 'select pg_sleep(1)', expect = { reject = { sqlstate = '0A000', hint = 'wait', message = 'no sleeping' } } })",
           "test('t', { sql = 'select * from told', expect = { answer = true, rule = 'here' } })",
           "test('t', { sql = 'select * from told', expect = { answer = { columns = { 'a', 'b' }, rows = { { 1, 'x' } } } } })",
           "test('t', { sql = 'select * from old', expect = { text = 'select * from new', route = 'shop' } })",
           "test('t', { sql = 'select * from broken', expect = { reject = { sqlstate = 'XX000' } } })",
           "test('t', { sql = 'select 1', session = { user = 'eve' }, expect = { pass = true, observed = 'watched' } })",
           "test('t', { sql = 'select 1', session = { application_name = 'bi' }, expect = { route = 'dev.2', rule = 'route' } })",
           "test('t', { sql = 'select 1; select * from sales', expect = { { pass = true }, { route = 'analytics' } } })",
           "test('t', { session = { user = 'nobody' }, expect = { reject = 'go away' } })",
           "test('t', { session = { user = 'app' }, expect = { pass = true } })",
           "test('t', { sql = 'select * from busy', expect = { route = 'analytics' } })",
           "test('t', { sql = 'select * from busy', routes = { analytics = { active = 2, waiting = 1 } }, expect = { pass = true } })",
           "test('t', { sql = 'select * from busy', routes = { analytics = { active = 2, kind = 'redshift', pool_size = 5 } }, expect = { rule = 'busy' } })",
           "test('t', { sql = 'select * from busy', routes = { analytics = { healthy = false } }, expect = { pass = true } })",
           "test('t', { sql = 'select * from busy', routes = { analytics = { healthy = false }, ['dev.1'] = { median = 10, p99 = 51 } }, expect = { rule = 'slow' } })",
           "test('t', { sql = 'select * from counted', expect = { pass = true } })",
           "test('t', { sql = 'select * from counted', shared = { count = 1 }, expect = { pass = true } })",
           "test('t', { sql = 'select * from counted', shared = { count = 2 }, expect = { reject = 'that is enough' } })",
           "test('t', { sql = 'select * from counted; select 1 from counted', shared = { count = 1 }, expect = { { pass = true }, { reject = true } } })",
           "test('t', { sql = 'select * from flagged', shared = { flag = 'up', half = 0.5 }, expect = { route = 'dev.1' } })",
           "test('t', { sql = 'select * from flagged', expect = { pass = true } })",
           "test('t', { sql = 'select * from written', expect = { rule = 'replica' } })",
           "test('t', { sql = 'select * from written', session = { since_write = 4.9 }, expect = { rule = 'fresh' } })",
           "test('t', { sql = 'select * from written', session = { since_write = 5.1 }, expect = { rule = 'replica' } })",
           "test('t', { sql = 'select * from written', session = { settings = { work_mem = '1GB' } }, expect = { pass = true, rule = 'default' } })",
           "test('t', { sql = 'select * from written', session = { tls = true, certificate = 'x' }, expect = { rule = 'default' } })",
       }) {
    EXPECT_EQ(mismatches(test), "") << test;
  }
}

TEST_F(RuleTests, fail_with_what_was_expected_and_what_came) {
  const std::pair<const char*, const char*> cases[] = {
      {"test('t', { sql = 'select 1', expect = { route = 'analytics' } })", "route: analytics | shop\n"},
      {"test('t', { sql = 'select * from sales', expect = { pass = true } })", "route: shop | analytics\n"},
      {"test('t', { sql = 'select * from old', expect = { pass = true } })", "text: as it was | select * from new\n"},
      {"test('t', { sql = 'select * from old', expect = { text = 'select 1' } })", "text: select 1 | select * from new\n"},
      {"test('t', { sql = 'select 1', expect = { rule = 'analytics' } })", "rule: analytics | default\n"},
      {"test('t', { sql = 'select * from sales', expect = { rule = 'lytics' } })", "rule: lytics | rules.lua:4 analytics\n"},
      {"test('t', { sql = 'select 1', expect = { reject = 'no' } })", "reject: no | shop\n"},
      {"test('t', { sql = 'select pg_sleep(1)', expect = { reject = { hint = 'x', message = 'no sleeping' } } })", "reject.hint: x | wait\n"},
      {"test('t', { sql = 'select 1', expect = { answer = true } })", "answer: rows of a rule | shop\n"},
      {"test('t', { sql = 'select * from told', expect = { answer = { columns = { 'a' }, rows = {} } } })", "answer: a | a | b\n1 | x\n"},
      {"test('t', { sql = 'select * from told', expect = { route = 'shop' } })", "route: shop | answered by a rule\n"},
      {"test('t', { sql = 'select 1', expect = { observed = 'watched' } })", "observed: watched | nothing\n"},
      {"test('t', { sql = 'select 1; select 2', expect = { { pass = true }, { pass = true }, { pass = true } } })", "statements: 3 | 2\n"},
      {"test('t', { sql = 'select 1; select 2', expect = { { pass = true }, { route = 'dev.1' } } })", "statement 2: route: dev.1 | shop\n"},
      {"test('t', { session = { user = 'nobody' }, expect = { pass = true } })", "login: may log in | refused: 42501 go away\n"},
      {"test('t', { session = { user = 'app' }, expect = { reject = true } })", "login: refused | may log in\n"},
  };
  for (const auto& [test, expected] : cases) EXPECT_EQ(mismatches(test), expected) << test;
  EXPECT_TRUE(mismatches("test('t', { sql = 'select * from broken', expect = { reject = true } })").starts_with("reject: refused by a rule | refused: XX000 rule failed\n"));
}

TEST_F(RuleTests, each_test_has_routes_and_shared_of_its_own) {
  const RuleTestRun done = run(
      "test('one', { sql = 'select 1 from counted', shared = { count = 2 }, routes = { analytics = { active = 9 } }, expect = { reject = true } })\n"
      "test('two', { sql = 'select 1 from counted; select 1 from busy', expect = { { pass = true }, { route = 'analytics' } } })\n");
  EXPECT_EQ(done.failures(), 0u);
}

TEST_F(RuleTests, a_route_that_is_not_in_the_configuration_fails_the_test) {
  EXPECT_EQ(mismatches("test('t', { sql = 'select 1', routes = { nowhere = { active = 1 } }, expect = { pass = true } })"),
            "routes: a route of the configuration | nowhere\n");
}

TEST_F(RuleTests, a_file_that_could_not_fail_or_is_misspelled_does_not_load) {
  const std::pair<const char*, const char*> cases[] = {
      {"\ntest('t', { sql = 'select 1', expect = {} })", "rules_test.lua:2: expect is empty"},
      {"test('t', { sql = 'select 1' })", "rules_test.lua:1: a test needs expect"},
      {"test('t', { sql = 'select 1', expects = {} })", "rules_test.lua:1: a test knows sql, session, hour, routes, shared and expect, not 'expects'"},
      {"test('t', { sql = 'select 1', expect = { rout = 'x' } })", "expect knows pass, route, text, reject, answer, rule and observed, not 'rout'"},
      {"test('t', { sql = 'select 1', session = { usr = 'x' }, expect = { pass = true } })", "session knows user, database,"},
      {"test('t', { sql = 'x', session = { since_write = -1 }, expect = { pass = true } })", "session.since_write takes seconds"},
      {"test('t', { sql = 'x', expect = { reject = { code = '1' } } })", "expect.reject knows sqlstate, message, detail and hint, not 'code'"},
      {"test('t', { sql = 'x', hour = 24, expect = { pass = true } })", "hour takes an hour of the day"},
      {"test('t', { sql = 'x', routes = { a = { activ = 1 } }, expect = { pass = true } })", "a route knows kind, healthy, active, waiting, pool_size, median and p99, not 'activ'"},
      {"test('t', { sql = 'x', routes = { a = { active = -1 } }, expect = { pass = true } })", "active takes a whole number, 0 or more"},
      {"test('t', { sql = 'x', routes = { a = { kind = 'oracle' } }, expect = { pass = true } })", "kind takes \"postgres\" or \"redshift\""},
      {"test('t', { sql = 'x', shared = { 5 }, expect = { pass = true } })", "shared knows keys that are strings, not '1'"},
      {"test('t', { sql = 'x', shared = { a = true }, expect = { pass = true } })", "a value of shared takes a string, not a boolean"},
      {"test('t', { sql = 1, expect = { pass = true } })", "sql takes a string, not a number"},
      {"test({ sql = 'x' })", "test takes a name and a table"},
      {"test 't'", "rules_test.lua:1:"},
      {"rules { { name = 'x', pass = true } }", "rules{} works only while the rules file is loaded"},
      {"io.open('x')", "rules_test.lua:1:"},
      {"x = = 1", "rules_test.lua:1:"},
  };
  for (const auto& [test, message] : cases) {
    EXPECT_FALSE(load(test)) << test;
    EXPECT_NE(error_.find(message), std::string::npos) << error_;
  }
  EXPECT_FALSE(load_rule_tests("/nowhere/rules_test.lua", Facts(), [](std::string_view) {}, error_));
}

TEST_F(RuleTests, may_be_made_by_a_program_with_modules_of_their_folder) {
  folder_.write("tables.lua", "return { 'sales', 'sales' }");
  const RuleTestRun done = run("for i, name in ipairs(require 'tables') do\n  test('t' .. i, { sql = 'select * from ' .. name, expect = { route = 'analytics' } })\nend");
  ASSERT_EQ(done.results.size(), 2u);
  EXPECT_EQ(done.failures(), 0u);
  EXPECT_EQ(done.results[1].test.name, "t2");
  EXPECT_EQ(done.results[1].test.line, 2);
}

TEST_F(RuleTests, tell_the_rules_that_were_never_hit) {
  const RuleTestRun done = run("test('t', { sql = 'select * from sales', expect = { route = 'analytics' } })\n"
                               "test('e', { sql = 'select 1', session = { user = 'eve' }, expect = { observed = 'watched' } })");
  EXPECT_EQ(done.unhit, (std::vector<std::string>{"rules.lua:2 no sleep", "rules.lua:3 night", "rules.lua:5 here", "rules.lua:6 old", "rules.lua:7 broken",
                                                  "rules.lua:9 busy", "rules.lua:10 slow", "rules.lua:11 quota", "rules.lua:12 fresh",
                                                  "rules.lua:13 replica", "rules.lua:14 flag",
                                                  "rules.lua connect", "rules.lua route"}));
  EXPECT_TRUE(to_text(done, true, false).ends_with("never hit: rules.lua route\n2 tests, 0 failed, 13 rules never hit\n"));
  EXPECT_EQ(to_text(done, false, false), "2 tests, 0 failed\n");
  EXPECT_TRUE(to_text(done, false, true).starts_with("rules_test.lua:1: ok: t\n"));
}

TEST_F(RuleTests, are_told_with_place_difference_and_story) {
  const RuleTestRun done = run("\ntest('old is new', { sql = 'select * from old', expect = { text = 'select * from now' } })");
  const std::string text = to_text(done, false, false);
  EXPECT_TRUE(text.starts_with("rules_test.lua:2: FAILED: old is new\n"
                               "  text\n"
                               "    expected  select * from now\n"
                               "    got       select * from new\n"
                               "                             ^\n"
                               "  explain\n"
                               "    statement 1 of 1\n"
                               "      text       select * from old\n")) << text;
  EXPECT_TRUE(text.ends_with("1 test, 1 failed\n")) << text;
}

TEST_F(RuleTests, are_told_to_machines_as_junit_xml) {
  const RuleTestRun done = run("test('a <b> & \"c\"', { sql = 'select 1', expect = { route = 'analytics' } })\ntest('good', { sql = 'select 1', expect = { pass = true } })");
  const std::string xml = to_junit(done, true);
  EXPECT_NE(xml.find("<testsuites tests=\"3\" failures=\"2\" errors=\"0\">"), std::string::npos) << xml;
  EXPECT_NE(xml.find("<testcase classname=\"rules_test.lua\" name=\"a &lt;b&gt; &amp; &quot;c&quot;\" file=\"rules_test.lua\" line=\"1\">"), std::string::npos) << xml;
  EXPECT_NE(xml.find("<failure message=\"route: expected analytics, got shop\">"), std::string::npos) << xml;
  EXPECT_NE(xml.find("name=\"good\" file=\"rules_test.lua\" line=\"2\"/>"), std::string::npos) << xml;
  EXPECT_NE(xml.find("name=\"every rule is hit\">"), std::string::npos) << xml;
  EXPECT_EQ(to_junit(done, false).find("every rule is hit"), std::string::npos);
  const std::string odd = to_junit(run("test('\xc3\xa4 \xff\xed\xa0\x80\xe2\x82\x01', { sql = 'select 1', expect = { pass = true } })"), false);
  EXPECT_NE(odd.find("name=\"\xc3\xa4 ???" "???" "?\""), std::string::npos) << odd;
}

}  // namespace
}  // namespace pgswitch::rules
