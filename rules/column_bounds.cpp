#include "rules/column_bounds.hpp"

#include <algorithm>
#include <unordered_map>

#include "rules/literal_node.hpp"
#include "rules/patterns.hpp"
#include "rules/pg_parse.hpp"
#include "rules/query_map.hpp"

namespace pgswitch::rules {
namespace {

using Bounds = std::optional<ColumnBounds>;
using State = BoundEnd::State;

constexpr std::size_t most_values = 10'000;

bool is_open(const ColumnBounds& b) { return b.min.state == State::open && b.max.state == State::open && b.values.empty(); }

/// The end that holds where both do. `sooner`: what the other literal is when it is the narrower one.
BoundEnd narrower(const BoundEnd& one, const BoundEnd& other, Order sooner) {
  if (one.state != other.state) return one.state > other.state ? one : other;
  return one.state == State::literal && compare(other.value, one.value) == sooner ? other : one;
}

/// The end that holds where one of both does. `later`: what the other literal is when it is the wider one.
BoundEnd wider(const BoundEnd& one, const BoundEnd& other, Order later) {
  if (one.state == State::open || other.state == State::open) return {};
  if (one.state == State::parameter || other.state == State::parameter) return {State::parameter, {}};
  const Order order = compare(other.value, one.value);
  if (order == Order::unknown) return {};
  return order == later ? other : one;
}

ColumnBounds both(ColumnBounds one, ColumnBounds other) {
  one.min = narrower(one.min, other.min, Order::greater);
  one.max = narrower(one.max, other.max, Order::less);
  const bool fewer = one.values.empty() || (!other.values.empty() && other.values.size() < one.values.size());
  if (fewer) one.values = std::move(other.values);
  return one;
}

ColumnBounds either(ColumnBounds one, const ColumnBounds& other) {
  one.min = wider(one.min, other.min, Order::less);
  one.max = wider(one.max, other.max, Order::greater);
  if (one.values.empty() || other.values.empty() || one.values.size() + other.values.size() > most_values) {
    one.values.clear();
  } else {
    one.values.insert(one.values.end(), other.values.begin(), other.values.end());
  }
  return one;
}

Bounds both(Bounds one, Bounds other) {
  if (!one || !other) return one ? one : other;
  return both(std::move(*one), std::move(*other));
}

Bounds either(Bounds one, const Bounds& other) {
  if (!one || !other) return std::nullopt;
  ColumnBounds bounds = either(std::move(*one), *other);
  return is_open(bounds) ? Bounds() : Bounds(std::move(bounds));
}

BoundEnd end_of(const Node* operand) {
  if (std::optional<BoundValue> value = literal_of(operand)) return {State::literal, std::move(*value)};
  return {is_parameter(operand) ? State::parameter : State::open, {}};
}

Bounds between(BoundEnd min, BoundEnd max) {
  ColumnBounds bounds{std::move(min), std::move(max), {}};
  return is_open(bounds) ? Bounds() : Bounds(std::move(bounds));
}

/// Both ends are there.
Bounds exactly(const Node* operand) {
  const BoundEnd end = end_of(operand);
  return between(end, end);
}

Bounds equal_to(const Node* operand) {
  Bounds bounds = exactly(operand);
  if (bounds && bounds->min.state == State::literal) bounds->values.push_back(bounds->min.value);
  return bounds;
}

Bounds one_of(const List* operands) {
  Bounds bounds = equal_to(first(operands));
  for (const Node* operand : NodeList(operands)) {
    if (operand != first(operands)) bounds = either(std::move(bounds), equal_to(operand));
  }
  return bounds;
}

std::string_view flipped(std::string_view op) {
  if (op == "<") return ">";
  if (op == "<=") return ">=";
  if (op == ">") return "<";
  return op == ">=" ? "<=" : op;
}

Bounds compared(std::string_view op, const Node* operand) {
  if (op == "=") return equal_to(operand);
  if (op == "<" || op == "<=") return between({}, end_of(operand));
  return op == ">" || op == ">=" ? between(end_of(operand), {}) : Bounds();
}

/// The name of an operator that is not one of a schema.
std::string_view operator_of(const A_Expr* expr) { return length(expr->name) == 1 ? string_of(first(expr->name)) : std::string_view(); }

/// The bounds of one column of one table where it stands, by the conditions that hold for it there.
class ConditionReader {
 public:
  ConditionReader(const TableUse& use, std::string_view column) : use_(use), column_(column) {
    const Alias* alias = use.var->alias;
    name_ = text_of(alias ? alias->aliasname : use.var->relname);
    const auto same = [&](const LevelItem& item) { return item.name == name_; };
    is_told_apart_ = std::count_if(use.level->items.begin(), use.level->items.end(), same) == 1;
  }

