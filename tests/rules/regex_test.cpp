#include <chrono>

#include "rules/regex.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using StmtMatches = test::EngineTest;

struct Asked {
  const char* expression;
  const char* sql;
  const char* value;
};

TEST_F(StmtMatches, tells_whether_a_regular_expression_is_found) {
  const Asked table[] = {
      {"stmt:matches([[^select\\s+\\d+$]])", "select 1", "true"},
      {"stmt:matches([[^select\\s+\\d+$]])", "select x", "false"},
      {"stmt:matches([[^SELECT]])", "select x", "false"},
      {"stmt:matches([[(?i)^SELECT]])", "select x", "true"},
      {"stmt:matches([[from.*secret]])", "select x from\n secret", "true"},
      {"stmt:matches('a', 'x')", "select x", "true"},
      {"stmt:matches('a', 'b')", "select x", "false"},
      {"stmt:matches('')", "select x", "true"},
      {"stmt:matches('gr\xc3\xbc[\xc3\x9f\xc3\xa4]e')", "select 'gr\xc3\xbc\xc3\x9f""e'", "true"},
      {"stmt:matches('^.{10}$')", "select '\xff'", "true"},
  };
  for (const Asked& row : table) {
    logged_.clear();
    ASSERT_TRUE(load("function route(stmt) log(" + std::string(row.expression) + ") end")) << error_;
    EXPECT_TRUE(has(decision(row.sql).depends_on, Dependency::text));
    ASSERT_EQ(logged_.size(), 1u) << row.expression;
    EXPECT_EQ(logged_[0], row.value) << row.expression << " of " << row.sql;
  }
}

struct Wrong {
  const char* expression;
  const char* says;
};

TEST_F(StmtMatches, is_an_error_when_it_is_used_wrongly) {
  const Wrong table[] = {
      {"stmt:matches('(')", "rules.lua:2: the regular expression '(' is wrong: missing ): ("},
      {"stmt:matches([[(a)\\1]])", "rules.lua:2: the regular expression '(a)\\1' is wrong: invalid escape sequence: \\1"},
      {"stmt:matches('((a{100}){100}){10}')", "rules.lua:2: the regular expression '((a{100}){100}){10}' is wrong"},
      {"stmt:matches('(ab){600}')", "rules.lua:2: the regular expression '(ab){600}' is wrong: it is too large"},
      {"stmt:matches('gr\xc3[')", "rules.lua:2: the regular expression"},
      {"stmt:matches()", "rules.lua:2: bad argument #1 to 'matches' (value expected)"},
      {"stmt:matches(5)", "rules.lua:2: bad argument #1 to 'matches' (string expected, got number)"},
      {"stmt.matches('x')", "call it with a colon"},
  };
  for (const Wrong& row : table) {
    ASSERT_TRUE(load("function route(stmt)\n return " + std::string(row.expression) + " and nil end")) << error_;
    EXPECT_NE(decision("select 1").refusal.detail.find(row.says), std::string::npos) << decision("select 1").refusal.detail;
  }
}

TEST_F(StmtMatches, pays_for_the_length_of_the_text) {
  ASSERT_TRUE(load("function route(stmt) for i = 1, 100 do if stmt:matches('x') then return 'analytics' end end end")) << error_;
  EXPECT_EQ(decision("select 1").verb, Decision::Verb::route);
  EXPECT_NE(decision("select '" + std::string(20'000, 'y') + "'").refusal.detail.find("budget is used up"), std::string::npos);
}

TEST_F(StmtMatches, pays_for_patterns_that_are_made_anew) {
  ASSERT_TRUE(load("function route(stmt) for i = 1, 1000 do if stmt:matches('x' .. i) then return 'analytics' end end end")) << error_;
  EXPECT_NE(decision("select 1").refusal.detail.find("budget is used up"), std::string::npos);
}

TEST_F(StmtMatches, does_not_explode) {
  ASSERT_TRUE(load("function route(stmt) if stmt:matches('(a|aa)*(a|b)*.{200}(x+x+)+y$') then return 'analytics' end end")) << error_;
  const std::string text = "select '" + std::string(5'000, 'a') + std::string(1'000, 'x') + "'";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(route(text), "");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(RegexCache, keeps_what_was_asked_for_last_and_is_bounded) {
  RegexCache cache;
  std::string error;
  const Regex* const first = cache.add("x0", error);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(cache.find("x0"), first);
  EXPECT_EQ(cache.find("x1"), nullptr);
  for (std::size_t i = 1; i <= RegexCache::max_patterns; ++i) ASSERT_NE(cache.add("x" + std::to_string(i), error), nullptr);
  EXPECT_EQ(cache.find("x0"), nullptr);
  EXPECT_NE(cache.find("x1"), nullptr);
  EXPECT_TRUE(cache.find("x" + std::to_string(RegexCache::max_patterns))->found_in("ax64b"));
  EXPECT_EQ(cache.add("(", error), nullptr);
  EXPECT_EQ(error, "missing ): (");
}

}  // namespace
}  // namespace pgswitch::rules
