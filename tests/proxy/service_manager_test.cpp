#include "proxy/service_manager.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "proxy/log.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace pgswitch {
namespace {

TEST(ServiceManager, without_one_nothing_is_told_and_nothing_is_passed) {
  unsetenv("NOTIFY_SOCKET");
  unsetenv("LISTEN_FDS");
  service_manager::notify("READY=1");
  EXPECT_TRUE(service_manager::take_sockets().empty());
}

TEST(ServiceManager, states_reach_its_socket) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("notify");
  const int server = socket(AF_UNIX, SOCK_DGRAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(server, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  setenv("NOTIFY_SOCKET", path.c_str(), 1);
  const std::string reloading = service_manager::reloading();
  EXPECT_TRUE(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="));
  for (const std::string& state : {std::string(service_manager::ready), reloading, service_manager::status("stats: x"), std::string(service_manager::stopping)}) {
    service_manager::notify(state);
    std::array<char, 256> text{};
    const ssize_t size = recv(server, text.data(), text.size(), MSG_DONTWAIT);
    ASSERT_GT(size, 0);
    EXPECT_EQ(std::string(text.data(), static_cast<std::size_t>(size)), state);
  }
  unsetenv("NOTIFY_SOCKET");
  close(server);
}

TEST(ServiceManager, the_journal_is_known_by_the_stream_it_gave) {
  struct stat status {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  const std::string stream = std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
  setenv("JOURNAL_STREAM", stream.c_str(), 1);
  EXPECT_TRUE(service_manager::logs_to_journal());
  setenv("JOURNAL_STREAM", (stream + "1").c_str(), 1);
  EXPECT_FALSE(service_manager::logs_to_journal());
  unsetenv("JOURNAL_STREAM");
  EXPECT_FALSE(service_manager::logs_to_journal());
}

TEST(ServiceManager, the_journal_gets_priorities_and_no_times) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const int saved = dup(STDERR_FILENO);
  ASSERT_GE(dup2(ends[1], STDERR_FILENO), 0);
  struct stat status {};
  ASSERT_EQ(fstat(STDERR_FILENO, &status), 0);
  setenv("JOURNAL_STREAM", (std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino)).c_str(), 1);
  std::string error;
  ASSERT_TRUE(open_log(LogOptions(), error)) << error;
  log_line(LogLevel::info, "one");
  log_line(LogLevel::warning, "two");
  log_line(LogLevel::fatal, "three");
  close_log();
  unsetenv("JOURNAL_STREAM");
  ASSERT_GE(dup2(saved, STDERR_FILENO), 0);
  close(saved);
  close(ends[1]);
  std::string text(256, '\0');
  const ssize_t size = read(ends[0], text.data(), text.size());
  close(ends[0]);
  ASSERT_GT(size, 0);
  text.resize(static_cast<std::size_t>(size));
  EXPECT_EQ(text, "<6>one\n<4>two\n<2>three\n");
}

}  // namespace
}  // namespace pgswitch
