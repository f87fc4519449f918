#include "proxy/log.hpp"

#include <gtest/gtest.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <thread>
#include <vector>

#include "proxy/ini.hpp"
#include "tests/proxy/temporary_folder.hpp"

namespace {
std::vector<std::string> syslog_lines;
}

/// Stands in for the C library's.
extern "C" void syslog(int priority, const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  syslog_lines.push_back(std::to_string(priority) + " " + text);
}

namespace pgswitch {
namespace {

std::string contents(const std::string& path) {
  std::string text, error;
  EXPECT_TRUE(read_file(path, text, error)) << error;
  return text;
}

LogOptions only_file(const std::string& path, int verbose = 0) {
  LogOptions options;
  options.to_stderr = false;
  options.file = path;
  options.verbose = verbose;
  return options;
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++found;
  return found;
}

TEST(Log, lines_have_pgbouncers_form) {
  constexpr std::int64_t time = 1'783'684'800'123'999;  // 2026-07-10 12:00:00.123999 UTC
  const std::pair<LogLevel, const char*> cases[] = {
      {LogLevel::fatal, "2026-07-10 12:00:00.123 UTC [42] FATAL text"},
      {LogLevel::error, "2026-07-10 12:00:00.123 UTC [42] ERROR text"},
      {LogLevel::warning, "2026-07-10 12:00:00.123 UTC [42] WARNING text"},
      {LogLevel::info, "2026-07-10 12:00:00.123 UTC [42] LOG text"},
      {LogLevel::debug, "2026-07-10 12:00:00.123 UTC [42] DEBUG text"},
      {LogLevel::noise, "2026-07-10 12:00:00.123 UTC [42] NOISE text"},
  };
  for (const auto& [level, line] : cases) EXPECT_EQ(format_log_line(time, 42, level, "text"), line);
}

TEST(Log, a_client_cannot_forge_a_line) {
  const std::string line = format_log_line(0, 1, LogLevel::info, "user \"a\n1970\r\t\x7f\x1b[0m\" \xc3\xa9");
  EXPECT_EQ(line, "1970-01-01 00:00:00.000 UTC [1] LOG user \"a?1970????[0m\" \xc3\xa9");
}

TEST(Log, verbosity_chooses_levels) {
  const std::tuple<int, LogLevel, bool> cases[] = {
      {0, LogLevel::fatal, true},  {0, LogLevel::info, true},  {0, LogLevel::debug, false}, {0, LogLevel::noise, false},
      {1, LogLevel::debug, true},  {1, LogLevel::noise, false}, {2, LogLevel::noise, true},  {3, LogLevel::noise, true},
  };
  for (const auto& [verbose, level, enabled] : cases) {
    set_log_verbosity(verbose);
    EXPECT_EQ(log_enabled(level), enabled) << verbose << " " << to_string(level);
  }
  set_log_verbosity(0);
}

TEST(Log, appends_every_line_to_the_file_before_it_closes) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.write("log", "old\n");
  std::string error;
  ASSERT_TRUE(open_log(only_file(path), error)) << error;
  for (int i = 0; i < 100; ++i) log_line(LogLevel::info, "line " + std::to_string(i));
  log_line(LogLevel::debug, "not wanted");
  close_log();
  const std::string text = contents(path);
  EXPECT_TRUE(text.starts_with("old\n"));
  EXPECT_EQ(count(text, "\n"), 101u);
  EXPECT_TRUE(text.ends_with(" LOG line 99\n"));
  EXPECT_NE(text.find(" UTC [" + std::to_string(getpid()) + "] LOG line 0\n"), std::string::npos);
}

TEST(Log, lines_that_find_no_room_are_counted) {
  const std::uint64_t before = lost_log_lines();
  std::string error;
  ASSERT_TRUE(open_log(only_file("/dev/full"), error)) << error;
  for (int i = 0; i < 100; ++i) log_line(LogLevel::info, "line");
  close_log();
  EXPECT_EQ(lost_log_lines(), before + 100);
}

TEST(Log, lines_of_many_threads_stay_whole) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("log");
  std::string error;
  ASSERT_TRUE(open_log(only_file(path), error)) << error;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([] {
      for (int i = 0; i < 200; ++i) log_line(LogLevel::info, "<whole line>");
    });
  for (std::thread& thread : threads) thread.join();
  close_log();
  EXPECT_EQ(count(contents(path), " LOG <whole line>\n"), 800u);
}

