#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

/// Rules that only observe decide nothing, and are counted and logged.
class Observe : public test::EngineTest {
 protected:
  const RuleStats& stats(std::string_view rule) {
    for (const RuleStats& one : engine_->rule_stats())
      if (one.rule == rule) return one;
    ADD_FAILURE() << "no rule " << rule;
    return engine_->rule_stats().front();
  }
};

TEST_F(Observe, a_rule_of_the_table_is_passed_by_and_the_next_one_decides) {
  ASSERT_TRUE(load("rules {\n"
                   "  { name = 'trial', mode = 'observe', when = { tables = 'sales' }, reject = 'no sales' },\n"
                   "  { name = 'real', mode = 'enforce', when = { tables = 'sales' }, route = 'analytics' },\n"
                   "}")) << error_;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(route("select * from sales where id = " + std::to_string(i)), "analytics");
  EXPECT_EQ(stats("rules.lua:2 trial").hits, 0u);
  EXPECT_EQ(stats("rules.lua:2 trial").observed, 3u);
  EXPECT_EQ(stats("rules.lua:2 trial").observed_refusals, 3u);
  EXPECT_EQ(stats("rules.lua:3 real").hits, 3u);
  EXPECT_EQ(stats("rules.lua:3 real").observed, 0u);
  EXPECT_EQ(engine_->cache_stats().misses, 1u);
}

TEST_F(Observe, is_logged_once_a_second_with_rule_and_fingerprint) {
  ASSERT_TRUE(load("rules { { name = 'trial', mode = 'observe', when = { tables = 'sales' }, route = 'analytics' },\n"
                   "{ name = 'calm', mode = 'observe', when = { tables = 'calm' }, pass = true } }")) << error_;
  const std::string expected = "rule observed: rules.lua:1 trial would have said route analytics (statement " +
                               fingerprint_digits(decide("select * from sales").items.front().fingerprint) + ")";
  decide("select * from sales");
  EXPECT_EQ(logged_, std::vector<std::string>{expected});
  now_us_ += 1'000'000;
  decide("select * from sales");
  EXPECT_EQ(logged_, (std::vector<std::string>{expected, expected}));
  decide("select * from calm");
  EXPECT_EQ(logged_.size(), 2u);
  EXPECT_EQ(stats("rules.lua:2 calm").observed, 1u);
}

TEST_F(Observe, what_a_rule_would_do_depends_on_what_it_looked_at) {
  ASSERT_TRUE(load("rules { { name = 'trial', mode = 'observe', when = { user = 'eve' }, reject = 'no eve' } }")) << error_;
  decide("select 1");
  EXPECT_EQ(stats("rules.lua:1 trial").observed, 0u);
  facts_ = facts_of("eve");
  EXPECT_EQ(decision("select 1").verb, Decision::Verb::route);
  EXPECT_EQ(stats("rules.lua:1 trial").observed, 1u);
}

TEST_F(Observe, a_rule_that_fails_refuses_nothing) {
  ASSERT_TRUE(load("rules { { name = 'bad', mode = 'observe', when = { where = function() error 'boom' end }, route = 'analytics' },\n"
                   "{ name = 'worse', mode = 'observe', rewrite = function() return 'selec' end },\n"
                   "{ name = 'real', route = 'dev.1' } }")) << error_;
  EXPECT_EQ(route("select 1"), "dev.1");
  EXPECT_EQ(stats("rules.lua:1 bad").errors, 1u);
  EXPECT_EQ(stats("rules.lua:1 bad").observed_refusals, 1u);
  EXPECT_EQ(stats("rules.lua:2 worse").errors, 1u);
  EXPECT_TRUE(logged_.front().starts_with("rule failed: rules.lua:1: boom")) << logged_.front();
}

TEST_F(Observe, all_rules_together_decide_nothing_in_that_mode) {
  options_.mode = RulesMode::observe;
  ASSERT_TRUE(load("rules { { name = 'analytics', when = { tables = 'sales' }, route = 'analytics' },\n"
                   "{ name = 'told', when = { tables = 'told' }, answer = { columns = { 'a' }, rows = {} } } }\n"
                   "function connect(session) return reject 'nobody' end\n"
                   "function route(stmt) if stmt:touches('old') then return 'dev.1' end end\n"
                   "function rewrite(stmt) if stmt:touches('old') then return 'select * from new' end end\n")) << error_;
  EXPECT_EQ(engine_->connect(facts_), nullptr);
  for (const char* sql : {"select * from sales", "select * from told", "select * from old", "select 1"}) {
    const ScriptItem& item = decide(sql).items.front();
    EXPECT_EQ(item.decision->verb, Decision::Verb::route) << sql;
    EXPECT_EQ(item.decision->route, no_route) << sql;
    EXPECT_FALSE(item.decision->rewritten) << sql;
    EXPECT_EQ(item.decision->rule, "default") << sql;
  }
  EXPECT_EQ(decide("select * from old").items.front().statement->reads.front().name, "old");
  EXPECT_EQ(stats("default").hits, 5u);
  EXPECT_EQ(stats("rules.lua:1 analytics").observed, 1u);
  EXPECT_EQ(stats("rules.lua:2 told").observed_answers, 1u);
  EXPECT_EQ(stats("rules.lua connect").observed_refusals, 1u);
  EXPECT_EQ(stats("rules.lua connect").refusals, 0u);
  EXPECT_EQ(stats("rules.lua route").observed, 2u);
  EXPECT_EQ(stats("rules.lua rewrite").observed_rewrites, 2u);
  const std::string story = engine_->explain("select * from old", facts_);
  EXPECT_NE(story.find("  observed   rules.lua:4 route, rules.lua:5 rewrite would have said route dev.1, rewrite\n"
                       "  decision   the client's own database, shop\n"), std::string::npos) << story;
}

TEST_F(Observe, the_mode_of_a_rule_is_one_of_two) {
  EXPECT_FALSE(load("rules { { name = 'x', mode = 'watch', pass = true } }"));
  EXPECT_NE(error_.find("mode is \"enforce\" or \"observe\", not 'watch'"), std::string::npos) << error_;
  EXPECT_TRUE(load("rules { { name = 'all', mode = 'observe', route = 'dev.1' }, { name = 'behind', pass = true } }")) << error_;
}

}  // namespace
}  // namespace pgswitch::rules
