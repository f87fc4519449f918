#include "proxy/session/last_route.hpp"

#include "rules/route_names.hpp"

namespace pgswitch {

using rules::Decision;

const rules::ScriptPtr& LastRoute::answer(const rules::Script& script, const rules::Engine& engine) {
  constexpr std::string_view verbs[] = {"route", "reject", "answer"};
  auto decision = std::make_shared<Decision>();
  decision->verb = Decision::Verb::answer;
  decision->rule = "default";
  decision->depends_on = rules::bit(rules::Dependency::volatile_);  // asked again at each Bind
  decision->answer.columns = {"decision", "route", "rule", "rewritten"};
  auto& row = decision->answer.rows.emplace_back(decision->answer.columns.size());
  if (known_) {
    row[0] = verbs[static_cast<std::size_t>(verb_)];
    if (route_ != rules::no_route) row[1] = rules::route_name(route_);
    // The numbers are those of the rules that decided; a reload has made others.
    const bool same = generation_ == static_cast<std::uint32_t>(engine.generation()) && rule_ < engine.rule_stats().size();
    if (same) row[2] = engine.rule_stats()[rule_].rule;
    row[3] = rewritten_ ? "t" : "f";
  }
  auto told = std::make_shared<rules::Script>(script);
  told->items.front().decision = std::move(decision);
  answer_ = rules::ScriptPtr(std::move(told));
  return *answer_;
}

}  // namespace pgswitch
