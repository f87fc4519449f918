#include "rules/lua_library.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "rules/lua_declarations.hpp"
#include "rules/lua_facts.hpp"
#include "rules/lua_limits.hpp"
#include "rules/lua_results.hpp"
#include "rules/lua_shared.hpp"
#include "rules/lua_state.hpp"
#include "rules/lua_strings.hpp"
#include "rules/lua_tables.hpp"

namespace pgswitch::rules {

namespace {

// Their addresses are keys of the registry.
char globals_key;
char raw_globals_key;
char modules_key;
char world_key;

constexpr std::array base_functions = {"assert", "error", "ipairs", "next",  "pairs",    "rawequal", "rawget",
                                       "rawlen", "select", "tonumber", "tostring", "type"};
constexpr std::array string_functions = {"char", "format", "len", "lower", "reverse", "sub", "upper"};
constexpr std::array math_functions = {"abs", "ceil", "deg", "exp",  "floor",     "fmod", "huge", "log",  "max", "maxinteger", "min",
                                       "mininteger", "modf", "pi", "rad", "sqrt", "tointeger", "type", "ult", "sin", "cos", "tan"};
constexpr std::array hook_names = {"connect", "route", "rewrite", "routing_rules", "rewrite_query"};

void depends_on_moment(lua_State* L) {
  const LuaWorld& world = world_of(L);
  if (world.read != nullptr) *world.read |= bit(Dependency::volatile_);
}

// pcall that lets the errors of a used-up budget or memory through: nobody may go on after them.
int sandbox_pcall(lua_State* L) {
  luaL_checkany(L, 1);
  lua_pushboolean(L, 1);
  lua_insert(L, 1);
  const int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  LuaState& state = LuaState::of(L);
  if (status == LUA_ERRMEM) state.out_of_memory();
  if (state.stopped() != LuaState::Stop::none) state.out_of_budget(L);
  if (status == LUA_OK) return lua_gettop(L);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

// The message function runs after the stack is unwound: inside the error no count hook would stop it.
int sandbox_xpcall(lua_State* L) {
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_remove(L, 2);
  lua_insert(L, 1);  // message function, f, arguments
  const int status = lua_pcall(L, lua_gettop(L) - 2, LUA_MULTRET, 0);
  LuaState& state = LuaState::of(L);
  if (status == LUA_ERRMEM) state.out_of_memory();
  if (state.stopped() != LuaState::Stop::none) state.out_of_budget(L);
  if (status == LUA_OK) {
    lua_pushboolean(L, 1);
    lua_replace(L, 1);
    return lua_gettop(L);
  }
  lua_call(L, 1, 1);
  lua_pushboolean(L, 0);
  lua_insert(L, -2);
  return 2;
}

int sandbox_setmetatable(lua_State* L) {
  const int type = lua_type(L, 2);
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_argexpected(L, type == LUA_TNIL || type == LUA_TTABLE, 2, "nil or table");
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "cannot change a protected metatable");
  if (type == LUA_TTABLE) {
    lua_pushliteral(L, "__gc");
    if (lua_rawget(L, 2) != LUA_TNIL) return luaL_error(L, "__gc is not available to rules");
  }
  lua_settop(L, 2);
  lua_setmetatable(L, 1);
  return 1;
}

int sandbox_getmetatable(lua_State* L) {
  luaL_checkany(L, 1);
  if (lua_getmetatable(L, 1) == 0) {
    lua_pushnil(L);
    return 1;
  }
  luaL_getmetafield(L, 1, "__metatable");
  return 1;
}

int sandbox_rawset(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkany(L, 3);
  if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL) return luaL_error(L, "this table is read-only");
  lua_settop(L, 3);
  lua_rawset(L, 1);
  return 1;
}

// Nothing may be thrown through Lua's frames.
void send_log(const LuaWorld& world, std::string_view line) noexcept {
  if (world.log) world.log(line);
}

int sandbox_log(lua_State* L) {
  LuaState::of(L).charge(L, 100);
  const int count = lua_gettop(L);
  luaL_Buffer line;
  luaL_buffinit(L, &line);
  for (int i = 1; i <= count; ++i) {
    if (i > 1) luaL_addchar(&line, '\t');
    luaL_tolstring(L, i, nullptr);
    luaL_addvalue(&line);
  }
  luaL_pushresult(&line);
  std::size_t size = 0;
  const char* text = lua_tolstring(L, -1, &size);
  const LuaWorld& world = world_of(L);
  send_log(world, {text, std::min<std::size_t>(size, 4000)});
  return 0;
}

int sandbox_now(lua_State* L) {
  depends_on_moment(L);
  const LuaWorld& world = world_of(L);
  lua_pushnumber(L, world.now_us ? static_cast<double>(world.now_us()) / 1e6 : 0.0);
  return 1;
}

int sandbox_random(lua_State* L) {
  depends_on_moment(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

// The text of a module, or nullptr with the reason on the stack.
const std::string* find_module(lua_State* L, LuaWorld& world, std::string_view name) {
  const std::string* text = world.sources->module(name, world.error);
  if (text == nullptr) lua_pushlstring(L, world.error.data(), world.error.size());
  return text;
}

int sandbox_require(lua_State* L) {
  std::size_t size = 0;
  const char* name = luaL_checklstring(L, 1, &size);
  LuaWorld& world = world_of(L);
  if (!world.loading) return luaL_error(L, "require works only while the rules file is loaded");
  lua_settop(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &modules_key);
  lua_pushvalue(L, 1);
  const int known = lua_rawget(L, 2);
  if (known == LUA_TLIGHTUSERDATA) return luaL_error(L, "module \"%s\" requires itself", name);
  if (known != LUA_TNIL) return 1;
  lua_pop(L, 1);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, &world);
  lua_rawset(L, 2);
  const std::string* text = find_module(L, world, {name, size});
  if (text == nullptr) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
    return lua_error(L);
  }
  lua_pushliteral(L, "@");
  luaL_gsub(L, name, ".", "/");
  lua_pushliteral(L, ".lua");
  lua_concat(L, 3);
  load_chunk(L, *text, lua_tostring(L, -1));
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  if (lua_isnil(L, -1)) {
    lua_pop(L, 1);
    lua_pushboolean(L, 1);
  }
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -2);
  lua_rawset(L, 2);
  return 1;
}

