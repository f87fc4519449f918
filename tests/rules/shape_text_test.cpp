#include "rules/shape_text.hpp"

#include <gtest/gtest.h>

namespace pgswitch::rules {
namespace {

TEST(ShapeText, shows_no_literal_and_no_comment) {
  const std::pair<const char*, const char*> cases[] = {
      {"select  1,\n 'a b' , E'x' from t", "select ?, ? , ? from t"},
      {"/* secret */ select $1 -- more\n from \"T\"", "select $1 from \"T\""},
      {"select $tag$ secret $tag$, 1.5, B'01', U&'x', N'y'", "select ?, ?, ?, ?, ?"},
      {"select a from t where x='secret'and y=1", "select a from t where x=?and y=?"},
      {"select 'never ends", "select..."},
      {"select 1 /* never ends", "select ?..."},
      {"select a; ;-- b", "select a"},
      {"", ""},
  };
  for (const auto& [sql, text] : cases) EXPECT_EQ(shape_text(sql, 1000), text) << sql;
}

TEST(ShapeText, is_cut_between_characters) {
  EXPECT_EQ(shape_text("select abc", 8), "select a...");
  EXPECT_EQ(shape_text("select \xc3\xa4\xc3\xb6", 8), "select ...");
}

}  // namespace
}  // namespace pgswitch::rules
