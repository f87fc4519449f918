#include <gtest/gtest.h>

#include "rules/misreading.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

TEST(Misreading, knows_the_encodings_by_all_their_names) {
  for (const char* name : {"SJIS", "sjis", "Shift_JIS", "mskanji", "MSKANJI", "win932", "Windows-932", "SHIFT_JIS_2004", "BIG5", "big-5", "win950",
                           "Windows950", "GBK", "win936", "windows936", "UHC", "win949", "Windows949", "GB18030", "JOHAB"})
    EXPECT_TRUE(has_ascii_in_characters(name)) << name;
  for (const char* name : {"UTF8", "LATIN1", "EUC_JP", "EUC_CN", "SQL_ASCII", "WIN1252", "", "5"}) EXPECT_FALSE(has_ascii_in_characters(name)) << name;
}

struct MisreadRow {
  const char* sql;
  bool conforming, not_conforming;
};

TEST(Misreading, is_possible_where_a_second_byte_may_end_a_string_or_a_word) {
  const MisreadRow rows[] = {
      {"select E'\x83\x5c', 1", true, true},
      {"select e'a\x83\x5c'", true, true},
      {"select '\x83\x5c'", false, true},
      {"select N'\x83\x5c'", false, true},
      {"select U&'\x83\x5c'", true, true},
      {"select U&\"\x83\x5c\"", true, true},
      {"select \"\x83\x5c\", $$\x83\x5c$$, 1 -- \x83\x5c", false, false},
      {"select '\x83\x5c', E'\\n'", false, true},
      {"select E'\x83\x40'", false, false},
      {"select '\\', E'\\n'", false, false},
      {"select $\x83\x5c$ ' $\x83\x5c$; select '1'", true, true},
      {"select 1 as \x83\x40, 2", true, true},
      {"select 1 \x83\x40" "E'\\'", true, true},
      {"select \x83\x41 from \x83\x83", false, false},
      {"select a|b from \x83\x41", false, false},
      {"select 1", false, false},
      {"", false, false},
  };
  for (const MisreadRow& row : rows) {
    EXPECT_EQ(may_be_misread(row.sql, {true}), row.conforming) << row.sql;
    EXPECT_EQ(may_be_misread(row.sql, {false}), row.not_conforming) << row.sql;
  }
}

using EngineMisreading = test::EngineTest;

// The server sees a string that ends before the comma.
TEST_F(EngineMisreading, a_text_that_the_server_may_read_otherwise_is_refused) {
  ASSERT_TRUE(load("function route(stmt) if stmt:touches('forbidden') then return reject { message = 'no' } end end")) << error_;
  const std::string sql = "select E'\x83\x5c', * from forbidden -- '";
  EXPECT_EQ(decision(sql).verb, Decision::Verb::route);
  facts_.ascii_in_characters = true;
  EXPECT_EQ(decision(sql).verb, Decision::Verb::reject);
  EXPECT_EQ(decision(sql).refusal.sqlstate, "0A000");
  EXPECT_FALSE(decide(sql).plain);
  EXPECT_EQ(decision("select '\x83\x5c'").verb, Decision::Verb::route);
}

}  // namespace
}  // namespace pgswitch::rules
