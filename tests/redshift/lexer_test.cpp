#include "tests/redshift/lexer.hpp"

#include <gtest/gtest.h>

namespace pgswitch::stand_in {
namespace {

struct Literal {
  const char* text;
  std::string_view value;
};

TEST(RedshiftLexer, ReadsBackslashesInPlainLiterals) {
  using namespace std::string_view_literals;
  const Literal literals[] = {
      {"'abc'", "abc"},      {"'it''s'", "it's"}, {R"('it\'s')", "it's"}, {R"('a\\b')", R"(a\b)"}, {R"('\n\t\b\f\r')", "\n\t\b\f\r"},
      {R"('\q')", "q"},      {R"('\101')", "A"},  {R"('\1011')", "A1"},   {R"('\0')", "\0"sv},     {R"('\8')", "8"},
      {R"('\x41')", "x41"},  {"'a'\n'b'", "ab"},  {"'a' \n  'b'", "ab"},  {R"('\\''')", R"(\')"},  {"''", ""},
      {R"('\\N')", R"(\N)"}, {"'a\nb'", "a\nb"},
  };
  for (const Literal& literal : literals) {
    const auto statements = read_statements(literal.text);
    ASSERT_EQ(statements.size(), 1u) << literal.text;
    ASSERT_EQ(statements[0].tokens.size(), 1u) << literal.text;
    EXPECT_EQ(statements[0].tokens[0].type, TokenType::string);
    EXPECT_EQ(statements[0].tokens[0].value, literal.value) << literal.text;
  }
}

std::string shown(std::string_view text) {
  std::string result;
  for (const Statement& statement : read_statements(text)) {
    for (const Token& token : statement.tokens) result += "[" + token.value + "]";
    result += ";";
  }
  return result;
}

TEST(RedshiftLexer, ReadsTokens) {
  const std::pair<const char*, const char*> cases[] = {
      {"SELECT \"A b\", c FROM T", "[select][a b][,][c][from][t];"},
      {"select 1;; select 2;", "[select][1];[select][2];"},
      {"a->>'x' - -1", "[a][->>][x][-][-][1];"},
      {"a<-1", "[a][<][-][1];"},
      {"a@-1", "[a][@-][1];"},
      {"1.5e3 .5 1e x", "[1.5e3][.5][1][e][x];"},
      {"$1::int", "[$1][::][int];"},
      {"-- no\n1 /* a /* b */ c */ 2", "[1][2];"},
      {"select * from #t", "[select][*][from][#t];"},
      {"a # b", "[a][#][b];"},
      {"create function f() returns int as $$ select ';' $$ language sql",
       "[create][function][f][(][)][returns][int][as][ select ';' ][language][sql];"},
      {"create procedure p() as $x$ $$ $x$", "[create][procedure][p][(][)][as][ $$ ];"},
      {R"('\'; drop table t; --')", "['; drop table t; --];"},
      {"", ""},
      {" ; ;", ""},
  };
  for (const auto& [text, tokens] : cases) EXPECT_EQ(shown(text), tokens) << text;
}

TEST(RedshiftLexer, RefusesWhatHasNoEnd) {
  const std::pair<const char*, const char*> cases[] = {
      {"select 'a", "unterminated quoted string at or near \"'a\""},
      {R"(select 'a\')", R"(unterminated quoted string at or near "'a\'")"},
      {"select \"a", "unterminated quoted identifier at or near \"\"a\""},
      {"select /* a /* b */", "unterminated /* comment at or near \"/* a /* b */\""},
      {"select $$a$$", "syntax error at or near \"$\""},
      {"create function f() returns int as $$ a", "syntax error at or near \"$\""},
  };
  for (const auto& [text, message] : cases) {
    try {
      read_statements(text);
      ADD_FAILURE() << text;
    } catch (const TextError& error) {
      EXPECT_EQ(error.error.sqlstate, "42601");
      EXPECT_TRUE(error.error.message == message || error.error.message.starts_with("unterminated dollar-quoted string"))
          << error.error.message;
    }
  }
}

TEST(RedshiftLexer, CountsPositionsInCharacters) {
  EXPECT_EQ(position_of("sélect", 0), 1u);
  EXPECT_EQ(position_of("sélect", 3), 3u);
}

}  // namespace
}  // namespace pgswitch::stand_in
