// The reader of tokens against PostgreSQL's own lexer, as libpg_query exports it. They differ on purpose in one thing: in
// PostgreSQL a string goes on after a line comment ('a' -- x, line break, 'b'), in libpg_query it does not.
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "rules/tokens.hpp"
#include "tests/rules/corpus.hpp"
#include "tests/rules/oracle_tokens.hpp"

namespace pgswitch::rules {
namespace {

/// pg_query_scan() gives U&'' and U&"" tokens a wrong end (that of the value): only where they begin is compared.
void forget_ends_of_unicode(const std::string& sql, Places& places) {
  for (auto& [begin, end] : places) {
    if (is_unicode_token(sql, begin)) end = begin;
  }
}

void expect_agreement(const std::string& sql, Places expected, Places actual) {
  forget_ends_of_unicode(sql, expected);
  forget_ends_of_unicode(sql, actual);
  EXPECT_EQ(actual, expected) << sql;
}

Places ours(const std::string& sql) {
  Places places;
  TokenReader reader(sql);
  for (Token t = reader.next(); t.type != TokenType::end; t = reader.next()) places.emplace_back(t.begin, t.begin + t.size);
  return places;
}

const std::string pieces[] = {
    "select", "A_b$1", "\"q\"\"x\"", "'s''t'", "E'\\'x'", "B'01'", "x'f'", "U&'\\0061'", "U&\"d\"", "$$b$$", "$t$ $ $t$",
    "1", "1.5", ".5", "1e5", "$7", "(", ")", "[", "]", ",", ";", ".", ":", "::", ":=", "=", "<>", "=>", "+", "-", "*", "/",
    "||", "@-", "<->", "!", "%", "-- c\n", "/* a /* b */ */", " ", "\n", "\t", "\xc3\xa9", "e", "b", "u", "&", "?", "#", "e1"};

TEST(TokensOracle, agrees_with_postgresql_on_pairs_and_triples_of_tokens) {
  int compared = 0;
  const auto compare = [&compared](const std::string& sql) {
    const std::optional<Places> expected = oracle_tokens(sql);
    if (!expected) return;
    ++compared;
    expect_agreement(sql, *expected, ours(sql));
  };
  for (const std::string& a : pieces) {
    for (const std::string& b : pieces) {
      compare(a + b);
      for (const char* between : {"'x'", "1", "-", "/* c */"}) compare(a + between + b);
    }
  }
  EXPECT_GT(compared, 5000);
}

TEST(TokensOracle, agrees_with_postgresql_on_whole_statements) {
  for (const char* sql : {
           "SELECT a.b, 'x'::text, $1 + 2 FROM \"T\" WHERE a->>'k' = 'v' AND b @> ARRAY[1,2] -- end",
           "UPDATE t SET a=-1,b=a||'x'||E'\\n' WHERE c IN (1,2,3) /* hint */ RETURNING *;",
           "INSERT INTO t VALUES (1, 1.5, -3e10, X'ff', B'01', U&'d\\0061t' UESCAPE '\\', $q$ it's $q$)",
           "SELECT 'a'\n'b', 'c' FROM t; SELECT 2",
           "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $f$ BEGIN RETURN $1; END $f$",
           "SELECT a[1:2], b[:], x.*, (y).z, count(*) FILTER (WHERE p) OVER (w) FROM s.t AS x"}) {
    const std::optional<Places> expected = oracle_tokens(sql);
    ASSERT_TRUE(expected) << sql;
    expect_agreement(sql, *expected, ours(sql));
  }
}

TEST(TokensOracle, agrees_with_postgresql_on_the_corpus) {
  std::size_t refused = 0;
  for (const CorpusFile& file : corpus()) {
    for (const CorpusEntry& entry : file.entries) {
      const std::string sql = sql_of(entry);
      const std::optional<Places> expected = oracle_tokens(sql);
      if (expected) expect_agreement(sql, *expected, ours(sql));
      refused += !expected;
    }
  }
  EXPECT_LT(refused, 10u);
}

}  // namespace
}  // namespace pgswitch::rules