int refuse_change(lua_State* L) {
  return luaL_error(L, "cannot change a table of the sandbox");
}

// Assignment to a global. The proxy stays empty, so every assignment comes here.
int set_global(lua_State* L) {
  const bool loading = world_of(L).loading;
  if (!loading) {
    return luaL_error(L, "cannot set global '%s': rules keep no state between statements", luaL_tolstring(L, 2, nullptr));
  }
  if (lua_type(L, 2) == LUA_TSTRING) {
    const char* name = lua_tostring(L, 2);
    const bool is_hook = std::any_of(hook_names.begin(), hook_names.end(), [&](const char* hook) { return std::strcmp(hook, name) == 0; });
    if (is_hook && !lua_isfunction(L, 3) && !lua_isnil(L, 3)) {
      return luaL_error(L, "hook '%s' must be a function, not a %s", name, luaL_typename(L, 3));
    }
  }
  push_raw_globals(L);
  lua_replace(L, 1);
  lua_rawset(L, 1);
  return 0;
}

// Replaces the table on top of the stack by an empty read-only one that shows it.
void push_read_only(lua_State* L, lua_CFunction on_change) {
  lua_newtable(L);
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, on_change);
  lua_setfield(L, -2, "__newindex");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_remove(L, -2);
}

// Copies `names` from the library table on top of the stack into a new table that is left above it.
template <class Names>
void push_selection(lua_State* L, const Names& names) {
  lua_createtable(L, 0, static_cast<int>(names.size()) + 8);
  for (const char* name : names) {
    lua_getfield(L, -2, name);
    lua_setfield(L, -2, name);
  }
}

