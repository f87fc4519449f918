#include "rules/lua_tables.hpp"

#include <cstdint>

#include "rules/lua_state.hpp"

namespace pgswitch::rules {

namespace {

// The functions of Lua's library whose work no instruction count bounds pay for the elements first. The original, the
// upvalue, then runs in the frame of the wrapper, so that its messages name the rule's line.
int run_original(lua_State* L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

}  // namespace

int table_shift(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  LuaState::of(L).charge(L, lua_rawlen(L, 1) / 4 + 1);
  return run_original(L);
}

int string_byte(lua_State* L) {
  std::size_t size = 0;
  luaL_checklstring(L, 1, &size);
  if (lua_gettop(L) > 2) LuaState::of(L).charge(L, size / 4 + 1);
  return run_original(L);
}

int table_concat(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  std::size_t size = 0;
  const char* separator = luaL_optlstring(L, 2, "", &size);
  const lua_Integer from = luaL_optinteger(L, 3, 1);
  const lua_Integer to = luaL_optinteger(L, 4, static_cast<lua_Integer>(lua_rawlen(L, 1)));
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  for (lua_Integer i = from; i <= to; ++i) {
    LuaState::of(L).charge(L, 1);
    if (i > from) luaL_addlstring(&out, separator, size);
    lua_rawgeti(L, 1, i);
    if (lua_isstring(L, -1) == 0) {
      return luaL_error(L, "invalid value (at index %I) in table for 'concat'", static_cast<LUAI_UACINT>(i));
    }
    luaL_addvalue(&out);
    if (i == to) break;  // `to` may be the largest integer
  }
  luaL_pushresult(&out);
  return 1;
}

int table_unpack(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const lua_Integer from = luaL_optinteger(L, 2, 1);
  const lua_Integer to = luaL_optinteger(L, 3, static_cast<lua_Integer>(lua_rawlen(L, 1)));
  if (from > to) return 0;
  const lua_Unsigned count = static_cast<lua_Unsigned>(to) - static_cast<lua_Unsigned>(from);
  if (count >= 10000 || lua_checkstack(L, static_cast<int>(count) + 1) == 0) return luaL_error(L, "too many results to unpack");
  LuaState::of(L).charge(L, count / 4 + 1);
  for (lua_Unsigned i = 0; i <= count; ++i) lua_rawgeti(L, 1, from + static_cast<lua_Integer>(i));
  return static_cast<int>(count) + 1;
}

// Comparisons in C are out of reach of count hooks: n log n is paid for ahead.
int table_sort(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const std::uint64_t size = lua_rawlen(L, 1);
  std::uint64_t cost = size;
  for (std::uint64_t left = size; left > 1; left /= 2) cost += size;
  LuaState::of(L).charge(L, cost / 2 + 1);
  return run_original(L);
}

}  // namespace pgswitch::rules
