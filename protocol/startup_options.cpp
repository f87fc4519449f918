// The start-up parameter `options`: switches of the postgres program (manual, "postgres"), read as process_postgres_switches does.
#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

#include "protocol/startup.hpp"

namespace pgswitch::protocol {
namespace {

/// What a switch sets. Without a value: its argument.
struct Switch {
  char letter;
  std::string_view name, value;
};

constexpr std::array switches{
    Switch{'B', "shared_buffers", ""},           Switch{'e', "DateStyle", "euro"},
    Switch{'F', "fsync", "false"},               Switch{'h', "listen_addresses", ""},
    Switch{'i', "listen_addresses", "*"},        Switch{'k', "unix_socket_directories", ""},
    Switch{'l', "ssl", "true"},                  Switch{'N', "max_connections", ""},
    Switch{'O', "allow_system_table_mods", "true"}, Switch{'P', "ignore_system_indexes", "true"},
    Switch{'p', "port", ""},                     Switch{'S', "work_mem", ""},
    Switch{'s', "log_statement_stats", "true"},  Switch{'W', "post_auth_delay", ""},
};
/// The first letter of the argument of `-f`, and the plans that it forbids.
constexpr std::array plans{
    Switch{'s', "enable_seqscan", ""},  Switch{'i', "enable_indexscan", ""}, Switch{'o', "enable_indexonlyscan", ""}, Switch{'b', "enable_bitmapscan", ""},
    Switch{'t', "enable_tidscan", ""},  Switch{'n', "enable_nestloop", ""},  Switch{'m', "enable_mergejoin", ""},     Switch{'h', "enable_hashjoin", ""},
};
/// Those that a client may say without any effect (`-b -C -D -E -j -n -r -T -v`) are among them.
constexpr std::string_view without_argument = "bEeFijlnOPsT", with_argument = "BCDcdfhkNprStvW-";

SqlError option_error(std::string_view code, std::string message) {
  SqlError error;
  error.severity = Severity::fatal;
  error.sqlstate = code;
  error.message = std::move(message);
  return error;
}

SqlError invalid_argument(std::string_view word) {
  SqlError error = option_error("42601", "invalid command-line argument for server process: " + std::string(word));
  error.hint = "Try \"postgres --help\" for more information.";
  return error;
}

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// The words, unescaped (pg_split_opts).
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (;;) {
    while (!text.empty() && is_space(text[0])) text.remove_prefix(1);
    if (text.empty()) return words;
    std::string& word = words.emplace_back();
    for (bool escaped = false; !text.empty() && (escaped || !is_space(text[0])); text.remove_prefix(1)) {
      const bool escapes = text[0] == '\\' && !escaped;
      if (!escapes) word.push_back(text[0]);
      escaped = escapes;
    }
  }
}

/// `name=value` behind `-c` or `--`.
std::optional<SqlError> add_setting(char letter, std::string_view text, Settings& settings) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos) return option_error("42601", (letter == '-' ? "--" : "-c ") + std::string(text) + " requires a value");
  if (equals == 0) return option_error("42704", "unrecognized configuration parameter \"\"");
  std::string name(text.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  settings.emplace_back(std::move(name), text.substr(equals + 1));
  return std::nullopt;
}

/// set_debug_options: `-d 0` to `-d 5`.
void add_debugging(std::string_view argument, Settings& settings) {
  int level = 0;
  std::from_chars(argument.data(), argument.data() + argument.size(), level);
  settings.emplace_back("log_min_messages", level > 0 ? "debug" + std::to_string(level) : "notice");
  if (level >= 2) settings.emplace_back("log_statement", "all");
  if (level >= 3) settings.emplace_back("debug_print_parse", "true");
  if (level >= 4) settings.emplace_back("debug_print_plan", "true");
  if (level >= 5) settings.emplace_back("debug_print_rewritten", "true");
}

/// False: there is no such plan.
bool forbid_plan(std::string_view argument, Settings& settings) {
  const auto plan = std::find_if(plans.begin(), plans.end(), [&](const Switch& one) { return argument.starts_with(one.letter); });
  if (plan == plans.end()) return false;
  settings.emplace_back(plan->name, "false");
  return true;
}

/// False: there are no such statistics.
bool log_statistics(std::string_view argument, Settings& settings) {
  const std::string_view name = argument.starts_with("pa")   ? "log_parser_stats"
                                : argument.starts_with("pl") ? "log_planner_stats"
                                : argument.starts_with('e')  ? "log_executor_stats"
                                                             : "";
  if (name.empty()) return false;
  settings.emplace_back(name, "true");
  return true;
}

/// False: the argument is none that the switch knows.
bool add_switch(char letter, std::string_view argument, Settings& settings) {
  if (letter == 'd') add_debugging(argument, settings);
  if (letter == 'f') return forbid_plan(argument, settings);
  if (letter == 't') return log_statistics(argument, settings);
  const auto known = std::find_if(switches.begin(), switches.end(), [&](const Switch& one) { return one.letter == letter; });
  if (known != switches.end()) settings.emplace_back(known->name, known->value.empty() ? argument : known->value);
  return true;
}

/// The switches in the word `at`, an argument of the last one's included; `at` is left at the word behind them.
std::optional<SqlError> add_word(const std::vector<std::string>& words, std::size_t& at, Settings& settings) {
  const std::string_view word = words[at];
  for (std::size_t i = 1; i < word.size(); ++i) {
    const char letter = word[i];
    const bool is_last = i + 1 == word.size();
    if (without_argument.find(letter) != std::string_view::npos) {
      add_switch(letter, {}, settings);
      continue;
    }
    // PostgreSQL names the word before the one that it goes on with.
    if (with_argument.find(letter) == std::string_view::npos)
      return invalid_argument(is_last ? word : at > 0 ? std::string_view(words[at - 1]) : "postgres");
    if (is_last && at + 1 == words.size()) return invalid_argument(word);
    const std::string_view argument = is_last ? std::string_view(words[++at]) : word.substr(i + 1);
    if (letter == 'c' || letter == '-') {
      if (auto error = add_setting(letter, argument, settings)) return error;
    } else if (!add_switch(letter, argument, settings)) {
      return invalid_argument(words[at]);
    }
    break;
  }
  ++at;
  return std::nullopt;
}

}  // namespace

std::optional<SqlError> parse_options(std::string_view options, Settings& settings) {
  const std::vector<std::string> words = words_of(options);
  const std::string* stray = nullptr;  // getopt() looks at what is no switch when all switches have been read
  for (std::size_t at = 0; at < words.size();) {
    const std::string& word = words[at];
    if (word == "--") {
      if (!stray && at + 1 < words.size()) stray = &words[at + 1];
      break;
    }
    if (word.size() < 2 || word[0] != '-') {
      if (!stray) stray = &word;
      ++at;
    } else if (auto error = add_word(words, at, settings)) {
      return error;
    }
  }
  return stray ? std::optional(invalid_argument(*stray)) : std::nullopt;
}

}  // namespace pgswitch::protocol
