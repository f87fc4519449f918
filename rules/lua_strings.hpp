#pragma once
#include <lua.hpp>

namespace pgswitch::rules {

/// The functions of `string` that Lua's own library runs without a limit: find, match, gmatch, gsub (see LuaPattern) and
/// rep. They take what they cost from the budget of the call. Ends with nullptr.
extern const luaL_Reg bounded_string_functions[];

}  // namespace pgswitch::rules
