#include "rules/lua_results.hpp"

#include <cstring>
#include <string_view>

#include "rules/lua_state.hpp"

namespace pgswitch::rules {

namespace {

// Their addresses are keys of the registry.
char refusal_mark;
char answer_mark;

void refuse_nul(lua_State* L, std::string_view text, const char* what) {
  if (text.find('\0') != std::string_view::npos) luaL_error(L, "%s must not hold a zero byte", what);
}

bool is_sqlstate(std::string_view text) {
  const bool letters = text.find_first_not_of("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == std::string_view::npos;
  return text.size() == 5 && letters && !text.starts_with("00");
}

std::string* refusal_field(Refusal& refusal, std::string_view name) {
  if (name == "message") return &refusal.message;
  if (name == "sqlstate") return &refusal.sqlstate;
  if (name == "detail") return &refusal.detail;
  if (name == "hint") return &refusal.hint;
  return nullptr;
}

bool is_refusal_field(std::string_view name) {
  return name == "message" || name == "sqlstate" || name == "detail" || name == "hint";
}

// Checks the table at `index` and, with `out`, copies it.
void read_refusal(lua_State* L, int index, Refusal* out) {
  bool message = false;
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const bool known = lua_type(L, -2) == LUA_TSTRING && is_refusal_field(string_at(L, -2));
    if (!known) luaL_error(L, "reject{} knows message, sqlstate, detail and hint, not '%s'", luaL_tolstring(L, -2, nullptr));
    const std::string_view name = string_at(L, -2);
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "reject{}: %s must be a string", name.data());
    const std::string_view value = string_at(L, -1);
    refuse_nul(L, value, "reject{}");
    if (name == "sqlstate" && !is_sqlstate(value)) luaL_error(L, "reject{}: '%s' is not an SQLSTATE", value.data());
    message = message || (name == "message" && !value.empty());
    if (out != nullptr) refusal_field(*out, name)->assign(value);
  }
  if (!message) luaL_error(L, "reject{} needs a message");
}

std::size_t list_field(lua_State* L, int index, const char* name, std::size_t most) {
  lua_pushstring(L, name);
  lua_rawget(L, index);
  if (!lua_istable(L, -1)) luaL_error(L, "answer{} needs %s, a list", name);
  const std::size_t size = lua_rawlen(L, -1);
  if (size > most) luaL_error(L, "answer{}: more than %d %s", static_cast<int>(most), name);
  return size;
}

struct AnswerReader {
  lua_State* L;
  Answer* out;
  std::size_t columns = 0;
  std::size_t bytes = 0;

  void add(std::size_t more) {
    bytes += more;
    if (bytes > max_answer_bytes) luaL_error(L, "answer{}: more than %d bytes", static_cast<int>(max_answer_bytes));
  }

  void column(lua_Integer i) {
    lua_rawgeti(L, -1, i);
    if (lua_type(L, -1) != LUA_TSTRING) luaL_error(L, "answer{}: column %d is not a string", static_cast<int>(i));
    const std::string_view name = string_at(L, -1);
    refuse_nul(L, name, "answer{}: a column name");
    add(name.size() + 1);
    if (out != nullptr) out->columns.emplace_back(name);
    lua_pop(L, 1);
  }

  void cell(lua_Integer row, lua_Integer i) {
    const int type = lua_rawgeti(L, -1, i);
    add(4);
    if (type == LUA_TNIL) {
      if (out != nullptr) out->rows.back().emplace_back();
    } else if (type == LUA_TBOOLEAN) {
      if (out != nullptr) out->rows.back().emplace_back(lua_toboolean(L, -1) != 0 ? "t" : "f");
    } else if (type == LUA_TSTRING || type == LUA_TNUMBER) {
      const std::string_view text = string_at(L, -1);
      refuse_nul(L, text, "answer{}: a value");
      add(text.size());
      if (out != nullptr) out->rows.back().emplace_back(std::string(text));
    } else {
      luaL_error(L, "answer{}: row %d, column %d is a %s", static_cast<int>(row), static_cast<int>(i), lua_typename(L, type));
    }
    lua_pop(L, 1);
  }

