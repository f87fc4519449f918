#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rules/tokens.hpp"

namespace pgswitch::rules {
namespace {

std::string shape_of(std::string_view sql) {
  std::vector<char> scratch(shape_capacity(sql.size()));
  return std::string(scan(sql, scratch, {}).shape);
}

std::uint64_t shape_hash(std::string_view sql) {
  std::vector<char> scratch(shape_capacity(sql.size()));
  const Scan result = scan(sql, scratch, {});
  EXPECT_TRUE(result.has_shape) << sql;
  return result.shape_hash;
}

struct ShapePair {
  const char* one;
  const char* other;
};

TEST(Shape, is_blind_to_literals_blanks_and_case) {
  constexpr ShapePair rows[] = {
      {"select * from t where a = 1", "SELECT  *\nFROM t\tWHERE a = 4711"},
      {"select 'a'", "select 'it''s another'"},
      {"select E'\\n'", "select e'x'"},
      {"select B'0'", "select b'1111'"},
      {"select x'0'", "select X'ff'"},
      {"select 1.5", "select 1e-10"},
      {"select $$a$$", "select $tag$b$tag$"},
      {"select N'a'", "select n'b'"},
      {"  select 1  ", "select 1"},
      {"insert into t values (1, 'a', 2.5)", "INSERT INTO t VALUES (2, 'b', 3.0)"},
      {"select 'a'\n'b'", "select 'ab'"},
      {"select a -- x\n, 1", "select a -- x\n   , 2"},
  };
  for (const ShapePair& row : rows) EXPECT_EQ(shape_of(row.one), shape_of(row.other)) << row.one;
  for (const ShapePair& row : rows) EXPECT_EQ(shape_hash(row.one), shape_hash(row.other)) << row.one;
}

TEST(Shape, keeps_everything_else_apart) {
  constexpr ShapePair rows[] = {
      {"select 1", "select '1'"},
      {"select 1", "select 1.0"},
      {"select 'a'", "select E'a'"},
      {"select 'a'", "select N'a'"},
      {"select 'a'", "select B'1'"},
      {"select 'a'", "select $$a$$"},
      {"select B'1'", "select X'1'"},
      {"select 1", "select -1"},
      {"select 1", "select $1"},
      {"select $1", "select $2"},
      {"select \"A\"", "select \"a\""},
      {"select a", "select \"a\""},
      {"select 1 /* a */", "select 1 /* b */"},
      {"select 1 -- a", "select 1 -- b"},
      {"select 1 -- a\n from t", "select 1 -- a from t"},
      {"select 1", "select 1;"},
      {"select 1,2", "select 12"},
      {"select a b", "select ab"},
      {"select 'a' 'b'", "select 'a'\n'b'"},
      {"select 1 2", "select 12"},
      {"select a'b'", "select a$b$ 'c'"},
      {"select \xc3\x89", "select \xc3\xa9"},
  };
  for (const ShapePair& row : rows) EXPECT_NE(shape_of(row.one), shape_of(row.other)) << row.one;
  for (const ShapePair& row : rows) EXPECT_NE(shape_hash(row.one), shape_hash(row.other)) << row.one;
}

TEST(Shape, folds_long_words_at_every_length_and_place) {
  const std::string upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_09ZA", lower = "abcdefghijklmnopqrstuvwxyz_09za";
  for (std::size_t size = 1; size <= upper.size(); ++size) {
    EXPECT_EQ(shape_of(upper.substr(0, size)), lower.substr(0, size));
    EXPECT_EQ(shape_of(upper.substr(0, size) + " = X"), lower.substr(0, size) + " = x");
  }
  EXPECT_EQ(shape_of("[A@Z`a{z"), "");  // '{' begins no token
  EXPECT_EQ(shape_of("A@Z`a[z]"), "a@z`a[z]");
}

TEST(Shape, lists_literals_with_places_and_types) {
  const std::string_view sql = "select 'a', -12, .5, $1, E'x', $$y$$ from t where b = X'1f' and c=B'1'";
  Literal literals[16];
  const Scan result = scan(sql, {}, literals);
  struct Expected {
    std::string_view text;
    TokenType type;
  };
  const Expected expected[] = {{"'a'", TokenType::string}, {"12", TokenType::integer}, {".5", TokenType::decimal},
                               {"E'x'", TokenType::escape_string}, {"$$y$$", TokenType::dollar_string},
                               {"X'1f'", TokenType::hex_string}, {"B'1'", TokenType::bit_string}};
  ASSERT_EQ(result.literals, std::size(expected));
  for (std::size_t i = 0; i < std::size(expected); ++i) {
    EXPECT_EQ(sql.substr(literals[i].begin, literals[i].size), expected[i].text);
    EXPECT_EQ(literals[i].type, expected[i].type);
  }
}

TEST(Shape, counts_literals_that_do_not_fit_the_array) {
  Literal literals[2];
  const Scan result = scan("select 1, 2, 3, 4", {}, literals);
  EXPECT_EQ(result.literals, 4u);
  EXPECT_EQ(literals[1].begin, 10u);
}

TEST(Shape, is_missing_where_two_texts_could_be_taken_for_one) {
  for (const char* sql : {"select 'a", "select /* a", "select \"a", "select $x$a", "select \x01", "select {"}) {
    std::vector<char> scratch(shape_capacity(std::string_view(sql).size()));
    const Scan result = scan(sql, scratch, {});
    EXPECT_FALSE(result.has_shape) << sql;
    EXPECT_TRUE(result.shape.empty()) << sql;
  }
}

TEST(Shape, needs_its_scratch_whole) {
  std::vector<char> scratch(shape_capacity(8) - 1);
  const Scan result = scan("select 1", scratch, {});
  EXPECT_FALSE(result.has_shape);
  EXPECT_EQ(result.literals, 1u);
}

TEST(HashBytes, sees_every_byte) {
  EXPECT_NE(hash_bytes("a"), hash_bytes(std::string_view("a\0", 2)));
  EXPECT_NE(hash_bytes(""), hash_bytes(std::string_view("\0", 1)));
  for (std::size_t size = 1; size < 40; ++size) {
    std::string text(size, 'x');
    const std::uint64_t before = hash_bytes(text);
    for (std::size_t i = 0; i < size; ++i) {
      text[i] = 'y';
      EXPECT_NE(hash_bytes(text), before) << size << " " << i;
      text[i] = 'x';
    }
  }
}

}  // namespace
}  // namespace pgswitch::rules
