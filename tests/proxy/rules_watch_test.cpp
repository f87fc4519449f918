#include "proxy/rules_watch.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

class RulesWatchTest : public testing::Test {
 protected:
  RulesWatchTest() {
    folder_.write("rules.lua", "one");
    watch_.add(folder_.path("rules.lua"));
    watch_.add(folder_.path("missing.lua"));
  }
  tests::TemporaryFolder folder_;
  RulesWatch watch_;
};

TEST_F(RulesWatchTest, sees_nothing_while_nothing_changes) {
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(watch_.has_settled_change());
}

TEST_F(RulesWatchTest, sees_a_change_when_it_has_settled) {
  folder_.write("rules.lua", "another");
  EXPECT_FALSE(watch_.has_settled_change());
  folder_.write("rules.lua", "still writing");
  EXPECT_FALSE(watch_.has_settled_change());
  EXPECT_TRUE(watch_.has_settled_change());
}

TEST_F(RulesWatchTest, sees_another_file_of_the_same_size_and_time) {
  const std::string path = folder_.path("rules.lua");
  const auto time = std::filesystem::last_write_time(path);
  std::filesystem::rename(folder_.write("next.lua", "two"), path);
  std::filesystem::last_write_time(path, time);
  EXPECT_FALSE(watch_.has_settled_change());
  EXPECT_TRUE(watch_.has_settled_change());
}

TEST_F(RulesWatchTest, sees_files_come_and_go) {
  folder_.write("missing.lua", "here");
  watch_.has_settled_change();
  EXPECT_TRUE(watch_.has_settled_change());
  std::filesystem::remove(folder_.path("missing.lua"));
  EXPECT_FALSE(watch_.has_settled_change());  // as it was read
  std::filesystem::remove(folder_.path("rules.lua"));
  watch_.has_settled_change();
  EXPECT_TRUE(watch_.has_settled_change());
}

}  // namespace
}  // namespace pgswitch
