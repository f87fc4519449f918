#include "rules/lua_declarations.hpp"

#include <string_view>

#include "rules/lua_library.hpp"
#include "rules/lua_state.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::uint64_t item_cost = 20;

/// What the rules file declares; its one argument is a table.
Declarations& declarations_of(lua_State* L, const char* function) {
  LuaWorld& world = world_of(L);
  if (!world.loading) luaL_error(L, "%s{} works only while the rules file is loaded", function);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  return world.declarations;
}

/// One name, not empty.
std::string_view name_at(lua_State* L, int index, const char* what) {
  const std::string_view name = string_argument(L, index, what);
  if (name.empty() || name.find('\0') != std::string_view::npos) luaL_error(L, "%s is empty or holds a zero byte", what);
  LuaState::of(L).charge(L, item_cost);
  if (world_of(L).declarations.size() >= Declarations::most) luaL_error(L, "there are too many declarations");
  return name;
}

/// Tells each name of the list on top of the stack, or the one that is there.
template <class Tell>
void each_name(lua_State* L, const char* what, Tell tell) {
  if (lua_type(L, -1) != LUA_TTABLE) return tell(name_at(L, -1, what));
  const int list = lua_gettop(L);
  const auto size = static_cast<lua_Integer>(lua_rawlen(L, list));
  for (lua_Integer i = 1; i <= size; ++i) {
    lua_rawgeti(L, list, i);
    tell(name_at(L, -1, what));
    lua_pop(L, 1);
  }
}

}  // namespace

int lua_functions(lua_State* L) {
  Declarations& declared = declarations_of(L, "functions");
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    const std::string_view key = lua_type(L, -2) == LUA_TSTRING ? string_at(L, -2) : std::string_view();
    if (key != "read_only" && key != "writing") return luaL_error(L, "functions{} takes read_only and writing, lists of names or patterns");
    auto& names = key == "writing" ? declared.writing : declared.read_only;
    each_name(L, "the name of a function", [&](std::string_view name) { names.emplace_back(name); });
  }
  return 0;
}

int lua_super_columns(lua_State* L) {
  Declarations& declared = declarations_of(L, "super_columns");
  for (lua_pushnil(L); lua_next(L, 1) != 0; lua_pop(L, 1)) {
    const std::string_view table = name_at(L, -2, "the name of a table");
    each_name(L, "the name of a column", [&](std::string_view column) { declared.super_columns.push_back({std::string(table), std::string(column)}); });
  }
  return 0;
}

}  // namespace pgswitch::rules
