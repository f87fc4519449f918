#pragma once
#include <lua.hpp>

namespace pgswitch::rules {

/// Pushes the table `shared`: get(key), set(key, value, seconds), add(key, number, seconds), remove(key). Raises.
void push_shared(lua_State* L);

/// hash(value): the stable_hash() of a string, a number or a boolean.
int lua_hash(lua_State* L);

/// Pushes `routes`, which shows the RouteState of each Route by its name. Raises.
void push_routes(lua_State* L);

}  // namespace pgswitch::rules
