#pragma once
#include <lua.hpp>
#include <optional>

#include "rules/decision.hpp"

namespace pgswitch::rules {

/// Adds delay, timeout, max_rows and fallback to the methods of `stmt`, whose table is on top of the stack. Raises.
void set_limit_methods(lua_State* L);
/// The global function metric(name, amount): counts, each time that what the hook decides is used.
int lua_metric(lua_State* L);

/// The limits that the rule at `rule` (a table) has as data: delay, timeout, max_rows. Raises.
void read_limits(lua_State* L, int rule, StatementLimits& limits);
/// The route that the rule has as `fallback`, if it has one; false is no_route. Raises.
void read_fallback(lua_State* L, int rule, std::optional<RouteId>& fallback);

}  // namespace pgswitch::rules
