#include "rules/lua_facts.hpp"

#include <cmath>

#include "rules/lua_library.hpp"
#include "rules/lua_state.hpp"
#include "rules/redshift/dialect.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::uint64_t parse_cost = 500;

/// What parsing the text takes.
void charge_parse(lua_State* L, std::string_view text) { LuaState::of(L).charge(L, parse_cost + text.size() / 4); }

void push_number(lua_State* L, const std::string& text) {
  if (lua_stringtonumber(L, text.c_str()) == 0) lua_pushlstring(L, text.data(), text.size());
}

void push_value(lua_State* L, const BoundValue& value) {
  switch (value.type) {
    case BoundValue::Type::boolean: return lua_pushboolean(L, value.text == "true");
    case BoundValue::Type::number: return push_number(L, value.text);
    case BoundValue::Type::string: break;
  }
  lua_pushlstring(L, value.text.data(), value.text.size());
}

void set_end(lua_State* L, const BoundEnd& end, const char* name, const char* parameter) {
  if (end.state == BoundEnd::State::open) return;
  if (end.state == BoundEnd::State::literal) push_value(L, end.value);
  else lua_pushboolean(L, 1);
  lua_setfield(L, -2, end.state == BoundEnd::State::literal ? name : parameter);
}

void push_bounds(lua_State* L, const ColumnBounds& bounds) {
  lua_createtable(L, 0, 3);
  set_end(L, bounds.min, "min", "min_parameter");
  set_end(L, bounds.max, "max", "max_parameter");
  if (bounds.values.empty()) return;
  lua_createtable(L, static_cast<int>(bounds.values.size()), 0);
  for (std::size_t i = 0; i < bounds.values.size(); ++i) {
    push_value(L, bounds.values[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
  lua_setfield(L, -2, "values");
}

void push_literal(lua_State* L, const TextLiteral& literal) {
  lua_createtable(L, 0, 3);
  lua_pushstring(L, to_string(literal.type));
  lua_setfield(L, -2, "type");
  lua_pushinteger(L, literal.position);
  lua_setfield(L, -2, "position");
  switch (literal.type) {
    case TextLiteral::Type::null: return;
    case TextLiteral::Type::boolean: lua_pushboolean(L, literal.value == "true"); break;
    case TextLiteral::Type::number: push_number(L, literal.value); break;
    default: lua_pushlstring(L, literal.value.data(), literal.value.size()); break;
  }
  lua_setfield(L, -2, "value");
}

const QueryShape& shape_at(lua_State* L, int index) {
  const std::string_view text = string_argument(L, index, "a shape");
  LuaWorld& world = world_of(L);
  const QueryShape* shape = world.shapes.find(text);
  if (shape != nullptr) return *shape;
  LuaState::of(L).charge(L, QueryShape::cost(text));
  shape = world.shapes.add(text, world.error);
  if (shape == nullptr) luaL_error(L, "%s", world.error.c_str());
  return *shape;
}

bool has_shape(lua_State* L, const StatementView& view, const QueryShape& shape) {
  if (!shape.may_match(*view.statement)) return false;
  *view.read |= shape.reads();
  LuaState::of(L).charge(L, QueryShape::cost(view.text));
  return shape.matches(view.text, view.facts->standard_conforming_strings);
}

std::optional<double> days_at(lua_State* L, int from, int until) {
  const auto is_text = [&](int index) { return lua_type(L, index) == LUA_TSTRING || lua_isinteger(L, index) != 0; };
  if (!is_text(from) || !is_text(until)) return std::nullopt;
  return days_between(string_at(L, from), string_at(L, until));
}

}  // namespace

int statement_where(lua_State* L, const StatementView& view) {
  const std::string_view table = string_argument(L, 2, "the table"), column = string_argument(L, 3, "the column");
  *view.read |= bit(Dependency::text);
  charge_parse(L, view.text);
  std::optional<ColumnBounds>& bounds = world_of(L).bounds;
  bounds.reset();
  if (view.statement->parsed) bounds = column_bounds(view.text, view.facts->standard_conforming_strings, table, column);
  if (bounds) push_bounds(L, *bounds);
  else lua_pushnil(L);
  return 1;
}

void push_columns(lua_State* L, const StatementView& view) {
  charge_parse(L, view.text);
  std::vector<NamedColumn>& columns = world_of(L).columns;
  columns.clear();
  if (view.statement->parsed) columns = named_columns(view.text, view.facts->standard_conforming_strings);
  lua_createtable(L, static_cast<int>(columns.size()), 0);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    lua_createtable(L, 0, 2);
    lua_pushlstring(L, columns[i].name.data(), columns[i].name.size());
    lua_setfield(L, -2, "name");
    if (!columns[i].table.empty()) {
      lua_pushlstring(L, columns[i].table.data(), columns[i].table.size());
      lua_setfield(L, -2, "table");
    }
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

void push_dialect(lua_State* L, const StatementView& view) {
  charge_parse(L, view.text);
  const std::string_view dialect = redshift::dialect_of(view.text, *view.statement, view.facts->standard_conforming_strings);
  if (dialect.empty()) lua_pushnil(L);
  else lua_pushlstring(L, dialect.data(), dialect.size());
}

void push_literals(lua_State* L, const StatementView& view) {
  *view.read |= bit(Dependency::text);
  charge_parse(L, view.text);
  std::vector<TextLiteral>& literals = world_of(L).literals;
  literals = text_literals(view.text, view.facts->standard_conforming_strings, view.statement->parsed);
  lua_createtable(L, static_cast<int>(literals.size()), 0);
  for (std::size_t i = 0; i < literals.size(); ++i) {
    push_literal(L, literals[i]);
    lua_rawseti(L, -2, static_cast<lua_Integer>(i) + 1);
  }
}

int statement_has_shape(lua_State* L, const StatementView& view) {
  const int count = lua_gettop(L);
  luaL_checkany(L, 2);
  bool yes = false;
  for (int i = 2; i <= count; ++i) {
    const QueryShape& shape = shape_at(L, i);
    yes = yes || has_shape(L, view, shape);
  }
  lua_pushboolean(L, yes);
  return 1;
}

int lua_days(lua_State* L) {
  lua_settop(L, 2);
  const std::optional<double> days = days_at(L, 1, 2);
  lua_pushnumber(L, days ? *days : HUGE_VAL);
  return 1;
}

}  // namespace pgswitch::rules
