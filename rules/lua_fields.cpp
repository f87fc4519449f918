#include "rules/lua_fields.hpp"

#include <cstdlib>

namespace pgswitch::rules {

void push_field_numbers(lua_State* L, const char* const* fields, std::size_t count) {
  lua_createtable(L, 0, static_cast<int>(count) + 2);
  for (std::size_t i = 0; i < count; ++i) {
    lua_pushinteger(L, static_cast<lua_Integer>(i));
    lua_setfield(L, -2, fields[i]);
  }
}

int raw_field(lua_State* L, int table, const char* name) {
  lua_pushstring(L, name);
  return lua_rawget(L, table);
}

void finish_object(lua_State* L, lua_CFunction index, lua_CFunction change, const char* name) {
  lua_createtable(L, 0, 4);
  lua_insert(L, -2);
  lua_pushcclosure(L, index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, change);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_setmetatable(L, -2);
}

void raise_unknown_field(lua_State* L, const char* object, const char* const* fields, std::size_t count, const char* more) {
  luaL_Buffer known;
  luaL_buffinit(L, &known);
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) luaL_addstring(&known, ", ");
    luaL_addstring(&known, fields[i]);
  }
  luaL_addstring(&known, more);
  luaL_pushresult(&known);
  const char* list = lua_tostring(L, -1);
  luaL_error(L, "%s has no field '%s'; it has %s", object, luaL_tolstring(L, 2, nullptr), list);
  std::abort();  // luaL_error does not return
}

}  // namespace pgswitch::rules
