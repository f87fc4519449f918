#include "rules/chain.hpp"

#include <algorithm>

#include "rules/analyze.hpp"
#include "rules/chain_draft.hpp"

namespace pgswitch::rules {

namespace {

constexpr std::int64_t log_period_us = 1'000'000;
constexpr std::int64_t never = INT64_MIN;
constexpr std::size_t index_of(Hook hook) { return static_cast<std::size_t>(hook); }

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Refusal rule_failed(const std::string& detail) {
  return {"XX000", "rule failed", detail, "Correct the rules file and reload, or let rules_on_error = default send such statements to the client's own database."};
}

}  // namespace

std::string_view without_blanks(std::string_view sql) {
  constexpr std::string_view blanks = " \t\r\n\f\v;";
  const std::string_view text = sql.substr(0, sql.find_last_not_of(blanks) + 1);
  return text.substr(std::min(text.size(), text.find_first_not_of(blanks)));
}

DecisionPtr Chain::default_decision() {
  auto decision = std::make_shared<Decision>();
  decision->rule = "default";
  return decision;
}

std::unique_ptr<Chain> Chain::create(const EngineOptions& options, std::string& error) {
  std::unique_ptr<Chain> chain(new Chain(options));
  if (!options.rules_file.empty()) {
    LuaOptions lua{options.rules_file, options.lua_memory_bytes, options.lua_instructions, options.log, options.now_us, options.routes,
                   options.coverage, options.on_source, options.route_state, options.shared};
    chain->lua_ = LuaRules::load(std::move(lua), error);
    if (chain->lua_ == nullptr) return nullptr;
  }
  chain->make_stats();
  return chain;
}

AnalyzeOptions Chain::analysis(const Facts& facts) const {
  AnalyzeOptions options;
  options.parse_max_bytes = options_.parse_max_bytes;
  options.standard_conforming_strings = facts.standard_conforming_strings;
  if (lua_ != nullptr && lua_->declarations().size() > 0) options.declarations = &lua_->declarations();
  return options;
}

void Chain::make_stats() {
  stats_.push_back({.rule = "default"});
  for (std::size_t i = 0; lua_ != nullptr && i < lua_->table().size(); ++i) stats_.push_back({.rule = lua_->table()[i].label()});
  for (const Hook hook : hooks) {
    if (lua_ == nullptr || !lua_->has(hook)) continue;
    stats_index_[index_of(hook)] = static_cast<std::uint32_t>(stats_.size());
    stats_.push_back({.rule = lua_->name() + " " + std::string(to_string(hook))});
  }
  logged_us_.assign(stats_.size(), never);
  observed_us_.assign(stats_.size(), never);
  if (lua_ != nullptr && stats_.size() == 1 && options_.log) {
    options_.log(lua_->name() + ": defines none of the hooks and no rules{}; every statement goes to the client's own database");
  }
}

void Chain::count(const Decision& decision) {
  RuleStats& rule = stats_[decision.rule_index];
  ++rule.hits;
  if (decision.verb == Decision::Verb::reject) ++rule.refusals;
  if (decision.verb == Decision::Verb::answer) ++rule.answers;
  for (const Observation& observation : decision.observed) count(observation);
  for (const MetricCount& counted : decision.metrics) metrics_[counted.metric].value += counted.amount;
  if (!decision.rewritten) return;
  ++stats_[decision.rewrite_index].rewrites;
  if (decision.rewrite_index != decision.rule_index) ++stats_[decision.rewrite_index].hits;
}

Outcome Chain::decide(const StatementPtr& statement, StatementText text, const Facts& facts, std::vector<ChainStep>* steps) {
  const bool nothing_to_ask = lua_ == nullptr && options_.route_users.empty() && options_.translations.empty() && statement->variables.empty();
  if (nothing_to_ask || statement->kind == Kind::empty || shows_last_route(*statement)) return {default_, statement};
  Draft draft{statement, text.own, text.with_comments, text.whole, facts, steps, {}, statement, false, {}};
  if (!refuses_setting(draft)) {
    if (lua_ != nullptr) lua_->set_rehearsal(steps != nullptr);
    if (lua_ != nullptr) ask_rules(draft);
    take_choice(draft);
    if (!options_.translations.empty()) translate_for_route(draft);
  }
  draft.decision.observed = std::move(draft.observed);
  if (draft.decision.rule.empty()) {
    const bool nothing_more = draft.decision.observed.empty() && draft.decision.metrics.empty();
    if (draft.decision.depends_on == default_->depends_on && nothing_more) return {default_, statement};
    draft.decision.rule = default_->rule;
  }
  return {std::make_shared<const Decision>(std::move(draft.decision)), draft.sent};
}

void Chain::ask_rules(Draft& draft) {
  ask_table(draft);
  ask_routes(draft);
  ask_rewrites(draft);
  if (options_.mode == RulesMode::observe) observe_all(draft);
}

const HookResult& Chain::ask(Hook hook, Draft& draft) {
  // A comment behind the statement may name its route (sqlcommenter); a text to be rewritten must not end in one, for what
  // a rule appends would be part of the comment.
  const std::string_view text = hook == Hook::routing_rules ? draft.with_comments : draft.text;
  const HookResult& result = lua_->ask(hook, draft.statement.get(), text, draft.facts);
  draft.decision.depends_on |= result.read;
  take_limits(asked_hook(hook, result), result.limits, result.metrics, draft);
  take_fallback(asked_hook(hook, result), result.fallback, draft);
  return result;
}

void Chain::ask_routes(Draft& draft) {
  for (const Hook hook : {Hook::route, Hook::routing_rules}) {
    if (draft.decided || draft.decision.route != no_route || !lua_->has(hook)) continue;
    const HookResult& result = ask(hook, draft);
    const Asked asked = asked_hook(hook, result);
    if (!take_verb(asked, result, draft)) take_route(asked, result, draft);
  }
}

void Chain::ask_rewrites(Draft& draft) {
  for (const Hook hook : {Hook::rewrite, Hook::rewrite_query}) {
    if (draft.decided || draft.decision.rewritten || !lua_->has(hook)) continue;
    const HookResult& result = ask(hook, draft);
    const Asked asked = asked_hook(hook, result);
    if (take_verb(asked, result, draft)) continue;
    if (result.said == HookResult::Said::edits) return take_edits(asked, result.edits, result.where, draft);
    take_rewrite(asked, result.text, result.where, draft);
  }
}

/// What was said of limits and metrics beside everything else. Names of metrics beyond max_metrics are counted together.
void Chain::take_limits(const Asked& asked, const StatementLimits& limits, const Amounts& metrics, Draft& draft) {
  constexpr std::size_t max_metrics = 1000;
  draft.decision.limits.add(limits);
  if (limits.any() && draft.decision.rule.empty()) decide_by(asked, draft);
  const auto place_of = [this](std::string_view name) {
    return std::find_if(metrics_.begin(), metrics_.end(), [name](const Metric& one) { return one.name == name; });
  };
  for (const auto& [name, amount] : metrics) {
    auto found = place_of(name);
    const std::string& counted = metrics_.size() < max_metrics ? name : "others";
    if (found == metrics_.end()) found = place_of(counted);
    if (found == metrics_.end()) found = metrics_.insert(metrics_.end(), Metric{counted, 0});
    draft.decision.metrics.push_back({static_cast<std::uint32_t>(found - metrics_.begin()), amount});
  }
}

void Chain::take_fallback(const Asked& asked, std::optional<RouteId> fallback, Draft& draft) const {
  if (!fallback) return;
  draft.decision.fallback = fallback;
  if (draft.decision.rule.empty()) decide_by(asked, draft);
}

// Nothing, reject{}, answer{} and errors mean the same from everyone. True when that was it.
bool Chain::take_verb(const Asked& asked, const HookResult& result, Draft& draft) {
  using Said = HookResult::Said;
  switch (result.said) {
    case Said::text:
    case Said::edits:
    case Said::yes: return false;
    case Said::nothing: tell(draft, asked, "nothing"); return true;
    case Said::failed:
      tell(draft, asked, "an error: " + result.failure);
      fail(asked, result.failure, draft);
      return true;
    case Said::reject: refuse(asked, result.refusal, draft); return true;
    case Said::answer: answer(asked, result.answer, draft); return true;
  }
  return true;
}

void Chain::refuse(const Asked& asked, const Refusal& refusal, Draft& draft) {
  tell(draft, asked, "reject: " + refusal.sqlstate + " " + quoted(refusal.message));
  draft.decision.refusal = refusal;
  end_with(Decision::Verb::reject, asked, draft);
}

void Chain::answer(const Asked& asked, const Answer& answer, Draft& draft) {
  tell(draft, asked, "answer: " + std::to_string(answer.rows.size()) + " rows");
  draft.decision.answer = answer;
  end_with(Decision::Verb::answer, asked, draft);
}

/// Nothing is sent to a server, and nobody else is asked.
void Chain::end_with(Decision::Verb verb, const Asked& asked, Draft& draft) const {
  draft.decision.verb = verb;
  decide_by(asked, draft);
  draft.decision.route = no_route;
  draft.decision.limits = {};
  draft.decision.fallback.reset();
  draft.decided = true;
}

void Chain::take_route(const Asked& asked, const HookResult& result, Draft& draft) {
  const auto found = std::find_if(options_.routes.begin(), options_.routes.end(),
                                  [&](const auto& route) { return route.first == result.text; });
  tell(draft, asked, quoted(result.text));
  if (found == options_.routes.end()) {
    return fail(asked, result.where + ": there is no route named " + quoted(std::string_view(result.text).substr(0, 64)), draft);
  }
  draft.decision.route = found->second;
  decide_by(asked, draft);
}

void Chain::take_rewrite(const Asked& asked, const std::string& text, const std::string& where, Draft& draft) {
  // Only who has read the text can mean it as it is; for another text of the shape the same words are new ones.
  if (text == draft.text && has(draft.decision.depends_on, Dependency::text)) return tell(draft, asked, "the text as it is");
  tell(draft, asked, "new text");
  const AnalyzedScript script = analyze(text, analysis(draft.facts));
  const AnalyzedStatement& first = script.statements.front();
  const std::string found = where + ": the rewritten text ";
  if (script.statements.size() != 1) return fail(asked, found + "has " + std::to_string(script.statements.size()) + " statements, not one", draft);
  if (first.statement->kind == Kind::empty) return fail(asked, found + "is empty", draft);
  if (draft.statement->parsed && (script.oversized() || script.syntax_error || !first.statement->parsed)) {
    const std::string why = script.oversized() ? "is over the limit " + std::string(to_string(script.limit)) : "does not parse: " + script.error;
    return fail(asked, found + why, draft);
  }
  draft.decision.rewritten = text.substr(first.begin, first.size);
  take_sent(asked, first.statement, draft);
}

void Chain::take_sent(const Asked& asked, const StatementPtr& sent, Draft& draft) {
  draft.decision.rewrite_index = asked.index;
  draft.sent = sent;
  if (draft.decision.rule.empty()) decide_by(asked, draft);
  else if (draft.decision.rule_index != asked.index) draft.decision.rule += ", " + label(asked);
}

// What failed is not memoised, so that every failure is counted and a repaired cause is noticed.
void Chain::forget(Draft& draft) const {
  const Dependencies read = draft.decision.depends_on | bit(Dependency::volatile_);
  draft.decision = Decision{};
  draft.decision.depends_on = read;
  draft.sent = draft.statement;
  draft.decided = true;
}

std::string Chain::failure_of(const Asked& asked, const std::string& what, const Draft& draft) const {
  return what + " (" + std::string(asked.role) + " " + std::string(asked.name) + ", statement " + fingerprint_digits(draft.statement->fingerprint) + ")";
}

void Chain::fail(const Asked& asked, const std::string& what, Draft& draft) {
  const std::string detail = failure_of(asked, what, draft);
  forget(draft);
  // A rule that denies by default may stand behind the one that failed.
  if (options_.on_error == OnError::reject || is_strict()) {
    draft.decision.verb = Decision::Verb::reject;
    draft.decision.refusal = rule_failed(detail);
    draft.decision.rule = stats_[asked.index].rule;
    draft.decision.rule_index = asked.index;
  }
  if (draft.steps == nullptr) log_error(asked.index, detail);
}

void Chain::log_error(std::uint32_t index, const std::string& message) {
  ++stats_[index].errors;
  if (may_log(logged_us_[index])) options_.log("rule failed: " + message);
}

// At most once per rule and second.
bool Chain::may_log(std::int64_t& last) const {
  if (!options_.log) return false;
  const std::int64_t now = options_.now_us ? options_.now_us() : never;
  if (last != never && now >= last && now - last < log_period_us) return false;
  last = now;
  return true;
}

const Refusal* Chain::connect(const Facts& facts) {
  if (auto refusal = refuse_choice(facts.wished_route, facts.user)) return connect_refusal_ = std::move(*refusal), &connect_refusal_;
  if (auto refusal = refuse_login(facts)) return connect_refusal_ = std::move(*refusal), &connect_refusal_;
  if (lua_ == nullptr || !lua_->has(Hook::connect)) return nullptr;
  const HookResult& result = lua_->ask(Hook::connect, nullptr, {}, facts);
  RuleStats& stats = stats_[stats_index_[index_of(Hook::connect)]];
  ++stats.hits;
  if (result.said == HookResult::Said::nothing) return nullptr;
  if (result.said == HookResult::Said::reject) {
    connect_refusal_ = result.refusal;
  } else {
    const bool failed = result.said == HookResult::Said::failed;
    const std::string detail = (failed ? result.failure : result.where + ": connect returns nil or reject{}") + " (hook connect)";
    log_error(stats_index_[index_of(Hook::connect)], detail);
    if (options_.on_error == OnError::use_default) return nullptr;
    connect_refusal_ = rule_failed(detail);
  }
  if (observe_connect(connect_refusal_)) return nullptr;
  ++stats.refusals;
  return &connect_refusal_;
}

void Chain::tell(Draft& draft, const Asked& asked, const std::string& said) const {
  if (draft.steps != nullptr) draft.steps->push_back({label(asked), said});
}

Chain::Asked Chain::asked_hook(Hook hook, const HookResult& result) const {
  return {"hook", to_string(hook), stats_index_[index_of(hook)], result.where};
}

void Chain::decide_by(const Asked& asked, Draft& draft) const {
  draft.decision.rule = label(asked);
  draft.decision.rule_index = asked.index;
}

std::string Chain::label(const Asked& asked) const {
  return asked.where.empty() ? stats_[asked.index].rule : std::string(asked.where) + " " + std::string(asked.name);
}

}  // namespace pgswitch::rules
