#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/analyze.hpp"
#include "rules/engine.hpp"
#include "rules/lua_rules.hpp"

namespace pgswitch::rules {

/// A decision, and the Statement of what is sent.
struct Outcome {
  DecisionPtr decision;
  StatementPtr sent;
};

/// A statement's bytes: its own, and with the comments behind it when it stands alone.
struct StatementText {
  std::string_view own;
  std::string_view with_comments;
  std::string_view whole;  ///< what the client sent of it, or what it sent when it stands alone: what is sent is made of this
};
/// Without the blanks and semicolons around it.
std::string_view without_blanks(std::string_view sql);

/// Asks the rules about one statement, those of the table first and hook after hook then, and applies the policy for what a rule does wrong. Owned by the
/// Engine of one worker. Counts errors; what is decided is counted by the Engine, since most decisions come from its cache.
class Chain {
 public:
  /// nullptr and `error` when the rules file cannot be loaded. `options` must outlive the chain.
  static std::unique_ptr<Chain> create(const EngineOptions& options, std::string& error);

  /// With `steps` it is told what each hook said, and nothing is counted or logged.
  Outcome decide(const StatementPtr& statement, StatementText text, const Facts& facts, std::vector<ChainStep>* steps = nullptr);
  /// What the hook connect(session) refuses, or the route that the client wishes from the start; nullptr when nothing. Valid until the next call.
  const Refusal* connect(const Facts& facts);
  /// Is there a rule that denies what it cannot see?
  bool is_strict() const { return lua_ != nullptr && options_.mode == RulesMode::enforce && lua_->table().has_strict(); }

  /// How the texts of a session are analysed.
  AnalyzeOptions analysis(const Facts& facts) const;

  std::vector<RuleStats>& stats() { return stats_; }
  const std::vector<RuleStats>& stats() const { return stats_; }
  const std::vector<Metric>& metrics() const { return metrics_; }
  /// Counts one use of a decision.
  void count(const Decision& decision);

 private:
  struct Draft;
  /// Who is asked.
  struct Asked {
    std::string_view role;  ///< "hook" or "rule"
    std::string_view name;  ///< "route", "analytics"
    std::uint32_t index;    ///< in the RuleStats
    std::string_view where; ///< "rules.lua:12", the line in a hook that decided
  };
  explicit Chain(const EngineOptions& options) : options_(options) {}
  void make_stats();
  const HookResult& ask(Hook hook, Draft& draft);
  void ask_rules(Draft& draft);
  void ask_routes(Draft& draft);
  void ask_rewrites(Draft& draft);
  void ask_table(Draft& draft);
  void rehearse(std::size_t place, Question& question, Draft& draft);
  static void observe(const Decision& decision, Draft& draft);
  static void observe_all(Draft& draft);
  bool observe_connect(const Refusal& refusal);
  void count(const Observation& observation);
  bool matches(std::size_t place, Question& question, Draft& draft);
  void apply(std::size_t place, Draft& draft);
  void rewrite(std::size_t place, const Asked& asked, Draft& draft);
  bool is_strict_for(const Facts& facts) const;
  std::optional<Refusal> refuse_login(const Facts& facts) const;
  std::optional<Refusal> refuse_choice(std::string_view name, const std::string& user) const;
  bool refuses_setting(Draft& draft) const;
  void take_choice(Draft& draft) const;
  using Amounts = std::vector<std::pair<std::string, double>>;
  void take_limits(const Asked& asked, const StatementLimits& limits, const Amounts& metrics, Draft& draft);
  void take_fallback(const Asked& asked, std::optional<RouteId> fallback, Draft& draft) const;
  void take_route(const Asked& asked, const HookResult& result, Draft& draft);
  void take_rewrite(const Asked& asked, const std::string& text, const std::string& where, Draft& draft);
  void take_edits(const Asked& asked, const TreeEdits& edits, const std::string& where, Draft& draft);
  void make_edits(const Asked& asked, const TreeEdits& edits, const std::string& where, Draft& draft);
  void translate(const Asked& asked, redshift::Translate how, const std::string& where, Draft& draft);
  void translate_for_route(Draft& draft);
  std::string splice_edits(const EditPlan& plan, Draft& draft) const;
  void take_sent(const Asked& asked, const StatementPtr& sent, Draft& draft);
  bool take_verb(const Asked& asked, const HookResult& result, Draft& draft);
  void refuse(const Asked& asked, const Refusal& refusal, Draft& draft);
  void answer(const Asked& asked, const Answer& answer, Draft& draft);
  void end_with(Decision::Verb verb, const Asked& asked, Draft& draft) const;
  void fail(const Asked& asked, const std::string& what, Draft& draft);
  void fail_edits(const Asked& asked, const std::string& what, Draft& draft);
  void forget(Draft& draft) const;
  std::string failure_of(const Asked& asked, const std::string& what, const Draft& draft) const;
  void log_error(std::uint32_t index, const std::string& message);
  bool may_log(std::int64_t& last) const;
  void tell(Draft& draft, const Asked& asked, const std::string& said) const;
  void decide_by(const Asked& asked, Draft& draft) const;
  std::string label(const Asked& asked) const;
  Asked asked_hook(Hook hook, const HookResult& result) const;
  Asked asked_rule(std::size_t place) const;

  const EngineOptions& options_;
  std::unique_ptr<LuaRules> lua_;
  std::vector<RuleStats> stats_;         ///< [0] is "default", then the table's rules, then the hooks
  std::vector<std::int64_t> logged_us_;  ///< when an error of each was logged last
  std::vector<std::int64_t> observed_us_;  ///< and what each would have done
  std::vector<Metric> metrics_;
  std::array<std::uint32_t, hooks.size()> stats_index_{};
  DecisionPtr default_ = default_decision();
  Refusal connect_refusal_;

  static DecisionPtr default_decision();
};

}  // namespace pgswitch::rules
