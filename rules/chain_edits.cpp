#include "rules/analyze.hpp"
#include "rules/chain_draft.hpp"
#include "rules/tree_tokens.hpp"

/// How edits of the parse tree take part in a decision.
namespace pgswitch::rules {

namespace {

/// dblink() may write; a call of it that holds a SELECT which does not is as harmless.
StatementPtr read_only(const Statement& statement) {
  auto harmless = std::make_shared<Statement>(statement);
  harmless->read_only = true;
  return harmless;
}

}  // namespace

void Chain::take_edits(const Asked& asked, const TreeEdits& edits, const std::string& where, Draft& draft) {
  TreeEdits others = edits;
  others.translate = redshift::Translate::off;
  if (!others.empty() || edits.empty()) make_edits(asked, others, where, draft);
  if (draft.decision.verb == Decision::Verb::route && edits.translate != redshift::Translate::off) translate(asked, edits.translate, where, draft);
}

void Chain::make_edits(const Asked& asked, const TreeEdits& edits, const std::string& where, Draft& draft) {
  EditPlan plan = plan_edits(edits, draft.whole, *draft.statement, draft.facts, asked.name);
  draft.decision.depends_on |= plan.depends_on;
  if (!plan.error.empty()) return fail_edits(asked, where + ": " + plan.error, draft);
  if (plan.edits.empty()) return tell(draft, asked, "the text as it is");
  if (const std::string error = splice_edits(plan, draft); !error.empty()) return fail_edits(asked, where + ": " + error, draft);
  tell(draft, asked, std::to_string(plan.edits.size()) + " edits");
  const AnalyzedScript script = analyze(*draft.decision.rewritten, analysis(draft.facts));
  const Statement& sent = *script.statements.front().statement;
  const bool same_command = sent.command == draft.statement->command || (edits.dblink && sent.kind == Kind::select);  // VALUES in dblink()
  const bool same = script.statements.size() == 1 && sent.parsed && !script.oversized() && same_command &&
                    sent.parameters == draft.statement->parameters;
  if (!same) return fail_edits(asked, where + ": the edited text is another statement" + (script.error.empty() ? "" : ": " + script.error), draft);
  draft.decision.edits = std::make_shared<const std::vector<TokenEdit>>(std::move(plan.edits));
  take_sent(asked, edits.dblink ? read_only(sent) : script.statements.front().statement, draft);
}

/// Why the edits cannot be made; "" when they were.
std::string Chain::splice_edits(const EditPlan& plan, Draft& draft) const {
  const TreeTokens tokens(draft.whole, {draft.facts.standard_conforming_strings});
  std::vector<Edit> placed;
  if (place_edits(plan.edits, tokens.all(), placed)) draft.decision.rewritten = splice(draft.whole, placed);
  if (!draft.decision.rewritten) return "two edits are for the same words";
  draft.decision.positions.assign(draft.whole, placed);
  return {};
}

/// The text as it was is never sent in its place: the rule may be there to hide something.
void Chain::fail_edits(const Asked& asked, const std::string& what, Draft& draft) {
  const std::string detail = failure_of(asked, what, draft);
  tell(draft, asked, "an error: " + what);
  forget(draft);
  draft.decision.verb = Decision::Verb::reject;
  draft.decision.refusal = {"0A000", "the statement cannot be rewritten safely", detail, ""};
  decide_by(asked, draft);
  if (draft.steps == nullptr) log_error(asked.index, detail);
}

}  // namespace pgswitch::rules
