#pragma once
#include <lua.hpp>
#include <string_view>

#include "rules/facts.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// What the `stmt` of a hook shows. Bound for one call; a rule that keeps `stmt` for later finds it empty.
struct StatementView {
  const Statement* statement = nullptr;
  std::string_view text;
  const Facts* facts = nullptr;  ///< of the session that sends it
  Dependencies* read = nullptr;
};

/// Makes `stmt` and `session`, once for a state; each is reused for every call. Raises.
void create_objects(lua_State* L);
/// Pushes `stmt`, showing `view`.
void push_statement(lua_State* L, const StatementView& view);
/// Is the value at `index` the `stmt`? Needs a stack slot.
bool is_statement(lua_State* L, int index);
/// Empties both after a call. Does not raise, needs two stack slots.
void unbind_objects(lua_State* L);

}  // namespace pgswitch::rules
