#include "proxy/session/setting_list.hpp"

#include <algorithm>

namespace pgswitch {
namespace {

template <class List>
auto place_of(List& list, std::string_view name) {
  const auto before = [](const SessionSetting& setting, std::string_view key) { return setting.name.compare(key) < 0; };
  return std::lower_bound(list.begin(), list.end(), name, before);
}

}  // namespace

Settings::Settings(std::initializer_list<SessionSetting> settings) {
  for (const SessionSetting& setting : settings) set(setting.name, setting.statement);
}

const Settings::List& Settings::none() {
  static const List empty;
  return empty;
}

const SessionSetting* Settings::find(std::string_view name) const {
  const auto place = place_of(list(), name);
  return place != end() && place->name == name ? &*place : nullptr;
}

void Settings::set(std::string_view name, SharedText statement) {
  List changed = list();
  const auto place = place_of(changed, name);
  if (place != changed.end() && place->name == name)
    place->statement = std::move(statement);
  else
    changed.insert(place, {std::string(name), std::move(statement)});
  list_ = Shared<List>(std::move(changed));
}

void Settings::erase(std::string_view name) {
  if (!find(name)) return;
  List changed = list();
  changed.erase(place_of(changed, name));
  list_ = changed.empty() ? Shared<List>() : Shared<List>(std::move(changed));
}

}  // namespace pgswitch
