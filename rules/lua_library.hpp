#pragma once
#include <cstdint>
#include <functional>
#include <lua.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "rules/column_bounds.hpp"
#include "rules/decision.hpp"
#include "rules/declarations.hpp"
#include "rules/lua_edits.hpp"
#include "rules/lua_results.hpp"
#include "rules/lua_rule_table.hpp"
#include "rules/lua_sources.hpp"
#include "rules/named_columns.hpp"
#include "rules/query_shape.hpp"
#include "rules/regex.hpp"
#include "rules/route_state.hpp"
#include "rules/shared_store.hpp"
#include "rules/text_literals.hpp"

namespace pgswitch::rules {

struct TreeOnItsWay;

/// What the functions of a rules file may reach outside Lua. Owned by LuaRules, outlives the state.
struct LuaWorld {
  LuaSources* sources = nullptr;
  std::function<void(std::string_view)> log;
  std::function<std::int64_t()> now_us;
  Dependencies* read = nullptr;  ///< what the running hook has read so far; never null during a call
  RuleReader reader;             ///< of what the file says to rules{}
  RegexCache regexes;            ///< that hooks have asked for
  PatternCache<QueryShape> shapes;
  HookResult* result = nullptr;  ///< of the running hook
  EditBook edits;                ///< that the running rewrite tells its stmt
  const std::vector<std::pair<std::string, RouteId>>* routes = nullptr;
  std::function<const RouteState*(RouteId)> route_state;
  SharedStore* shared = nullptr;
  SharedStore::Value shared_value;  ///< on its way between Lua and `shared`
  Declarations declarations;     ///< that the file has made
  std::optional<ColumnBounds> bounds;  ///< on their way to Lua, like the three below
  std::vector<NamedColumn> columns;
  std::vector<TextLiteral> literals;
  std::shared_ptr<TreeOnItsWay> tree;
  std::string error;             ///< of the last require or regular expression
  std::string text;              ///< on its way to Lua: what may raise has no string of its own
  bool rehearsal = false;        ///< nothing may be changed: it is only asked what would be decided
  bool loading = false;          ///< the file is being loaded: globals may be set and modules required
};

/// Fills a fresh state with what rules may use and leaves the table of globals, a proxy that is frozen unless
/// world->loading, in the registry under `globals_key`. Raises Lua errors: call it under LuaState::run(). See the README
/// for the list and for what is missing on purpose.
void open_library(lua_State* L, LuaWorld* world);

/// What open_library() was given.
LuaWorld& world_of(lua_State* L);

/// Pushes the proxy of the globals / the table behind it.
void push_globals(lua_State* L);
void push_raw_globals(lua_State* L);

/// Loads a text chunk with the sandbox's globals and leaves it on the stack as a function; raises.
void load_chunk(lua_State* L, std::string_view text, const char* chunk_name);

}  // namespace pgswitch::rules
