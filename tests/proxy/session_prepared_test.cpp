#include <gtest/gtest.h>

#include <set>

#include "proxy/session/prepared.hpp"

namespace pgswitch {
namespace {

TEST(prepared_key, differs_by_text_and_by_parameter_types_and_by_where_they_part) {
  std::set<std::string> names;
  for (const auto& [text, types] : {std::pair{"ab", "cd"}, {"abc", "d"}, {"ab", ""}, {"abcd", ""}, {"", "abcd"}})
    names.insert(std::string(as_view(server_name(prepared_key(text, types)))));
  EXPECT_EQ(names.size(), 5u);
  for (const std::string& name : names) EXPECT_TRUE(name.starts_with("pgs_") && name.size() == 36) << name;
}

TEST(prepared_set, least_recently_used_is_the_oldest) {
  PreparedSet set;
  const PreparedKey a{1, 1}, b{2, 2}, c{3, 3};
  set.insert(a);
  set.insert(b);
  set.insert(c);
  EXPECT_EQ(set.oldest(), a);
  EXPECT_TRUE(set.contains(a));
  EXPECT_EQ(set.oldest(), b);
  set.insert(b);
  EXPECT_EQ(set.size(), 3u);
  EXPECT_EQ(set.oldest(), c);
  set.erase(c);
  EXPECT_FALSE(set.contains(c));
  EXPECT_EQ(set.oldest(), a);
}

TEST(prepared_set, is_found_by_half_a_key_and_forgets_everything_when_cleared) {
  PreparedSet set;
  set.insert({7, 8});
  set.unnamed = {1, 1};
  set.stale.push_back({2, 2});
  EXPECT_EQ(set.find(8), (PreparedKey{7, 8}));
  EXPECT_FALSE(set.find(7).has_value());
  set.clear();
  EXPECT_EQ(set.size(), 0u);
  EXPECT_EQ(set.unnamed, PreparedKey{});
  EXPECT_TRUE(set.stale.empty());
}

}  // namespace
}  // namespace pgswitch
