#include "rules/facts.hpp"

#include <atomic>
#include <utility>

#include "rules/setting_value.hpp"

namespace pgswitch::rules {

void step_over(const Statement& statement, Facts& facts) {
  constexpr Effects sets = bit(Effect::set_variable) | bit(Effect::set_local) | bit(Effect::reset_all) | bit(Effect::discard_all) |
                           bit(Effect::unknown_settings);
  facts.in_transaction = transaction_after(statement, facts.in_transaction);
  if ((statement.effects & sets) == 0) return;
  facts.search_path = path_after(statement, std::string(std::string_view(facts.search_path)));
  facts.wished_route = route_after(statement, std::string(std::string_view(facts.wished_route)));
  for (const VariableChange& change : statement.variables)
    if (change.name == "application_name" && !change.statement.empty()) facts.application_name = setting_value(change.statement);
  facts.identity = 0;
}

std::uint64_t next_identity() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace pgswitch::rules
