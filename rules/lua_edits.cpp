#include "rules/lua_edits.hpp"

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "rules/lua_library.hpp"
#include "rules/lua_objects.hpp"
#include "rules/lua_results.hpp"
#include "rules/lua_state.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::uint64_t edit_cost = 100;
constexpr std::uint64_t condition_cost = 2000;
constexpr const char* any_hint = "pgswitch:*";

[[noreturn]] void raise(lua_State* L, const EditBook& book) {
  luaL_error(L, "%s", book.error.c_str());
  std::abort();  // luaL_error does not return
}

void check(lua_State* L, const EditBook& book, bool done) {
  if (!done) raise(L, book);
}

/// The book of a method's `stmt`, which is to be told an edit.
EditBook& book_of(lua_State* L) {
  if (!is_statement(L, 1)) luaL_error(L, "call it as stmt:replace_table(...), with a colon");
  EditBook& book = world_of(L).edits;
  if (!book.open()) luaL_error(L, "a statement is edited in rewrite(stmt, session) only");
  LuaState::of(L).charge(L, edit_cost);
  return book;
}

void no_more_arguments(lua_State* L, int most) {
  if (lua_gettop(L) > most) luaL_error(L, "it takes %d arguments, not %d", most - 1, lua_gettop(L) - 1);
}

int chain(lua_State* L) {
  lua_pushvalue(L, 1);
  return 1;
}

template <bool (EditBook::*Tell)(std::string_view, std::string_view)>
int replace(lua_State* L) {
  EditBook& book = book_of(L);
  no_more_arguments(L, 3);
  check(L, book, (book.*Tell)(string_argument(L, 2, "the name to be replaced"), string_argument(L, 3, "the new name")));
  return chain(L);
}

int rename_column(lua_State* L) {
  EditBook& book = book_of(L);
  no_more_arguments(L, 4);
  check(L, book, book.rename_column(string_argument(L, 2, "the table"), string_argument(L, 3, "the column"), string_argument(L, 4, "the new name")));
  return chain(L);
}

void add_number(lua_State* L, EditBook& book, int index) {
  std::array<char, 40> digits{};
  if (lua_isinteger(L, index) != 0) {
    std::snprintf(digits.data(), digits.size(), "%lld", static_cast<long long>(lua_tointeger(L, index)));
  } else {
    if (!std::isfinite(lua_tonumber(L, index))) luaL_error(L, "value %d of the filter is no finite number", index - 3);
    std::snprintf(digits.data(), digits.size(), "%.17g", lua_tonumber(L, index));
  }
  check(L, book, book.add_value(FilterValue::Source::number, digits.data()));
}

/// nil is not taken for NULL: a value that is missing by mistake must not become a condition.
void add_value(lua_State* L, EditBook& book, int index) {
  switch (lua_type(L, index)) {
    case LUA_TSTRING: return check(L, book, book.add_value(FilterValue::Source::text, string_argument(L, index, "a value")));
    case LUA_TNUMBER: return add_number(L, book, index);
    case LUA_TBOOLEAN: return check(L, book, book.add_value(FilterValue::Source::number, lua_toboolean(L, index) != 0 ? "true" : "false"));
    default: luaL_error(L, "value %d of the filter is a %s", index - 3, luaL_typename(L, index));
  }
}

int add_filter(lua_State* L) {
  EditBook& book = book_of(L);
  LuaState::of(L).charge(L, condition_cost);
  check(L, book, book.start_filter(string_argument(L, 2, "the table"), string_argument(L, 3, "the condition")));
  const int count = lua_gettop(L);
  for (int i = 4; i <= count; ++i) add_value(L, book, i);
  check(L, book, book.finish_filter());
  return chain(L);
}

lua_Integer limit_at(lua_State* L, int index) {
  if (lua_isinteger(L, index) == 0) luaL_error(L, "a limit is a whole number, not a %s", luaL_typename(L, index));
  return lua_tointeger(L, index);
}

int set_limit(lua_State* L) {
  EditBook& book = book_of(L);
  no_more_arguments(L, 2);
  check(L, book, book.set_limit(limit_at(L, 2)));
  return chain(L);
}

int drop_hint(lua_State* L) {
  EditBook& book = book_of(L);
  no_more_arguments(L, 2);
  check(L, book, book.drop_hint(lua_isnoneornil(L, 2) ? any_hint : string_argument(L, 2, "a pattern of comments")));
  return chain(L);
}

