#include "proxy/session/start_settings.hpp"

#include <algorithm>

namespace pgswitch {
namespace {

/// set_config() takes the value as a start-up packet has it; SET would read a list of names as one name.
std::string quoted(std::string_view value) {
  const bool backslash = value.find('\\') != std::string_view::npos;
  std::string text = backslash ? " E'" : "'";
  for (const char c : value) {
    if (c == '\'' || c == '\\') text += c;
    text += c;
  }
  return text += "'";
}

}  // namespace

Settings start_settings(const std::vector<std::pair<std::string, std::string>>& startup) {
  Settings settings;
  for (const auto& [key, value] : startup) {
    if (find_tracked(key) != Tracked::count) continue;
    std::string name = key;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    std::erase_if(settings, [&](const SessionSetting& setting) { return setting.name == name; });
    settings.push_back({name, "SELECT pg_catalog.set_config(" + quoted(name) + "," + quoted(value) + ",false)"});
  }
  std::sort(settings.begin(), settings.end(), [](const SessionSetting& a, const SessionSetting& b) { return a.name < b.name; });
  return settings;
}

}  // namespace pgswitch
