#pragma once
#include <cstddef>
#include <cstdint>
#include <lua.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/lua_sources.hpp"
#include "rules/rule_table.hpp"

namespace pgswitch::rules {

/// What rules{} reads a table of rules into, rule by rule. Owned by LuaRules and outside of Lua, whose errors run no
/// destructor: what a function in Lua's reach makes of strings and lists is made in here.
struct RuleReader {
  using Routes = std::vector<std::pair<std::string, RouteId>>;

  const Routes* routes = nullptr;
  const LuaSources* sources = nullptr;
  RuleTable table;

  std::string file;        ///< that calls rules{}
  int line = 0;            ///< of the call
  std::vector<int> lines;  ///< of the rules in it, as far as they can be told
  TableRule rule;          ///< the one being read
  Condition condition;     ///< the one being read
  std::string written;     ///< what the rules file says of it
  std::size_t items = 0;
  std::uint16_t text_parameters = 0;  ///< of the text that the rule sends
  std::string error;

  void start_call(const char* from, int on_line);
  void start_rule(std::size_t place);
  void start_condition(Subject subject, bool negated);
  bool add_item(std::string_view item);
  void finish_condition();
  /// False and `error` when there is no such route.
  bool set_route(std::string_view name);
  bool set_text(std::string_view text);
  bool finish_rule();
};

/// The functions that a rule of the table may have.
enum class RuleFunction : std::uint8_t { where, rewrite };

/// The global function `rules`, with the reader as an upvalue. Raises.
void push_rules_function(lua_State* L, RuleReader* reader);
/// Pushes a function of the rule at `place`. Raises nothing, needs two stack slots.
void push_rule_function(lua_State* L, std::size_t place, RuleFunction function);

}  // namespace pgswitch::rules