  Bounds bounds(const Node* condition) const {
    if (!condition) return std::nullopt;
    if (nodeTag(condition) == T_BoolExpr) return of_arms(as<BoolExpr>(condition));
    return nodeTag(condition) == T_A_Expr ? of_operator(as<A_Expr>(condition)) : Bounds();
  }

 private:
  Bounds of_arms(const BoolExpr* expr) const {
    if (expr->boolop == NOT_EXPR) return std::nullopt;
    Bounds all = bounds(first(expr->args));
    for (const Node* arm : NodeList(expr->args)) {
      if (arm == first(expr->args)) continue;
      all = expr->boolop == AND_EXPR ? both(std::move(all), bounds(arm)) : either(std::move(all), bounds(arm));
    }
    return all;
  }

  Bounds of_operator(const A_Expr* expr) const {
    const std::string_view op = operator_of(expr);
    const bool left = is_column(expr->lexpr);
    if (expr->kind == AEXPR_OP && !left && is_column(expr->rexpr)) return compared(flipped(op), expr->lexpr);
    if (!left || !expr->rexpr) return std::nullopt;
    switch (expr->kind) {
      case AEXPR_OP: return compared(op, expr->rexpr);
      case AEXPR_IN: return op == "=" && nodeTag(expr->rexpr) == T_List ? one_of(as<List>(expr->rexpr)) : Bounds();
      case AEXPR_OP_ANY: return op == "=" ? any_of(expr->rexpr) : Bounds();
      case AEXPR_BETWEEN: return between(end_of(nth(expr, 0)), end_of(nth(expr, 1)));
      case AEXPR_BETWEEN_SYM: return either(exactly(nth(expr, 0)), exactly(nth(expr, 1)));
      default: return std::nullopt;
    }
  }

  static const Node* nth(const A_Expr* expr, std::size_t place) {
    const auto* list = as<List>(expr->rexpr);
    return nodeTag(expr->rexpr) == T_List && place < length(list) ? static_cast<const Node*>(list->elements[place].ptr_value) : nullptr;
  }

  static Bounds any_of(const Node* array) {
    if (nodeTag(array) == T_A_ArrayExpr) return one_of(as<A_ArrayExpr>(array)->elements);
    return is_parameter(array) ? equal_to(array) : Bounds();
  }

  bool is_column(const Node* node) const {
    if (!node || nodeTag(node) != T_ColumnRef) return false;
    const List* fields = as<ColumnRef>(node)->fields;
    const auto field = [&](std::size_t n) { return string_of(static_cast<const Node*>(fields->elements[n].ptr_value)); };
    const std::size_t parts = length(fields);
    if (parts == 0 || parts > 3 || field(parts - 1) != column_) return false;
    if (parts == 1) return true;
    if (!is_told_apart_ || field(parts - 2) != name_) return false;
    return parts == 2 || (!use_.var->alias && use_.var->schemaname && field(0) == use_.var->schemaname);
  }

  const TableUse& use_;
  std::string_view column_;
  std::string_view name_;
  bool is_told_apart_ = false;
};

bool has_columns(const Alias* alias) { return alias && alias->colnames; }

/// The bounds that each reference of a table has.
class BoundsFinder {
 public:
  BoundsFinder(const QueryMap& map, std::string_view table, std::string_view column) : map_(map), column_(column) {
    const std::size_t dot = table.find('.');
    if (dot != std::string_view::npos) schema_ = table.substr(0, dot);
    name_ = table.substr(dot == std::string_view::npos ? 0 : dot + 1);
  }

