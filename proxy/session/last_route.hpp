#pragma once
#include <cstdint>
#include <string>

#include "proxy/session/boxed.hpp"
#include "rules/engine.hpp"

namespace pgswitch {

/// What became of the last statement of a session, for SHOW pgswitch.last_route. Numbers alone, since they are written for every
/// statement; names are looked up when somebody asks. A member of SessionCore.
class LastRoute {
 public:
  /// A statement was decided; of a query string the one that is refused, or the last.
  void note(const rules::Script& script) {
    if (script.plain || !asks_last_route(script)) note(deciding(script), script.generation);
  }
  /// The server that it was sent to last.
  void sent_to(rules::RouteId route) { route_ = route; }

  static bool asks_last_route(const rules::Script& script) {
    return script.items.size() == 1 && rules::shows_last_route(*script.items.front().statement);
  }
  /// `script` with one row for an answer. Good until the next call.
  const rules::ScriptPtr& answer(const rules::Script& script, const rules::Engine& engine);

 private:
  void note(const rules::ScriptItem& item, std::uint64_t generation) {
    const rules::Decision& decision = *item.decision;
    route_ = rules::no_route;
    rule_ = decision.rule_index;
    generation_ = static_cast<std::uint32_t>(generation);
    verb_ = decision.verb;
    rewritten_ = decision.rewritten.has_value();
    known_ = true;
  }
  static const rules::ScriptItem& deciding(const rules::Script& script) {
    if (script.items.size() > 1)
      for (const rules::ScriptItem& item : script.items)
        if (item.decision->verb == rules::Decision::Verb::reject) return item;
    return script.items.back();
  }

  rules::RouteId route_ = rules::no_route;
  std::uint32_t rule_ = 0;        ///< place in RuleStats
  std::uint32_t generation_ = 0;  ///< of the rules
  rules::Decision::Verb verb_ = rules::Decision::Verb::route;
  bool rewritten_ = false;
  bool known_ = false;
  Boxed<rules::ScriptPtr> answer_;
};

}  // namespace pgswitch
