#pragma once
#include <array>
#include <lua.hpp>

namespace pgswitch::rules {

/// Pushes a table: name of a field -> its place among `fields`. Raises.
void push_field_numbers(lua_State* L, const char* const* fields, std::size_t count);
template <std::size_t Count>
void push_field_numbers(lua_State* L, const std::array<const char*, Count>& fields) {
  push_field_numbers(L, fields.data(), Count);
}

/// Pushes the field of the table at `table`, without metamethods; its type. Raises.
int raw_field(lua_State* L, int table, const char* name);

/// Gives the userdata under the table of fields on top of the stack its metatable, and drops the table: `index` has the table as
/// its upvalue; `change` is called for an assignment. Raises.
void finish_object(lua_State* L, lua_CFunction index, lua_CFunction change, const char* name);

/// Raises: `object` has no such field (the key is at index 2), it has `fields` and what `more` names behind them.
[[noreturn]] void raise_unknown_field(lua_State* L, const char* object, const char* const* fields, std::size_t count, const char* more);
template <std::size_t Count>
[[noreturn]] void raise_unknown_field(lua_State* L, const char* object, const std::array<const char*, Count>& fields, const char* more) {
  raise_unknown_field(L, object, fields.data(), Count, more);
}

}  // namespace pgswitch::rules
