#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/condition.hpp"
#include "rules/decision.hpp"
#include "rules/tree_edits.hpp"

namespace pgswitch::rules {

/// A rule that is told and not programmed: for which statements of whom it is, and what becomes of them.
struct TableRule {
  enum class Action : std::uint8_t {
    pass,     ///< the client's own database, and no hook is asked
    route,
    reject,
    answer,
    rewrite,  ///< to `text`, by `edits` or to what the rule's function says; `route` may be set too
  };
  std::string name;
  std::string place;                   ///< "rules.lua:12"
  std::vector<Condition> conditions;   ///< all must hold; in the order in which they are asked
  std::vector<std::string> words;      ///< each condition as it is written: "user = \"bi_*\""
  bool observes = false;               ///< it is counted and logged what it would do, and the next rule is asked
  bool asks_where = false;             ///< a function of the rules file is the last condition
  Action action = Action::pass;
  RouteId route = no_route;
  Refusal refusal;
  Answer answer;
  StatementLimits limits;
  std::optional<RouteId> fallback;     ///< as in a Decision
  std::vector<std::pair<std::string, double>> metrics;
  std::optional<std::string> text;
  std::optional<TreeEdits> edits;
  /// Deny by default: a statement that is not proven to see filtered rows alone is refused, whatever else happens. `unfiltered`:
  /// tables that it may see without a filter.
  bool strict = false;
  std::vector<std::string> unfiltered;

  /// "rules.lua:12 analytics"
  std::string label() const { return place + " " + name; }
  /// Nobody behind it is asked: it decides about every statement.
  bool ends_all() const { return conditions.empty() && !asks_where && !observes; }
  /// Is it for texts alone that PostgreSQL's grammar refuses?
  bool is_for_unparsed() const;
  void add(Condition condition, std::string written);
  /// May it tell statements apart by something else than who sends them, and from where?
  bool is_for_some_statements() const;
  /// Of the statements it may match.
  NameBits table_bits() const;
  /// Place of the first condition that does not hold, or conditions.size(). Stops there, and where the budget is used up.
  std::size_t first_unmet(Question& question) const;
};

/// The rules of a rules file in their order: the first that matches decides. Knows no Lua. Built once, read by one worker.
class RuleTable {
 public:
  static constexpr std::size_t max_rules = 10'000;

  /// False and `error` when it can never be asked or its name is taken.
  bool add(TableRule&& rule, std::string& error);

  std::size_t size() const { return rules_.size(); }
  /// The first rule from `place` on that may match a statement with these names of tables, or size(). Most rules are for some
  /// tables, and a miss of the cache asks few of many then.
  std::size_t next(std::size_t place, NameBits names) const {
    while (place < rules_.size() && (table_bits_[place] & names) == 0) ++place;
    return place;
  }
  const TableRule& operator[](std::size_t place) const { return rules_[place]; }
  /// Is one of them strict?
  bool has_strict() const { return has_strict_; }
  /// Are these the same rules, as far as their names and places tell?
  bool is_like(const RuleTable& other) const;

 private:
  std::vector<TableRule> rules_;
  std::vector<NameBits> table_bits_;  ///< of each rule
  bool has_strict_ = false;
};

}  // namespace pgswitch::rules
