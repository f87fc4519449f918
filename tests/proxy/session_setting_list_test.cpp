#include <gtest/gtest.h>

#include "proxy/session/setting_list.hpp"

namespace pgswitch {
namespace {

std::string all(const Settings& settings) {
  std::string text;
  for (const SessionSetting& setting : settings) text += setting.name + ":" + std::string(std::string_view(setting.statement)) + " ";
  return text;
}

TEST(setting_list, is_sorted_and_has_a_name_once) {
  Settings settings{{"b", "2"}, {"a", "1"}};
  settings.set("c", "3");
  settings.set("b", "4");
  EXPECT_EQ(all(settings), "a:1 b:4 c:3 ");
  settings.erase("a");
  settings.erase("nothing");
  EXPECT_EQ(all(settings), "b:4 c:3 ");
  EXPECT_EQ(settings.find("a"), nullptr);
  EXPECT_EQ(std::string_view(settings.find("c")->statement), "3");
}

TEST(setting_list, that_has_lost_its_last_setting_is_empty) {
  Settings settings{{"a", "1"}};
  settings.erase("a");
  EXPECT_TRUE(settings.empty());
  EXPECT_TRUE(settings.shares(Settings()));
}

TEST(setting_list, copies_share_until_one_changes_and_texts_even_then) {
  Settings first{{"a", std::string(1000, 'x')}};
  Settings second = first;
  EXPECT_TRUE(first.shares(second));
  second.set("b", "2");
  EXPECT_FALSE(first.shares(second));
  EXPECT_EQ(first.find("b"), nullptr);
  EXPECT_EQ(std::string_view(first.find("a")->statement).data(), std::string_view(second.find("a")->statement).data());
}

}  // namespace
}  // namespace pgswitch
