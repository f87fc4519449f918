#include "rules/rewrite.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace pgswitch::rules {
namespace {

struct Splice {
  std::string_view text;
  std::vector<Edit> edits;
  std::optional<std::string> result;
};

TEST(Rewrite, splice_changes_the_bytes_of_the_edits_and_no_others) {
  const std::vector<Splice> table = {
      {"select 1; select 2", {}, "select 1; select 2"},
      {"select 1; select 2", {{10, 8, "select 3, 4"}}, "select 1; select 3, 4"},
      {"select 1; select 2", {{0, 8, "x"}, {10, 8, "y"}}, "x; y"},
      {"abc", {{0, 3, ""}}, ""},
      {"abc", {{1, 0, "-"}}, "a-bc"},
      {"abc", {{1, 0, "1"}, {1, 0, "2"}, {1, 1, "3"}}, "a123c"},
      {"abc", {{3, 0, "!"}}, "abc!"},
      {"", {{0, 0, "x"}}, "x"},
      {"abc", {{1, 2, "x"}, {2, 1, "y"}}, std::nullopt},
      {"abc", {{2, 1, "x"}, {0, 1, "y"}}, std::nullopt},
      {"abc", {{4, 0, "x"}}, std::nullopt},
      {"abc", {{2, 2, "x"}}, std::nullopt},
      {"abc", {{1, 0xffffffffu, "x"}}, std::nullopt},
  };
  for (const Splice& row : table) EXPECT_EQ(splice(row.text, row.edits), row.result) << row.text;
}

TEST(Rewrite, positions_lead_back_to_the_text_as_it_was) {
  //                       123456789          0-based: 7 and 12
  const std::string_view text = "sel\xc3\xa9""ct a from b";
  const std::vector<Edit> edits = {{8, 0, "x, "}, {9, 0, "\xc3\xa9"}, {15, 1, "archive.b"}};
  ASSERT_EQ(splice(text, edits), "sel\xc3\xa9""ct x, a\xc3\xa9"" from archive.b");
  const PositionMap positions(text, edits);
  struct Place {
    std::uint32_t edited, original;
  };
  // sel.ct x, a. from archive.b in characters, from 1
  constexpr Place places[] = {{0, 0}, {1, 1}, {7, 7}, {8, 8}, {10, 8}, {11, 8}, {12, 9}, {13, 9}, {14, 10}, {18, 14}, {19, 15}, {27, 15}, {28, 16}, {30, 18}};
  for (const Place& place : places) EXPECT_EQ(positions.original(place.edited), place.original) << place.edited;
  EXPECT_EQ(PositionMap().original(5), 5u);
}

TEST(Rewrite, characters_are_counted_wherever_they_stand) {
  const std::string parts[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\x98"};
  std::uint32_t state = 1;
  for (int round = 0; round < 500; ++round) {
    std::string text;
    std::uint32_t expected = 0;
    for (; text.size() < static_cast<std::size_t>(round % 40); ++expected) text += parts[(state = state * 1664525 + 1013904223) >> 30];
    ASSERT_EQ(characters(text), expected) << text;
  }
}

TEST(Rewrite, edits_by_tokens_are_placed_in_each_text_of_a_shape) {
  std::vector<TokenEdit> edits = {{3, 1, false, "u"}, {1, 0, false, "("}, {1, 0, true, ")"}, {3, 0, true, " limit 1"}, {3, 0, false, "only "}};
  sort_edits(edits);
  for (const auto& [text, result] : std::vector<std::pair<std::string, std::string>>{{"select 1 from t", "select (1) from only u limit 1"},
                                                                                     {"select  'abc'\nfrom t;", "select  ('abc')\nfrom only u limit 1;"}}) {
    std::vector<Token> tokens;
    TokenReader reader(text);
    for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) tokens.push_back(token);
    std::vector<Edit> placed;
    ASSERT_TRUE(place_edits(edits, tokens, placed));
    EXPECT_EQ(splice(text, placed), result);
    EXPECT_FALSE(place_edits(std::vector<TokenEdit>{{99, 0, false, "x"}}, tokens, placed));
    EXPECT_FALSE(place_edits(std::vector<TokenEdit>{{1, 99, false, "x"}}, tokens, placed));
  }
}

}  // namespace
}  // namespace pgswitch::rules