// Puts a wrapper with the library's own function as its upvalue in its place; library and selection on top of the stack.
void wrap(lua_State* L, const char* name, lua_CFunction wrapper) {
  lua_getfield(L, -2, name);
  lua_pushcclosure(L, wrapper, 1);
  lua_setfield(L, -2, name);
}

void push_string_library(lua_State* L) {
  luaL_requiref(L, "string", luaopen_string, 0);
  push_selection(L, string_functions);
  luaL_setfuncs(L, bounded_string_functions, 0);
  wrap(L, "byte", &string_byte);
  lua_remove(L, -2);
  lua_pushliteral(L, "");  // methods of strings: ("x"):find(...)
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -3);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
  push_read_only(L, &refuse_change);
}

void push_table_library(lua_State* L) {
  luaL_requiref(L, "table", luaopen_table, 0);
  push_selection(L, std::array{"pack"});
  const luaL_Reg functions[] = {{"concat", table_concat}, {"unpack", table_unpack}, {nullptr, nullptr}};
  luaL_setfuncs(L, functions, 0);
  wrap(L, "insert", &table_shift);
  wrap(L, "remove", &table_shift);
  wrap(L, "sort", &table_sort);
  lua_remove(L, -2);
  push_read_only(L, &refuse_change);
}

void push_math_library(lua_State* L) {
  luaL_requiref(L, "math", luaopen_math, 0);
  push_selection(L, math_functions);
  lua_getfield(L, -2, "random");
  lua_pushcclosure(L, &sandbox_random, 1);
  lua_setfield(L, -2, "random");
  lua_remove(L, -2);
  push_read_only(L, &refuse_change);
}

void fill_globals(lua_State* L, LuaWorld& world) {
  const luaL_Reg functions[] = {{"pcall", sandbox_pcall},
                                {"xpcall", sandbox_xpcall},
                                {"setmetatable", sandbox_setmetatable},
                                {"getmetatable", sandbox_getmetatable},
                                {"rawset", sandbox_rawset},
                                {"require", sandbox_require},
                                {"log", sandbox_log},
                                {"print", sandbox_log},
                                {"now", sandbox_now},
                                {"hash", lua_hash},
                                {"metric", lua_metric},
                                {"days", lua_days},
                                {"functions", lua_functions},
                                {"super_columns", lua_super_columns},
                                {nullptr, nullptr}};
  luaL_setfuncs(L, functions, 0);
  luaL_setfuncs(L, result_functions, 0);
  push_rules_function(L, &world.reader);
  lua_setfield(L, -2, "rules");
  push_shared(L);
  push_read_only(L, &refuse_change);
  lua_setfield(L, -2, "shared");
  push_routes(L);
  lua_setfield(L, -2, "routes");
  push_string_library(L);
  lua_setfield(L, -2, "string");
  push_table_library(L);
  lua_setfield(L, -2, "table");
  push_math_library(L);
  lua_setfield(L, -2, "math");
  lua_pushliteral(L, LUA_VERSION);
  lua_setfield(L, -2, "_VERSION");
}

}  // namespace

LuaWorld& world_of(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &world_key);
  auto* world = static_cast<LuaWorld*>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return *world;
}

void push_globals(lua_State* L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &globals_key); }
void push_raw_globals(lua_State* L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &raw_globals_key); }

void open_library(lua_State* L, LuaWorld* world) {
  lua_pushlightuserdata(L, world);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &world_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &modules_key);
  luaL_requiref(L, "_G", luaopen_base, 0);
  push_selection(L, base_functions);
  lua_remove(L, -2);
  fill_globals(L, *world);
  register_results(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &raw_globals_key);
  push_read_only(L, &set_global);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &globals_key);
  push_raw_globals(L);
  lua_insert(L, -2);
  lua_setfield(L, -2, "_G");
  lua_pop(L, 1);
}

void load_chunk(lua_State* L, std::string_view text, const char* chunk_name) {
  if (luaL_loadbufferx(L, text.data(), text.size(), chunk_name, "t") != LUA_OK) lua_error(L);
  push_globals(L);
  lua_setupvalue(L, -2, 1);
}

}  // namespace pgswitch::rules
