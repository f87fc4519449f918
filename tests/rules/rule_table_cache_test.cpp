#include "tests/rules/engine_allocations.hpp"
#include "tests/rules/engine_fixture.hpp"

/// What a decision of the table depends on, how it is kept, and how it is explained.
namespace pgswitch::rules {
namespace {

using RuleTableKeeps = test::EngineTest;

constexpr Dependencies shape = bit(Dependency::shape);

struct Read {
  const char* when;
  const char* sql;
  Dependencies read;
};

constexpr Read reads[] = {
    {"kind = 'insert'", "select 1", shape},
    {"tables = 'sales', functions = 'now', read_only = true, command = 'SELECT'", "select now() from sales", shape},
    {"user = 'alice'", "select 1", shape | bit(Dependency::user)},
    {"not_user = 'alice'", "select 1", shape | bit(Dependency::user)},
    {"database = 'shop'", "select 1", shape | bit(Dependency::database)},
    {"application_name = 'x'", "select 1", shape | bit(Dependency::application_name)},
    {"client_address = 'unix'", "select 1", shape | bit(Dependency::client_address)},
    {"in_transaction = true", "select 1", shape | bit(Dependency::in_transaction)},
    {"matches = '1'", "select 1", shape | bit(Dependency::text)},
    {"hour = { 0, 24 }", "select 1", shape | bit(Dependency::volatile_)},
    {"where = function() return true end", "select 1", shape},
    {"where = function(stmt, session) return stmt.text == session.user end", "select 1", shape | bit(Dependency::text) | bit(Dependency::user)},
    // What stands behind a condition that does not hold is not looked at, whatever the order it is written in.
    {"hour = { 0, 24 }, matches = '1', user = 'alice', kind = 'insert'", "select 1", shape},
    {"hour = { 0, 24 }, matches = '1', user = 'bob', kind = 'select'", "select 1", shape | bit(Dependency::user)},
    {"hour = { 0, 24 }, matches = '2', user = 'alice'", "select 1", shape | bit(Dependency::user) | bit(Dependency::text)},
    {"where = function(stmt) return stmt.text == '' end, user = 'bob'", "select 1", shape | bit(Dependency::user)},
};

TEST_F(RuleTableKeeps, what_was_looked_at_and_no_more) {
  for (const Read& row : reads) {
    ASSERT_TRUE(load("rules { { when = { " + std::string(row.when) + " }, route = 'analytics' } }")) << error_;
    EXPECT_EQ(describe(decision(row.sql).depends_on), describe(row.read)) << row.when;
  }
}

TEST_F(RuleTableKeeps, rules_behind_the_one_that_matches_do_not_count) {
  ASSERT_TRUE(load("rules { { when = { tables = 'a' }, route = 'dev.1' }, { when = { matches = 'x' }, route = 'dev.2' } }")) << error_;
  EXPECT_EQ(decision("select * from a").depends_on, shape);
  EXPECT_TRUE(has(decision("select * from b").depends_on, Dependency::text));
}

TEST_F(RuleTableKeeps, statements_of_a_shape_share_an_entry) {
  ASSERT_TRUE(load("rules { { when = { tables = 'accounts', user = 'al*' }, route = 'analytics' }, { when = { matches = 'x' }, route = 'dev.1' } }")) << error_;
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(route("select abalance from accounts where aid = " + std::to_string(i)), "analytics");
  EXPECT_EQ(engine_->cache_stats().entries, 1u);
  EXPECT_EQ(engine_->cache_stats().misses, 1u);
  EXPECT_EQ(engine_->rule_stats()[1].hits, 1000u);
}

TEST_F(RuleTableKeeps, each_user_and_each_text_gets_its_own_decision) {
  ASSERT_TRUE(load("rules { { when = { user = 'alice', matches = '7' }, route = 'dev.1' }, { when = { user = 'bob' }, route = 'dev.2' } }")) << error_;
  const Facts alice = facts_;
  const Facts bob = facts_of("bob");
  for (int round = 0; round < 2; ++round) {
    for (const auto& [facts, sql, expected] : {std::tuple{alice, "select 7", "dev.1"}, {bob, "select 7", "dev.2"}, {alice, "select 8", ""}, {bob, "select 8", "dev.2"}}) {
      facts_ = facts;
      EXPECT_EQ(route(sql), expected) << facts.user << ": " << sql;
    }
  }
}

TEST_F(RuleTableKeeps, a_hit_allocates_nothing) {
  ASSERT_TRUE(load("rules { { name = 'a rule with a name longer than a small string', when = { tables = 't', user = 'alice' }, route = 'analytics' },\n"
                   "        { when = { matches = 'select' }, rewrite = 'select 1' } }")) << error_;
  for (const char* sql : {"select * from t where a = 1 and note = 'a text that is longer than a small string'", "select * from u"}) {
    decide(sql);
    test::start_counting_allocations();
    for (int i = 0; i < 100; ++i) engine_->decide(sql, facts_);
    EXPECT_EQ(test::stop_counting_allocations(), 0u) << sql;
  }
}

TEST_F(RuleTableKeeps, explain_tells_which_rules_were_looked_at_and_why_one_matched) {
  ASSERT_TRUE(load("rules {\n"
                   "  { name = 'inserts', when = { kind = { 'insert', 'update' } }, route = 'dev.1' },\n"
                   "  { name = 'bob', when = { user = 'bob', kind = 'select' }, route = 'dev.1' },\n"
                   "  { name = 'odd', when = { where = function(stmt) return stmt.joins % 2 == 1 end }, route = 'dev.2' },\n"
                   "  { name = 'analytics', when = { tables = { 'a', 'b', 'c', 'd', 'e', 'sales' }, not_user = 'bob', read_only = true }, route = 'analytics' },\n"
                   "  { name = 'rest', rewrite = 'select 1' },\n"
                   "}\n")) << error_;
  const std::string text = engine_->explain("select * from sales", facts_);
  EXPECT_NE(text.find("  asked      rules.lua:2 inserts said no, by kind = \"insert\", \"update\"\n"
                      "  asked      rules.lua:3 bob said no, by user = \"bob\"\n"
                      "  asked      rules.lua:4 odd said no, by where\n"
                      "  asked      rules.lua:5 analytics said yes, by read_only = true; tables = \"a\", \"b\", \"c\", \"d\", \"e\", ...; not_user = \"bob\"\n"
                      "  decision   route analytics\n"
                      "  rule       rules.lua:5 analytics\n"
                      "  cached     yes, for all statements of this shape, by the user\n"),
            std::string::npos) << text;
  const std::string rest = engine_->explain("delete from t", facts_);
  EXPECT_NE(rest.find("  asked      rules.lua:6 rest said yes, by having no condition\n"
                      "  asked      rules.lua:6 rest said new text\n"
                      "  decision   the client's own database, shop\n"
                      "  rule       rules.lua:6 rest\n"
                      "  rewritten  select 1\n"),
            std::string::npos) << rest;
  for (const RuleStats& rule : engine_->rule_stats()) EXPECT_EQ(rule.hits, 0u) << rule.rule;
}

}  // namespace
}  // namespace pgswitch::rules
