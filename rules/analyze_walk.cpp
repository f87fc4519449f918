#include "rules/analyze_walk.hpp"

#include <algorithm>

#include "rules/temporary.hpp"
#include "rules/volatility.hpp"

namespace pgswitch::rules {

struct TreeWalker::Deeper {
  explicit Deeper(TreeWalker& w) : walker(w), ok(++w.depth_ <= w.max_depth_) { w.over_limit_ |= !ok; }
  ~Deeper() { --walker.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  TreeWalker& walker;
  bool ok;
};

void TreeWalker::walk(const Node* node) {
  const Deeper deeper(*this);
  while (node && deeper.ok && !over_limit_) node = step(node);
}

void TreeWalker::walk(const List* list) {
  for (const Node* node : NodeList(list)) walk(node);
}

void TreeWalker::walk_stored(const Node* node) {
  const Effects effects = out_.effects;
  const std::size_t variables = out_.variables.size();
  walk(node);
  out_.effects = effects;
  out_.variables.resize(variables);
}

void TreeWalker::walk_stored(const List* list) {
  for (const Node* node : NodeList(list)) walk_stored(node);
}

/// Visits a node and returns the child to go on with, or nullptr.
const Node* TreeWalker::step(const Node* node) {
  switch (nodeTag(node)) {
    case T_SelectStmt: select(as<SelectStmt>(node)); return nullptr;
    case T_InsertStmt: insert(as<InsertStmt>(node)); return nullptr;
    case T_UpdateStmt: update(as<UpdateStmt>(node)); return nullptr;
    case T_DeleteStmt: delete_(as<DeleteStmt>(node)); return nullptr;
    case T_MergeStmt: merge(as<MergeStmt>(node)); return nullptr;
    case T_List: walk(as<List>(node)); return nullptr;
    case T_RangeVar: read(as<RangeVar>(node)); return nullptr;
    case T_FuncCall: function(as<FuncCall>(node)); return nullptr;
    case T_ColumnRef:
      if (length(as<ColumnRef>(node)->fields) > 1) called_as_column(as<ColumnRef>(node)->fields);
      return nullptr;
    case T_A_Expr:
    case T_BoolExpr:
    case T_TypeCast:
    case T_CollateClause:
    case T_NullTest:
    case T_BooleanTest:
    case T_A_Indirection:
    case T_A_Indices:
    case T_A_ArrayExpr:
    case T_RowExpr:
    case T_CaseExpr:
    case T_CaseWhen:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_SubLink:
    case T_ParamRef:
    case T_ResTarget:
    case T_SortBy:
    case T_NamedArgExpr:
    case T_MultiAssignRef:
    case T_GroupingSet:
    case T_GroupingFunc:
    case T_XmlExpr:
    case T_XmlSerialize: return step_expression(node);
    case T_WindowDef: window(as<WindowDef>(node)); return nullptr;
    default: return step_definition(node);
  }
}

const Node* TreeWalker::step_expression(const Node* node) {
  switch (nodeTag(node)) {
    case T_A_Expr: {
      const auto* expr = as<A_Expr>(node);
      if (expr->lexpr && nodeTag(expr->lexpr) == T_A_Expr) {
        operator_chain(expr);
        return nullptr;
      }
      walk(expr->lexpr);
      return expr->rexpr;
    }
    case T_BoolExpr: walk(as<BoolExpr>(node)->args); return nullptr;
    case T_TypeCast: return as<TypeCast>(node)->arg;
    case T_CollateClause: return as<CollateClause>(node)->arg;
    case T_NullTest: return node_of(as<NullTest>(node)->arg);
    case T_BooleanTest: return node_of(as<BooleanTest>(node)->arg);
    case T_NamedArgExpr: return node_of(as<NamedArgExpr>(node)->arg);
    case T_A_Indirection:
      walk(as<A_Indirection>(node)->indirection);
      called_as_column(as<A_Indirection>(node)->indirection);
      return as<A_Indirection>(node)->arg;
    case T_A_Indices:
      walk(as<A_Indices>(node)->lidx);
      return as<A_Indices>(node)->uidx;
    case T_A_ArrayExpr: walk(as<A_ArrayExpr>(node)->elements); return nullptr;
    case T_RowExpr: walk(as<RowExpr>(node)->args); return nullptr;
    case T_CaseExpr:
      walk(node_of(as<CaseExpr>(node)->arg));
      walk(as<CaseExpr>(node)->args);
      return node_of(as<CaseExpr>(node)->defresult);
    case T_CaseWhen:
      walk(node_of(as<CaseWhen>(node)->expr));
      return node_of(as<CaseWhen>(node)->result);
    case T_CoalesceExpr: walk(as<CoalesceExpr>(node)->args); return nullptr;
    case T_MinMaxExpr: walk(as<MinMaxExpr>(node)->args); return nullptr;
    case T_SubLink:
      out_.subquery = true;
      walk(as<SubLink>(node)->testexpr);
      return as<SubLink>(node)->subselect;
    case T_ParamRef: note_parameter(as<ParamRef>(node)->number); return nullptr;
    case T_ResTarget:
      walk(as<ResTarget>(node)->indirection);
      return as<ResTarget>(node)->val;
    case T_SortBy: return as<SortBy>(node)->node;
    case T_MultiAssignRef:  // (a, b) = source: each column points to the one source
      return as<MultiAssignRef>(node)->colno == 1 ? as<MultiAssignRef>(node)->source : nullptr;
    case T_GroupingSet: walk(as<GroupingSet>(node)->content); return nullptr;
    case T_GroupingFunc: walk(as<GroupingFunc>(node)->args); return nullptr;
    case T_XmlExpr:
      walk(as<XmlExpr>(node)->named_args);
      walk(as<XmlExpr>(node)->args);
      return nullptr;
    case T_XmlSerialize: return as<XmlSerialize>(node)->expr;
    default: return nullptr;
  }
}

/// a + b + c leans to the left, as deep as it is long.
void TreeWalker::operator_chain(const A_Expr* expr) {
  std::vector<const Node*> right;
  const Node* node = reinterpret_cast<const Node*>(expr);
  for (; node && nodeTag(node) == T_A_Expr; node = as<A_Expr>(node)->lexpr) right.push_back(as<A_Expr>(node)->rexpr);
  walk(node);
  for (auto operand = right.rbegin(); operand != right.rend(); ++operand) walk(*operand);
}

void TreeWalker::note_parameter(int number) {
  constexpr int most = 65535;  // of the protocol's Bind message
  const int capped = number < 0 ? 0 : number > most ? most : number;
  if (capped > out_.parameters) out_.parameters = static_cast<std::uint16_t>(capped);
}

/// What stands in FROM and in definitions.
const Node* TreeWalker::step_definition(const Node* node) {
  switch (nodeTag(node)) {
    case T_JoinExpr:
      ++out_.joins;
      walk(as<JoinExpr>(node)->larg);
      walk(as<JoinExpr>(node)->rarg);
      return as<JoinExpr>(node)->quals;
    case T_RangeSubselect: out_.subquery = true; return as<RangeSubselect>(node)->subquery;
    case T_RangeFunction: walk(as<RangeFunction>(node)->functions); return nullptr;
    case T_RangeTableFunc:
      walk(as<RangeTableFunc>(node)->docexpr);
      walk(as<RangeTableFunc>(node)->columns);
      return as<RangeTableFunc>(node)->rowexpr;
    case T_RangeTableFuncCol:
      walk(as<RangeTableFuncCol>(node)->colexpr);
      return as<RangeTableFuncCol>(node)->coldefexpr;
    case T_RangeTableSample:
      walk(as<RangeTableSample>(node)->relation);
      walk(as<RangeTableSample>(node)->args);
      return as<RangeTableSample>(node)->repeatable;
    case T_ColumnDef:
      walk(as<ColumnDef>(node)->constraints);
      return as<ColumnDef>(node)->raw_default;
    case T_Constraint:
      read(as<Constraint>(node)->pktable);
      walk(as<Constraint>(node)->where_clause);
      return as<Constraint>(node)->raw_expr;
    case T_TableLikeClause: read(as<TableLikeClause>(node)->relation); return nullptr;
    case T_PartitionCmd: write(as<PartitionCmd>(node)->name); return nullptr;
    case T_AlterTableCmd: return as<AlterTableCmd>(node)->def;
    case T_IndexElem: return as<IndexElem>(node)->expr;
    case T_ReturnStmt: return as<ReturnStmt>(node)->returnval;
    default: return nullptr;  // names, constants, types, options
  }
}

bool TreeWalker::is_new(std::string key) { return seen_.insert(std::move(key)).second; }

void TreeWalker::add_table(std::vector<TableName>& tables, TableName table, char list) {
  std::string key(1, list);
  key.append(table.schema).append(1, '\0').append(table.name);
  if (is_new(std::move(key))) tables.push_back(std::move(table));
}

void TreeWalker::read(const RangeVar* table) {
  if (!table || !table->relname || (!table->schemaname && is_cte(table->relname)) || is_super_column(table)) return;
  add_table(out_.reads, {std::string(text_of(table->schemaname)), table->relname}, 'r');
}

/// FROM customers c, c.orders o, o.items: PostgreSQL would read tables of the schemas c and o, Redshift unnests columns. Only what is
/// declared is such a column: an alias must not hide a table.
bool TreeWalker::is_super_column(const RangeVar* item) {
  if (!declarations_ || declarations_->super_columns.empty()) return false;
  bool is = false;
  if (item->schemaname) {
    const auto of = std::find_if(from_items_.rbegin(), from_items_.rend(), [&](const FromItem& one) { return one.name == item->schemaname; });
    is = of != from_items_.rend() &&
         (!of->table || declarations_->is_super(text_of(of->table->schemaname), of->table->relname, item->relname));
  }
  from_items_.push_back({text_of(item->alias ? item->alias->aliasname : item->relname), is ? nullptr : item});
  return is;
}

void TreeWalker::write(const RangeVar* table) {
  if (table && table->relname) write(TableName{std::string(text_of(table->schemaname)), table->relname});
}

void TreeWalker::write(TableName table) {
  read_only_ = false;
  // An UPDATE of this view is a SET.
  if (table.name == "pg_settings") out_.effects |= bit(Effect::unknown_settings);
  add_table(out_.writes, std::move(table), 'w');
}

void TreeWalker::create(const RangeVar* object, bool dropped_on_commit) {
  write(object);
  if (!object || !object->relname) return;
  const bool named_temporary = object->relname[0] == '#';  // to Redshift
  if (object->relpersistence != RELPERSISTENCE_TEMP && !named_temporary && !is_temporary_schema(text_of(object->schemaname))) return;
  out_.effects |= bit(dropped_on_commit ? Effect::dropped_on_commit : Effect::temp_table);
  out_.object = object->relname;
}

}  // namespace pgswitch::rules
