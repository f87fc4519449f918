#include "rules/chain_draft.hpp"

/// How the rules of the table take part in a decision.
namespace pgswitch::rules {

namespace {

std::string joined(const std::vector<std::string>& words, bool asks_where) {
  std::string all;
  for (const std::string& word : words) all.append(all.empty() ? "" : "; ").append(word);
  if (asks_where) all.append(all.empty() ? "" : "; ").append("where");
  return all.empty() ? "having no condition" : all;
}

TreeEdits strictly(TreeEdits edits, const TableRule& rule) {
  edits.strict = true;
  edits.unfiltered.insert(edits.unfiltered.end(), rule.unfiltered.begin(), rule.unfiltered.end());
  return edits;
}

}  // namespace

void Chain::ask_table(Draft& draft) {
  const RuleTable& table = lua_->table();
  Question question{*draft.statement, draft.text, draft.facts, options_.unix_us, options_.now_us};
  const NameBits names = draft.steps == nullptr ? name_bits(*draft.statement) : any_name;  // explain shows each
  for (std::size_t place = table.next(0, names); place < table.size() && !draft.decided; place = table.next(place + 1, names)) {
    if (table[place].observes) rehearse(place, question, draft);
    else if (matches(place, question, draft)) apply(place, draft);
  }
}

/// Is the rule that decides about all statements of the session a strict one?
bool Chain::is_strict_for(const Facts& facts) const {
  const Statement none;
  Question question{none, {}, facts, options_.unix_us, options_.now_us};
  for (std::size_t place = 0; place < lua_->table().size(); ++place) {
    const TableRule& rule = lua_->table()[place];
    if (!rule.observes && !rule.is_for_some_statements() && rule.first_unmet(question) == rule.conditions.size()) return rule.strict;
  }
  return false;
}

/// What a strict rule refuses in a statement must not come with the login, and nothing must be run that no rule sees.
std::optional<Refusal> Chain::refuse_login(const Facts& facts) const {
  if (!is_strict() || facts.state == nullptr) return std::nullopt;
  for (const char* const name : {"replication", "role", "session_authorization"}) {
    if (!facts.state->setting(name) || !is_strict_for(facts)) continue;
    Refusal refusal;
    refusal.sqlstate = "0A000";
    refusal.message = "a session with \"" + std::string(name) + "\" set at its login is not allowed by a strict rule";
    return refusal;
  }
  return std::nullopt;
}

bool Chain::matches(std::size_t place, Question& question, Draft& draft) {
  const TableRule& rule = lua_->table()[place];
  question.budget = options_.lua_instructions;
  const std::size_t unmet = rule.first_unmet(question);
  draft.decision.depends_on |= question.read;
  if (question.exhausted) {
    fail(asked_rule(place), rule.place + ": the text is too long for its regular expressions or shapes (rules_instructions)", draft);
    return false;
  }
  if (unmet < rule.conditions.size()) {
    if (draft.steps != nullptr) tell(draft, asked_rule(place), "no, by " + rule.words[unmet]);
    return false;
  }
  if (!rule.asks_where) return true;
  const HookResult& result = lua_->ask(RuleFunction::where, place, *draft.statement, draft.text, draft.facts);
  draft.decision.depends_on |= result.read;
  take_limits(asked_rule(place), result.limits, result.metrics, draft);
  take_fallback(asked_rule(place), result.fallback, draft);
  if (result.said == HookResult::Said::yes) return true;
  if (result.said == HookResult::Said::nothing) tell(draft, asked_rule(place), "no, by where");
  else take_verb(asked_rule(place), result, draft);
  return false;
}

void Chain::apply(std::size_t place, Draft& draft) {
  using Action = TableRule::Action;
  const TableRule& rule = lua_->table()[place];
  const Asked asked = asked_rule(place);
  if (draft.steps != nullptr) tell(draft, asked, "yes, by " + joined(rule.words, rule.asks_where));
  decide_by(asked, draft);
  draft.decision.route = rule.route;
  take_limits(asked, rule.limits, rule.metrics, draft);
  take_fallback(asked, rule.fallback, draft);
  switch (rule.action) {
    case Action::pass:
    case Action::route: break;
    case Action::reject: refuse(asked, rule.refusal, draft); break;
    case Action::answer: answer(asked, rule.answer, draft); break;
    case Action::rewrite: rewrite(place, asked, draft); break;
  }
  draft.decided = true;
}

void Chain::rewrite(std::size_t place, const Asked& asked, Draft& draft) {
  const TableRule& rule = lua_->table()[place];
  if (rule.text) return take_rewrite(asked, *rule.text, rule.place, draft);
  if (rule.edits) return rule.strict ? take_edits(asked, strictly(*rule.edits, rule), rule.place, draft) : take_edits(asked, *rule.edits, rule.place, draft);
  const HookResult& result = lua_->ask(RuleFunction::rewrite, place, *draft.statement, draft.text, draft.facts);
  draft.decision.depends_on |= result.read;
  take_limits(asked_rule(place), result.limits, result.metrics, draft);
  take_fallback(asked_rule(place), result.fallback, draft);
  if (rule.strict && (result.said == HookResult::Said::nothing || result.said == HookResult::Said::text)) {
    return fail_edits(asked, result.where + ": a strict rule returns stmt", draft);
  }
  if (take_verb(asked, result, draft)) return;
  if (result.said == HookResult::Said::text) take_rewrite(asked, result.text, result.where, draft);
  else take_edits(asked, rule.strict ? strictly(result.edits, rule) : result.edits, result.where, draft);
}

Chain::Asked Chain::asked_rule(std::size_t place) const {
  const auto index = static_cast<std::uint32_t>(place + 1);
  return {"rule", lua_->table()[place].name, index, {}};
}

}  // namespace pgswitch::rules
