// The reader of tokens against PostgreSQL's own lexer, as libpg_query exports it. They differ on purpose in one thing: in
// PostgreSQL a string goes on after a line comment ('a' -- x, line break, 'b'), in libpg_query it does not.
#include <gtest/gtest.h>
#include <pg_query.h>

#include <optional>
#include <string>
#include <vector>

#include "rules/tokens.hpp"

namespace pgswitch::rules {
namespace {

using Places = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

std::uint64_t varint(const char*& p) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(*p++);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}

/// pg_query_scan() gives U&'' and U&"" tokens a wrong end (that of the value): only where they begin is compared.
void forget_ends_of_unicode(const std::string& sql, Places& places) {
  for (auto& [begin, end] : places) {
    const bool unicode = begin + 1 < sql.size() && (sql[begin] | 0x20) == 'u' && sql[begin + 1] == '&';
    if (unicode) end = begin;
  }
}

void expect_agreement(const std::string& sql, Places expected, Places actual) {
  forget_ends_of_unicode(sql, expected);
  forget_ends_of_unicode(sql, actual);
  EXPECT_EQ(actual, expected) << sql;
}

/// ScanToken of pg_query.proto: field 1 is the start, 2 the end, further ones are numbers too.
std::pair<std::uint64_t, std::uint64_t> scan_token(const char* p, const char* end) {
  std::pair<std::uint64_t, std::uint64_t> place;
  while (p < end) {
    const std::uint64_t field = varint(p) >> 3, value = varint(p);
    if (field == 1) place.first = value;
    if (field == 2) place.second = value;
  }
  return place;
}

/// Nothing when PostgreSQL's lexer refuses the text.
std::optional<Places> oracle(const std::string& sql) {
  const PgQueryScanResult result = pg_query_scan(sql.c_str());
  std::optional<Places> places;
  if (!result.error) {
    places.emplace();
    const char* p = result.pbuf.data;
    const char* end = p + result.pbuf.len;
    while (p < end) {
      const std::uint64_t key = varint(p), value = varint(p);
      if ((key & 7) != 2) continue;
      if (key >> 3 == 2) places->push_back(scan_token(p, p + value));
      p += value;
    }
  }
  pg_query_free_scan_result(result);
  return places;
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
    const std::optional<Places> expected = oracle(sql);
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
    const std::optional<Places> expected = oracle(sql);
    ASSERT_TRUE(expected) << sql;
    expect_agreement(sql, *expected, ours(sql));
  }
}

}  // namespace
}  // namespace pgswitch::rules
