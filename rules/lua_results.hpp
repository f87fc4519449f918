#pragma once
#include <cstdint>
#include <lua.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/decision.hpp"
#include "rules/tree_edits.hpp"

namespace pgswitch::rules {

/// What one call of a hook came to.
struct HookResult {
  enum class Said : std::uint8_t { nothing, text, edits, reject, answer, yes, failed };
  Said said = Said::nothing;
  std::string text;      ///< a Route name, or SQL; said == yes has none
  TreeEdits edits;       ///< said == edits
  Refusal refusal;
  Answer answer;
  StatementLimits limits;  ///< whatever was said
  std::optional<RouteId> fallback;  ///< the same
  std::vector<std::pair<std::string, double>> metrics;
  std::string failure;   ///< said == failed: the Lua error
  std::string where;     ///< "rules.lua:12" of the return, or of the error
  Dependencies read = bit(Dependency::shape);
};

/// The global functions `reject` and `answer`. Ends with nullptr.
extern const luaL_Reg result_functions[];
inline constexpr std::size_t max_answer_rows = 10'000;
inline constexpr std::size_t max_answer_columns = 1'600;  ///< PostgreSQL's limit of a table
inline constexpr std::size_t max_answer_bytes = 1024 * 1024;

/// Makes the marks by which read_result() knows what reject{} and answer{} returned.
void register_results(lua_State* L);

/// Turns the value on top of the stack into `result`; raises when it is none of what a hook may return.
void read_result(lua_State* L, HookResult& result);
/// The same for a condition, which returns true (yes), false or nil (nothing).
void read_condition_result(lua_State* L, HookResult& result);

/// The value on top of the stack is what reject / answer would be given: read, or raised.
void read_refusal_value(lua_State* L, Refusal& refusal);
void read_answer_value(lua_State* L, Answer& answer);

}  // namespace pgswitch::rules
