#pragma once
#include <string>
#include <string_view>

#include "rules/decision.hpp"

namespace pgswitch::rules {

/// Interns a Route name. The number never changes for the life of the process, so decisions stay right over reloads.
/// Thread-safe; used when configurations are loaded, not on the path of a query.
RouteId intern_route(std::string_view name);
/// True when that name is interned.
bool is_route(std::string_view name);
/// Name of an interned route; "" for no_route.
std::string route_name(RouteId route);

}  // namespace pgswitch::rules
