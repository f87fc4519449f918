#pragma once
#include <lua.hpp>

#include "rules/lua_objects.hpp"

namespace pgswitch::rules {

/// What `stmt` finds out when it is asked, by parsing the text again: stmt:where() and stmt:has_shape(). Its argument must have been
/// checked to be `stmt`. All raise.
int statement_where(lua_State* L, const StatementView& view);
int statement_has_shape(lua_State* L, const StatementView& view);
/// Push stmt.columns, stmt.dialect and stmt.literals.
void push_columns(lua_State* L, const StatementView& view);
void push_dialect(lua_State* L, const StatementView& view);
void push_literals(lua_State* L, const StatementView& view);

/// days(from, until): the days from one date or time to another, math.huge when that cannot be told. Raises.
int lua_days(lua_State* L);

}  // namespace pgswitch::rules
