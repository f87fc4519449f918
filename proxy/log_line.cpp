#include "proxy/log_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ctime>

namespace pgswitch {
namespace {

constexpr std::array<std::string_view, 6> level_names = {"FATAL", "ERROR", "WARNING", "LOG", "DEBUG", "NOISE"};

/// "2026-07-10 12:00:00.123 UTC [42] ", printed anew when the second changes.
struct Head {
  std::int64_t second = -1;
  int pid = 0;
  std::array<char, 96> text{};
  std::size_t size = 0;
  std::size_t ms = 0;  ///< where its three digits stand

  void print(std::int64_t to_second, int to_pid) {
    const std::time_t time = to_second;
    std::tm utc{};
    gmtime_r(&time, &utc);
    ms = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S.", &utc);
    const int rest = std::snprintf(text.data() + ms, text.size() - ms, "000 UTC [%d] ", to_pid);
    size = ms + static_cast<std::size_t>(rest);
    second = to_second;
    pid = to_pid;
  }
};

std::string_view head_of(std::int64_t unix_us, int pid) {
  thread_local Head head;
  if (const std::int64_t second = unix_us / 1'000'000; second != head.second || pid != head.pid) head.print(second, pid);
  const auto ms = static_cast<int>(unix_us / 1000 % 1000);
  head.text[head.ms] = static_cast<char>('0' + ms / 100);
  head.text[head.ms + 1] = static_cast<char>('0' + ms / 10 % 10);
  head.text[head.ms + 2] = static_cast<char>('0' + ms % 10);
  return {head.text.data(), head.size};
}

bool is_control(char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; }

/// Eight at a time: lines are long, and seldom has one a control character.
bool has_control(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101, tops = 0x8080808080808080;
  std::size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data() + i, 8);
    const std::uint64_t rubouts = eight ^ (ones * 0x7f);
    const std::uint64_t below_space = (eight - ones * ' ') & ~eight;
    if (((below_space | ((rubouts - ones) & ~rubouts)) & tops) != 0) return true;
  }
  return std::any_of(text.begin() + static_cast<std::ptrdiff_t>(i), text.end(), is_control);
}

}  // namespace

std::string_view to_string(LogLevel level) { return level_names[static_cast<std::size_t>(level)]; }

void append_log_line(std::string& out, std::int64_t unix_us, int pid, LogLevel level, std::string_view text) {
  out += head_of(unix_us, pid);
  out += to_string(level);
  out += ' ';
  const auto begin = static_cast<std::ptrdiff_t>(out.size());
  out += text;
  if (has_control(text)) std::replace_if(out.begin() + begin, out.end(), is_control, '?');
}

std::string format_log_line(std::int64_t unix_us, int pid, LogLevel level, std::string_view text) {
  std::string line;
  append_log_line(line, unix_us, pid, level, text);
  return line;
}

LogLineParts parts_of_log_line(std::string_view line) {
  LogLineParts parts;
  line.remove_prefix(std::min(line.find("] "), line.size() - 2) + 2);
  const std::string_view name = line.substr(0, line.find(' '));
  const auto found = std::find(level_names.begin(), level_names.end(), name);
  if (found != level_names.end()) parts.level = static_cast<LogLevel>(found - level_names.begin());
  parts.text = line.substr(std::min(name.size() + 1, line.size()));
  return parts;
}

}  // namespace pgswitch
