#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/account.hpp"
#include "rules/decision.hpp"
#include "rules/facts.hpp"
#include "rules/redshift/translate.hpp"
#include "rules/route_state.hpp"
#include "rules/shared_store.hpp"

namespace pgswitch::rules {

class LineCoverage;

/// What to do when a rule fails: unknown route, error, time or memory used up.
enum class OnError : std::uint8_t { reject, use_default };

/// Do the rules decide, or is only counted and logged what they would have decided?
enum class RulesMode : std::uint8_t { enforce, observe };

struct EngineOptions {
  std::string rules_file;                       ///< empty: no rules, every statement goes to the client's own database
  std::vector<std::pair<std::string, RouteId>> routes;  ///< names a rule may return
  std::vector<std::pair<RouteId, redshift::Translate>> translations;  ///< routes whose statements are translated
  std::vector<std::string> route_users;         ///< globs: users who may choose a route by a comment or by pgswitch.route
  OnError on_error = OnError::reject;
  RulesMode mode = RulesMode::enforce;
  std::size_t parse_max_bytes = 64 * 1024;      ///< larger statements are decided by their tokens
  std::size_t cache_bytes = 16 * 1024 * 1024;   ///< of Statements and Decisions; least recently used go first
  std::size_t lua_memory_bytes = 16 * 1024 * 1024;
  std::uint32_t lua_instructions = 100'000;     ///< per hook call
  std::function<void(std::string_view message)> log;  ///< rule errors (at most one per rule and second) and log() calls
  std::function<std::int64_t()> now_us;         ///< the worker's clock
  std::function<std::int64_t()> unix_us;        ///< the time of day, for rules that have an hour
  std::function<void(const std::string& path)> on_source;  ///< told of each file before it is read, or not found
  LineCoverage* coverage = nullptr;             ///< told which lines of the rules run; must outlive the engine
  std::function<const RouteState*(RouteId)> route_state;  ///< for `routes`; nullptr, or none: nothing is known
  std::shared_ptr<SharedStore> shared;          ///< for `shared`; none: the engine has one of its own
};

/// Counters of one rule hook or table rule, plain integers of one worker.
struct RuleStats {
  std::string rule;  ///< "rules.lua route", "rules.lua:12 analytics"
  std::uint64_t hits = 0, refusals = 0, rewrites = 0, answers = 0, errors = 0;
  /// What would have been, of rules that only observe.
  std::uint64_t observed = 0, observed_refusals = 0, observed_rewrites = 0, observed_answers = 0;
};

/// What rules count by metric(name, amount): of one worker, the rules in force.
struct Metric {
  std::string name;
  double value = 0;
};

struct CacheStats {
  std::uint64_t exact_hits = 0, shape_hits = 0, misses = 0, evictions = 0, parse_failures = 0;
  std::uint64_t entries = 0, bytes = 0;
};

/// SQL text -> Script, for one worker: tokens, cache, analysis, rules. Not thread-safe. Reads no socket and no clock but
/// options.now_us. Never throws on SQL input; a rules file that does not load is reported by create().
class Engine {
 public:
  /// nullptr and `error` ("rules.lua:12: ...") when the rules file cannot be loaded.
  static std::unique_ptr<Engine> create(EngineOptions options, std::uint64_t generation, std::string& error);
  virtual ~Engine() = default;

  /// Understands and decides `sql`. The reference stays valid until the next call; copy the pointer to keep it.
  /// Cache hit: no allocation.
  virtual const ScriptPtr& decide(std::string_view sql, const Facts& facts) = 0;

  /// The rules' connect(session) hook, once after login, and the route that the client wishes from the start: a refusal or nullptr.
  virtual const Refusal* connect(const Facts& facts) = 0;

  /// A rule denies what it is not shown (`strict`): nothing may be run that no rule sees.
  virtual bool is_strict() const = 0;
  /// What a session has set may make a difference to a decision.
  virtual bool looks_at_sessions() const = 0;

  /// The story of decide(), without using or filling the cache; nothing is counted or logged.
  virtual Account account(std::string_view sql, const Facts& facts) = 0;
  /// The same as text.
  std::string explain(std::string_view sql, const Facts& facts) { return to_text(account(sql, facts)); }

  virtual std::uint64_t generation() const = 0;
  virtual const std::vector<RuleStats>& rule_stats() const = 0;
  virtual const std::vector<Metric>& metrics() const = 0;
  virtual CacheStats cache_stats() const = 0;
};

}  // namespace pgswitch::rules
