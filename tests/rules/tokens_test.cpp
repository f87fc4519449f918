#include "rules/tokens.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace pgswitch::rules {
namespace {

constexpr char letter_of(TokenType type) {
  constexpr char letters[] = {'.', 'w', 'q', 'Q', 's', 'e', 'u', 'n', 'b', 'x', 'd', 'i', 'f', 'p', 'o', '(', ')', ';', ',', 'D', '[', 'c', '!'};
  static_assert(sizeof letters == static_cast<std::size_t>(TokenType::invalid) + 1);
  return letters[static_cast<int>(type)];
}

/// "w:select i:1": the tokens with their texts; '~' marks one without an end.
std::string tokens_of(std::string_view sql, TokenOptions options = {}) {
  TokenReader reader(sql, options);
  std::string result;
  for (Token t = reader.next(); t.type != TokenType::end; t = reader.next()) {
    result += result.empty() ? "" : " ";
    result += letter_of(t.type);
    result += t.unterminated ? "~" : ":";
    result += reader.text(t);
  }
  return result;
}

struct TokensRow {
  const char* sql;
  const char* tokens;
};

TEST(Tokens, read_text_as_postgresql_does) {
  constexpr TokensRow rows[] = {
      {"", ""},
      {" \t\r\n\f", ""},
      {"select 1", "w:select i:1"},
      {"a$b _c \xc3\xa9t\xc3\xa9", "w:a$b w:_c w:\xc3\xa9t\xc3\xa9"},
      {"\"a \"\"b\"\" c\"", "q:\"a \"\"b\"\" c\""},
      {"U&\"d\\0061\" u&'x'", "Q:U&\"d\\0061\" u:u&'x'"},
      {"u & x", "w:u o:& w:x"},
      {"'it''s' ''", "s:'it''s' s:''"},
      {"'a\\' 'b'", "s:'a\\' s:'b'"},
      {"E'a\\'b' e'\\\\'", "e:E'a\\'b' e:e'\\\\'"},
      {"b'01' X'1F' N'n' n'n'", "b:b'01' x:X'1F' n:N'n' n:n'n'"},
      {"B'01''x' X'1'\n'2'", "b:B'01' s:'x' x:X'1'\n'2'"},
      {"bc'x'", "w:bc s:'x'"},
      {"'a'\n'b' 'c' 'd'", "s:'a'\n'b' s:'c' s:'d'"},
      {"'a' -- why\n 'b'", "s:'a' -- why\n 'b'"},
      {"'a' /* no */\n 'b'", "s:'a' c:/* no */ s:'b'"},
      {"E'a'\n'\\'b'", "e:E'a'\n'\\'b'"},
      {"$$a'b$$ $t$ $$ $t$ $t1$x$t1$", "d:$$a'b$$ d:$t$ $$ $t$ d:$t1$x$t1$"},
      {"$a$ $b$ $a $a$", "d:$a$ $b$ $a $a$"},
      {"$1 $12::int", "p:$1 p:$12 o::: w:int"},
      {"1 1. .5 1.5 1e5 1.e-3 .5E+2 1e x", "i:1 f:1. f:.5 f:1.5 f:1e5 f:1.e-3 f:.5E+2 i:1 w:e w:x"},
      {"1..10", "i:1 o:.. i:10"},
      {"a.b.c t.*", "w:a D:. w:b D:. w:c w:t D:. o:*"},
      {"a=-1 a=+b", "w:a o:= o:- i:1 w:a o:= o:+ w:b"},
      {"a @- b a<->b", "w:a o:@- w:b w:a o:<-> w:b"},
      {"a<=b>=c<>d!=e=>f:=g", "w:a o:<= w:b o:>= w:c o:<> w:d o:!= w:e o:=> w:f o::= w:g"},
      {"a+--b\nc", "w:a o:+ c:--b w:c"},
      {"a*/**/b", "w:a o:* c:/**/ w:b"},
      {"/* a /* b */ c */ d", "c:/* a /* b */ c */ w:d"},
      {"/**/-- x", "c:/**/ c:-- x"},
      {"x[1:2];(a,b)", "w:x [:[ i:1 o:: i:2 [:] ;:; (:( w:a ,:, w:b ):)"},
      {"'open", "s~'open"},
      {"E'open\\'", "e~E'open\\'"},
      {"\"open", "q~\"open"},
      {"$x$ open $x", "d~$x$ open $x"},
      {"/* /* */", "c~/* /* */"},
      {"$ { }", "!:$ !:{ !:}"},
      {"$a", "!:$ w:a"},
  };
  for (const TokensRow& row : rows) EXPECT_EQ(tokens_of(row.sql), row.tokens) << row.sql;
}

TEST(Tokens, take_backslashes_as_escapes_when_strings_do_not_conform) {
  const TokenOptions off{.standard_conforming_strings = false};
  EXPECT_EQ(tokens_of("'a\\' b' c", off), "s:'a\\' b' w:c");
  EXPECT_EQ(tokens_of("N'a\\'' b", off), "n:N'a\\'' w:b");
  EXPECT_EQ(tokens_of("B'\\' c", off), "b:B'\\' w:c");
}

TEST(Tokens, tell_whether_blanks_stand_before_them) {
  TokenReader reader("a b(c");
  const bool expected[] = {true, true, false, false};
  for (bool blank : expected) {
    reader.next();
    EXPECT_EQ(reader.blank_before(), blank);
  }
}

TEST(Tokens, stay_at_the_end) {
  TokenReader reader("a");
  reader.next();
  EXPECT_EQ(reader.next().type, TokenType::end);
  EXPECT_EQ(reader.next().type, TokenType::end);
}

TEST(Tokens, measure_what_is_dangerous_to_a_parser) {
  const auto danger = [](std::string_view sql) { return scan(sql, {}, {}).danger; };
  EXPECT_EQ(danger("/* /* */ /* /* */ */ */").comment_depth, 3u);
  EXPECT_EQ(danger("((a)[1], (b))").paren_depth, 2u);
  EXPECT_EQ(danger("))((").paren_depth, 2u);
  EXPECT_EQ(danger("1 + 2 - 3 * a::int").operators, 3u);
  EXPECT_EQ(danger("a ||| b").operator_run, 3u);
  EXPECT_EQ(danger("/**//**//**/").operator_run, 12u);
  EXPECT_TRUE(danger("'a").unterminated);
  EXPECT_TRUE(danger("a \x01").invalid);
  EXPECT_FALSE(danger("select 'a' /* b */").unterminated);
}

struct Split {
  const char* sql;
  unsigned statements;
  bool trusted;
};

TEST(Tokens, count_statements_as_psql_splits_them) {
  constexpr Split rows[] = {
      {"", 0, true},
      {";;  ; -- x", 0, true},
      {"select 1", 1, true},
      {"select 1; select 2;", 2, true},
      {"select ';'; select \";\"; /* ; */ select $$;$$ -- ;", 3, true},
      {"create rule r as on insert to t do (delete from a; delete from b); select 1", 2, true},
      {"create function f() returns int begin atomic select 1; select case when true then 2 end; end; select 3", 2, true},
      {"CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC DELETE FROM t; END; BEGIN; COMMIT", 3, true},
      {"begin; update t set a = 1; end", 3, true},
      {"create table begin (a int); select 1", 2, true},
      {"select (1; select 2", 1, false},
      {"select 1); select 2", 2, false},
      {"create function f() begin atomic select 1;", 1, false},
  };
  for (const Split& row : rows) {
    const Scan result = scan(row.sql, {}, {});
    EXPECT_EQ(result.statements, row.statements) << row.sql;
    EXPECT_EQ(result.split_trusted, row.trusted) << row.sql;
  }
}

}  // namespace
}  // namespace pgswitch::rules
