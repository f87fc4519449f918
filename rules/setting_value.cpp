#include "rules/setting_value.hpp"

#include <algorithm>
#include <utility>

#include "rules/tokens.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::string_view default_path = "$user, public";
constexpr std::string_view route_setting = "pgswitch.route";

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return result;
}

bool is_word(std::string_view text, std::string_view word) { return lower(text) == word; }

/// What stands between the quotes, each doubled one or escaped character once.
std::string without_quotes(std::string_view text) {
  const bool escapes = text.front() == 'E' || text.front() == 'e';
  const char quote = text.back();
  text = text.substr(text.find(quote) + 1);
  text.remove_suffix(1);
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((text[i] == quote || (escapes && text[i] == '\\')) && i + 1 < text.size()) ++i;
    result += text[i];
  }
  return result;
}

std::string value_of(const Token& token, std::string_view text) {
  switch (token.type) {
    case TokenType::word: return lower(text);
    case TokenType::quoted_word:
    case TokenType::string:
    case TokenType::escape_string: return without_quotes(text);
    default: return std::string(text);
  }
}

/// SELECT set_config('name', 'value', false)
std::string set_config_value(TokenReader& reader) {
  int literals = 0;
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next())
    if (is_literal(token.type) && ++literals == 2) return value_of(token, reader.text(token));
  return {};
}

bool begins_value(const Token& token, std::string_view text) {
  return (token.type == TokenType::op && text == "=") || (token.type == TokenType::word && (is_word(text, "to") || is_word(text, "zone")));
}

/// ROLE, SESSION AUTHORIZATION, NAMES and SCHEMA have no sign in front of their value.
bool is_bare(std::string_view word) {
  return is_word(word, "role") || is_word(word, "authorization") || is_word(word, "names") || is_word(word, "schema");
}

/// Characters written by their numbers.
bool names_escapes(std::string_view text) { return text.find('\\') != std::string_view::npos || lower(text).find("u&") != std::string::npos; }

/// A list of names in a text, as PostgreSQL reads it: what is not in quotes is folded to lower case.
std::string folded(std::string_view list) {
  std::string result;
  bool quoted = false;
  for (const char c : list) {
    if (c == '"') quoted = !quoted;
    else result += quoted || c < 'A' || c > 'Z' ? c : static_cast<char>(c + 32);
  }
  return result;
}

std::string after(const Statement& statement, std::string_view name, std::string value, std::string (*read)(std::string_view)) {
  if (has(statement.effects, Effect::reset_all) || has(statement.effects, Effect::discard_all)) value.clear();
  for (const VariableChange& change : statement.variables)
    if (change.name == name) value = read(change.statement);
  return value;
}

}  // namespace

std::string setting_value(std::string_view statement) {
  TokenReader reader(statement);
  Token token = reader.next();
  if (is_word(reader.text(token), "select")) return set_config_value(reader);
  for (token = reader.next(); token.type != TokenType::end && !begins_value(token, reader.text(token)); token = reader.next())
    if (token.type == TokenType::word && is_bare(reader.text(token))) break;
  std::string value;
  std::size_t items = 0;
  bool is_default = false;
  for (token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    if (token.type == TokenType::comment || token.type == TokenType::semicolon) continue;
    if (value.empty() && begins_value(token, reader.text(token))) continue;  // SET role TO x
    is_default = ++items == 1 && token.type == TokenType::word && is_word(reader.text(token), "default");
    value += token.type == TokenType::comma ? ", " : value_of(token, reader.text(token));
  }
  return is_default ? std::string() : value;
}

void each_of_path(std::string_view path, const std::function<void(std::string_view schema)>& visit) {
  if (path.empty()) path = default_path;
  while (!path.empty()) {
    const std::size_t comma = path.find(',');
    std::string_view one = path.substr(0, comma);
    path.remove_prefix(comma == std::string_view::npos ? path.size() : comma + 1);
    one.remove_prefix(std::min(one.find_first_not_of(" \""), one.size()));
    visit(one.substr(0, one.find_last_not_of(" \"") + 1));
  }
}

std::string search_path_value(std::string_view statement) {
  if (names_escapes(statement)) return std::string(unknown_value);
  TokenReader reader(statement);
  const Token first = reader.next();
  std::string value = setting_value(statement);
  return is_word(reader.text(first), "select") ? folded(value) : value;
}

bool calls_set_config(const Statement& statement) {
  return std::any_of(statement.functions.begin(), statement.functions.end(),
                     [](const std::string& name) { return name == "set_config" || name == "pg_catalog.set_config"; });
}

bool hides_settings(const Statement& statement) {
  const bool told = std::any_of(statement.variables.begin(), statement.variables.end(), [](const VariableChange& change) { return change.local; });
  if (!has(statement.effects, Effect::unknown_settings) && (!has(statement.effects, Effect::set_local) || told)) return false;
  return calls_set_config(statement);
}

std::optional<std::string> setting_after(const Statement& statement, std::string_view name, std::optional<std::string> value) {
  if (hides_settings(statement) || has(statement.effects, Effect::reset_all) || has(statement.effects, Effect::discard_all)) value = unknown_value;
  for (const VariableChange& change : statement.variables)
    if (change.name == name) value = change.statement.empty() ? std::string(unknown_value) : setting_value(change.statement);
  return value;
}

bool sets_route(const Statement& statement) {
  return std::any_of(statement.variables.begin(), statement.variables.end(), [](const VariableChange& change) { return change.name == route_setting; });
}

std::string route_after(const Statement& statement, std::string value) { return after(statement, route_setting, std::move(value), &setting_value); }

std::string path_after(const Statement& statement, std::string value) {
  if (hides_settings(statement)) return std::string(unknown_value);
  return after(statement, "search_path", std::move(value), &search_path_value);
}

}  // namespace pgswitch::rules
