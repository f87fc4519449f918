#include "rules/chain.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

#include "rules/analyze.hpp"

namespace pgswitch::rules {

namespace {

constexpr std::int64_t log_period_us = 1'000'000;
constexpr std::int64_t never = INT64_MIN;
constexpr std::size_t index_of(Hook hook) { return static_cast<std::size_t>(hook); }

std::string hex(std::uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016" PRIx64, number);
  return digits;
}

std::string quoted(std::string_view text) { return "\"" + std::string(text) + "\""; }

Refusal rule_failed(const std::string& detail) {
  return {"XX000", "rule failed", detail, "Correct the rules file and reload, or let rules_on_error = default send such statements to the client's own database."};
}

}  // namespace

bool transaction_after(const Statement& statement, bool before) {
  switch (statement.kind) {
    case Kind::begin: return true;
    case Kind::commit:
    case Kind::rollback:
    case Kind::prepare_transaction: return false;
    default: return before;
  }
}

/// A decision in the making.
struct Chain::Draft {
  StatementPtr statement;
  std::string_view text;
  std::string_view with_comments;
  const Facts& facts;
  std::vector<ChainStep>* steps;
  Decision decision;
  StatementPtr sent;
  bool decided = false;  ///< nobody is asked any more
};

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
  chain->logged_us_.fill(never);
  if (!options.rules_file.empty()) {
    LuaOptions lua{options.rules_file, options.lua_memory_bytes, options.lua_instructions, options.log, options.now_us};
    chain->lua_ = LuaRules::load(std::move(lua), error);
    if (chain->lua_ == nullptr) return nullptr;
  }
  chain->make_stats();
  return chain;
}

void Chain::make_stats() {
  stats_.push_back({.rule = "default"});
  if (lua_ == nullptr) return;
  for (const Hook hook : hooks) {
    if (!lua_->has(hook)) continue;
    stats_index_[index_of(hook)] = static_cast<std::uint32_t>(stats_.size());
    stats_.push_back({.rule = lua_->name() + " " + std::string(to_string(hook))});
  }
  if (stats_.size() == 1 && options_.log) options_.log(lua_->name() + ": defines none of the hooks; every statement goes to the client's own database");
}

void Chain::count(const Decision& decision) {
  RuleStats& rule = stats_[decision.rule_index];
  ++rule.hits;
  if (decision.verb == Decision::Verb::reject) ++rule.refusals;
  if (decision.verb == Decision::Verb::answer) ++rule.answers;
  if (!decision.rewritten) return;
  ++stats_[decision.rewrite_index].rewrites;
  if (decision.rewrite_index != decision.rule_index) ++stats_[decision.rewrite_index].hits;
}

Outcome Chain::decide(const StatementPtr& statement, StatementText text, const Facts& facts, std::vector<ChainStep>* steps) {
  if (lua_ == nullptr || statement->kind == Kind::empty) return {default_, statement};
  Draft draft{statement, text.own, text.with_comments, facts, steps, {}, statement, false};
  ask_routes(draft);
  ask_rewrites(draft);
  if (draft.decision.rule.empty()) {
    if (draft.decision.depends_on == default_->depends_on) return {default_, statement};
    draft.decision.rule = default_->rule;
  }
  return {std::make_shared<const Decision>(std::move(draft.decision)), draft.sent};
}

const HookResult& Chain::ask(Hook hook, Draft& draft) {
  // A comment behind the statement may name its route (sqlcommenter); a text to be rewritten must not end in one, for what
  // a rule appends would be part of the comment.
  const std::string_view text = hook == Hook::routing_rules ? draft.with_comments : draft.text;
  const HookResult& result = lua_->ask(hook, draft.statement.get(), text, draft.facts);
  draft.decision.depends_on |= result.read;
  return result;
}

void Chain::ask_routes(Draft& draft) {
  for (const Hook hook : {Hook::route, Hook::routing_rules}) {
    if (draft.decided || draft.decision.route != no_route || !lua_->has(hook)) continue;
    const HookResult& result = ask(hook, draft);
    if (take_verb(hook, result, draft)) continue;
    take_route(hook, result, draft);
  }
}

void Chain::ask_rewrites(Draft& draft) {
  for (const Hook hook : {Hook::rewrite, Hook::rewrite_query}) {
    if (draft.decided || draft.decision.rewritten || !lua_->has(hook)) continue;
    const HookResult& result = ask(hook, draft);
    if (take_verb(hook, result, draft)) continue;
    take_rewrite(hook, result, draft);
  }
}

