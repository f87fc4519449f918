#include "rules/edited_scripts.hpp"

#include <algorithm>

namespace pgswitch::rules {

const ScriptPtr& EditedScripts::make(std::string_view sql, const ScriptPtr& known) {
  const auto free = std::find_if(made_.begin(), made_.end(), [&](const Made& one) { return one.known == known && !one.is_held(); });
  Made& made = free != made_.end() ? *free : made_[next_++ % made_.size()];
  if (free == made_.end()) {
    made.known = known;
    made.decision = std::make_shared<Decision>(*known->items.front().decision);
    made.script = std::make_shared<Script>(*known);
    made.script->items.front().decision = made.decision;
    made.given = made.script;
  }
  const std::vector<TokenEdit>& edits = *made.decision->edits;
  // They are in the order of their places: behind the last one no token is looked for.
  const std::size_t needed = edits.back().token + std::size_t{std::max(edits.back().count, 1u)};
  tokens_.clear();
  TokenReader reader(sql);
  while (tokens_.size() < needed) tokens_.push_back(reader.next());
  place_edits(edits, tokens_, placed_);
  splice(sql, placed_, *made.decision->rewritten);
  made.decision->positions.assign(sql, placed_);
  return made.given;
}

}  // namespace pgswitch::rules