int wrap_dblink(lua_State* L) {
  EditBook& book = book_of(L);
  no_more_arguments(L, 3);
  LuaState::of(L).charge(L, condition_cost);
  check(L, book, book.wrap_dblink(string_argument(L, 2, "the server"), string_argument(L, 3, "the list of columns")));
  return chain(L);
}

// A table of keys and values on top of the stack.
void read_tags(lua_State* L, EditBook& book) {
  if (!lua_istable(L, -1)) luaL_error(L, "tag takes a table, as in { team = \"bi\", user = \"$user\" }");
  const int tags = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, tags) != 0; lua_pop(L, 1)) {
    LuaState::of(L).charge(L, edit_cost);
    check(L, book, book.tag(string_argument(L, -2, "a tag's key"), string_argument(L, -1, "a tag's value")));
  }
}

int tag(lua_State* L) {
  EditBook& book = book_of(L);
  no_more_arguments(L, 2);
  lua_settop(L, 2);
  read_tags(L, book);
  return chain(L);
}

// true, or "drop_locks", at `index`.
redshift::Translate translation_at(lua_State* L, int index) {
  if (lua_type(L, index) == LUA_TSTRING && string_at(L, index) == "drop_locks") return redshift::Translate::drop_locks;
  if (!lua_isboolean(L, index) || lua_toboolean(L, index) == 0) luaL_error(L, "translate takes true or \"drop_locks\"");
  return redshift::Translate::automatic;
}

int translate(lua_State* L) {
  EditBook& book = book_of(L);
  no_more_arguments(L, 2);
  LuaState::of(L).charge(L, condition_cost);
  check(L, book, book.translate(lua_isnoneornil(L, 2) ? redshift::Translate::automatic : translation_at(L, 2)));
  return chain(L);
}

int strict(lua_State* L) {
  EditBook& book = book_of(L);
  const int count = lua_gettop(L);
  book.set_strict();
  for (int i = 2; i <= count; ++i) check(L, book, book.add_unfiltered(string_argument(L, i, "a table")));
  return chain(L);
}

constexpr luaL_Reg methods[] = {{"replace_table", &replace<&EditBook::replace_table>},
                                {"replace_schema", &replace<&EditBook::replace_schema>},
                                {"replace_function", &replace<&EditBook::replace_function>},
                                {"rename_column", &rename_column},
                                {"add_filter", &add_filter},
                                {"set_limit", &set_limit},
                                {"drop_hint", &drop_hint},
                                {"wrap_dblink", &wrap_dblink},
                                {"tag", &tag},
                                {"translate", &translate},
                                {"strict", &strict}};

// ---- edits as a table

template <bool (EditBook::*Tell)(std::string_view, std::string_view)>
void read_pairs(lua_State* L, EditBook& book, const char* name) {
  if (!lua_istable(L, -1)) luaL_error(L, "%s takes a table, as in { sales = \"archive.sales\" }", name);
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    LuaState::of(L).charge(L, edit_cost);
    check(L, book, (book.*Tell)(string_argument(L, -2, name), string_argument(L, -1, name)));
  }
}

bool add_plain_filter(EditBook& book, std::string_view table, std::string_view condition) {
  return book.start_filter(table, condition) && book.finish_filter();
}

void read_filters(lua_State* L, EditBook& book) {
  if (!lua_istable(L, -1)) luaL_error(L, "add_filter takes a table, as in { orders = \"tenant = $user\" }");
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    LuaState::of(L).charge(L, condition_cost);
    check(L, book, add_plain_filter(book, string_argument(L, -2, "a table"), string_argument(L, -1, "a condition")));
  }
}

void read_columns(lua_State* L, EditBook& book) {
  if (!lua_istable(L, -1)) luaL_error(L, "rename_column takes a table, as in { orders = { total = \"total_cents\" } }");
  const int tables = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, tables) != 0; lua_pop(L, 1)) {
    if (!lua_istable(L, -1)) luaL_error(L, "rename_column takes a table of columns for each table");
    const int columns = lua_gettop(L);
    for (lua_pushnil(L); lua_next(L, columns) != 0; lua_pop(L, 1)) {
      LuaState::of(L).charge(L, edit_cost);
      const std::string_view table = string_argument(L, tables + 1, "a table");
      check(L, book, book.rename_column(table, string_argument(L, -2, "a column"), string_argument(L, -1, "a column")));
    }
  }
}

