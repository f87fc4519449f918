#include "proxy/redshift/face.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include "proxy/copy/client_encoding.hpp"
#include "proxy/redshift/settings.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::redshift {
namespace {

using namespace std::string_view_literals;

/// Of all that Redshift reports, what PostgreSQL reports too.
constexpr std::array shared{"application_name"sv, "client_encoding"sv, "DateStyle"sv, "integer_datetimes"sv, "is_superuser"sv, "server_encoding"sv,
                            "server_version"sv, "session_authorization"sv, "TimeZone"sv};
constexpr std::array of_redshift{"padb_revision"sv, "padb_version"sv};

bool contains(const auto& names, std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); }

bool has(const ParameterList& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [name](const auto& entry) { return entry.first == name; });
}

bool is_askable(Tracked tracked) {
  return tracked == Tracked::client_encoding || tracked == Tracked::date_style || tracked == Tracked::time_zone;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

/// A backslash is an escape in each of Redshift's literals.
void add_set(std::string& sql, Tracked tracked, std::string_view value) {
  sql += sql.empty() ? "SET " : ";SET ";
  sql += to_string(tracked);
  sql += " TO '";
  for (const char c : value) {
    if (c == '\'' || c == '\\') sql += c;
    sql += c;
  }
  sql += '\'';
}

}  // namespace

bool is_redshift(std::string_view version) { return version.find("Redshift") != version.npos; }

std::vector<std::pair<std::string, std::string>> askable(const std::vector<std::pair<std::string, std::string>>& settings) {
  std::vector<std::pair<std::string, std::string>> asked;
  for (const auto& setting : settings) {
    if (is_askable(find_tracked(setting.first))) asked.push_back(setting);
  }
  return asked;
}

ParameterList face_of(const ParameterList& reported, std::string_view server_version) {
  ParameterList face;
  for (const auto& [name, value] : reported)
    if (contains(shared, name) || (server_version.empty() && contains(of_redshift, name))) set_parameter(face, name, value);
  if (!server_version.empty()) set_parameter(face, "server_version", server_version);
  for (const std::string_view encoding : {"server_encoding"sv, "client_encoding"sv}) set_parameter(face, encoding, "UTF8");
  set_parameter(face, "standard_conforming_strings", "on");
  for (const auto& [name, value] : {std::pair("integer_datetimes"sv, "on"sv), std::pair("IntervalStyle"sv, "postgres"sv),
                                    std::pair("DateStyle"sv, "ISO, MDY"sv), std::pair("TimeZone"sv, "UTC"sv), std::pair("application_name"sv, ""sv)})
    if (!has(face, name)) set_parameter(face, name, value);
  return face;
}

std::optional<std::string> settings_query(const std::vector<std::pair<std::string, std::string>>& settings, const ParameterList& base,
                                          const TrackedValues& reported, protocol::SqlError& error) {
  std::string sql;
  for (const auto& [name, value] : base) {
    const Tracked tracked = find_tracked(name);
    if (is_askable(tracked) && value != reported[static_cast<std::size_t>(tracked)]) add_set(sql, tracked, value);
  }
  for (const auto& [name, value] : settings) {
    const Tracked tracked = find_tracked(name);
    SettingChange change = change_for(ServerKind::redshift, lower(to_string(tracked)), value);
    if (change.how == SettingChange::How::refused) return error = std::move(change.error), std::nullopt;
    if (change.how != SettingChange::How::nothing) add_set(sql, tracked, value);
  }
  return sql;
}

void tell_encoding(const std::vector<std::pair<std::string, std::string>>& settings, ParameterList& face) {
  for (const auto& [name, value] : settings) {
    const copy::ClientEncoding* const known = find_tracked(name) == Tracked::client_encoding ? copy::find_client_encoding(value) : nullptr;
    if (known && known->name != "SQL_ASCII") set_parameter(face, to_string(Tracked::client_encoding), known->name);
  }
}

bool is_own_version(std::string_view server_version) { return server_version.empty() || server_version.starts_with("8.0."); }

bool asks_version(std::string_view text) {
  constexpr std::size_t longest = 100;
  constexpr std::array<std::string_view, 4> asked{"select", "version", "(", ")"};
  if (text.size() > longest) return false;
  rules::TokenReader reader(text);
  std::size_t next = 0;
  bool qualified = false;
  for (rules::Token token = reader.next(); token.type != rules::TokenType::end; token = reader.next()) {
    const std::string_view word = reader.text(token);
    const auto is = [word](std::string_view wanted) {
      return word.size() == wanted.size() && std::equal(word.begin(), word.end(), wanted.begin(),
                                                        [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
    };
    if (token.type == rules::TokenType::comment || token.type == rules::TokenType::semicolon) continue;
    if (next == 1 && !qualified && is("pg_catalog")) {
      qualified = true;
      continue;
    }
    if (next == 1 && qualified && token.type == rules::TokenType::dot) continue;
    if (next == asked.size() || !is(asked[next])) return false;
    ++next;
  }
  return next == asked.size();
}

std::string version_number(std::string_view server_version) {
  int parts[3]{};
  std::size_t count = 0;
  while (count < 3 && !server_version.empty()) {
    const auto [end, failure] = std::from_chars(server_version.data(), server_version.data() + server_version.size(), parts[count]);
    if (failure != std::errc{}) break;
    ++count;
    server_version.remove_prefix(static_cast<std::size_t>(end - server_version.data()));
    if (!server_version.starts_with('.')) break;
    server_version.remove_prefix(1);
  }
  const int number = parts[0] >= 10 ? parts[0] * 10'000 + parts[1] : parts[0] * 10'000 + parts[1] * 100 + parts[2];
  return std::to_string(number);
}

}  // namespace pgswitch::redshift
