#include "rules/named_columns.hpp"

#include <algorithm>
#include <unordered_set>

#include "rules/pg_parse.hpp"
#include "rules/query_map.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::size_t most_lookups = 1'000'000;

const Node* nth(const List* list, std::size_t place) { return static_cast<const Node*>(list->elements[place].ptr_value); }

std::string name_of(const RangeVar* table) {
  if (!table) return {};
  const std::string name(text_of(table->relname));
  return table->schemaname ? std::string(table->schemaname) + "." + name : name;
}

/// What is called so, of the innermost query that has it; nullptr when nothing is.
const LevelItem* find_item(const QueryLevel* level, std::string_view name) {
  for (; level; level = level->outer) {
    const auto found = std::find_if(level->items.begin(), level->items.end(), [&](const LevelItem& item) { return item.name == name; });
    if (found != level->items.end()) return &*found;
  }
  return nullptr;
}

/// The only thing that a column without a name in front can be of.
const LevelItem* only_item(const QueryLevel* level) {
  if (level->items.size() != 1) return nullptr;
  for (const QueryLevel* outer = level->outer; outer; outer = outer->outer)
    if (!outer->items.empty()) return nullptr;
  return &level->items.front();
}

class ColumnList {
 public:
  explicit ColumnList(const QueryMap& map) : is_small_(map.lookups() <= most_lookups) {
    for (const SelectStmt* select : map.selects())
      if (is_small_) note_outputs(select);
    for (const ColumnUse& use : map.columns())
      if (outputs_.count(use.ref) == 0) add(use);
    for (const JoinExpr* join : map.joins())
      for (const Node* name : NodeList(join->usingClause)) add({}, string_of(name));
    for (const TableUse& use : map.tables()) add_written(use);
  }

  std::vector<NamedColumn> take() { return std::move(columns_); }

 private:
  /// ORDER BY takes the name that an output column was given.
  void note_outputs(const SelectStmt* select) {
    for (const Node* node : NodeList(select->sortClause)) {
      const Node* by = as<SortBy>(node)->node;
      if (nodeTag(by) != T_ColumnRef || length(as<ColumnRef>(by)->fields) != 1) continue;
      for (const Node* target : NodeList(select->targetList)) {
        const char* name = as<ResTarget>(target)->name;
        if (name && string_of(nth(as<ColumnRef>(by)->fields, 0)) == name) outputs_.insert(as<ColumnRef>(by));
      }
    }
  }

  void add(const ColumnUse& use) {
    const List* fields = use.ref->fields;
    const std::size_t parts = length(fields);
    const Node* last = nth(fields, parts - 1);
    std::string_view name = nodeTag(last) == T_A_Star ? "*" : string_of(last);
    if (!is_small_) return add({}, name);
    const LevelItem* item = parts == 1 ? only_item(use.level) : find_item(use.level, string_of(nth(fields, parts - 2)));
    if (!item && parts > 2) {  // Redshift: table.column.attribute
      item = find_item(use.level, string_of(nth(fields, 0)));
      if (item) name = string_of(nth(fields, 1));
    }
    add(name_of(item ? item->table : nullptr), name);
  }

  void add_written(const TableUse& use) {
    const std::string table = name_of(use.var);
    if (use.role == TableRole::update) add_targets(table, as<UpdateStmt>(use.statement)->targetList);
    if (use.role == TableRole::insert) {
      const auto* insert = as<InsertStmt>(use.statement);
      add_targets(table, insert->cols);
      if (insert->onConflictClause) add_targets(table, insert->onConflictClause->targetList);
    }
    if (use.role != TableRole::merge) return;
    for (const Node* when : NodeList(as<MergeStmt>(use.statement)->mergeWhenClauses)) add_targets(table, as<MergeWhenClause>(when)->targetList);
  }

  void add_targets(const std::string& table, const List* targets) {
    for (const Node* target : NodeList(targets)) add(table, text_of(as<ResTarget>(target)->name));
  }

  void add(std::string table, std::string_view name) {
    std::string key = table;
    key.append(1, '\0').append(name);
    if (seen_.insert(std::move(key)).second) columns_.push_back({std::move(table), std::string(name)});
  }

  bool is_small_;  ///< else it would take too long to find out whose columns they are
  std::unordered_set<const ColumnRef*> outputs_;
  std::unordered_set<std::string> seen_;
  std::vector<NamedColumn> columns_;
};

}  // namespace

std::vector<NamedColumn> named_columns(std::string_view sql, bool standard_conforming_strings) {
  const ParsedText parsed(sql, standard_conforming_strings);
  if (!parsed.ok() || length(parsed.statements()) != 1) return {};
  const QueryMap map(as<RawStmt>(first(parsed.statements()))->stmt);
  return ColumnList(map).take();
}

}  // namespace pgswitch::rules
