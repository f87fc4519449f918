#include "rules/lua_objects.hpp"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "rules/explain.hpp"
#include "rules/lua_edits.hpp"
#include "rules/lua_facts.hpp"
#include "rules/lua_fields.hpp"
#include "rules/lua_library.hpp"
#include "rules/lua_limits.hpp"
#include "rules/lua_session.hpp"
#include "rules/lua_state.hpp"
#include "rules/lua_tree.hpp"
#include "rules/patterns.hpp"

namespace pgswitch::rules {

namespace {

// Its address is a key of the registry.
char statement_key;

constexpr const char* statement_methods =
    ", touches(), calls(), matches(), has_shape(), where(), replace_table(), replace_schema(), replace_function(), rename_column(), add_filter(), set_limit(), drop_hint(), wrap_dblink(), tag(), translate(), strict(), delay(), timeout(), max_rows(), fallback()";
constexpr std::uint64_t compile_cost = 2000;  ///< of a regular expression

enum class Field : lua_Integer {
  text, kind, command, parsed, read_only, tables, reads, writes, functions, aggregate, window, group_by, distinct, limit,
  joins, subquery, for_update, returning, parameters, fingerprint, hints, words, columns, literals, tree, redshift_keyword, dialect,
  modifying_cte, effects,
};
constexpr std::array statement_fields = {
    "text",   "kind",     "command",    "parsed",    "read_only",  "tables",      "reads", "writes", "functions",
    "aggregate", "window", "group_by",  "distinct",  "limit",      "joins",       "subquery", "for_update", "returning",
    "parameters", "fingerprint", "hints", "words", "columns", "literals", "tree", "redshift_keyword",
    "dialect", "modifying_cte", "effects"};
static_assert(statement_fields.size() == static_cast<std::size_t>(Field::effects) + 1);

void push_view(lua_State* L, std::string_view text) { lua_pushlstring(L, text.data(), text.size()); }

void push_name(lua_State* L, const TableName& table) {
  if (table.schema.empty()) {
    lua_pushlstring(L, table.name.data(), table.name.size());
  } else {
    lua_pushfstring(L, "%s.%s", table.schema.c_str(), table.name.c_str());
  }
}

void append_names(lua_State* L, const std::vector<TableName>& tables, const std::vector<TableName>* except) {
  for (const TableName& table : tables) {
    if (except != nullptr && std::find(except->begin(), except->end(), table) != except->end()) continue;
    push_name(L, table);
    lua_rawseti(L, -2, static_cast<lua_Integer>(lua_rawlen(L, -2)) + 1);
  }
}

void push_strings(lua_State* L, const std::vector<std::string>& strings) {
  lua_createtable(L, static_cast<int>(strings.size()), 0);
  for (std::size_t i = 0; i < strings.size(); ++i) {
    lua_pushlstring(L, strings[i].data(), strings[i].size());
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

// Lua raises an error where memory ends: nothing that has a destructor is there by then.
void push_effects(lua_State* L, Effects effects) {
  std::array<std::string_view, 32> names;
  std::size_t count = 0;
  for (const std::string_view name : effect_names(effects)) names[count++] = name;
  lua_createtable(L, static_cast<int>(count), 0);
  for (std::size_t i = 0; i < count; ++i) {
    push_view(L, names[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

void push_list(lua_State* L, const StatementView& view, Field field) {
  const Statement& statement = *view.statement;
  switch (field) {
    case Field::columns: return push_columns(L, view);
    case Field::literals: return push_literals(L, view);
    case Field::tree: return push_tree(L, view);
    case Field::functions: return push_strings(L, statement.functions);
    case Field::hints: return push_strings(L, statement.hints);
    case Field::words: return push_strings(L, statement.words);
    case Field::effects: return push_effects(L, statement.effects);
    default: break;
  }
  lua_newtable(L);
  if (field != Field::writes) append_names(L, statement.reads, nullptr);
  if (field != Field::reads) append_names(L, statement.writes, field == Field::tables ? &statement.reads : nullptr);
}

// Lists are built when they are asked for and kept with the object until the next statement.
void push_kept_list(lua_State* L, const StatementView& view, Field field) {
  if (lua_getiuservalue(L, 1, 1) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_setiuservalue(L, 1, 1);
  }
  if (lua_rawgeti(L, -1, static_cast<lua_Integer>(field) + 1) == LUA_TTABLE) return;
  lua_pop(L, 1);
  push_list(L, view, field);
  lua_pushvalue(L, -1);
  lua_rawseti(L, -3, static_cast<lua_Integer>(field) + 1);
}

void push_fingerprint(lua_State* L, std::uint64_t fingerprint) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, fingerprint);
  lua_pushlstring(L, digits, 16);
}

int push_field(lua_State* L, const StatementView& view, Field field) {
  const Statement& s = *view.statement;
  switch (field) {
    case Field::text:
      *view.read |= bit(Dependency::text);
      push_view(L, view.text);
      break;
    case Field::kind: push_view(L, to_string(s.kind)); break;
    case Field::command: push_view(L, s.command); break;
    case Field::parsed: lua_pushboolean(L, s.parsed); break;
    case Field::read_only: lua_pushboolean(L, s.read_only); break;
    case Field::aggregate: lua_pushboolean(L, s.aggregate); break;
    case Field::window: lua_pushboolean(L, s.window); break;
    case Field::group_by: lua_pushboolean(L, s.group_by); break;
    case Field::distinct: lua_pushboolean(L, s.distinct); break;
    case Field::limit: lua_pushboolean(L, s.limit); break;
    case Field::joins: lua_pushinteger(L, s.joins); break;
    case Field::subquery: lua_pushboolean(L, s.subquery); break;
    case Field::for_update: lua_pushboolean(L, s.for_update); break;
    case Field::returning: lua_pushboolean(L, s.returning); break;
    case Field::parameters: lua_pushinteger(L, s.parameters); break;
    case Field::fingerprint: push_fingerprint(L, s.fingerprint); break;
    case Field::redshift_keyword:
      if (s.redshift_keyword.empty()) lua_pushnil(L);
      else push_view(L, s.redshift_keyword);
      break;
    case Field::dialect: push_dialect(L, view); break;
    case Field::modifying_cte: lua_pushboolean(L, s.modifying_cte); break;
    default: push_kept_list(L, view, field); break;
  }
  return 1;
}

StatementView& check_statement(lua_State* L) {
  if (!is_statement(L, 1)) luaL_error(L, "call it with a colon, as in stmt:touches(...)");
  auto& view = *static_cast<StatementView*>(lua_touserdata(L, 1));
  if (view.statement == nullptr) luaL_error(L, "stmt may be used only during the hook that was given it");
  return view;
}

// Upvalue: field name -> number of the field, or a method.
int index_statement(lua_State* L) {
  const auto& view = *static_cast<StatementView*>(lua_touserdata(L, 1));
  lua_pushvalue(L, 2);
  const int type = lua_rawget(L, lua_upvalueindex(1));
  if (type == LUA_TFUNCTION) return 1;
  if (type != LUA_TNUMBER) raise_unknown_field(L, "stmt", statement_fields, statement_methods);
  if (view.statement == nullptr) return luaL_error(L, "stmt may be used only during the hook that was given it");
  return push_field(L, view, static_cast<Field>(lua_tointeger(L, -1)));
}

using Question = bool (*)(const StatementView&, std::string_view);

int ask_each(lua_State* L, Question question) {
  const StatementView& view = check_statement(L);
  const int count = lua_gettop(L);
  luaL_checkany(L, 2);
  const Statement& s = *view.statement;
  LuaState::of(L).charge(L, (s.reads.size() + s.writes.size() + s.functions.size() + s.words.size()) / 4 + 1);
  bool yes = false;
  for (int i = 2; i <= count; ++i) {
    luaL_checktype(L, i, LUA_TSTRING);
    std::size_t size = 0;
    const char* text = lua_tolstring(L, i, &size);
    yes = yes || question(view, {text, size});
  }
  lua_pushboolean(L, yes);
  return 1;
}

int method_touches(lua_State* L) {
  return ask_each(L, [](const StatementView& view, std::string_view pattern) {
    return touches(*view.statement, pattern, Access::any, *view.facts, *view.read);
  });
}
int method_calls(lua_State* L) {
  return ask_each(L, [](const StatementView& view, std::string_view pattern) { return calls(*view.statement, pattern); });
}

const Regex& check_regex(lua_State* L, int index) {
  luaL_checktype(L, index, LUA_TSTRING);
  std::size_t size = 0;
  const char* const pattern = lua_tolstring(L, index, &size);
  LuaWorld& world = world_of(L);
  const Regex* regex = world.regexes.find({pattern, size});
  if (regex == nullptr) {
    LuaState::of(L).charge(L, compile_cost + size);
    regex = world.regexes.add({pattern, size}, world.error);
  }
  if (regex == nullptr) luaL_error(L, "the regular expression '%s' is wrong: %s", pattern, world.error.c_str());
  return *regex;
}

int method_matches(lua_State* L) {
  const StatementView& view = check_statement(L);
  const int count = lua_gettop(L);
  luaL_checkany(L, 2);
  *view.read |= bit(Dependency::text);
  bool yes = false;
  for (int i = 2; i <= count; ++i) {
    const Regex& regex = check_regex(L, i);
    LuaState::of(L).charge(L, regex.cost(view.text));
    yes = yes || regex.found_in(view.text);
  }
  lua_pushboolean(L, yes);
  return 1;
}

int method_has_shape(lua_State* L) { return statement_has_shape(L, check_statement(L)); }
int method_where(lua_State* L) { return statement_where(L, check_statement(L)); }

int change_statement(lua_State* L) {
  if (lua_type(L, 2) != LUA_TSTRING || string_at(L, 2) != "tree") return luaL_error(L, "stmt is read-only, but for stmt.tree");
  assign_tree(L, check_statement(L));
  return 0;
}

}  // namespace

void create_objects(lua_State* L) {
  new (lua_newuserdatauv(L, sizeof(StatementView), 1)) StatementView;
  push_field_numbers(L, statement_fields);
  lua_pushcfunction(L, &method_touches);
  lua_setfield(L, -2, "touches");
  lua_pushcfunction(L, &method_calls);
  lua_setfield(L, -2, "calls");
  lua_pushcfunction(L, &method_matches);
  lua_setfield(L, -2, "matches");
  lua_pushcfunction(L, &method_has_shape);
  lua_setfield(L, -2, "has_shape");
  lua_pushcfunction(L, &method_where);
  lua_setfield(L, -2, "where");
  set_edit_methods(L);
  set_limit_methods(L);
  finish_object(L, &index_statement, &change_statement, "stmt");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &statement_key);
  create_session(L);
}

bool is_statement(lua_State* L, int index) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &statement_key);
  const bool is = lua_rawequal(L, index, -1) != 0;
  lua_pop(L, 1);
  return is;
}

void push_statement(lua_State* L, const StatementView& view) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &statement_key);
  *static_cast<StatementView*>(lua_touserdata(L, -1)) = view;
  lua_pushnil(L);
  lua_setiuservalue(L, -2, 1);
}

void unbind_objects(lua_State* L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &statement_key);
  *static_cast<StatementView*>(lua_touserdata(L, -1)) = StatementView{};
  lua_pop(L, 1);
  unbind_session(L);
}

}  // namespace pgswitch::rules
