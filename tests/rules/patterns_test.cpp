#include "rules/patterns.hpp"

#include <gtest/gtest.h>

#include "rules/analyze.hpp"

namespace pgswitch::rules {
namespace {

constexpr const char* patterns[] = {"sales", "sales.sales", "analytics.*", "*.sales", "*", "*.*", "sal*", "an*.s*", "public.sales", "orders", "top", "x.y.z", "."};
constexpr const char* statements[] = {
    "select * from sales", "select * from analytics.sales", "select * from orders, analytics.x", "insert into sales select * from public.orders",
    "select 1", "select top 5 * from sales", "select top 5 * from analytics.sales", "with sales as (select 1) select * from sales", "truncate orders",
};

// The names in 64 bits may take two for one, but never miss one.
TEST(Patterns, a_statement_that_a_pattern_is_for_has_a_name_in_common_with_it) {
  int found = 0;
  for (const char* sql : statements) {
    const AnalyzedScript script = analyze(sql);
    const Statement& statement = *script.statements.front().statement;
    EXPECT_NE(name_bits(statement) & any_name, 0u) << sql;
    for (const char* pattern : patterns) {
      for (const Access access : {Access::any, Access::reads, Access::writes}) {
        if (!touches(statement, pattern, access)) continue;
        ++found;
        EXPECT_NE(name_bits(statement) & name_bits(pattern), 0u) << sql << " and " << pattern;
      }
    }
  }
  EXPECT_GT(found, 50);
}

TEST(Patterns, most_other_statements_have_none) {
  const AnalyzedScript script = analyze("select * from sales");
  int common = 0;
  for (int i = 0; i < 1000; ++i) {
    if ((name_bits(*script.statements.front().statement) & name_bits("table" + std::to_string(i))) != 0) ++common;
  }
  EXPECT_LT(common, 100);
}

TEST(Patterns, functions_are_globs_too) {
  const AnalyzedScript script = analyze("select pg_catalog.pg_sleep(1), lower(x)");
  const Statement& statement = *script.statements.front().statement;
  for (const char* pattern : {"pg_sleep", "pg_*", "pg_catalog.pg_sleep", "pg_catalog.*", "low*", "*"}) EXPECT_TRUE(calls(statement, pattern)) << pattern;
  for (const char* pattern : {"sleep", "pg_catalog.lower", "pg", "public.*"}) EXPECT_FALSE(calls(statement, pattern)) << pattern;
}

}  // namespace
}  // namespace pgswitch::rules
