#include "rules/lua_limits.hpp"

#include <cmath>
#include <string>

#include "rules/lua_fields.hpp"
#include "rules/lua_library.hpp"
#include "rules/lua_objects.hpp"
#include "rules/lua_results.hpp"
#include "rules/lua_state.hpp"

namespace pgswitch::rules {
namespace {

constexpr lua_Number longest_seconds = 86'400;
constexpr lua_Number most_rows = 1e12;
constexpr std::size_t longest_name = 64;
constexpr std::size_t most_metrics = 16;  ///< of one call

std::int64_t microseconds_at(lua_State* L, int index, const char* what) {
  const lua_Number seconds = lua_type(L, index) == LUA_TNUMBER ? lua_tonumber(L, index) : -1;
  if (!(seconds > 0 && seconds <= longest_seconds)) luaL_error(L, "%s is a number of seconds above 0, a day at most", what);
  return static_cast<std::int64_t>(std::ceil(seconds * 1e6));
}

std::uint64_t rows_at(lua_State* L, int index) {
  const lua_Number rows = lua_isinteger(L, index) != 0 ? lua_tonumber(L, index) : -1;
  if (!(rows >= 1 && rows <= most_rows)) luaL_error(L, "max_rows is a whole number above 0");
  return static_cast<std::uint64_t>(rows);
}

/// The name of a route, or false for none.
RouteId fallback_at(lua_State* L, int index) {
  if (lua_isboolean(L, index) && lua_toboolean(L, index) == 0) return no_route;
  if (lua_type(L, index) != LUA_TSTRING) luaL_error(L, "fallback takes the name of a route, or false, not a %s", luaL_typename(L, index));
  const std::string_view name = string_at(L, index);
  for (const auto& [known, id] : *world_of(L).routes)
    if (known == name) return id;
  luaL_error(L, "fallback: there is no route named \"%s\"", name.data());
  return no_route;
}

/// Where the method's call is noted; the statement itself is returned, so that calls can be chained.
HookResult& result_of(lua_State* L) {
  if (!is_statement(L, 1)) luaL_error(L, "call it as stmt:delay(...), stmt:timeout(...), stmt:max_rows(...) or stmt:fallback(...), with a colon");
  HookResult* const result = world_of(L).result;
  if (result == nullptr) luaL_error(L, "stmt may be used only during the hook that was given it");
  LuaState::of(L).charge(L, 20);
  return *result;
}

StatementLimits& limits_of(lua_State* L) { return result_of(L).limits; }

int method_delay(lua_State* L) {
  StatementLimits& limits = limits_of(L);
  limits.delay_us = microseconds_at(L, 2, "delay");
  lua_settop(L, 1);
  return 1;
}

int method_timeout(lua_State* L) {
  StatementLimits& limits = limits_of(L);
  limits.timeout_us = microseconds_at(L, 2, "timeout");
  lua_settop(L, 1);
  return 1;
}

int method_max_rows(lua_State* L) {
  StatementLimits& limits = limits_of(L);
  limits.max_rows = rows_at(L, 2);
  lua_settop(L, 1);
  return 1;
}

int method_fallback(lua_State* L) {
  HookResult& result = result_of(L);
  result.fallback = fallback_at(L, 2);
  lua_settop(L, 1);
  return 1;
}

void add_metric(HookResult& result, std::string_view name, double amount) noexcept {
  if (result.metrics.size() < most_metrics) result.metrics.emplace_back(std::string(name), amount);
}

}  // namespace

void set_limit_methods(lua_State* L) {
  const luaL_Reg methods[] = {{"delay", method_delay}, {"timeout", method_timeout}, {"max_rows", method_max_rows}, {"fallback", method_fallback}, {nullptr, nullptr}};
  luaL_setfuncs(L, methods, 0);
}

int lua_metric(lua_State* L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  const std::string_view name = string_at(L, 1);
  const lua_Number amount = luaL_optnumber(L, 2, 1);
  if (name.empty() || name.size() > longest_name) return luaL_error(L, "a metric's name has 1 to 64 characters");
  if (!std::isfinite(amount)) return luaL_error(L, "a metric counts finite numbers");
  HookResult* const result = world_of(L).result;
  if (result == nullptr) return luaL_error(L, "metric() counts statements: call it in a hook");
  LuaState::of(L).charge(L, 50);
  add_metric(*result, name, amount);
  return 0;
}

void read_limits(lua_State* L, int rule, StatementLimits& limits) {
  if (raw_field(L, rule, "delay") != LUA_TNIL) limits.delay_us = microseconds_at(L, -1, "delay");
  if (raw_field(L, rule, "timeout") != LUA_TNIL) limits.timeout_us = microseconds_at(L, -1, "timeout");
  if (raw_field(L, rule, "max_rows") != LUA_TNIL) limits.max_rows = rows_at(L, -1);
  lua_pop(L, 3);
}

void read_fallback(lua_State* L, int rule, std::optional<RouteId>& fallback) {
  if (raw_field(L, rule, "fallback") != LUA_TNIL) fallback = fallback_at(L, -1);
  lua_pop(L, 1);
}

}  // namespace pgswitch::rules