TEST(Log, reopening_follows_a_rotated_file) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("log");
  std::string error;
  ASSERT_TRUE(open_log(only_file(path), error)) << error;
  ASSERT_EQ(std::rename(path.c_str(), folder.path("log.1").c_str()), 0);
  ASSERT_TRUE(reopen_log(error)) << error;
  log_line(LogLevel::info, "after");
  close_log();
  EXPECT_EQ(count(contents(path), "after"), 1u);
  EXPECT_EQ(count(contents(folder.path("log.1")), "after"), 0u);
}

TEST(Log, a_reload_may_move_the_log_to_another_file) {
  const tests::TemporaryFolder folder;
  std::string error;
  ASSERT_TRUE(open_log(only_file(folder.path("old")), error)) << error;
  EXPECT_FALSE(change_log(only_file(folder.path("absent/new")), error));
  ASSERT_TRUE(change_log(only_file(folder.path("new")), error)) << error;
  ASSERT_TRUE(reopen_log(error)) << error;
  log_line(LogLevel::info, "after");
  close_log();
  EXPECT_EQ(count(contents(folder.path("new")), "after"), 1u);
  EXPECT_EQ(count(contents(folder.path("old")), "after"), 0u);
}

TEST(Log, syslog_gets_the_text_alone_while_it_is_on) {
  LogOptions options;
  options.to_stderr = false;
  std::string error;
  ASSERT_TRUE(open_log(options, error)) << error;
  log_line(LogLevel::info, "before");
  close_log();
  options.syslog = true;
  ASSERT_TRUE(open_log(options, error)) << error;
  log_line(LogLevel::error, "what happened");
  close_log();
  EXPECT_EQ(syslog_lines, std::vector<std::string>{std::to_string(LOG_ERR) + " what happened"});
}

TEST(Log, a_file_that_cannot_be_opened_leaves_the_old_one_in_use) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("log");
  std::string error;
  ASSERT_TRUE(open_log(only_file(path), error)) << error;
  EXPECT_FALSE(open_log(only_file(folder.path("absent/log")), error));
  EXPECT_NE(error.find("No such file"), std::string::npos);
  log_line(LogLevel::info, "still here");
  close_log();
  EXPECT_EQ(count(contents(path), "still here"), 1u);
}

TEST(LogThrottle, lets_one_message_an_interval_pass_and_counts_the_rest) {
  LogThrottle throttle(1000);
  std::uint64_t suppressed = 99;
  EXPECT_TRUE(throttle.allow(5000, suppressed));
  EXPECT_EQ(suppressed, 0u);
  EXPECT_FALSE(throttle.allow(5001, suppressed));
  EXPECT_FALSE(throttle.allow(5999, suppressed));
  EXPECT_TRUE(throttle.allow(6000, suppressed));
  EXPECT_EQ(suppressed, 2u);
  EXPECT_TRUE(throttle.allow(9000, suppressed));
  EXPECT_EQ(suppressed, 0u);
}

TEST(LogThrottle, the_next_line_says_how_many_were_held_back) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.path("log");
  std::string error;
  ASSERT_TRUE(open_log(only_file(path), error)) << error;
  LogThrottle throttle(1000);
  for (const std::int64_t now : {5000, 5100, 5200, 7000}) log_throttled(throttle, now, LogLevel::warning, "again");
  close_log();
  const std::string text = contents(path);
  EXPECT_EQ(count(text, "WARNING again"), 2u);
  EXPECT_EQ(count(text, "WARNING again (2 more like this suppressed)\n"), 1u);
}

}  // namespace
}  // namespace pgswitch
