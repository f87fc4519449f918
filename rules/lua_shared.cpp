#include "rules/lua_shared.hpp"

#include <cmath>
#include <string>

#include "rules/lua_library.hpp"
#include "rules/lua_state.hpp"
#include "rules/route_state.hpp"
#include "rules/shared_store.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::uint64_t store_cost = 200;
constexpr double longest_time_s = 30 * 86400.0;

std::string_view key_argument(lua_State* L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  std::size_t size = 0;
  const char* text = lua_tolstring(L, 1, &size);
  if (size == 0 || size > SharedStore::longest_key) luaL_error(L, "a key of shared has 1 to %d bytes", static_cast<int>(SharedStore::longest_key));
  return {text, size};
}

/// The store, for a call that makes what it decides depend on the moment.
SharedStore& store(lua_State* L) {
  LuaWorld& world = world_of(L);
  if (world.loading || world.shared == nullptr) luaL_error(L, "shared is there for hooks and functions of rules, not while the file is loaded");
  LuaState::of(L).charge(L, store_cost);
  if (world.read != nullptr) *world.read |= bit(Dependency::volatile_);
  return *world.shared;
}

std::int64_t clock_us(lua_State* L) {
  const LuaWorld& world = world_of(L);
  return world.now_us ? world.now_us() : 0;
}

std::int64_t end_argument(lua_State* L, int index) {
  const double seconds = luaL_checknumber(L, index);
  if (!(seconds > 0) || seconds > longest_time_s) luaL_error(L, "how long shared keeps it is a number of seconds, at most 30 days");
  return clock_us(L) + static_cast<std::int64_t>(seconds * 1e6);
}

int shared_get(lua_State* L) {
  const std::string_view key = key_argument(L);
  const SharedStore& shared = store(L);
  SharedStore::Value& value = world_of(L).shared_value;
  if (!shared.get(key, clock_us(L), value)) {
    lua_pushnil(L);
  } else if (const auto* whole = std::get_if<std::int64_t>(&value)) {
    lua_pushinteger(L, *whole);
  } else if (const auto* number = std::get_if<double>(&value)) {
    lua_pushnumber(L, *number);
  } else {
    const std::string& text = std::get<std::string>(value);
    lua_pushlstring(L, text.data(), text.size());
  }
  return 1;
}

/// Nothing may be thrown through Lua's frames.
bool take_text(SharedStore::Value& value, const char* text, std::size_t size) noexcept {
  try {
    value = std::string(text, size);
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

int shared_set(lua_State* L) {
  const std::string_view key = key_argument(L);
  SharedStore& shared = store(L);
  const std::int64_t until_us = end_argument(L, 3);
  SharedStore::Value& value = world_of(L).shared_value;
  if (lua_isinteger(L, 2) != 0) {
    value = static_cast<std::int64_t>(lua_tointeger(L, 2));
  } else if (lua_type(L, 2) == LUA_TNUMBER) {
    value = static_cast<double>(lua_tonumber(L, 2));
  } else {
    luaL_checktype(L, 2, LUA_TSTRING);
    std::size_t size = 0;
    const char* text = lua_tolstring(L, 2, &size);
    if (size > SharedStore::longest_value) return luaL_error(L, "a value of shared has at most %d bytes", static_cast<int>(SharedStore::longest_value));
    if (!take_text(value, text, size)) return luaL_error(L, "not enough memory");
  }
  if (world_of(L).rehearsal) return 0;
  if (!shared.set(key, std::move(value), clock_us(L), until_us)) return luaL_error(L, "shared is full");
  return 0;
}

/// What adding would come to.
int push_sum(lua_State* L, const SharedStore& shared, std::string_view key, std::int64_t number) {
  SharedStore::Value& value = world_of(L).shared_value;
  const bool known = shared.get(key, clock_us(L), value) && std::holds_alternative<std::int64_t>(value);
  lua_pushinteger(L, number + (known ? std::get<std::int64_t>(value) : 0));
  return 1;
}

int shared_add(lua_State* L) {
  const std::string_view key = key_argument(L);
  SharedStore& shared = store(L);
  const std::int64_t number = luaL_checkinteger(L, 2);
  const std::int64_t until_us = end_argument(L, 3);
  std::int64_t sum = 0;
  if (world_of(L).rehearsal) return push_sum(L, shared, key, number);
  if (!shared.add(key, number, clock_us(L), until_us, sum)) return luaL_error(L, "shared is full, or what it has there is no whole number");
  lua_pushinteger(L, sum);
  return 1;
}

int shared_remove(lua_State* L) {
  const std::string_view key = key_argument(L);
  SharedStore& shared = store(L);
  if (!world_of(L).rehearsal) shared.remove(key);
  return 0;
}

void set_field(lua_State* L, const char* name, std::int64_t value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void push_state(lua_State* L, const RouteState& state) {
  lua_createtable(L, 0, 7);
  lua_pushlstring(L, state.kind.data(), state.kind.size());
  lua_setfield(L, -2, "kind");
  lua_pushboolean(L, state.healthy);
  lua_setfield(L, -2, "healthy");
  set_field(L, "active", state.active);
  set_field(L, "waiting", state.waiting);
  set_field(L, "pool_size", state.pool_size);
  set_field(L, "median", state.median_us);
  set_field(L, "p99", state.p99_us);
}

// routes["name"]
int index_routes(lua_State* L) {
  luaL_checktype(L, 2, LUA_TSTRING);
  std::size_t size = 0;
  const char* name = lua_tolstring(L, 2, &size);
  LuaWorld& world = world_of(L);
  LuaState::of(L).charge(L, store_cost);
  for (const auto& [known, id] : *world.routes) {
    if (known != std::string_view(name, size)) continue;
    if (world.read != nullptr) *world.read |= bit(Dependency::volatile_);
    const RouteState* const state = world.route_state ? world.route_state(id) : nullptr;
    push_state(L, state != nullptr ? *state : RouteState{});
    return 1;
  }
  return luaL_error(L, "there is no route named \"%s\"", name);
}

int refuse_route(lua_State* L) { return luaL_error(L, "routes cannot be changed"); }

}  // namespace

void push_shared(lua_State* L) {
  const luaL_Reg functions[] = {{"get", shared_get}, {"set", shared_set}, {"add", shared_add}, {"remove", shared_remove}, {nullptr, nullptr}};
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
}

int lua_hash(lua_State* L) {
  std::size_t size = 0;
  switch (lua_type(L, 1)) {
    case LUA_TSTRING:
    case LUA_TNUMBER:
    case LUA_TBOOLEAN: break;
    default: return luaL_error(L, "hash() takes a string, a number or a boolean, not a %s", luaL_typename(L, 1));
  }
  const char* text = luaL_tolstring(L, 1, &size);
  LuaState::of(L).charge(L, size / 16 + 1);
  lua_pushinteger(L, stable_hash({text, size}));
  return 1;
}

void push_routes(lua_State* L) {
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, index_routes);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, refuse_route);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

}  // namespace pgswitch::rules
