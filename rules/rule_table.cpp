#include "rules/rule_table.hpp"

#include <algorithm>

namespace pgswitch::rules {

bool TableRule::is_for_unparsed() const {
  return std::any_of(conditions.begin(), conditions.end(), [](const Condition& one) { return one.is_for_unparsed(); });
}

bool TableRule::is_for_some_statements() const {
  const auto is_of_who = [](const Condition& one) {
    return one.subject() == Subject::user || one.subject() == Subject::database || one.subject() == Subject::client_address;
  };
  return asks_where || !std::all_of(conditions.begin(), conditions.end(), is_of_who);
}

void TableRule::add(Condition condition, std::string written) {
  const auto behind = std::upper_bound(conditions.begin(), conditions.end(), condition,
                                       [](const Condition& one, const Condition& other) { return one.comes_before(other); });
  words.insert(words.begin() + (behind - conditions.begin()), std::move(written));
  conditions.insert(behind, std::move(condition));
}

NameBits TableRule::table_bits() const {
  for (const Condition& condition : conditions) {
    if (const NameBits bits = condition.table_bits(); bits != any_name) return bits;
  }
  return any_name;
}

std::size_t TableRule::first_unmet(Question& question) const {
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    if (!conditions[i].holds(question) || question.exhausted) return i;
  }
  return conditions.size();
}

bool RuleTable::add(TableRule&& rule, std::string& error) {
  if (rules_.size() == max_rules) {
    error = "there are more than " + std::to_string(max_rules) + " rules";
    return false;
  }
  for (const TableRule& earlier : rules_) {
    if (earlier.name == rule.name) {
      error = "another rule has this name (" + earlier.place + ")";
      return false;
    }
  }
  if (!rules_.empty() && rules_.back().ends_all()) {
    error = "it can never be reached: the rule \"" + rules_.back().name + "\" (" + rules_.back().place + ") has no 'when'";
    return false;
  }
  has_strict_ |= rule.strict && !rule.observes;
  table_bits_.push_back(rule.table_bits());
  rules_.push_back(std::move(rule));
  return true;
}

bool RuleTable::is_like(const RuleTable& other) const {
  return std::equal(rules_.begin(), rules_.end(), other.rules_.begin(), other.rules_.end(),
                    [](const TableRule& one, const TableRule& same) { return one.name == same.name && one.place == same.place; });
}

}  // namespace pgswitch::rules