  void row(lua_Integer i) {
    lua_rawgeti(L, -1, i);
    if (!lua_istable(L, -1)) luaL_error(L, "answer{}: row %d is not a list", static_cast<int>(i));
    if (lua_rawlen(L, -1) > columns) luaL_error(L, "answer{}: row %d has more values than there are columns", static_cast<int>(i));
    add(7);
    if (out != nullptr) out->rows.emplace_back();
    for (std::size_t c = 1; c <= columns; ++c) cell(i, static_cast<lua_Integer>(c));
    lua_pop(L, 1);
  }
};

void refuse_other_fields(lua_State* L, int index) {
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    const bool known = lua_type(L, -2) == LUA_TSTRING && (string_at(L, -2) == "columns" || string_at(L, -2) == "rows");
    if (!known) luaL_error(L, "answer{} knows columns and rows, not '%s'", luaL_tolstring(L, -2, nullptr));
  }
}

// Checks the table at `index` and, with `out`, copies it.
void read_answer(lua_State* L, int index, Answer* out) {
  refuse_other_fields(L, index);
  AnswerReader reader{L, out};
  reader.columns = list_field(L, index, "columns", max_answer_columns);
  if (reader.columns == 0) luaL_error(L, "answer{} needs at least one column");
  for (std::size_t i = 1; i <= reader.columns; ++i) reader.column(static_cast<lua_Integer>(i));
  const std::size_t rows = list_field(L, index, "rows", max_answer_rows);
  for (std::size_t i = 1; i <= rows; ++i) reader.row(static_cast<lua_Integer>(i));
  lua_pop(L, 2);
}

void mark(lua_State* L, const char& key) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  lua_setmetatable(L, 1);
}

bool has_mark(lua_State* L, int index, const char& key) {
  if (lua_getmetatable(L, index) == 0) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &key);
  const bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same;
}

int reject(lua_State* L) {
  if (lua_type(L, 1) == LUA_TSTRING) {  // reject "message"
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "message");
    lua_replace(L, 1);
  }
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  read_refusal(L, 1, nullptr);
  mark(L, refusal_mark);
  return 1;
}

int answer(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 1);
  read_answer(L, 1, nullptr);
  mark(L, answer_mark);
  return 1;
}

void make_mark(lua_State* L, const char& key) {
  lua_createtable(L, 0, 1);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &key);
}

}  // namespace

const luaL_Reg result_functions[] = {{"reject", reject}, {"answer", answer}, {nullptr, nullptr}};

void register_results(lua_State* L) {
  make_mark(L, refusal_mark);
  make_mark(L, answer_mark);
}

void read_result(lua_State* L, HookResult& result) {
  const int index = lua_gettop(L);
  const int type = lua_type(L, index);
  if (type == LUA_TNIL) {
    result.said = HookResult::Said::nothing;
  } else if (type == LUA_TSTRING) {
    refuse_nul(L, string_at(L, index), "what a hook returns");
    result.text.assign(string_at(L, index));
    result.said = HookResult::Said::text;
  } else if (type == LUA_TTABLE && has_mark(L, index, refusal_mark)) {
    read_refusal(L, index, &result.refusal);
    result.said = HookResult::Said::reject;
  } else if (type == LUA_TTABLE && has_mark(L, index, answer_mark)) {
    read_answer(L, index, &result.answer);
    result.said = HookResult::Said::answer;
  } else {
    luaL_error(L, "a hook returns nil, a string, reject{} or answer{}, a rewrite also stmt, not a %s", luaL_typename(L, index));
  }
}

void read_condition_result(lua_State* L, HookResult& result) {
  const int type = lua_type(L, -1);
  if (type != LUA_TBOOLEAN && type != LUA_TNIL) luaL_error(L, "where returns true or false, not a %s", lua_typename(L, type));
  result.said = lua_toboolean(L, -1) != 0 ? HookResult::Said::yes : HookResult::Said::nothing;
}

void read_refusal_value(lua_State* L, Refusal& refusal) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    refuse_nul(L, string_at(L, -1), "reject");
    if (string_at(L, -1).empty()) luaL_error(L, "reject needs a message");
    refusal.message.assign(string_at(L, -1));
  } else {
    if (!lua_istable(L, -1)) luaL_error(L, "reject takes a message or a table, not a %s", luaL_typename(L, -1));
    read_refusal(L, lua_gettop(L), &refusal);
  }
}

void read_answer_value(lua_State* L, Answer& answer) {
  if (!lua_istable(L, -1)) luaL_error(L, "answer takes a table, not a %s", luaL_typename(L, -1));
  read_answer(L, lua_gettop(L), &answer);
}

}  // namespace pgswitch::rules
