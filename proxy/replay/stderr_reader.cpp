// What PostgreSQL writes to stderr: log_line_prefix, severity, message; further lines of a message begin with a tab.
#include <algorithm>
#include <array>

#include "proxy/replay/readers.hpp"

namespace pgswitch::replay {
namespace {

constexpr std::size_t nowhere = std::string_view::npos;
constexpr std::array<std::string_view, 18> severities = {"LOG",    "ERROR",  "FATAL",  "PANIC",  "WARNING", "NOTICE", "INFO",    "DEBUG",    "DEBUG1",
                                                         "DEBUG2", "DEBUG3", "DEBUG4", "DEBUG5", "DETAIL",  "HINT",   "CONTEXT", "STATEMENT", "QUERY"};

bool is_upper(char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

/// Does a name in a prefix end here?
bool ends_name(char c) { return c == ' ' || c == ',' || c == '=' || c == '[' || c == ']' || c == '(' || c == ')' || c == ':' || c == '|' || c == ';'; }

std::string_view name_before(std::string_view prefix, std::size_t at) {
  std::size_t begin = at;
  while (begin > 0 && !ends_name(prefix[begin - 1])) --begin;
  return prefix.substr(begin, at - begin);
}

std::string_view name_at(std::string_view prefix, std::size_t at) {
  std::size_t end = at;
  while (end < prefix.size() && !ends_name(prefix[end])) ++end;
  return prefix.substr(at, end - at);
}

/// What stands behind "key=" as a word of its own.
std::string_view value_of(std::string_view prefix, std::string_view key) {
  for (std::size_t at = prefix.find(key); at != nowhere; at = prefix.find(key, at + 1)) {
    if (at == 0 || ends_name(prefix[at - 1])) {
      const std::size_t begin = at + key.size();
      return prefix.substr(begin, prefix.find_first_of(" ,]|;", begin) - begin);
    }
  }
  return {};
}

std::string_view first_value(std::string_view prefix, std::string_view key, std::string_view other) {
  const std::string_view value = value_of(prefix, key);
  return value.empty() ? value_of(prefix, other) : value;
}

/// The process id in "[123]".
std::string_view process_of(std::string_view prefix) {
  for (std::size_t open = prefix.find('['); open != nowhere; open = prefix.find('[', open + 1)) {
    const std::size_t close = prefix.find_first_not_of("0123456789", open + 1);
    if (close != nowhere && close > open + 1 && prefix[close] == ']') return prefix.substr(open + 1, close - open - 1);
  }
  return value_of(prefix, "pid=");
}

/// What can be recognised of a prefix: "user@database" anywhere, "user=, db=, app=, client=" as log analysers want it, "[pid]".
void read_prefix(std::string_view prefix, LoggedStatement& statement) {
  statement.user = first_value(prefix, "user=", "u=");
  statement.database = first_value(prefix, "db=", "database=");
  statement.application_name = first_value(prefix, "app=", "application=");
  statement.client_address = address_of(first_value(prefix, "client=", "host="));
  statement.session = session_of(process_of(prefix));
  const std::size_t at = prefix.find('@');
  if (at == nowhere || !statement.user.empty()) return;
  statement.user = name_before(prefix, at);
  statement.database = name_at(prefix, at + 1);
}

/// Without the SQLSTATE in front of it that log_error_verbosity = verbose puts there.
std::string_view without_sqlstate(std::string_view message) {
  constexpr std::size_t size = 5;
  const bool has = message.size() > size + 2 && message.substr(size, 2) == ": " && std::all_of(message.begin(), message.begin() + size, is_upper);
  return has ? message.substr(size + 2) : message;
}

class StderrLog final : public LogReader {
 public:
  std::size_t read(std::string_view bytes, bool last, const Sink& sink) override {
    std::size_t at = 0;
    while (at < bytes.size()) {
      const std::size_t end = entry_end(bytes, at, last);
      if (end == nowhere) break;
      take(bytes.substr(at, end - at), sink);
      at = end;
    }
    return at;
  }

 private:
  /// Behind the entry that begins at `at`; npos when more bytes may belong to it.
  static std::size_t entry_end(std::string_view bytes, std::size_t at, bool last) {
    for (std::size_t end = bytes.find('\n', at); end != nowhere; end = bytes.find('\n', end + 1)) {
      if (end + 1 == bytes.size()) break;
      if (bytes[end + 1] != '\t') return end + 1;
    }
    return last ? bytes.size() : nowhere;
  }

  void take(std::string_view entry, const Sink& sink) {
    const SeverityPlace place = severity_at(entry.substr(0, entry.find('\n')));
    if (place.size == 0 || !entry.substr(place.begin).starts_with("LOG")) return;
    const auto text = statement_of(without_sqlstate(entry.substr(place.begin + place.size)));
    if (!text) return;
    LoggedStatement statement;
    read_prefix(entry.substr(0, place.begin), statement);
    statement.text = without_tabs(*text);
    sink(statement);
  }

  /// Without the line end at its end and the tab that each further line begins with.
  std::string_view without_tabs(std::string_view text) {
    while (text.ends_with('\n')) text.remove_suffix(1);
    if (text.find('\n') == nowhere) return text;
    text_.clear();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
      text_.append(text.substr(at, end - at));
      at = end < text.size() && text[end] == '\t' ? end + 1 : end;
    }
    return text_;
  }

  std::string text_;
};

}  // namespace

SeverityPlace severity_at(std::string_view line) {
  for (std::size_t colon = line.find(":  "); colon != nowhere; colon = line.find(":  ", colon + 1)) {
    std::size_t begin = colon;
    while (begin > 0 && is_upper(line[begin - 1])) --begin;
    const std::string_view word = line.substr(begin, colon - begin);
    const bool apart = begin == 0 || !((line[begin - 1] >= 'a' && line[begin - 1] <= 'z') || line[begin - 1] == '_');
    if (apart && std::find(severities.begin(), severities.end(), word) != severities.end()) return {begin, word.size() + 3};
  }
  return {};
}

std::unique_ptr<LogReader> make_stderr_reader() { return std::make_unique<StderrLog>(); }

}  // namespace pgswitch::replay
