#include "rules/cut_names.hpp"

#include <gtest/gtest.h>

namespace pgswitch::rules {
namespace {

std::vector<std::pair<std::string, std::string>> names_in(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (CutName& name : cut_names(text)) pairs.emplace_back(std::move(name.whole), std::move(name.cut));
  return pairs;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;
const std::string a63(63, 'a'), a64(64, 'a'), a70(70, 'a');

TEST(CutNames, are_the_identifiers_of_more_than_63_bytes) {
  EXPECT_EQ(names_in("select 1"), Pairs());
  EXPECT_EQ(names_in("select " + a63), Pairs());
  EXPECT_EQ(names_in("select " + a64), (Pairs{{a64, a63}}));
  EXPECT_EQ(names_in("select " + std::string(70, 'A') + ", \"" + std::string(64, 'A') + '"'), (Pairs{{a70, a63}, {std::string(64, 'A'), std::string(63, 'A')}}));
}

TEST(CutNames, are_counted_without_their_quotes) {
  EXPECT_EQ(names_in("select \"" + a63 + '"'), Pairs());
  EXPECT_EQ(names_in("select \"\"\"" + a63 + '"'), (Pairs{{'"' + a63, '"' + std::string(62, 'a')}}));
  EXPECT_EQ(names_in("select \"\"\"" + std::string(62, 'a') + '"'), Pairs());
}

TEST(CutNames, keep_their_characters_whole) {
  std::string wide;
  for (int i = 0; i < 35; ++i) wide += "\u00e4";
  EXPECT_EQ(names_in("select " + wide), (Pairs{{wide, wide.substr(0, 62)}}));
  EXPECT_EQ(names_in("select x" + wide), (Pairs{{'x' + wide, 'x' + wide.substr(0, 62)}}));
}

TEST(CutNames, are_not_looked_for_in_strings_and_comments) {
  EXPECT_EQ(names_in("select '" + a70 + "', $$" + a70 + "$$, E'" + a70 + "' -- " + a70 + "\n/* " + a70 + " */"), Pairs());
  EXPECT_EQ(names_in("select \"" + a70), Pairs());
}

}  // namespace
}  // namespace pgswitch::rules
