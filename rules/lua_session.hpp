#pragma once
#include <lua.hpp>

#include "rules/facts.hpp"

namespace pgswitch::rules {

/// What the `session` of a hook shows. Bound for one call, as `stmt` is.
struct SessionView {
  const Facts* facts = nullptr;
  Dependencies* read = nullptr;
};

/// Makes the object, once for a state. Raises.
void create_session(lua_State* L);
/// Pushes `session`, showing `view`.
void push_session(lua_State* L, const SessionView& view);
/// Empties it after a call. Does not raise, needs a stack slot.
void unbind_session(lua_State* L);

}  // namespace pgswitch::rules
