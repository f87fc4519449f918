#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "rules/pg_parse.hpp"
#include "rules/query_map.hpp"
#include "rules/query_shape.hpp"
#include "rules/tree_tokens.hpp"

// Of libpg_query, in none of its headers: a node as JSON, allocated in the current memory context.
extern "C" char* pg_query_node_to_json(const void* node);

namespace pgswitch::rules {
namespace {

using Kind = ColumnPlace::Kind;

constexpr std::size_t most_name_lookups = 1'000'000;

const Node* item_at(const List* list, std::size_t place) { return static_cast<const Node*>(list->elements[place].ptr_value); }
const Node* last(const List* list) { return item_at(list, length(list) - 1); }
bool is_star(const ColumnRef* ref) { return nodeTag(last(ref->fields)) == T_A_Star; }

bool is_query(const Node* node) {
  const NodeTag tag = nodeTag(node);
  return tag == T_SelectStmt || tag == T_InsertStmt || tag == T_UpdateStmt || tag == T_DeleteStmt || tag == T_MergeStmt;
}

/// The name that an output column has; nullopt when that is not easily told. "" of a star.
std::optional<std::string_view> output_name(const ResTarget* target) {
  if (target->name) return target->name;
  switch (nodeTag(target->val)) {
    case T_ColumnRef: return string_of(last(as<ColumnRef>(target->val)->fields));
    case T_FuncCall: return string_of(last(as<FuncCall>(target->val)->funcname));
    case T_A_Const:
    case T_A_Expr: return "?column?";
    default: return std::nullopt;
  }
}

/// Finds out what the columns of a query are called by. Points into the tree.
class ColumnNames {
 public:
  explicit ColumnNames(const QueryMap& map) {
    for (const ColumnUse& use : map.columns()) level_of_.emplace(use.ref, use.level);
    for (const JoinExpr* join : map.joins()) {
      natural_ |= join->isNatural;
      for (const Node* name : NodeList(join->usingClause)) merged_.insert(string_of(name));
    }
    for (const SelectStmt* select : map.selects()) note_order(select);
  }

  /// False when the name in front of it is not one of a table that can be seen there.
  bool find(const ColumnRef* ref, ColumnPlace& place) const {
    const QueryLevel* level = level_of_.at(ref);
    const std::size_t parts = length(ref->fields);
    if (parts > 3) return false;
    if (parts > 1) {
      place.kind = Kind::table;
      place.loose = is_loose(ref, level);
      return find_table(ref, level, place);
    }
    const auto order = ordered_.find(ref);
    if (order != ordered_.end() && find_output(ref, order->second, place)) return true;
    if (place.kind == Kind::bare && !is_star(ref) && names_item(string_of(item_at(ref->fields, 0)), level, place)) {
      place.kind = Kind::row;
      return true;
    }
    place.loose = place.loose && is_loose(ref, level);
    return true;
  }

 private:
  /// What ORDER BY and DISTINCT ON take for the name of an output column first.
  void note_order(const SelectStmt* select) {
    const auto note = [&](const Node* node) {
      if (node && nodeTag(node) == T_ColumnRef && length(as<ColumnRef>(node)->fields) == 1) ordered_.emplace(as<ColumnRef>(node), select);
    };
    for (const Node* node : NodeList(select->sortClause))
      if (nodeTag(node) == T_SortBy) note(as<SortBy>(node)->node);
    for (const Node* node : NodeList(select->distinctClause)) note(node);
  }

  /// With the name of its table a column is the one that it is without: no other table has one of that name, or the statement
  /// would be refused. A column that a join merges is neither table's.
  bool is_loose(const ColumnRef* ref, const QueryLevel* level) const {
    if (is_star(ref)) return level->items.size() == 1;
    return !natural_ && merged_.count(string_of(last(ref->fields))) == 0;
  }

  bool find_table(const ColumnRef* ref, const QueryLevel* level, ColumnPlace& place) const {
    const std::size_t parts = length(ref->fields);
    const std::string_view name = string_of(item_at(ref->fields, parts - 2));
    if (parts == 2) return names_item(name, level, place);
    const std::string_view schema = string_of(item_at(ref->fields, 0));
    return find_item(level, place, [&](const LevelItem& item) {
      return item.table && !item.table->alias && item.table->schemaname && schema == item.table->schemaname && name == item.table->relname;
    });
  }

