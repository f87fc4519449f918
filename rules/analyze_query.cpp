// TreeWalker over queries: SELECT and DML, and the scopes of their WITH clauses.
#include <algorithm>

#include "rules/analyze_walk.hpp"

namespace pgswitch::rules {
namespace {

bool is_dml(const Node* node) {
  if (!node) return false;
  const NodeTag tag = nodeTag(node);
  return tag == T_InsertStmt || tag == T_UpdateStmt || tag == T_DeleteStmt || tag == T_MergeStmt;
}

/// LIMIT ALL and LIMIT NULL are none.
bool limits(const Node* count) { return count && !(nodeTag(count) == T_A_Const && as<A_Const>(count)->isnull); }

/// SELECT f(), g(): each is called once.
bool runs_once(const SelectStmt* s) {
  return !s->fromClause && !s->whereClause && !s->groupClause && !s->havingClause && !s->valuesLists &&
         !s->distinctClause && !s->limitCount && !s->limitOffset && s->op == SETOP_NONE && !s->withClause;
}

}  // namespace

void TreeWalker::walk_statement(const Node* node) {
  if (!node || nodeTag(node) != T_SelectStmt) return walk(node);
  const auto* s = as<SelectStmt>(node);
  out_.limit = limits(s->limitCount);
  if (!runs_once(s)) return walk(node);
  into(s->intoClause);
  for (const Node* target : NodeList(s->targetList)) {
    const Node* value = nodeTag(target) == T_ResTarget ? as<ResTarget>(target)->val : nullptr;
    if (value && nodeTag(value) == T_FuncCall) sure_call_ = as<FuncCall>(value);
    walk(target);
  }
  sure_call_ = nullptr;
  select_tail(s);
}

/// A chain of UNIONs leans to the left, as deep as it is long. Each member's WITH is seen by its own members only.
void TreeWalker::select(const SelectStmt* top) {
  struct Level {
    const SelectStmt* select;
    std::size_t mark;
  };
  std::vector<Level> levels;
  const SelectStmt* s = top;
  for (; s->op != SETOP_NONE && s->larg; s = s->larg) levels.push_back({s, enter_with(s->withClause)});
  const std::size_t mark = enter_with(s->withClause);
  select_body(s);
  leave_with(mark);
  for (auto level = levels.rbegin(); level != levels.rend() && !over_limit_; ++level) {
    walk(reinterpret_cast<const Node*>(level->select->rarg));
    select_tail(level->select);
    leave_with(level->mark);
  }
}

void TreeWalker::select_body(const SelectStmt* s) {
  const std::size_t outer_items = from_items_.size();
  into(s->intoClause);
  out_.distinct |= s->distinctClause != nullptr;
  out_.group_by |= s->groupClause != nullptr;
  for (const Node* node : NodeList(s->distinctClause)) walk(node);  // DISTINCT alone is a list of one null
  walk(s->targetList);
  from_list(s->fromClause);
  walk(s->whereClause);
  walk(s->groupClause);
  walk(s->havingClause);
  walk(s->windowClause);
  walk(s->valuesLists);
  select_tail(s);
  from_items_.resize(outer_items);
}

/// The clauses that may also follow a UNION.
void TreeWalker::select_tail(const SelectStmt* s) {
  walk(s->sortClause);
  walk(s->limitOffset);
  walk(s->limitCount);
  if (!s->lockingClause) return;
  out_.for_update = true;
  read_only_ = false;
}

void TreeWalker::into(const IntoClause* into) {
  if (into) create(into->rel, into->onCommit == ONCOMMIT_DROP);
}

void TreeWalker::from_list(const List* items) {
  if (length(items) > 1) out_.joins = static_cast<std::uint16_t>(out_.joins + length(items) - 1);
  walk(items);
}

void TreeWalker::window(const WindowDef* w) {
  walk(w->partitionClause);
  walk(w->orderClause);
  walk(w->startOffset);
  walk(w->endOffset);
}

void TreeWalker::insert(const InsertStmt* stmt) {
  const std::size_t mark = enter_with(stmt->withClause);
  write(stmt->relation);
  walk(stmt->cols);
  walk(stmt->selectStmt);
  if (const OnConflictClause* conflict = stmt->onConflictClause) {
    if (conflict->infer) {
      walk(conflict->infer->indexElems);
      walk(conflict->infer->whereClause);
    }
    walk(conflict->targetList);
    walk(conflict->whereClause);
  }
  out_.returning |= stmt->returningList != nullptr;
  walk(stmt->returningList);
  leave_with(mark);
}

void TreeWalker::update(const UpdateStmt* stmt) {
  const std::size_t mark = enter_with(stmt->withClause);
  write(stmt->relation);
  walk(stmt->targetList);
  out_.joins = static_cast<std::uint16_t>(out_.joins + length(stmt->fromClause));
  walk(stmt->fromClause);
  walk(stmt->whereClause);
  out_.returning |= stmt->returningList != nullptr;
  walk(stmt->returningList);
  leave_with(mark);
}

void TreeWalker::delete_(const DeleteStmt* stmt) {
  const std::size_t mark = enter_with(stmt->withClause);
  write(stmt->relation);
  out_.joins = static_cast<std::uint16_t>(out_.joins + length(stmt->usingClause));
  walk(stmt->usingClause);
  walk(stmt->whereClause);
  out_.returning |= stmt->returningList != nullptr;
  walk(stmt->returningList);
  leave_with(mark);
}

void TreeWalker::merge(const MergeStmt* stmt) {
  const std::size_t mark = enter_with(stmt->withClause);
  write(stmt->relation);
  ++out_.joins;
  walk(stmt->sourceRelation);
  walk(stmt->joinCondition);
  for (const Node* node : NodeList(stmt->mergeWhenClauses)) {
    const auto* when = as<MergeWhenClause>(node);
    walk(when->condition);
    walk(when->targetList);
    walk(when->values);
  }
  leave_with(mark);
}

/// WITH: a query sees the ones before it; in WITH RECURSIVE all see each other.
std::size_t TreeWalker::enter_with(const WithClause* with) {
  const std::size_t mark = cte_stack_.size();
  if (!with) return mark;
  if (with->recursive) {
    for (const Node* node : NodeList(with->ctes)) show_cte(as<CommonTableExpr>(node));
  }
  for (const Node* node : NodeList(with->ctes)) {
    const auto* cte = as<CommonTableExpr>(node);
    out_.modifying_cte |= is_dml(cte->ctequery);
    walk(cte->ctequery);
    if (!with->recursive) show_cte(cte);
  }
  return mark;
}

void TreeWalker::show_cte(const CommonTableExpr* cte) {
  cte_stack_.push_back(text_of(cte->ctename));
  ++visible_[cte_stack_.back()];
}

void TreeWalker::leave_with(std::size_t mark) {
  while (cte_stack_.size() > mark) {
    --visible_[cte_stack_.back()];
    cte_stack_.pop_back();
  }
}

bool TreeWalker::is_cte(std::string_view name) const {
  const auto at = visible_.find(name);
  return at != visible_.end() && at->second > 0;
}

}  // namespace pgswitch::rules
