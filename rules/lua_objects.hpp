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
  Dependencies* read = nullptr;
  bool standard_conforming_strings = true;  ///< of the session: how the text is read
};

/// What the `session` of a hook shows.
struct SessionView {
  const Facts* facts = nullptr;
  Dependencies* read = nullptr;
};

/// Makes the two objects, once for a state; each is reused for every call. Raises.
void create_objects(lua_State* L);
/// Pushes `stmt` / `session`, showing `view`.
void push_statement(lua_State* L, const StatementView& view);
void push_session(lua_State* L, const SessionView& view);
/// Is the value at `index` the `stmt`? Needs a stack slot.
bool is_statement(lua_State* L, int index);
/// Empties both after a call. Does not raise, needs two stack slots.
void unbind_objects(lua_State* L);

}  // namespace pgswitch::rules