  static bool names_item(std::string_view name, const QueryLevel* level, ColumnPlace& place) {
    return find_item(level, place, [&](const LevelItem& item) { return item.name == name; });
  }

  /// Of the innermost query that has one; false where two are called so.
  template <class Test>
  static bool find_item(const QueryLevel* level, ColumnPlace& place, Test test) {
    for (std::uint32_t outwards = 0; level; level = level->outer, ++outwards) {
      const auto& items = level->items;
      const auto found = std::find_if(items.begin(), items.end(), test);
      if (found == items.end()) continue;
      place.place = static_cast<std::uint32_t>(found - items.begin());
      place.outwards = outwards;
      return std::find_if(found + 1, items.end(), test) == items.end();
    }
    return false;
  }

  /// True when it is an output column. Else `loose` tells whether it is surely none but that of a star over everything.
  bool find_output(const ColumnRef* ref, const SelectStmt* select, ColumnPlace& place) const {
    const std::string_view wanted = string_of(item_at(ref->fields, 0));
    bool told = true;
    std::uint32_t number = 0;
    for (const Node* node : NodeList(select->targetList)) {
      const auto* target = as<ResTarget>(node);
      const std::optional<std::string_view> name = output_name(target);
      const bool column = nodeTag(target->val) == T_ColumnRef;
      if (name && *name == wanted && !wanted.empty()) {
        if (column && string_of(last(as<ColumnRef>(target->val)->fields)) == wanted) return find(as<ColumnRef>(target->val), place);
        place.kind = Kind::output;
        place.place = number;
        return true;
      }
      const bool part_of_all = column && is_star(as<ColumnRef>(target->val)) && length(as<ColumnRef>(target->val)->fields) > 1;
      told = told && name.has_value() && !part_of_all;
      ++number;
    }
    place.loose = told;
    return false;
  }

  std::unordered_map<const ColumnRef*, const QueryLevel*> level_of_;
  std::unordered_map<const ColumnRef*, const SelectStmt*> ordered_;  ///< the query whose output they may name
  std::unordered_set<std::string_view> merged_;
  bool natural_ = false;
};

/// Takes out of a parse tree what does not count. The tree belongs to the caller and is changed.
class TreeStripper {
 public:
  TreeStripper(const QueryMap& map, std::string_view sql, bool conforming) : map_(map), tokens_(sql, {conforming}) {}

  void strip() {
    for (const ColumnUse& use : map_.columns()) drop_table(use.ref);
    for (const TableUse& use : map_.tables()) drop_alias(const_cast<RangeVar*>(use.var));
    for (const SelectStmt* select : map_.selects()) {
      for (const Node* item : NodeList(select->fromClause)) drop_subquery_name(item);
      for (Node* by : NodeList(select->sortClause)) drop_ascending(reinterpret_cast<SortBy*>(by));
    }
    for (const A_Const* constant : map_.constants()) drop_value(const_cast<A_Const*>(constant));
  }

 private:
  static inline char nothing[] = "";

  static void drop_table(const ColumnRef* ref) {
    List* fields = const_cast<List*>(ref->fields);
    fields->elements[0] = fields->elements[fields->length - 1];
    fields->length = 1;
  }

  static void drop_alias(RangeVar* var) {
    if (!var->alias) return;
    if (var->alias->colnames) var->alias->aliasname = nothing;
    else var->alias = nullptr;
  }

  static void drop_subquery_name(const Node* item) {
    if (!item) return;
    if (nodeTag(item) == T_JoinExpr) {
      drop_subquery_name(as<JoinExpr>(item)->larg);
      drop_subquery_name(as<JoinExpr>(item)->rarg);
    }
    if (nodeTag(item) == T_RangeSubselect && as<RangeSubselect>(item)->alias) as<RangeSubselect>(item)->alias->aliasname = nothing;
  }

  static void drop_ascending(SortBy* by) {
    if (by->sortby_dir == SORTBY_ASC) by->sortby_dir = SORTBY_DEFAULT;
  }

