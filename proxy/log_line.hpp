#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/log.hpp"

namespace pgswitch {

/// Appends what format_log_line() returns.
void append_log_line(std::string& out, std::int64_t unix_us, int pid, LogLevel level, std::string_view text);

struct LogLineParts {
  LogLevel level = LogLevel::info;
  std::string_view text;
};
/// Level and text of a formatted line: time and process are syslog's own.
LogLineParts parts_of_log_line(std::string_view line);

}  // namespace pgswitch
