#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using Explain = test::EngineTest;

TEST_F(Explain, tells_what_was_understood_asked_and_decided) {
  ASSERT_TRUE(load("function route(stmt, session)\n"
                   "  if stmt:touches('analytics.*') and session.user == 'alice' then return 'analytics' end\n"
                   "end\n"));
  EXPECT_EQ(engine_->explain("/* report */ SELECT sum(x)\nFROM analytics.sales JOIN users USING (id) LIMIT 5; listen jobs", facts_),
            "statement 1 of 2\n"
            "  text       /* report */ SELECT sum(x)\n"
            "             FROM analytics.sales JOIN users USING (id) LIMIT 5\n"
            "  fingerprint d73f9c06e26b5c2c\n"
            "  kind       select (SELECT)\n"
            "  read only  yes\n"
            "  reads      analytics.sales, users\n"
            "  functions  sum\n"
            "  shape      aggregate, limit, 1 join\n"
            "  hints      report\n"
            "  asked      rules.lua:2 route said \"analytics\"\n"
            "  decision   route analytics\n"
            "  rule       rules.lua:2 route\n"
            "  cached     yes, for this exact text, by the user\n"
            "statement 2 of 2\n"
            "  text       listen jobs\n"
            "  fingerprint 0e6598cd0b6fa83d\n"
            "  kind       listen (LISTEN)\n"
            "  read only  no\n"
            "  effects    LISTEN\n"
            "  asked      rules.lua:3 route said nothing\n"
            "  decision   the client's own database, shop\n"
            "  rule       default\n"
            "  cached     yes, for this exact text\n");
}

TEST_F(Explain, tells_rewrites_refusals_and_failures) {
  ASSERT_TRUE(load("function route(s)\n"
                   "  if s:touches('no') then return reject{message = 'no', detail = 'never', hint = 'ask'} end\n"
                   "  if s:touches('bad') then error('boom') end\n"
                   "  if s:touches('here') then return answer{columns = {'a'}, rows = {{1}}} end\n"
                   "end\n"
                   "function rewrite(s)\n"
                   "  if s:touches('old') then return 'select * from new' end\n"
                   "end\n"));
  const std::string rewritten = engine_->explain("select * from old", facts_);
  EXPECT_NE(rewritten.find("  asked      rules.lua:5 route said nothing\n"
                           "  asked      rules.lua:7 rewrite said new text\n"
                           "  decision   the client's own database, shop\n"
                           "  rule       rules.lua:7 rewrite\n"
                           "  rewritten  select * from new\n"
                           "  cached     yes, for all statements of this shape\n"),
            std::string::npos) << rewritten;
  const std::string refused = engine_->explain("select * from no", facts_);
  EXPECT_NE(refused.find("  asked      rules.lua:2 route said reject: 42501 \"no\"\n"
                         "  decision   refused: 42501 no\n"
                         "             detail: never\n"
                         "             hint: ask\n"),
            std::string::npos) << refused;
  const std::string failed = engine_->explain("select * from bad", facts_);
  EXPECT_NE(failed.find("said an error: rules.lua:3: boom\n"), std::string::npos) << failed;
  EXPECT_NE(failed.find("  decision   refused: XX000 rule failed\n"), std::string::npos) << failed;
  EXPECT_NE(failed.find("  cached     no: it depends on the statement's shape, the moment\n"), std::string::npos) << failed;
  EXPECT_NE(engine_->explain("select * from here", facts_).find("  decision   answered here, 1 rows\n"), std::string::npos);
}

TEST_F(Explain, leaves_no_trace) {
  ASSERT_TRUE(load("function route() error('x') end"));
  engine_->explain("select 1", facts_);
  EXPECT_EQ(engine_->rule_stats()[1].errors, 0u);
  EXPECT_EQ(engine_->cache_stats().entries, 0u);
  EXPECT_TRUE(logged_.empty());
}

TEST_F(Explain, says_what_does_not_parse) {
  ASSERT_TRUE(load(""));
  const std::string text = engine_->explain("select top 5 * from sales", facts_);
  EXPECT_TRUE(text.starts_with("not PostgreSQL's grammar: syntax error")) << text;
  EXPECT_NE(text.find("  kind       unparsed"), std::string::npos) << text;
}

TEST_F(Explain, is_the_same_each_time_with_and_without_rules) {
  ASSERT_TRUE(load(""));
  const std::string first = engine_->explain("select 1", facts_);
  EXPECT_EQ(engine_->explain("select 1", facts_), first);
  EXPECT_EQ(first,
            "statement 1 of 1\n"
            "  text       select 1\n"
            "  fingerprint 85cb0e94baae62f2\n"
            "  kind       select (SELECT)\n"
            "  read only  yes\n"
            "  decision   the client's own database, shop\n"
            "  rule       default\n"
            "  cached     yes, for all statements of this shape\n");
}

}  // namespace
}  // namespace pgswitch::rules
