#include "proxy/process.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "proxy/ini.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

/// The id of a process that has just been waited for, so that no process has it.
int dead_process() {
  const pid_t child = fork();
  if (child == 0) _exit(0);
  waitpid(child, nullptr, 0);
  return child;
}

TEST(Pidfile, holds_the_process_id_and_goes_with_the_object) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("pid");
  std::string error, text;
  {
    Pidfile pidfile;
    ASSERT_TRUE(pidfile.write(path, error)) << error;
    ASSERT_TRUE(read_file(path, text, error));
    EXPECT_EQ(text, std::to_string(getpid()) + "\n");
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Pidfile, does_not_overwrite_another) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.write("pid", "x");
  std::string error;
  {
    Pidfile pidfile;
    EXPECT_FALSE(pidfile.write(path, error));
  }
  EXPECT_TRUE(std::filesystem::exists(path));
}

TEST(Pidfile, of_a_successor_takes_the_place_of_another_and_stays_when_that_goes) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("pid");
  std::string error, text;
  Pidfile successor;
  {
    Pidfile old;
    ASSERT_TRUE(old.write(path, error)) << error;
    folder.write("pid", "4711\n");  // another process has replaced it
  }
  ASSERT_TRUE(read_file(path, text, error));
  EXPECT_EQ(text, "4711\n");
  ASSERT_TRUE(successor.replace(path, error)) << error;
  ASSERT_TRUE(read_file(path, text, error));
  EXPECT_EQ(text, std::to_string(getpid()) + "\n");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(Pidfile, only_that_of_a_dead_process_is_stale) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("pid");
  std::string error;
  EXPECT_TRUE(Pidfile::remove_stale("", error));
  EXPECT_TRUE(Pidfile::remove_stale(path, error));
  for (const std::string& content : std::vector<std::string>{std::to_string(getppid()) + "\n", "", "x\n", "-1\n"}) {
    folder.write("pid", content);
    EXPECT_FALSE(Pidfile::remove_stale(path, error)) << content;
    EXPECT_TRUE(std::filesystem::exists(path)) << content;
  }
  for (const pid_t stale : {dead_process(), getpid()}) {
    folder.write("pid", std::to_string(stale) + "\n");
    EXPECT_TRUE(Pidfile::remove_stale(path, error)) << error;
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST(BecomeUser, an_unknown_user_is_an_error) {
  std::string error;
  EXPECT_TRUE(become_user("", error));
  EXPECT_FALSE(become_user("no-such-user-here", error));
  EXPECT_EQ(error, "could not find user \"no-such-user-here\"");
}

}  // namespace
}  // namespace pgswitch
