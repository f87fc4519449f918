// Literals of PostgreSQL written for Redshift's lexer: no literal ends elsewhere, and none means something else.
#include "rules/redshift/spelling.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/rules/redshift/both_lexers.hpp"

namespace pgswitch::rules::redshift {
namespace {

struct Row {
  const char* text;
  const char* spelled;
};

std::string spelled(std::string_view text, bool conforming = true) {
  SpellingFault fault;
  const auto result = spell(text, conforming, fault);
  return result ? *result : "fault " + fault.refusal.sqlstate + " at " + std::to_string(fault.position) + ": " + fault.refusal.message;
}

void expect_same_pieces(std::string_view text, std::string_view result, bool conforming) {
  for (const bool nested : {true, false}) EXPECT_EQ(redshift_pieces(result, {true, nested}), postgres_pieces(text, conforming)) << text << "\n" << result;
}

TEST(Spelling, writes_every_kind_of_literal) {
  constexpr Row rows[] = {
      {R"(select 'a\b', 'it''s', '\', '\''')", R"(select 'a\\b', 'it''s', '\\', '\\''')"},
      {R"(select E'a\nb\\c\'d''e', e'\x41\101\u00e9\U0001F600')", "select 'a\nb\\\\c''d''e', 'AA\xc3\xa9\xf0\x9f\x98\x80'"},
      {R"(select E'\b\f\r\t\q\x')", "select '\b\f\r\tqx'"},
      {R"(select E'\uD83D\uDE00', U&'\D83D\DE00')", "select '\xf0\x9f\x98\x80', '\xf0\x9f\x98\x80'"},
      {R"(select U&'d\0061t\+000061\\', U&'d!0061!!' UESCAPE '!', u&"d\0061ta""x")", R"(select 'data\\', 'da!' , "data""x")"},
      {R"(select U&'*0041' /* a */ uescape /* b */ $$*$$ , 1)", "select 'A'  , 1"},
      {R"(select U&"x" uescape '!'"y", U&'a' uescape $$!$$'b')", R"(select "x" "y", 'a' /**/'b')"},
      {"select $$a'b\\c$$, $t$ $$ $t$, a$$b$$", "select 'a''b\\\\c', ' $$ ', a$$b$$"},
      {"select 'a'\n'b', 'c' -- x'y\n  'd'", "select 'ab', 'cd'"},
      {R"(select N'a\b', n'c', "a\b", "c""d")", R"(select N'a\\b', n'c', "a\b", "c""d")"},
      {"select 1 /* a /* 'b */ c */, '/*' -- it's \\", "select 1 /* a |+ 'b +| c */, '/*' -- it's \\"},
      {"select /*/* x */*/ 1", "select /*|+ x +|*/ 1"},
      {"select 1E'x', ($$c$$), 'a'$$b$$", "select 1 'x', ( 'c'), 'a' /**/'b'"},
      {"select $$a$$\n'b'", "select 'a'\n/**/'b'"},
      {R"(create or replace function f() returns int as $$ select 'a\b' $$ language sql; select $$x$$)",
       R"(create or replace function f() returns int as $$ select 'a\b' $$ language sql; select 'x')"},
      {R"(CREATE PROCEDURE p() AS $x$ begin end $x$ language plpgsql)", R"(CREATE PROCEDURE p() AS $x$ begin end $x$ language plpgsql)"},
      {R"(create view v as select $$a\$$)", R"(create view v as select 'a\\')"},
      {"unload ($$select 'x\\y'$$) to 's3://b/'", "unload ( 'select ''x\\\\y''') to 's3://b/'"},
  };
  for (const auto& [text, result] : rows) {
    EXPECT_EQ(spelled(text), result);
    expect_same_pieces(text, spelled(text), true);
    EXPECT_TRUE(needs_spelling(text) || text == std::string(result)) << text;
  }
}

TEST(Spelling, reads_backslashes_as_escapes_where_the_client_was_told_so) {
  constexpr Row rows[] = {
      {R"(select 'a\'b', '\\', N'\n')", "select 'a''b', '\\\\', N'\n'"},
      {R"(copy t from 's3://b' delimiter '\t')", "copy t from 's3://b' delimiter '\t'"},
      {R"(select 'plain', U&"\0061")", "select 'plain', \"a\""},
      {R"(select U&'a')", "fault 42601 at 8: unsafe use of string constant with Unicode escapes"},
  };
  for (const auto& [text, result] : rows) EXPECT_EQ(spelled(text, false), result);
}

TEST(Spelling, refuses_what_has_no_spelling) {
  constexpr Row rows[] = {
      {"select B'01'", "fault 0A000 at 8: Redshift has no bit strings"},
      {"select 1, x'1f'", "fault 0A000 at 11: Redshift has no bit strings"},
      {R"(select '\xc3\xa9', E'\xff')", "fault 22021 at 20: invalid byte sequence for encoding \"UTF8\""},
      {"select '\xff\\'", "fault 22021 at 0: invalid byte sequence for encoding \"UTF8\""},
      {R"(select E'\000')", "fault 22021 at 8: invalid byte sequence for encoding \"UTF8\""},
      {R"(select E'a\u12')", "fault 22025 at 11: invalid Unicode escape"},
      {R"(select E'\uD83Dx')", "fault 42601 at 16: invalid Unicode surrogate pair"},
      {R"(select U&'\DE00')", "fault 42601 at 8: invalid Unicode surrogate pair"},
      {R"(select U&'\00zz')", "fault 42601 at 8: invalid Unicode escape"},
      {R"(select U&'a' uescape '+')", "fault 42601 at 22: invalid Unicode escape character"},
      {R"(select U&'a' uescape 1)", "fault 42601 at 22: UESCAPE must be followed by a simple string literal"},
      {R"(select E'\v')", "fault 0A000 at 10: the escape \\v is not supported for Redshift"},
      {R"(select 'it\'s')", "fault 42601 at 14: unterminated quoted string"},
      {R"(select 'a\' or \'b')", "fault 42601 at 16: syntax error at or near \"\\\""},
      {"select \xc3\xa9, E'a", "fault 42601 at 11: unterminated quoted string"},
      {"select $$a\\", "fault 42601 at 8: unterminated dollar-quoted string"},
  };
  for (const auto& [text, result] : rows) EXPECT_EQ(spelled(text), result);
}

TEST(Spelling, most_statements_need_none) {
  for (const char* text : {"select a, 'it''s', \"b\" from t where c = $1 and d > 1.5 -- $2", "/* pgswitch: route=x */ insert into t values ('2020-01-01', 'name')",
                           "select 'a' 'c'", "select count(*) / 2, a$b from \"T\"", ""}) {
    EXPECT_FALSE(needs_spelling(text)) << text;
    EXPECT_EQ(spelled(text), text);
  }
}

/// How clients of PostgreSQL write a value into a statement.
std::string libpq_literal(std::string_view value) {  // PQescapeLiteral, quote_literal(), format('%L')
  std::string text;
  for (const char c : value) text.append(c == '\'' || c == '\\' ? 2 : 1, c);
  return (value.find('\\') != std::string_view::npos ? " E'" : "'") + text + "'";
}

std::string conforming_literal(std::string_view value) {  // PQescapeStringConn, JDBC's escapeLiteral, psycopg2 and psycopg: standard_conforming_strings on
  std::string text = "'";
  for (const char c : value) text.append(c == '\'' ? 2 : 1, c);
  return text + "'";
}

std::string escaping_literal(std::string_view value) {  // the same with it off
  std::string text = "'";
  for (const char c : value) text.append(c == '\'' || c == '\\' ? 2 : 1, c);
  return text + "'";
}

std::string backslash_literal(std::string_view value) {  // E'...' with \' (old PHP and Perl drivers)
  std::string text = "E'";
  for (const char c : value) text.append(c == '\'' || c == '\\' ? "\\" : "").push_back(c);
  return text + "'";
}

std::string dollar_literal(std::string_view value) { return "$q$" + std::string(value) + "$q$"; }

struct Style {
  const char* name;
  std::string (*write)(std::string_view);
  bool conforming;
};

TEST(Spelling, no_style_of_quoting_lets_a_value_out_of_its_literal) {
  constexpr Style styles[] = {{"libpq, quote_literal, format %L, node-postgres", libpq_literal, true}, {"conforming", conforming_literal, true},
                              {"escaping", escaping_literal, false}, {"libpq, off", libpq_literal, false}, {"backslash", backslash_literal, true},
                              {"dollar", dollar_literal, true}};
  const std::string values[] = {"\\", "\\'", "'; drop table t; --", "\\'; drop table t; --", "\\\\'; drop table t; --", "' or 1=1 /*", "\\' or 1=1 /* \\",
                                "a\n'b", "\\\n'; drop table t; --", "$$; drop table t; $$", "$q; \\' $", "E'\\'", "U&'\\0027' uescape '!'", "*/ ' /* \\",
                                "\xc3\xa9\\'; x", "\\x27; drop table t; --", "\\047; drop table t; --", "\\u0027; drop table t; --", "'\\''\\'", ""};
  for (const Style& style : styles) {
    for (const std::string& value : values) {
      const std::string text = "select * from t where a = " + style.write(value) + " and b = " + style.write("x" + value) + " limit 1";
      SpellingFault fault;
      const auto result = needs_spelling(text) ? spell(text, style.conforming, fault) : std::optional(text);
      ASSERT_TRUE(result) << style.name << ": " << text;
      const std::vector<Piece> wanted = {{' ', "select * from t where a ="}, {'s', value}, {' ', "and b ="}, {'s', "x" + value}, {' ', "limit 1"}};
      for (const bool nested : {true, false}) EXPECT_EQ(redshift_pieces(*result, {true, nested}), wanted) << style.name << ": " << *result;
      // Where a server takes backslashes as they are, the value is another one, and still a value.
      EXPECT_EQ(redshift_pieces(*result, {false, true}).size(), wanted.size()) << style.name << ": " << *result;
    }
  }
}

TEST(Spelling, positions_of_errors_lead_back) {
  const std::string text = R"(select E'\u00e9', '\', x)";
  SpellingFault fault;
  PositionMap positions;
  const auto result = spell(text, true, fault, &positions);
  ASSERT_TRUE(result);
  EXPECT_EQ(*result, "select '\xc3\xa9', '\\\\', x");
  EXPECT_EQ(positions.original(static_cast<std::uint32_t>(characters(*result))), text.size());
  EXPECT_EQ(positions.original(8), 8u);
}

}  // namespace

/// For messages of tests.
void PrintTo(const Piece& piece, std::ostream* out) { *out << '[' << piece.kind << ':' << piece.text << ']'; }

}  // namespace pgswitch::rules::redshift