  /// A constant that is made of a word, like the first argument of extract(year from t), is no literal.
  void drop_value(A_Const* constant) const {
    const std::uint32_t place = tokens_.at(constant->location);
    if (constant->isnull || place == TreeTokens::none) return;
    const TokenType type = tokens_[place].type;
    if (!is_literal(type) && type != TokenType::op) return;
    switch (nodeTag(&constant->val.node)) {
      case T_Integer:
      case T_Float:
        constant->val.ival.type = T_Integer;
        constant->val.ival.ival = 0;
        return;
      case T_String: constant->val.sval.sval = nothing; return;
      case T_BitString: constant->val.bsval.bsval = nothing; return;
      default: return;
    }
  }

  const QueryMap& map_;
  TreeTokens tokens_;
};

/// The tree as text without the places of its nodes. A quotation mark inside of a string has a backslash in front.
std::string written(const Node* tree) {
  constexpr std::string_view key = "\"location\":";
  const std::string_view json = pg_query_node_to_json(tree);
  std::string text;
  text.reserve(json.size());
  for (std::size_t at = 0; at < json.size();) {
    const std::size_t found = json.find(key, at);
    const std::size_t end = found == std::string_view::npos ? json.size() : found + key.size();
    text.append(json.substr(at, end - at));
    at = end;
    if (found == std::string_view::npos || (found > 0 && json[found - 1] == '\\')) continue;
    while (at < json.size() && (json[at] == '-' || (json[at] >= '0' && json[at] <= '9'))) ++at;
  }
  return text;
}

/// FOR UPDATE OF names tables by their aliases.
bool locks_by_name(const SelectStmt* select) {
  for (const Node* node : NodeList(select->lockingClause))
    if (as<LockingClause>(node)->lockedRels) return true;
  return false;
}

/// The tree as text does not tell negative integers apart.
bool has_negative_scale(const TypeName* type) {
  for (const Node* node : NodeList(type->typmods)) {
    if (nodeTag(node) != T_A_Const) continue;
    const A_Const* constant = as<A_Const>(node);
    if (nodeTag(&constant->val.node) == T_Integer && constant->val.ival.ival < 0) return true;
  }
  return false;
}

std::string gap_of(const QueryMap& map) {
  if (!map.gap().empty()) return map.gap();
  if (std::any_of(map.types().begin(), map.types().end(), &has_negative_scale)) return "a negative scale cannot be compared";
  if (std::any_of(map.selects().begin(), map.selects().end(), &locks_by_name)) return "FOR UPDATE OF cannot be compared";
  return map.lookups() > most_name_lookups ? "it is too large to be compared" : "";
}

}  // namespace

std::optional<PlainQuery> plain_query(std::string_view sql, bool standard_conforming_strings, std::string& error) {
  // No node begins at byte 0 then, a place that the tree as text would leave out.
  const std::string text = " " + std::string(sql);
  const ParsedText parsed(text, standard_conforming_strings);
  const Node* raw = parsed.ok() && length(parsed.statements()) == 1 ? first(parsed.statements()) : nullptr;
  const Node* tree = raw ? as<RawStmt>(raw)->stmt : nullptr;
  if (!tree || !is_query(tree)) {
    error = "a shape is one SELECT, INSERT, UPDATE, DELETE or MERGE";
    return std::nullopt;
  }
  const QueryMap map(tree);
  error = gap_of(map);
  if (!error.empty()) return std::nullopt;
  PlainQuery query;
  const auto has_length = [](const TypeName* type) { return type->typmods || type->arrayBounds; };
  query.has_literals = map.has_places() || std::any_of(map.types().begin(), map.types().end(), has_length);
  const ColumnNames names(map);
  for (const ColumnUse& use : map.columns()) {
    ColumnPlace place;
    if (!names.find(use.ref, place)) {
      error = "it cannot be told whose column \"" + std::string(string_of(last(use.ref->fields))) + "\" is";
      return std::nullopt;
    }
    query.columns.push_back(place);
  }
  TreeStripper(map, text, standard_conforming_strings).strip();
  query.tree = written(tree);
  return query;
}

}  // namespace pgswitch::rules