// Nothing, reject{}, answer{} and errors mean the same from every hook. True when that was it.
bool Chain::take_verb(Hook hook, const HookResult& result, Draft& draft) {
  using Said = HookResult::Said;
  switch (result.said) {
    case Said::text: return false;
    case Said::nothing: tell(draft, hook, result, "nothing"); return true;
    case Said::failed:
      tell(draft, hook, result, "an error: " + result.failure);
      fail(hook, result.failure, draft);
      return true;
    case Said::reject:
      draft.decision.verb = Decision::Verb::reject;
      draft.decision.refusal = result.refusal;
      tell(draft, hook, result, "reject: " + result.refusal.sqlstate + " " + quoted(result.refusal.message));
      break;
    case Said::answer:
      draft.decision.verb = Decision::Verb::answer;
      draft.decision.answer = result.answer;
      tell(draft, hook, result, "answer: " + std::to_string(result.answer.rows.size()) + " rows");
      break;
  }
  draft.decision.rule = label(hook, result);
  draft.decision.rule_index = stats_index_[index_of(hook)];
  draft.decision.route = no_route;
  draft.decided = true;
  return true;
}

void Chain::take_route(Hook hook, const HookResult& result, Draft& draft) {
  const auto found = std::find_if(options_.routes.begin(), options_.routes.end(),
                                  [&](const auto& route) { return route.first == result.text; });
  tell(draft, hook, result, quoted(result.text));
  if (found == options_.routes.end()) {
    return fail(hook, result.where + ": there is no route named " + quoted(std::string_view(result.text).substr(0, 64)), draft);
  }
  draft.decision.route = found->second;
  draft.decision.rule = label(hook, result);
  draft.decision.rule_index = stats_index_[index_of(hook)];
}

void Chain::take_rewrite(Hook hook, const HookResult& result, Draft& draft) {
  if (result.text == draft.text) return tell(draft, hook, result, "the text as it is");
  tell(draft, hook, result, "new text");
  AnalyzeOptions limits;
  limits.parse_max_bytes = options_.parse_max_bytes;
  const AnalyzedScript script = analyze(result.text, limits);
  const AnalyzedStatement& first = script.statements.front();
  const std::string found = result.where + ": the rewritten text ";
  if (script.statements.size() != 1) return fail(hook, found + "has " + std::to_string(script.statements.size()) + " statements, not one", draft);
  if (first.statement->kind == Kind::empty) return fail(hook, found + "is empty", draft);
  if (draft.statement->parsed && (script.oversized() || script.syntax_error || !first.statement->parsed)) {
    const std::string why = script.oversized() ? "is over the limit " + std::string(to_string(script.limit)) : "does not parse: " + script.error;
    return fail(hook, found + why, draft);
  }
  draft.decision.rewritten = result.text.substr(first.begin, first.size);
  draft.decision.rewrite_index = stats_index_[index_of(hook)];
  draft.sent = first.statement;
  const bool alone = draft.decision.rule.empty();
  draft.decision.rule += (alone ? "" : ", ") + label(hook, result);
  if (alone) draft.decision.rule_index = draft.decision.rewrite_index;
}

// What failed is not memoised, so that every failure is counted and a repaired cause is noticed.
void Chain::fail(Hook hook, const std::string& what, Draft& draft) {
  const std::string detail = what + " (hook " + std::string(to_string(hook)) + ", statement " + hex(draft.statement->fingerprint) + ")";
  const Dependencies read = draft.decision.depends_on | bit(Dependency::volatile_);
  draft.decision = Decision{};
  draft.decision.depends_on = read;
  draft.sent = draft.statement;
  draft.decided = true;
  if (options_.on_error == OnError::reject) {
    draft.decision.verb = Decision::Verb::reject;
    draft.decision.refusal = rule_failed(detail);
    draft.decision.rule = lua_->name() + " " + std::string(to_string(hook));
    draft.decision.rule_index = stats_index_[index_of(hook)];
  }
  if (draft.steps == nullptr) log_error(hook, detail);
}

void Chain::log_error(Hook hook, const std::string& message) {
  ++stats_[stats_index_[index_of(hook)]].errors;
  const std::int64_t now = options_.now_us ? options_.now_us() : never;
  std::int64_t& last = logged_us_[index_of(hook)];
  if (!options_.log || (last != never && now >= last && now - last < log_period_us)) return;
  last = now;
  options_.log("rule failed: " + message);
}

const Refusal* Chain::connect(const Facts& facts) {
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
    log_error(Hook::connect, detail);
    if (options_.on_error == OnError::use_default) return nullptr;
    connect_refusal_ = rule_failed(detail);
  }
  ++stats.refusals;
  return &connect_refusal_;
}

void Chain::tell(Draft& draft, Hook hook, const HookResult& result, const std::string& said) const {
  if (draft.steps != nullptr) draft.steps->push_back({label(hook, result), said});
}

std::string Chain::label(Hook hook, const HookResult& result) const {
  return (result.where.empty() ? lua_->name() : result.where) + " " + std::string(to_string(hook));
}

}  // namespace pgswitch::rules
