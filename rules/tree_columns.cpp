// TreePlanner: other names for columns, where it is sure whose they are.
#include <algorithm>
#include <unordered_set>

#include "rules/tree_planner.hpp"

#include "rules/quoting.hpp"

namespace pgswitch::rules {
namespace {

/// What gives an output column its name, behind casts and the like.
const Node* naming_node(const Node* node) {
  while (node) {
    switch (nodeTag(node)) {
      case T_TypeCast: node = as<TypeCast>(node)->arg; break;
      case T_CollateClause: node = as<CollateClause>(node)->arg; break;
      case T_A_Indirection: node = as<A_Indirection>(node)->arg; break;
      case T_CaseExpr: node = node_of(as<CaseExpr>(node)->defresult); break;
      default: return node;
    }
  }
  return nullptr;
}

const List* returning_list(const Node* statement) {
  switch (nodeTag(statement)) {
    case T_InsertStmt: return as<InsertStmt>(statement)->returningList;
    case T_UpdateStmt: return as<UpdateStmt>(statement)->returningList;
    case T_DeleteStmt: return as<DeleteStmt>(statement)->returningList;
    default: return nullptr;
  }
}

}  // namespace

/// One ColumnRenaming in one statement.
class TreePlanner::ColumnRenamer {
 public:
  ColumnRenamer(TreePlanner& planner, const ColumnRenaming& renaming) : planner_(planner), renaming_(renaming) {}
  void run();

 private:
  bool find_tables();
  bool is_table(const LevelItem& item) const { return tables_.contains(item.table); }
  bool has_table(const QueryLevel* level) const;
  const LevelItem* find_item(const QueryLevel* level, std::string_view name) const;
  void check_use(const TableUse& use);
  void check_joins();
  void note_outputs(const List* targets);
  void note_sorts(const SelectStmt* select);
  void rename_targets(const List* targets);
  void rename_target_columns(const TableUse& use);
  void rename(const ColumnUse& column, const Fields& fields);
  void resolve(const ColumnUse& column);
  void resolve_bare(const ColumnUse& column, const Fields& fields);
  void resolve_qualified(const ColumnUse& column, const Fields& fields);
  void refuse(std::string_view why) {
    planner_.refuse("the column \"" + renaming_.from + "\" of \"" + renaming_.table + "\" cannot be renamed: " + std::string(why));
  }

