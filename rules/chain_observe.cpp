#include <utility>

#include "rules/chain_draft.hpp"
#include "rules/route_names.hpp"

/// Rules that only observe: what they would have done is counted and logged, and decides nothing.
namespace pgswitch::rules {

namespace {

std::string would_be(const Decision& decision) {
  std::string words;
  switch (decision.verb) {
    case Decision::Verb::reject: return "reject " + decision.refusal.sqlstate + " \"" + decision.refusal.message + "\"";
    case Decision::Verb::answer: return "answer";
    case Decision::Verb::route: words = decision.route != no_route ? "route " + route_name(decision.route) : std::string(); break;
  }
  if (decision.rewritten) words += words.empty() ? "rewrite" : ", rewrite";
  if (decision.limits.any()) words += (words.empty() ? "" : ", ") + decision.limits.describe();
  if (decision.fallback) words += (words.empty() ? "fallback " : ", fallback ") + describe_fallback(*decision.fallback);
  return words.empty() ? "pass" : words;
}

}  // namespace

/// Asks a rule as if it decided; what comes of it is an observation.
void Chain::rehearse(std::size_t place, Question& question, Draft& draft) {
  Draft rehearsal = draft;
  if (matches(place, question, rehearsal)) apply(place, rehearsal);
  draft.decision.depends_on |= rehearsal.decision.depends_on;
  observe(rehearsal.decision, draft);
}

void Chain::observe(const Decision& decision, Draft& draft) {
  if (decision.rule.empty()) return;
  Observation one;
  one.rule = decision.rule;
  one.would = would_be(decision);
  one.rule_index = decision.rule_index;
  one.rewrite_index = decision.rewrite_index;
  one.fingerprint = draft.statement->fingerprint;
  one.refusal = decision.verb == Decision::Verb::reject;
  one.answer = decision.verb == Decision::Verb::answer;
  one.rewrite = decision.rewritten.has_value();
  draft.observed.push_back(std::move(one));
}

/// With rules_mode = observe: turns what all rules together have decided into an observation.
void Chain::observe_all(Draft& draft) {
  const Decision made = std::exchange(draft.decision, Decision{});
  draft.decision.depends_on = made.depends_on;
  draft.sent = draft.statement;
  observe(made, draft);
}

/// True when the login is not refused, although a rule says so.
bool Chain::observe_connect(const Refusal& refusal) {
  if (options_.mode != RulesMode::observe) return false;
  Observation one;
  one.rule_index = stats_index_[static_cast<std::size_t>(Hook::connect)];
  one.rule = stats_[one.rule_index].rule;
  one.would = "reject " + refusal.sqlstate + " \"" + refusal.message + "\"";
  one.refusal = true;
  count(one);
  return true;
}

void Chain::count(const Observation& observation) {
  RuleStats& rule = stats_[observation.rule_index];
  ++rule.observed;
  if (observation.refusal) ++rule.observed_refusals;
  if (observation.answer) ++rule.observed_answers;
  if (observation.rewrite) {
    ++stats_[observation.rewrite_index].observed_rewrites;
    if (observation.rewrite_index != observation.rule_index) ++stats_[observation.rewrite_index].observed;
  }
  if (observation.would == "pass" || !may_log(observed_us_[observation.rule_index])) return;
  const std::string of = observation.fingerprint != 0 ? "statement " + fingerprint_digits(observation.fingerprint) : std::string("a login");
  options_.log("rule observed: " + observation.rule + " would have said " + observation.would + " (" + of + ")");
}

}  // namespace pgswitch::rules
