#include "proxy/session/start_settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <optional>

namespace pgswitch {
namespace {

constexpr std::size_t longest_identifier = 63;

std::string quoted(std::string_view value) {
  const bool backslash = value.find('\\') != std::string_view::npos;
  std::string text = backslash ? " E'" : "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += c;
    text += c;
  }
  return text += "'";
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

/// Letters, digits and what else an identifier may have without quotes; of more than ASCII the server decides.
bool is_plain(std::string_view word) {
  return !word.empty() && word.size() <= longest_identifier &&
         word.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$") == std::string_view::npos;
}

/// A name that SHOW shows without quotes.
bool is_shown_plain(std::string_view word) {
  return is_plain(word) && word.find_first_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ$") == std::string_view::npos && (word[0] < '0' || word[0] > '9');
}

/// One name of a list in a setting's value, as a literal; nothing if SHOW would not show what SET makes of it in the same words.
std::optional<std::string> literal_of_name(std::string_view name) {
  if (is_shown_plain(name)) return quoted(name);
  const bool in_quotes = name.size() > 2 && name.front() == '"' && name.back() == '"';
  if (!in_quotes) return std::nullopt;
  const std::string_view inside = name.substr(1, name.size() - 2);
  if (!is_plain(inside) || is_shown_plain(inside)) return std::nullopt;
  return quoted(inside);
}

/// For the settings of which SET takes each literal for one name. Nothing where a list has more to it than plain names, or
/// other blanks than those that SET puts in.
std::optional<std::string> literals_of_names(std::string_view value) {
  constexpr std::string_view between = ", ";
  std::string literals;
  for (;;) {
    const std::size_t comma = value.find(between);
    const auto literal = literal_of_name(value.substr(0, comma));
    if (!literal) return std::nullopt;
    literals += *literal;
    if (comma == std::string_view::npos) return literals;
    literals += ',';
    value.remove_prefix(comma + between.size());
  }
}

bool is_list_of_names(std::string_view name) {
  return name == "search_path" || name == "temp_tablespaces" || name.ends_with("_preload_libraries");
}

/// "a"."b"; nothing if the name could not be written so.
std::optional<std::string> in_double_quotes(std::string_view name) {
  std::string text;
  for (;;) {
    const std::size_t dot = name.find('.');
    if (!is_plain(name.substr(0, dot))) return std::nullopt;
    text.append("\"").append(name.substr(0, dot)).append("\"");
    if (dot == std::string_view::npos) return text;
    text += '.';
    name.remove_prefix(dot + 1);
  }
}

/// SET where it can be: in a transaction it may stand in front of SET TRANSACTION, which no query may.
std::string statement_of(std::string_view name, std::string_view value) {
  const auto identifier = in_double_quotes(name);
  const auto literals = is_list_of_names(name) ? literals_of_names(value) : quoted(value);
  if (identifier && literals) return "SET " + *identifier + "=" + *literals;
  return "SELECT pg_catalog.set_config(" + quoted(name) + "," + quoted(value) + ",false)";
}

using Startup = std::vector<std::pair<std::string, std::string>>;

/// What was made last: most clients of an application begin with the same settings, and share them then.
struct Made {
  Startup startup;
  Settings settings;
};

}  // namespace

Settings start_settings(const std::vector<std::pair<std::string, std::string>>& startup) {
  Startup own;
  for (const auto& [key, value] : startup)
    if (find_tracked(key) == Tracked::count) own.emplace_back(lower(key), value);
  if (own.empty()) return {};
  static thread_local std::array<Made, 8> made;
  static thread_local std::size_t next = 0;
  const auto found = std::find_if(made.begin(), made.end(), [&own](const Made& one) { return one.startup == own; });
  if (found != made.end()) return found->settings;
  Settings settings;
  for (const auto& [name, value] : own) settings.set(name, statement_of(name, value));
  made[next] = {std::move(own), settings};
  next = (next + 1) % made.size();
  return settings;
}

}  // namespace pgswitch
