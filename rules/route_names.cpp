#include "rules/route_names.hpp"

#include <deque>
#include <functional>
#include <map>
#include <mutex>

namespace pgswitch::rules {
namespace {

/// Names by number and numbers by name. Names live in a deque, so that the map's keys stay where they are.
struct RouteNames {
  std::mutex mutex;
  std::deque<std::string> names;
  std::map<std::string_view, RouteId> numbers;
};

RouteNames& route_names() {
  static RouteNames names;
  return names;
}

}  // namespace

RouteId intern_route(std::string_view name) {
  RouteNames& all = route_names();
  const std::lock_guard lock(all.mutex);
  if (const auto known = all.numbers.find(name); known != all.numbers.end()) return known->second;
  const auto number = static_cast<RouteId>(all.names.size());
  all.numbers.emplace(all.names.emplace_back(name), number);
  return number;
}

bool is_route(std::string_view name) {
  RouteNames& all = route_names();
  const std::lock_guard lock(all.mutex);
  return all.numbers.contains(name);
}

std::string route_name(RouteId route) {
  RouteNames& all = route_names();
  const std::lock_guard lock(all.mutex);
  return route < all.names.size() ? all.names[route] : std::string();
}

}  // namespace pgswitch::rules
