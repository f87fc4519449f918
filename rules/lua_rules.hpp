#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/facts.hpp"
#include "rules/lua_library.hpp"
#include "rules/lua_results.hpp"
#include "rules/lua_rule_table.hpp"
#include "rules/lua_sources.hpp"
#include "rules/lua_state.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// The hooks a rules file may define, in the order in which they are asked.
enum class Hook : std::uint8_t { connect, route, routing_rules, rewrite, rewrite_query };
inline constexpr std::array hooks = {Hook::connect, Hook::route, Hook::routing_rules, Hook::rewrite, Hook::rewrite_query};
std::string_view to_string(Hook hook);

struct LuaOptions {
  std::string file;
  std::size_t memory_bytes = 0;
  std::uint32_t instructions = 0;  ///< per hook call
  std::function<void(std::string_view)> log;
  std::function<std::int64_t()> now_us;
  std::vector<std::pair<std::string, RouteId>> routes;  ///< that rules{} may name
  LineCoverage* coverage = nullptr;  ///< told which lines run
  std::function<void(const std::string& path)> on_source;  ///< told of each file before it is read
  std::function<const RouteState*(RouteId)> route_state;
  std::shared_ptr<SharedStore> shared;
};

/// A loaded rules file: its Lua state, its table of rules and its hooks. Owned by the Chain of one worker. Whatever a hook does comes back as a
/// HookResult; a state that ran out of memory is built again from the same sources before the next call.
class LuaRules {
 public:
  /// nullptr and `error` ("rules.lua:12: ...") when the file cannot be loaded.
  static std::unique_ptr<LuaRules> load(LuaOptions options, std::string& error);
  LuaRules(const LuaRules&) = delete;
  LuaRules& operator=(const LuaRules&) = delete;

  bool has(Hook hook) const { return definitions_[static_cast<std::size_t>(hook)].line > 0; }
  /// "rules.lua"
  const std::string& name() const { return name_; }
  /// Calls a hook that is there. `statement` is not looked at for Hook::connect. Valid until the next call.
  const HookResult& ask(Hook hook, const Statement* statement, std::string_view text, const Facts& facts);

  /// What is asked from now on is only for show: `shared` keeps what it has.
  void set_rehearsal(bool rehearsal) { world_.rehearsal = rehearsal; }

  const RuleTable& table() const { return table_; }
  const Declarations& declarations() const { return declarations_; }
  /// Calls a function that the rule at `place` of the table has.
  const HookResult& ask(RuleFunction function, std::size_t place, const Statement& statement, std::string_view text, const Facts& facts);

 private:
  explicit LuaRules(LuaOptions options);
  bool build(std::string& error);
  bool take_table(std::string& error);
  bool check_hooks(std::string& error) const;
  void find_definitions(lua_State* L);
  struct Call;
  const HookResult& run(Call& call, const std::string& definition);
  void finish(const std::string& definition, bool succeeded);
  static int load_body(lua_State* L);
  static int call_body(lua_State* L);
  static int call_rule_body(lua_State* L);

  LuaOptions options_;
  LuaSources sources_;
  std::string name_;
  LuaWorld world_;
  std::unique_ptr<LuaState> state_;  ///< null when it has to be built again
  std::array<LuaPosition, hooks.size()> definitions_;
  RuleTable table_;
  Declarations declarations_;
  bool has_table_ = false;  ///< the file has been loaded once
  HookResult result_;
};

}  // namespace pgswitch::rules
