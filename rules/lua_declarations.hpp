#pragma once
#include <lua.hpp>

namespace pgswitch::rules {

/// functions { read_only = { "app.report", "my_*" }, writing = { ... } }: what the server's own functions do. Works while the rules
/// file is loaded. Raises.
int lua_functions(lua_State* L);

/// super_columns { customers = { "orders" } }: columns that Redshift unnests in FROM. Works while the rules file is loaded. Raises.
int lua_super_columns(lua_State* L);

}  // namespace pgswitch::rules
