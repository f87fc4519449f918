#include "rules/query_map.hpp"

#include <algorithm>

namespace pgswitch::rules {
namespace {

constexpr std::uint32_t deepest = 5000;  // chains of UNION and of operators lean to the left, as deep as they are long

}  // namespace

struct QueryMap::Deeper {
  explicit Deeper(QueryMap& m) : map(m), ok(++m.depth_ <= deepest) {
    if (!ok) map.gap_ = "it is nested too deeply";
  }
  ~Deeper() { --map.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  QueryMap& map;
  bool ok;
};

/// One query with the WITH queries that it sees.
struct QueryMap::Scope {
  Scope(QueryMap& m, const QueryLevel* outer) : map(m), before(m.level_), ctes(m.ctes_.size()) {
    map.levels_.push_back({outer, {}});
    map.level_ = &map.levels_.back();
  }
  ~Scope() {
    map.level_ = before;
    map.ctes_.resize(ctes);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  QueryMap& map;
  QueryLevel* before;
  std::size_t ctes;
};

QueryMap::QueryMap(const Node* node) {
  levels_.emplace_back();
  level_ = &levels_.back();
  statement(node);
}

std::size_t QueryMap::items() const {
  std::size_t count = 0;
  for (const QueryLevel& level : levels_) count += level.items.size();
  return count;
}

std::size_t QueryMap::lookups() const {
  std::size_t count = columns_.size() * items();
  for (const SelectStmt* s : selects_) count += (length(s->sortClause) + length(s->distinctClause)) * length(s->targetList);
  return count;
}

void QueryMap::statement(const Node* node) {
  if (!node) return;
  switch (nodeTag(node)) {
    case T_SelectStmt: query_ = as<SelectStmt>(node); return walk(node);
    case T_InsertStmt:
    case T_UpdateStmt:
    case T_DeleteStmt:
    case T_MergeStmt: return walk(node);
    case T_ExplainStmt: return statement(as<ExplainStmt>(node)->query);
    case T_PrepareStmt: return statement(as<PrepareStmt>(node)->query);
    case T_DeclareCursorStmt: return statement(as<DeclareCursorStmt>(node)->query);
    case T_ExecuteStmt: return walk(as<ExecuteStmt>(node)->params);
    case T_CreateTableAsStmt:
      if (as<CreateTableAsStmt>(node)->objtype == OBJECT_MATVIEW) break;  // it stores its query
      target(as<CreateTableAsStmt>(node)->into->rel, TableRole::create, nullptr);
      return statement(as<CreateTableAsStmt>(node)->query);
    case T_CopyStmt:
      whole(as<CopyStmt>(node)->relation);
      walk(as<CopyStmt>(node)->whereClause);
      return statement(as<CopyStmt>(node)->query);
    case T_TruncateStmt: return whole(as<TruncateStmt>(node)->relations);
    case T_LockStmt: return whole(as<LockStmt>(node)->relations);
    case T_VacuumStmt: return whole(as<VacuumStmt>(node)->rels);
    default: break;
  }
  opaque_ = true;
}

void QueryMap::walk(const Node* node) {
  if (!node || !gap_.empty()) return;
  const Deeper deeper(*this);
  if (deeper.ok) step(node);
}

void QueryMap::walk(const List* list) {
  for (const Node* node : NodeList(list)) walk(node);
}

void QueryMap::walk_sorted(const Node* node) {
  if (node && nodeTag(node) == T_A_Const) has_places_ = true;
  else walk(node);
}

void QueryMap::walk_sorted(const List* list) {
  for (const Node* node : NodeList(list)) walk_sorted(node);
}

void QueryMap::step(const Node* node) {
  switch (nodeTag(node)) {
    case T_SelectStmt: return select(as<SelectStmt>(node));
    case T_InsertStmt: return insert(as<InsertStmt>(node));
    case T_UpdateStmt: return update(as<UpdateStmt>(node));
    case T_DeleteStmt: return delete_(as<DeleteStmt>(node));
    case T_MergeStmt: return merge(as<MergeStmt>(node));
    case T_List: return walk(as<List>(node));
    case T_FuncCall: return function(as<FuncCall>(node));
    case T_ColumnRef:
      columns_.push_back({as<ColumnRef>(node), level_});
      if (length(as<ColumnRef>(node)->fields) > 1) called_as_column(as<ColumnRef>(node)->fields);
      return;
    case T_TypeName:
      types_.push_back(as<TypeName>(node));
      return;
    case T_WindowDef: return window(as<WindowDef>(node));
    case T_A_Const: constants_.push_back(as<A_Const>(node)); return;
    case T_A_Star:
    case T_ParamRef:
    case T_SetToDefault:
    case T_CurrentOfExpr:
    case T_SQLValueFunction:
    case T_Integer:
    case T_Float:
    case T_Boolean:
    case T_String:
    case T_BitString: return;
    default: break;
  }
  if (!step_expression(node) && !step_item(node)) gap_ = "it holds something unknown (node " + std::to_string(nodeTag(node)) + ")";
}

bool QueryMap::step_expression(const Node* node) {
  switch (nodeTag(node)) {
    case T_A_Expr: walk(as<A_Expr>(node)->lexpr); walk(as<A_Expr>(node)->rexpr); return true;
    case T_BoolExpr: walk(as<BoolExpr>(node)->args); return true;
    case T_TypeCast:
      walk(as<TypeCast>(node)->arg);
      walk(reinterpret_cast<const Node*>(as<TypeCast>(node)->typeName));
      return true;
    case T_CollateClause: walk(as<CollateClause>(node)->arg); return true;
    case T_NullTest: walk(node_of(as<NullTest>(node)->arg)); return true;
    case T_BooleanTest: walk(node_of(as<BooleanTest>(node)->arg)); return true;
    case T_NamedArgExpr: walk(node_of(as<NamedArgExpr>(node)->arg)); return true;
    case T_A_Indirection:
      called_as_column(as<A_Indirection>(node)->indirection);
      walk(as<A_Indirection>(node)->indirection);
      walk(as<A_Indirection>(node)->arg);
      return true;
    case T_A_Indices: walk(as<A_Indices>(node)->lidx); walk(as<A_Indices>(node)->uidx); return true;
    case T_A_ArrayExpr: walk(as<A_ArrayExpr>(node)->elements); return true;
    case T_RowExpr: walk(as<RowExpr>(node)->args); return true;
    case T_CaseExpr:
      walk(node_of(as<CaseExpr>(node)->arg));
      walk(as<CaseExpr>(node)->args);
      walk(node_of(as<CaseExpr>(node)->defresult));
      return true;
    case T_CaseWhen: walk(node_of(as<CaseWhen>(node)->expr)); walk(node_of(as<CaseWhen>(node)->result)); return true;
    case T_CoalesceExpr: walk(as<CoalesceExpr>(node)->args); return true;
    case T_MinMaxExpr: walk(as<MinMaxExpr>(node)->args); return true;
    case T_SubLink: walk(as<SubLink>(node)->testexpr); subquery(as<SubLink>(node)->subselect, true); return true;
    case T_ResTarget: walk(as<ResTarget>(node)->indirection); walk(as<ResTarget>(node)->val); return true;
    case T_SortBy: walk_sorted(as<SortBy>(node)->node); return true;
    case T_MultiAssignRef:  // (a, b) = source: each column points to the one source
      if (as<MultiAssignRef>(node)->colno == 1) walk(as<MultiAssignRef>(node)->source);
      return true;
    case T_GroupingSet: walk_sorted(as<GroupingSet>(node)->content); return true;
    case T_GroupingFunc: walk(as<GroupingFunc>(node)->args); return true;
    case T_XmlExpr: walk(as<XmlExpr>(node)->named_args); walk(as<XmlExpr>(node)->args); return true;
    case T_XmlSerialize: walk(as<XmlSerialize>(node)->expr); return true;
    default: return false;
  }
}

/// What stands in FROM.
bool QueryMap::step_item(const Node* node) {
  switch (nodeTag(node)) {
    case T_RangeVar: range_table(as<RangeVar>(node), false); return true;
    case T_RangeTableSample: {
      const auto* sample = as<RangeTableSample>(node);
      if (!sample->relation || nodeTag(sample->relation) != T_RangeVar) return false;
      range_table(as<RangeVar>(sample->relation), true);
      walk(sample->args);
      walk(sample->repeatable);
      return true;
    }
    case T_JoinExpr:
      joins_.push_back(as<JoinExpr>(node));
      walk(as<JoinExpr>(node)->larg);
      walk(as<JoinExpr>(node)->rarg);
      add_item(as<JoinExpr>(node)->alias);
      add_item(as<JoinExpr>(node)->join_using_alias);
      walk(as<JoinExpr>(node)->quals);
      return true;
    case T_RangeSubselect:
      add_item(as<RangeSubselect>(node)->alias);
      subquery(as<RangeSubselect>(node)->subquery, as<RangeSubselect>(node)->lateral);
      return true;
    case T_RangeFunction:
      add_item(as<RangeFunction>(node)->alias);
      for (const Node* one : NodeList(as<RangeFunction>(node)->functions)) {
        const Node* call = nodeTag(one) == T_List ? first(as<List>(one)) : one;
        if (!as<RangeFunction>(node)->alias && call && nodeTag(call) == T_FuncCall) {
          const List* name = as<FuncCall>(call)->funcname;
          add_item(string_of(static_cast<const Node*>(name->elements[name->length - 1].ptr_value)));
        }
        walk(call);
      }
      return true;
    case T_RangeTableFunc:
      add_item(as<RangeTableFunc>(node)->alias);
      walk(as<RangeTableFunc>(node)->docexpr);
      walk(as<RangeTableFunc>(node)->rowexpr);
      walk(as<RangeTableFunc>(node)->namespaces);
      walk(as<RangeTableFunc>(node)->columns);
      return true;
    case T_RangeTableFuncCol:
      walk(as<RangeTableFuncCol>(node)->colexpr);
      walk(as<RangeTableFuncCol>(node)->coldefexpr);
      return true;
    case T_IndexElem: walk(as<IndexElem>(node)->expr); return true;
    default: return false;
  }
}

void QueryMap::function(const FuncCall* call) {
  functions_.push_back(call);
  walk(call->args);
  walk(call->agg_order);
  walk(call->agg_filter);
  if (call->over) window(call->over);
}

void QueryMap::called_as_column(const List* names) {
  for (const Node* part : NodeList(names))
    if (nodeTag(part) == T_String) called_as_columns_.push_back(string_of(part));
}

void QueryMap::window(const WindowDef* w) {
  walk(w->partitionClause);
  walk(w->orderClause);
  walk(w->startOffset);
  walk(w->endOffset);
}

// ---- queries

/// A query inside the one that is walked. In FROM it sees its siblings only if it is LATERAL.
void QueryMap::subquery(const Node* query, bool sees_siblings) {
  if (sees_siblings) return walk(query);
  QueryLevel* const here = level_;
  levels_.push_back({here->outer, {}});
  level_ = &levels_.back();
  walk(query);
  level_ = here;
}

void QueryMap::with(const WithClause* clause) {
  if (!clause) return;
  if (clause->recursive)
    for (const Node* node : NodeList(clause->ctes)) ctes_.push_back(text_of(as<CommonTableExpr>(node)->ctename));
  for (const Node* node : NodeList(clause->ctes)) {
    const auto* cte = as<CommonTableExpr>(node);
    subquery(cte->ctequery, false);
    if (cte->cycle_clause) {
      walk(cte->cycle_clause->cycle_mark_value);
      walk(cte->cycle_clause->cycle_mark_default);
    }
    if (!clause->recursive) ctes_.push_back(text_of(cte->ctename));
  }
}

void QueryMap::select(const SelectStmt* s) {
  const Scope scope(*this, level_);
  with(s->withClause);
  if (s->op == SETOP_NONE) {
    select_body(s);
  } else {  // its members see its WITH queries, and nothing of each other
    QueryLevel* const own = level_;
    level_ = scope.before;
    walk(reinterpret_cast<const Node*>(s->larg));
    walk(reinterpret_cast<const Node*>(s->rarg));
    level_ = own;
  }
  walk(s->sortClause);
  walk(s->limitOffset);
  walk(s->limitCount);
}

void QueryMap::select_body(const SelectStmt* s) {
  selects_.push_back(s);
  if (s->intoClause) target(s->intoClause->rel, TableRole::create, nullptr);
  walk(s->fromClause);
  walk_sorted(s->distinctClause);  // DISTINCT alone is a list of one null
  walk(s->targetList);
  walk(s->whereClause);
  walk_sorted(s->groupClause);
  walk(s->havingClause);
  walk(s->windowClause);
  walk(s->valuesLists);
}

void QueryMap::insert(const InsertStmt* s) {
  const Scope scope(*this, level_);
  with(s->withClause);
  subquery(s->selectStmt, false);
  target(s->relation, TableRole::insert, reinterpret_cast<const Node*>(s));
  walk(s->cols);
  if (const OnConflictClause* conflict = s->onConflictClause) {
    add_item("excluded");
    if (conflict->infer) {
      walk(conflict->infer->indexElems);
      walk(conflict->infer->whereClause);
    }
    walk(conflict->targetList);
    walk(conflict->whereClause);
  }
  walk(s->returningList);
}

void QueryMap::update(const UpdateStmt* s) {
  const Scope scope(*this, level_);
  with(s->withClause);
  target(s->relation, TableRole::update, reinterpret_cast<const Node*>(s));
  walk(s->fromClause);
  walk(s->targetList);
  walk(s->whereClause);
  walk(s->returningList);
}

void QueryMap::delete_(const DeleteStmt* s) {
  const Scope scope(*this, level_);
  with(s->withClause);
  target(s->relation, TableRole::delete_, reinterpret_cast<const Node*>(s));
  walk(s->usingClause);
  walk(s->whereClause);
  walk(s->returningList);
}

void QueryMap::merge(const MergeStmt* s) {
  const Scope scope(*this, level_);
  with(s->withClause);
  target(s->relation, TableRole::merge, reinterpret_cast<const Node*>(s));
  walk(s->sourceRelation);
  walk(s->joinCondition);
  for (const Node* node : NodeList(s->mergeWhenClauses)) {
    const auto* when = as<MergeWhenClause>(node);
    walk(when->condition);
    walk(when->targetList);
    walk(when->values);
  }
}

// ---- names

bool QueryMap::is_cte(const RangeVar* var) const {
  return !var->schemaname && std::find(ctes_.begin(), ctes_.end(), text_of(var->relname)) != ctes_.end();
}

void QueryMap::range_table(const RangeVar* var, bool sampled) {
  const std::string_view name = text_of(var->alias ? var->alias->aliasname : var->relname);
  if (is_cte(var)) return add_item(name);
  level_->items.push_back({name, var});
  tables_.push_back({var, TableRole::from, level_, sampled, nullptr});
}

/// The target of a statement is never a WITH query.
void QueryMap::target(const RangeVar* var, TableRole role, const Node* of) {
  if (!var) return;
  if (role != TableRole::create) level_->items.push_back({text_of(var->alias ? var->alias->aliasname : var->relname), var});
  tables_.push_back({var, role, level_, false, of});
}

void QueryMap::whole(const RangeVar* var) {
  if (var) target(var, TableRole::whole, nullptr);
}

void QueryMap::whole(const List* vars) {
  for (const Node* node : NodeList(vars)) {
    if (nodeTag(node) == T_RangeVar) whole(as<RangeVar>(node));
    if (nodeTag(node) == T_VacuumRelation) whole(as<VacuumRelation>(node)->relation);
  }
}

void QueryMap::add_item(std::string_view name) { level_->items.push_back({name, nullptr}); }

void QueryMap::add_item(const Alias* alias) {
  if (alias) add_item(text_of(alias->aliasname));
}

}  // namespace pgswitch::rules