void read_dblink(lua_State* L, EditBook& book) {
  if (!lua_istable(L, -1)) luaL_error(L, "wrap_dblink takes a table, as in { server = \"redshift\", columns = \"id int\" }");
  const int call = lua_gettop(L);
  LuaState::of(L).charge(L, condition_cost);
  for (lua_pushnil(L); lua_next(L, call) != 0; lua_pop(L, 1)) {
    const std::string_view key = lua_type(L, -2) == LUA_TSTRING ? string_at(L, -2) : std::string_view();
    if (key != "server" && key != "columns") luaL_error(L, "wrap_dblink has server and columns and nothing else");
  }
  lua_getfield(L, call, "server");
  lua_getfield(L, call, "columns");
  check(L, book, book.wrap_dblink(string_argument(L, -2, "the server"), string_argument(L, -1, "the list of columns")));
  lua_pop(L, 2);
}

void read_edit(lua_State* L, EditBook& book, std::string_view key) {
  if (key == "replace_table") return read_pairs<&EditBook::replace_table>(L, book, "replace_table");
  if (key == "replace_schema") return read_pairs<&EditBook::replace_schema>(L, book, "replace_schema");
  if (key == "replace_function") return read_pairs<&EditBook::replace_function>(L, book, "replace_function");
  if (key == "rename_column") return read_columns(L, book);
  if (key == "add_filter") return read_filters(L, book);
  if (key == "set_limit") return check(L, book, book.set_limit(limit_at(L, -1)));
  if (key == "drop_hint") return check(L, book, book.drop_hint(string_argument(L, -1, "drop_hint")));
  if (key == "wrap_dblink") return read_dblink(L, book);
  if (key == "tag") return read_tags(L, book);
  if (key == "translate") return check(L, book, book.translate(translation_at(L, -1)));
  luaL_error(L, "unknown edit '%s'; they are %s", key.data(),
             "replace_table, replace_schema, replace_function, rename_column, add_filter, set_limit, drop_hint, wrap_dblink, tag and translate");
}

}  // namespace

void set_edit_methods(lua_State* L) {
  for (const luaL_Reg& method : methods) {
    lua_pushcfunction(L, method.func);
    lua_setfield(L, -2, method.name);
  }
}

void read_rewrite_result(lua_State* L, HookResult& result) {
  EditBook& book = world_of(L).edits;
  if (is_statement(L, lua_gettop(L))) {
    result.edits = book.take();
    result.said = book.tree() ? HookResult::Said::text : HookResult::Said::edits;
    if (book.tree() && !result.edits.empty()) luaL_error(L, "a statement is given edits or a tree, not both");
    if (book.tree()) result.text = *book.tree();
    return;
  }
  read_result(L, result);
  const bool lost = !book.empty() && (result.said == HookResult::Said::nothing || result.said == HookResult::Said::text);
  if (lost) luaL_error(L, "the statement was edited, and then not returned: return stmt");
}

void read_edit_table(lua_State* L) {
  EditBook& book = world_of(L).edits;
  book.start(true);
  const int table = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, table) != 0; lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) luaL_error(L, "rewrite takes edits by name, as in { set_limit = 1000 }");
    read_edit(L, book, string_argument(L, -2, "an edit"));
  }
  if (book.empty()) luaL_error(L, "rewrite has no edit in it");
}

void read_unfiltered(lua_State* L, EditBook& book) {
  if (lua_type(L, -1) == LUA_TSTRING) return check(L, book, book.add_unfiltered(string_argument(L, -1, "unfiltered")));
  if (!lua_istable(L, -1)) luaL_error(L, "unfiltered takes the name of a table or a list of them");
  const int list = lua_gettop(L);
  const auto size = static_cast<lua_Integer>(lua_rawlen(L, list));
  for (lua_Integer i = 1; i <= size; ++i) {
    LuaState::of(L).charge(L, edit_cost);
    lua_rawgeti(L, list, i);
    check(L, book, book.add_unfiltered(string_argument(L, -1, "a table")));
    lua_pop(L, 1);
  }
}

}  // namespace pgswitch::rules
