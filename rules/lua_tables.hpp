#pragma once
#include <lua.hpp>

namespace pgswitch::rules {

/// Functions of `table`, and string.byte, that take what they cost from the budget of the call: no instruction count bounds
/// what they do. table_shift (insert, remove), table_sort and string_byte have Lua's own function as their upvalue.
int table_shift(lua_State* L);
int table_sort(lua_State* L);
int table_concat(lua_State* L);
int table_unpack(lua_State* L);
int string_byte(lua_State* L);

}  // namespace pgswitch::rules