  TreePlanner& planner_;
  const ColumnRenaming& renaming_;
  std::unordered_set<const RangeVar*> tables_;
  std::unordered_set<const Node*> outputs_;   ///< columns that name an output column
  std::unordered_set<const Node*> through_;   ///< that name one from within something
  std::unordered_set<const Node*> sorts_;     ///< that mean an output column
};

void TreePlanner::rename_columns() {
  for (const ColumnRenaming& renaming : wanted_.columns)
    if (!failed()) ColumnRenamer(*this, renaming).run();
}

void TreePlanner::ColumnRenamer::run() {
  if (!find_tables()) return;
  check_joins();
  for (const SelectStmt* select : planner_.map_.selects()) {
    note_outputs(select->targetList);
    note_sorts(select);
  }
  for (const TableUse& use : planner_.map_.tables()) {
    check_use(use);
    if (use.statement) note_outputs(returning_list(use.statement));
    if (tables_.contains(use.var)) rename_target_columns(use);
  }
  for (const ColumnUse& column : planner_.map_.columns()) resolve(column);
}

bool TreePlanner::ColumnRenamer::find_tables() {
  bool matches = false;
  for (const TableUse& use : planner_.map_.tables())
    if (use.role != TableRole::create && planner_.is(*use.var, renaming_.table, matches) && matches) tables_.insert(use.var);
  if (tables_.size() > 100) refuse("it is named too often");
  return !tables_.empty() && !planner_.failed();
}

void TreePlanner::ColumnRenamer::check_use(const TableUse& use) {
  if (!tables_.contains(use.var)) return;
  if (use.var->alias && use.var->alias->colnames) refuse("its table has other names for its columns");
  if (use.role == TableRole::merge) refuse("MERGE");
  if (use.role == TableRole::whole) refuse("COPY and the like");
}

void TreePlanner::ColumnRenamer::check_joins() {
  for (const JoinExpr* join : planner_.map_.joins()) {
    if (join->isNatural) refuse("NATURAL JOIN");
    for (const Node* name : NodeList(join->usingClause))
      if (string_of(name) == renaming_.from) refuse("JOIN USING");
  }
}

void TreePlanner::ColumnRenamer::note_outputs(const List* targets) {
  for (const Node* target : NodeList(targets)) {
    const auto* one = as<ResTarget>(target);
    if (one->name || !one->val) continue;
    if (nodeTag(one->val) == T_ColumnRef) outputs_.insert(one->val);
    else through_.insert(naming_node(one->val));
  }
}

/// ORDER BY and DISTINCT ON mean an output column of the name before one of a table.
void TreePlanner::ColumnRenamer::note_sorts(const SelectStmt* select) {
  bool has_from = false, has_to = false;
  for (const Node* target : NodeList(select->targetList)) {
    const auto* one = as<ResTarget>(target);
    const bool column = !one->name && one->val && nodeTag(one->val) == T_ColumnRef;
    const std::string_view name = column ? fields_of(as<ColumnRef>(one->val)).back() : text_of(one->name);
    has_from |= name == renaming_.from;
    has_to |= name == renaming_.to;
  }
  const auto note = [&](const Node* node) {
    if (!node || nodeTag(node) != T_ColumnRef || length(as<ColumnRef>(node)->fields) != 1) return;
    if (fields_of(as<ColumnRef>(node)).back() != renaming_.from) return;
    if (has_from) sorts_.insert(node);
    else if (has_to) refuse("ORDER BY would mean another column");
  };
  for (const Node* sort : NodeList(select->sortClause)) note(as<SortBy>(sort)->node);
  for (const Node* distinct : NodeList(select->distinctClause)) note(distinct);
}

void TreePlanner::ColumnRenamer::rename_target_columns(const TableUse& use) {
  if (!use.statement) return;
  if (nodeTag(use.statement) == T_UpdateStmt) rename_targets(as<UpdateStmt>(use.statement)->targetList);
  if (nodeTag(use.statement) != T_InsertStmt) return;
  const auto* insert = as<InsertStmt>(use.statement);
  rename_targets(insert->cols);
  if (!insert->onConflictClause) return;
  rename_targets(insert->onConflictClause->targetList);
  if (!insert->onConflictClause->infer) return;
  for (const Node* element : NodeList(insert->onConflictClause->infer->indexElems))
    if (text_of(as<IndexElem>(element)->name) == renaming_.from) refuse("ON CONFLICT on it");
}

void TreePlanner::ColumnRenamer::rename_targets(const List* targets) {
  for (const Node* target : NodeList(targets)) {
    const auto* one = as<ResTarget>(target);
    if (text_of(one->name) != renaming_.from) continue;
    const std::string_view name = renaming_.from;
    const std::vector<TokenRun> runs = planner_.tokens_.name_at(one->location, std::span(&name, 1));
    if (runs.empty()) return refuse("where it stands cannot be told");
    planner_.replace(runs[0], quote_name(renaming_.to));
  }
}

bool TreePlanner::ColumnRenamer::has_table(const QueryLevel* level) const {
  return std::any_of(level->items.begin(), level->items.end(), [this](const LevelItem& item) { return is_table(item); });
}

const LevelItem* TreePlanner::ColumnRenamer::find_item(const QueryLevel* level, std::string_view name) const {
  for (; level; level = level->outer)
    for (const LevelItem& item : level->items)
      if (item.name == name) return &item;
  return nullptr;
}

void TreePlanner::ColumnRenamer::resolve(const ColumnUse& column) {
  const Fields fields = fields_of(column.ref);
  const bool star = fields.back().empty();
  if (fields.size() > 1) return resolve_qualified(column, fields);
  if (star && has_table(column.level)) return refuse("a star stands for it");
  const LevelItem* row = star ? nullptr : find_item(column.level, fields.back());
  if (row && is_table(*row)) return refuse("a whole row holds it");
  if (!star && fields.back() == renaming_.from && !sorts_.contains(reinterpret_cast<const Node*>(column.ref))) resolve_bare(column, fields);
}

/// It is the table's where the table is the only one that could have it.
void TreePlanner::ColumnRenamer::resolve_bare(const ColumnUse& column, const Fields& fields) {
  for (const QueryLevel* level = column.level; level; level = level->outer) {
    if (level->items.empty()) continue;
    if (level->items.size() == 1 && has_table(level)) return rename(column, fields);
    const bool further_out = std::any_of(tables_.begin(), tables_.end(), [&](const RangeVar* table) {
      return find_item(level->outer, text_of(table->alias ? table->alias->aliasname : table->relname)) != nullptr;
    });
    if (has_table(level) || further_out) return refuse("another table could have it too");
  }
}

void TreePlanner::ColumnRenamer::resolve_qualified(const ColumnUse& column, const Fields& fields) {
  const LevelItem* item = find_item(column.level, fields[fields.size() - 2]);
  const bool excluded = item && !item->table && item->name == "excluded" && has_table(column.level);
  const bool ours = excluded || (item && is_table(*item));
  if (ours && fields.back().empty()) return refuse("a star stands for it");
  if (fields.back() != renaming_.from) return;
  if (!item) return refuse("whose \"" + std::string(fields[fields.size() - 2]) + "." + renaming_.from + "\" is cannot be told");
  if (ours) rename(column, fields);
}

/// An output column keeps its name.
void TreePlanner::ColumnRenamer::rename(const ColumnUse& column, const Fields& fields) {
  const Node* node = reinterpret_cast<const Node*>(column.ref);
  if (through_.contains(node)) return refuse("an output column is called by it");
  const std::vector<TokenRun> runs = planner_.tokens_.name_at(column.ref->location, fields);
  if (runs.empty()) return refuse("where it stands cannot be told");
  planner_.replace(runs.back(), quote_name(renaming_.to));
  if (outputs_.contains(node)) planner_.insert_behind(runs.back().last, " AS " + quote_name(renaming_.from));
}

}  // namespace pgswitch::rules
