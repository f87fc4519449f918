// stmt.dialect: whose SQL a statement is.
#include "rules/redshift/dialect.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "rules/analyze.hpp"
#include "rules/redshift/translate.hpp"

namespace pgswitch::rules::redshift {
namespace {

std::string dialect(const std::string& sql) {
  const AnalyzedScript script = analyze(sql);
  const std::string_view found = dialect_of(sql, *script.statements.front().statement, true);
  return found.empty() ? "-" : std::string(found);
}

/// Statements of the Redshift Developer Guide and its drivers. What PostgreSQL has and Redshift has not is "postgres".
TEST(Dialect, of_what_the_manual_of_redshift_has) {
  std::ifstream in(std::filesystem::path(__FILE__).parent_path() / "statements.txt");
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t blank = line.find(' ');
    const std::string wanted = line.substr(0, blank), sql = line.substr(blank + 1);
    EXPECT_EQ(dialect(sql), wanted) << sql;
    ++count;
    if (wanted == "postgres") continue;
    const Translation translation = translate(sql, true);
    EXPECT_TRUE(!translation.refused() && translation.text.empty()) << sql << "\n" << translation.text << translation.refusal.message;
  }
  EXPECT_GE(count, 248u);
}

TEST(Dialect, of_what_both_may_have) {
  struct Row {
    const char* sql;
    const char* dialect;
  };
  constexpr Row rows[] = {
      {"select a, count(*) from t group by a order by a nulls last limit 5", "-"},
      {"select sysdate as x", "redshift"},
      {"select a as sysdate from t", "-"},
      {"select t.sysdate from t", "-"},
      {"select nvl from t", "-"},
      {"select 'getdate()' from t", "-"},
      {"select getdate() from t /* now() */", "redshift"},
      {"select date_part(month, d), date_part('month', d) from t", "redshift"},
      {"select decode(a, 'hex') from t", "postgres"},
      {"select decode(a, 1, 'x', 'y') from t", "redshift"},
      {"select x::super from t", "redshift"},
      {"select super from t", "-"},
      {"create table t (super int)", "-"},
      {"create table t (a super)", "redshift"},
      {"copy t from 's3://b/p' csv", "redshift"},
      {"copy t from '/tmp/x' csv", "-"},
      {"select distinct on (a) a from t", "postgres"},
      {"select a->>'x' from t", "postgres"},
      {"select qualify from t", "-"},
      {"select top 5 a from t", "redshift"},
      {"selec 1", "-"},
      {"set query_group to 'x'", "redshift"},
      {"set work_mem to '1MB'", "-"},
  };
  for (const auto& [sql, wanted] : rows) EXPECT_EQ(dialect(sql), wanted) << sql;
}

}  // namespace
}  // namespace pgswitch::rules::redshift