  Bounds find() {
    const auto renames = [](const JoinExpr* join) { return has_columns(join->alias); };
    if (map_.opaque() || !map_.gap().empty() || std::any_of(map_.joins().begin(), map_.joins().end(), renames)) return std::nullopt;
    for (const TableUse& use : map_.tables())
      if (is_meant(use)) wanted_.emplace(use.var, &use);
    if (wanted_.empty() || wanted_.size() > most_references) return std::nullopt;
    for (const SelectStmt* select : map_.selects()) from_list(select->fromClause, select->whereClause);
    for (const TableUse& use : map_.tables()) target(use);
    if (found_.size() != wanted_.size()) return std::nullopt;
    Bounds all = found_.front();
    for (std::size_t i = 1; i < found_.size(); ++i) all = either(std::move(all), found_[i]);
    return all;
  }

 private:
  static constexpr std::size_t most_references = 100;

  /// A table without a schema may be the one that is meant. What INSERT and CREATE TABLE AS write has no condition.
  bool is_meant(const TableUse& use) const {
    if (use.role == TableRole::insert || use.role == TableRole::create || !glob(text_of(use.var->relname), name_)) return false;
    return schema_.empty() || !use.var->schemaname || glob(use.var->schemaname, schema_);
  }

  void target(const TableUse& use) {
    const bool updates = use.role == TableRole::update;
    if (!updates && use.role != TableRole::delete_) return;
    const Node* where = updates ? as<UpdateStmt>(use.statement)->whereClause : as<DeleteStmt>(use.statement)->whereClause;
    conditions_.assign(1, where);
    table(use.var);
    from_list(updates ? as<UpdateStmt>(use.statement)->fromClause : as<DeleteStmt>(use.statement)->usingClause, where);
  }

  void from_list(const List* items, const Node* where) {
    conditions_.assign(1, where);
    for (const Node* item : NodeList(items)) from_item(item);
  }

  void from_item(const Node* item) {
    if (!item) return;
    if (nodeTag(item) == T_RangeVar) return table(as<RangeVar>(item));
    if (nodeTag(item) == T_RangeTableSample) return from_item(as<RangeTableSample>(item)->relation);
    if (nodeTag(item) == T_JoinExpr) join(as<JoinExpr>(item));
  }

  /// The condition of an outer join says nothing of the rows that it keeps.
  void join(const JoinExpr* join) {
    const JoinType type = join->jointype;
    side(join->larg, type == JOIN_INNER || type == JOIN_RIGHT ? join->quals : nullptr);
    side(join->rarg, type == JOIN_INNER || type == JOIN_LEFT ? join->quals : nullptr);
  }

  void side(const Node* item, const Node* condition) {
    conditions_.push_back(condition);
    from_item(item);
    conditions_.pop_back();
  }

  void table(const RangeVar* var) {
    const auto use = wanted_.find(var);
    if (use == wanted_.end()) return;
    const ConditionReader reader(*use->second, column_);
    Bounds all;
    for (const Node* condition : conditions_) all = both(std::move(all), reader.bounds(condition));
    if (has_columns(var->alias)) all.reset();
    found_.push_back(std::move(all));
  }

  const QueryMap& map_;
  std::string_view schema_, name_, column_;
  std::unordered_map<const RangeVar*, const TableUse*> wanted_;
  std::vector<const Node*> conditions_;  ///< that hold where the walk is
  std::vector<Bounds> found_;            ///< of each of wanted_ that has been met
};

}  // namespace

std::optional<ColumnBounds> column_bounds(std::string_view text, bool standard_conforming_strings, std::string_view table,
                                          std::string_view column) {
  const ParsedText parsed(text, standard_conforming_strings);
  if (column.empty() || !parsed.ok() || length(parsed.statements()) != 1) return std::nullopt;
  const QueryMap map(as<RawStmt>(first(parsed.statements()))->stmt);
  return BoundsFinder(map, table, column).find();
}

}  // namespace pgswitch::rules
