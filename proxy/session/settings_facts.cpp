// What is asked of the settings for each statement, and by rules.
#include "proxy/session/settings.hpp"
#include "rules/misreading.hpp"
#include "rules/setting_value.hpp"
#include "rules/temporary.hpp"

namespace pgswitch {
namespace {

constexpr std::string_view path_name = "search_path";
constexpr auto client_encoding = static_cast<std::size_t>(Tracked::client_encoding);

}  // namespace

/// Of the transaction, or of the session.
const SessionSetting* SessionSettings::find(std::string_view name) const {
  const SessionSetting* const local = local_.find(name);
  return local ? local : settings_.find(name);
}

bool SessionSettings::is_hidden(std::string_view name) const {
  return local_hidden_ || (hidden_ && !hidden_->contains(std::string(name)));
}

const SessionSettings::Facts& SessionSettings::find_facts() {
  const SessionSetting* const path = find(path_name);
  facts_.conforming_strings = told_[static_cast<std::size_t>(Tracked::standard_conforming_strings)] != "off";
  facts_.ascii_in_characters = rules::has_ascii_in_characters(told_[client_encoding]) || rules::has_ascii_in_characters(wanted_[client_encoding]);
  facts_.temporary_path = path && rules::names_temporary_schema(path->statement);
  facts_version_ = version_;
  return facts_;
}

std::string SessionSettings::search_path() const {
  if (is_hidden(path_name)) return std::string(rules::unknown_value);
  const SessionSetting* const path = find(path_name);
  return path ? rules::search_path_value(path->statement) : std::string();
}

/// What was set in a way that does not tell chooses nothing.
std::string SessionSettings::chosen_route() const {
  const SessionSetting* const route = find("pgswitch.route");
  return route ? rules::setting_value(route->statement) : std::string();
}

std::optional<std::string> SessionSettings::value(std::string_view name) const {
  const Tracked tracked = find_tracked(name);
  if (tracked != Tracked::count) return told()[static_cast<std::size_t>(tracked)];
  if (is_hidden(name)) return std::string(rules::unknown_value);
  const SessionSetting* const setting = find(name);
  if (!setting) return std::nullopt;
  return rules::setting_value(setting->statement);
}

}  // namespace pgswitch
