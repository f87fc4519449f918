#include "proxy/replay/log_reader.hpp"

#include <algorithm>

#include "proxy/replay/csv.hpp"
#include "proxy/replay/readers.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::replay {
namespace {

std::string_view first_line(std::string_view text) { return text.substr(0, text.find('\n')); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// "2026-11-28 12:00:00.000 UTC,"
bool begins_csv_log(std::string_view line) {
  constexpr std::string_view shape = "0000-00-00 00:00:00.000 ";
  if (line.size() < shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == '0' ? !is_digit(line[i]) : shape[i] != line[i]) return false;
  }
  const std::size_t zone_end = line.find_first_of(" ,", shape.size());
  return zone_end != std::string_view::npos && line[zone_end] == ',';
}

bool begins_json_log(std::string_view line) {
  return line.starts_with('{') && line.find("\"error_severity\"") != std::string_view::npos;
}

bool has_severity(std::string_view head) {
  while (!head.empty()) {
    const std::string_view line = first_line(head);
    if (severity_at(line).size > 0) return true;
    head.remove_prefix(std::min(line.size() + 1, head.size()));
  }
  return false;
}

}  // namespace

std::string_view to_string(LogFormat format) {
  switch (format) {
    case LogFormat::stderr_log: return "stderr log";
    case LogFormat::csv_log: return "CSV log";
    case LogFormat::json_log: return "JSON log";
    case LogFormat::statement_stats: return "export of pg_stat_statements";
    case LogFormat::statements: return "file of statements";
  }
  return "";
}

LogFormat detect_format(std::string_view head) {
  const std::string_view line = first_line(head);
  if (begins_json_log(line)) return LogFormat::json_log;
  if (begins_csv_log(line)) return LogFormat::csv_log;
  if (is_stats_header(line)) return LogFormat::statement_stats;
  return has_severity(head) ? LogFormat::stderr_log : LogFormat::statements;
}

std::unique_ptr<LogReader> make_reader(LogFormat format) {
  switch (format) {
    case LogFormat::stderr_log: return make_stderr_reader();
    case LogFormat::csv_log: return make_csv_reader();
    case LogFormat::json_log: return make_json_reader();
    case LogFormat::statement_stats: return make_stats_reader();
    case LogFormat::statements: return make_statements_reader();
  }
  return nullptr;
}

std::optional<std::string_view> statement_of(std::string_view message) {
  constexpr std::string_view duration = "duration: ", statement = "statement: ", execute = "execute ";
  if (message.starts_with(duration)) {
    const std::size_t what = message.find(" ms  ");
    if (what == std::string_view::npos || what > 40) return std::nullopt;
    message.remove_prefix(what + 5);
  }
  if (message.starts_with(statement)) return message.substr(statement.size());
  if (!message.starts_with(execute)) return std::nullopt;
  const std::size_t text = message.find(": ");
  if (text == std::string_view::npos) return std::nullopt;
  return message.substr(text + 2);
}

std::string_view address_of(std::string_view connection) {
  if (connection == "[local]") return "unix";
  return connection.ends_with(')') ? connection.substr(0, connection.rfind('(')) : connection;
}

std::uint64_t session_of(std::string_view name) { return name.empty() ? 0 : rules::hash_bytes(name) | 1; }

}  // namespace pgswitch::replay
