#include <algorithm>

#include "rules/chain_draft.hpp"
#include "rules/redshift/translate.hpp"

/// How a translation for Redshift takes part in a decision.
namespace pgswitch::rules {

/// What has no equivalent is refused: that is what the rule or the route asks for, and no failure of theirs.
void Chain::translate(const Asked& asked, redshift::Translate how, const std::string& where, Draft& draft) {
  if (!draft.sent->parsed) return tell(draft, asked, "not PostgreSQL's grammar: the text as it is");
  const bool edited = draft.decision.rewritten.has_value();
  const std::string before(edited ? *draft.decision.rewritten : std::string(draft.whole));
  redshift::Translation made = redshift::translate(before, draft.facts.standard_conforming_strings, how);
  if (made.refused()) {
    draft.decision.depends_on |= bit(Dependency::text);
    // In a string of several it is not known where this one begins.
    if (!edited && draft.facts.before.empty()) made.refusal.position = characters(std::string_view(before).substr(0, made.at)) + 1;
    return refuse(asked, made.refusal, draft);
  }
  if (made.text.empty()) return tell(draft, asked, "nothing to translate");
  StatementPtr sent = draft.sent;
  if (!made.beyond_postgres) {
    const AnalyzedScript script = analyze(made.text, analysis(draft.facts));
    sent = script.statements.front().statement;
    const bool same = script.statements.size() == 1 && sent->parsed && !script.oversized() && sent->parameters == draft.sent->parameters;
    if (!same) return fail_edits(asked, where + ": the translation is another statement" + (script.error.empty() ? "" : ": " + script.error), draft);
  }
  tell(draft, asked, "translated");
  draft.decision.rewritten = std::move(made.text);
  draft.decision.edits = nullptr;
  if (edited || made.edits.empty()) {
    draft.decision.depends_on |= bit(Dependency::text);
  } else {
    draft.decision.edits = std::make_shared<const std::vector<TokenEdit>>(std::move(made.edits));
    draft.decision.positions = std::move(made.positions);
  }
  take_sent(asked, sent, draft);
}

/// A route with translate = auto, whoever chose it. Its own rule has translated already what a rule translates.
void Chain::translate_for_route(Draft& draft) {
  if (draft.decision.verb != Decision::Verb::route) return;
  const bool own = draft.decision.route == no_route;
  if (own) draft.decision.depends_on |= bit(Dependency::database);
  const RouteId route = own ? draft.facts.default_route : draft.decision.route;
  const auto found = std::find_if(options_.translations.begin(), options_.translations.end(), [&](const auto& one) { return one.first == route; });
  if (found != options_.translations.end()) translate({"route", "translate", 0, {}}, found->second, "translate", draft);
}

}  // namespace pgswitch::rules
