#pragma once
#include <lua.hpp>

#include "rules/lua_objects.hpp"

namespace pgswitch::rules {

/// Pushes stmt.tree, the parse tree as tables. Raises.
void push_tree(lua_State* L, const StatementView& view);

/// stmt.tree = the table on top of the stack: what the rewrite sends instead of the statement. Raises when it is no tree of such a
/// statement.
void assign_tree(lua_State* L, const StatementView& view);

}  // namespace pgswitch::rules
