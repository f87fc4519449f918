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

}  // namespace
}  // namespace pgswitch::rules
