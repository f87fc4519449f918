#include "tests/redshift/answers.hpp"

#include <algorithm>
#include <iterator>

#include "tests/redshift/translate.hpp"

namespace pgswitch::stand_in {

std::string_view redshift_tag(std::string_view tag) {
  const std::string_view word = tag.substr(0, tag.find(' '));
  return word == "SELECT" || word == "FETCH" || word == "COPY" ? word : tag;
}

std::optional<std::pair<std::string, std::string>> redshift_parameter(const std::string& name, const std::string& value,
                                                                      bool client_set_encoding) {
  static constexpr std::string_view absent[] = {
      "standard_conforming_strings", "IntervalStyle", "default_transaction_read_only", "in_hot_standby", "search_path", "scram_iterations"};
  if (std::find(std::begin(absent), std::end(absent), name) != std::end(absent)) return std::nullopt;
  if (name == "server_version") return std::pair(name, std::string("8.0.2"));
  if (name == "server_encoding") return std::pair(name, std::string("UNICODE"));
  if (name == "client_encoding" && !client_set_encoding) return std::pair(name, std::string("UNICODE"));
  if (name == "DateStyle") return std::pair(std::string("datestyle"), value);
  return std::pair(name, value);
}

std::span<const std::pair<std::string_view, std::string_view>> own_parameters() {
  static constexpr std::pair<std::string_view, std::string_view> list[] = {
      {"padb_version", "1.0.63269"}, {"padb_revision", "63269"},  {"max_numeric_precision", "38"},       {"max_varchar_size", "65535"},
      {"case_sensitive", "on"},      {"datashare_enabled", "on"}, {"timezone_abbreviations", "Default"}, {"external_database", "off"}};
  return list;
}

protocol::SqlError redshift_error(protocol::SqlError error) {
  if (error.sqlstate == "40001") {
    error.sqlstate = "XX000";
    error.message = "1023";
    error.detail = "Serializable isolation violation on table - 100, transactions forming the cycle are: 1, 2 (pid:1)";
    error.hint.clear();
  }
  error.message = without_own_schemas(std::move(error.message));
  error.detail = without_own_schemas(std::move(error.detail));
  error.hint = without_own_schemas(std::move(error.hint));
  return error;
}

std::string explain_line(std::string_view line) {
  const std::size_t arrow = line.find("->  ");
  if (arrow != std::string_view::npos) return std::string(line.substr(0, arrow + 4)) + "XN " + std::string(line.substr(arrow + 4));
  return line.starts_with(' ') || line.find("(cost=") == std::string_view::npos ? std::string(line) : "XN " + std::string(line);
}

}  // namespace pgswitch::stand_in
