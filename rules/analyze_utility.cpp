#include "rules/analyze_utility.hpp"

#include "rules/analyze_variables.hpp"
#include "rules/temporary.hpp"

namespace pgswitch::rules {
namespace {

bool option_is_on(const List* options, std::string_view name) {
  bool on = false;
  for (const Node* node : NodeList(options)) {
    const auto* option = as<DefElem>(node);
    if (text_of(option->defname) != name) continue;
    if (!option->arg) {
      on = true;
      continue;
    }
    const std::string word = nodeTag(option->arg) == T_Integer ? std::to_string(as<Integer>(option->arg)->ival)
                             : nodeTag(option->arg) == T_Boolean ? (as<Boolean>(option->arg)->boolval ? "on" : "off")
                                                                 : lower_name(string_of(option->arg));
    on = word == "true" || word == "on" || word == "1";
  }
  return on;
}

/// EXECUTE as a part of `query`, wherever the grammar has it. nullptr: there is none.
const ExecuteStmt* note_executed(const Node* query, Statement& out) {
  if (query && nodeTag(query) == T_CreateTableAsStmt) query = as<CreateTableAsStmt>(query)->query;
  if (!query || nodeTag(query) != T_ExecuteStmt) return nullptr;
  out.prepared = text_of(as<ExecuteStmt>(query)->name);
  return as<ExecuteStmt>(query);
}

/// Values of options may be literals: ANALYZE 1, ANALYZE 'off'.
bool have_values(const List* options) {
  bool found = false;
  for (const Node* node : NodeList(options)) found |= as<DefElem>(node)->arg != nullptr;
  return found;
}

/// Without ANALYZE nothing is run: nothing is changed and nothing has an effect. Only the values that EXECUTE is given are evaluated.
void explain(const ExplainStmt* s, std::string_view text, TreeWalker& w, Statement& out) {
  out.literal_sensitive = have_values(s->options);
  if (option_is_on(s->options, "analyze")) {
    describe(s->query, text, w, out);
    out.kind = Kind::explain;
    out.command = "EXPLAIN";
    return;
  }
  const Node* query = s->query;
  if (const ExecuteStmt* executed = note_executed(query, out)) w.walk(executed->params);
  out.read_only = w.read_only();
  if (query && nodeTag(query) == T_DeclareCursorStmt) query = as<DeclareCursorStmt>(query)->query;
  if (query && nodeTag(query) == T_CreateTableAsStmt) {
    w.write(as<CreateTableAsStmt>(query)->into->rel);
    query = as<CreateTableAsStmt>(query)->query;
  }
  w.walk_stored(query);
}

/// The prepared query may set a variable each time it is executed.
void prepare(const PrepareStmt* s, TreeWalker& w, Statement& out) {
  out.object = out.prepared = text_of(s->name);
  w.walk(s->query);
  if (has(out.effects, Effect::set_variable)) out.effects |= bit(Effect::unknown_settings);
  out.effects &= ~bit(Effect::set_variable);
  out.effects |= bit(Effect::prepare);
  out.variables.clear();
}

void declare_cursor(const DeclareCursorStmt* s, TreeWalker& w, Statement& out) {
  out.object = text_of(s->portalname);
  if (s->options & CURSOR_OPT_HOLD) out.effects |= bit(Effect::hold_cursor);
  w.walk(s->query);
}

void copy(const CopyStmt* s, TreeWalker& w, Statement& out) {
  out.literal_sensitive = true;
  if (s->is_from) {
    w.write(s->relation);
  } else {
    w.read(s->relation);
  }
  w.walk(s->query);
  w.walk(s->whereClause);
  if (s->filename || s->is_program) w.forbid_read_only();  // the server's file system
}

void create_table_as(const CreateTableAsStmt* s, TreeWalker& w, Statement& out) {
  w.create(s->into->rel, s->into->onCommit == ONCOMMIT_DROP);
  note_executed(s->query, out);
  w.walk(s->query);
}

void create_table(const CreateStmt* s, TreeWalker& w) {
  w.create(s->relation, s->oncommit == ONCOMMIT_DROP);
  w.walk(s->inhRelations);
  w.walk_stored(s->tableElts);
  w.walk_stored(s->constraints);
}

void create_view(const ViewStmt* s, TreeWalker& w) {
  w.create(s->view);
  w.walk_stored(s->query);
}

void create_function(const CreateFunctionStmt* s, TreeWalker& w) {
  for (const Node* parameter : NodeList(s->parameters)) w.walk_stored(as<FunctionParameter>(parameter)->defexpr);
  w.walk_stored(s->sql_body);
}

void create_rule(const RuleStmt* s, TreeWalker& w) {
  w.write(s->relation);
  w.walk_stored(s->whereClause);
  w.walk_stored(s->actions);
}

TableName dotted_name(const List* parts) {
  TableName table;
  for (const Node* part : NodeList(parts)) {
    table.schema = std::move(table.name);
    table.name = string_of(part);
  }
  return table;
}

/// Of what belongs to a table, named as schema.table.trigger.
TableName table_of(const List* parts) {
  List table = *parts;
  table.length -= table.length > 0;
  return dotted_name(&table);
}

bool belongs_to_relation(ObjectType type) {
  return type == OBJECT_TRIGGER || type == OBJECT_RULE || type == OBJECT_POLICY || type == OBJECT_COLUMN || type == OBJECT_TABCONSTRAINT;
}

bool is_relation(ObjectType type) {
  return type == OBJECT_TABLE || type == OBJECT_VIEW || type == OBJECT_MATVIEW || type == OBJECT_SEQUENCE ||
         type == OBJECT_FOREIGN_TABLE;
}

/// An object of that type is changed: which table that is, if any.
void about(ObjectType type, const List* name, TreeWalker& w) {
  if (is_relation(type)) w.write(dotted_name(name));
  if (belongs_to_relation(type)) w.write(table_of(name));
}

void drop(const DropStmt* s, TreeWalker& w) {
  for (const Node* object : NodeList(s->objects)) {
    if (!object || nodeTag(object) != T_List) continue;
    about(s->removeType, as<List>(object), w);
  }
}

void about(ObjectType type, const Node* name, TreeWalker& w) {
  if (name && nodeTag(name) == T_List) about(type, as<List>(name), w);
}

/// An index and a composite type are no tables.
void alter_table(const AlterTableStmt* s, TreeWalker& w) {
  if (s->objtype == OBJECT_INDEX || s->objtype == OBJECT_TYPE) return;
  w.write(s->relation);
  w.walk_stored(s->cmds);
}

void rename(const RenameStmt* s, TreeWalker& w) {
  if (s->renameType != OBJECT_INDEX && s->renameType != OBJECT_ATTRIBUTE) w.write(s->relation);
}

void create_trigger(const CreateTrigStmt* s, TreeWalker& w) {
  w.write(s->relation);
  w.read(s->constrrel);
  w.walk_stored(s->whenClause);
}

/// CREATE PUBLICATION and ALTER PUBLICATION: the tables that are named one by one.
template <class Publication>
void publication(const Publication* s, TreeWalker& w) {
  for (const Node* object : NodeList(s->pubobjects)) {
    const PublicationTable* const table = as<PublicationObjSpec>(object)->pubtable;
    if (table == nullptr) continue;
    w.read(table->relation);
    w.walk_stored(table->whereClause);
  }
}

void create_statistics(const CreateStatsStmt* s, TreeWalker& w) {
  w.walk(s->relations);
  for (const Node* element : NodeList(s->exprs)) w.walk_stored(as<StatsElem>(element)->expr);
}

/// CREATE POLICY and ALTER POLICY.
template <class Policy>
void policy(const Policy* s, TreeWalker& w) {
  w.write(s->table);
  w.walk_stored(s->qual);
  w.walk_stored(s->with_check);
}

void write_all(const List* tables, TreeWalker& w) {
  for (const Node* node : NodeList(tables)) {
    if (nodeTag(node) == T_RangeVar) w.write(as<RangeVar>(node));
    if (nodeTag(node) == T_VacuumRelation) w.write(as<VacuumRelation>(node)->relation);
  }
}

void discard(const DiscardStmt* s, Statement& out) {
  switch (s->target) {
    case DISCARD_ALL: out.effects |= bit(Effect::discard_all); return;
    case DISCARD_PLANS: out.effects |= bit(Effect::discard_plans); return;
    case DISCARD_TEMP: out.effects |= bit(Effect::discard_temp); return;
    case DISCARD_SEQUENCES: return;
  }
}

void transaction(const TransactionStmt* s, Statement& out) {
  out.literal_sensitive = s->gid != nullptr;
  out.object = s->gid ? text_of(s->gid) : text_of(s->savepoint_name);
}

/// A named object, or all of them.
void one_or_all(const char* name, Effect one, Effect all, Statement& out) {
  out.effects |= bit(name ? one : all);
  out.object = text_of(name);
}

/// Statements about the session. False when `n` is none of them.
bool describe_session(const Node* n, std::string_view text, TreeWalker& w, Statement& out) {
  switch (nodeTag(n)) {
    case T_TransactionStmt: transaction(as<TransactionStmt>(n), out); return true;
    case T_VariableSetStmt: note_variable_set(as<VariableSetStmt>(n), text, out); return true;
    case T_VariableShowStmt: out.object = text_of(as<VariableShowStmt>(n)->name); return true;
    case T_DiscardStmt: discard(as<DiscardStmt>(n), out); return true;
    case T_PrepareStmt: prepare(as<PrepareStmt>(n), w, out); return true;
    case T_ExecuteStmt:
      out.object = out.prepared = text_of(as<ExecuteStmt>(n)->name);
      w.walk(as<ExecuteStmt>(n)->params);
      return true;
    case T_DeallocateStmt:
      one_or_all(as<DeallocateStmt>(n)->name, Effect::deallocate, Effect::deallocate_all, out);
      out.prepared = out.object;
      return true;
    case T_DeclareCursorStmt: declare_cursor(as<DeclareCursorStmt>(n), w, out); return true;
    case T_FetchStmt: out.object = text_of(as<FetchStmt>(n)->portalname); return true;
    case T_ClosePortalStmt:
      one_or_all(as<ClosePortalStmt>(n)->portalname, Effect::close_cursor, Effect::close_all_cursors, out);
      return true;
    case T_ListenStmt: one_or_all(as<ListenStmt>(n)->conditionname, Effect::listen, Effect::listen, out); return true;
    case T_UnlistenStmt:
      one_or_all(as<UnlistenStmt>(n)->conditionname, Effect::unlisten, Effect::unlisten_all, out);
      return true;
    case T_NotifyStmt: out.object = text_of(as<NotifyStmt>(n)->conditionname); return true;
    case T_CallStmt:
      out.effects |= bit(Effect::unknown_settings);
      w.walk(reinterpret_cast<const Node*>(as<CallStmt>(n)->funccall));
      return true;
    case T_DoStmt: out.effects |= bit(Effect::unknown_settings); return true;
    case T_LockStmt: write_all(as<LockStmt>(n)->relations, w); return true;
    default: return false;
  }
}

void describe_definition(const Node* n, TreeWalker& w, Statement& out);

/// What is made with a schema is made in it.
void create_schema(const CreateSchemaStmt* s, TreeWalker& w, Statement& out) {
  for (const Node* element : NodeList(s->schemaElts)) describe_definition(element, w, out);
  for (TableName& made : out.writes) {
    if (made.schema.empty()) made.schema = text_of(s->schemaname);
  }
}

/// Everything of Kind::utility. What is in no case names no table.
void describe_definition(const Node* n, TreeWalker& w, Statement& out) {
  switch (nodeTag(n)) {
    case T_CreateStmt: create_table(as<CreateStmt>(n), w); return;
    case T_CreateForeignTableStmt: create_table(&as<CreateForeignTableStmt>(n)->base, w); return;
    case T_CreateTableAsStmt: create_table_as(as<CreateTableAsStmt>(n), w, out); return;
    case T_ViewStmt: create_view(as<ViewStmt>(n), w); return;
    case T_CreateSeqStmt: w.create(as<CreateSeqStmt>(n)->sequence); return;
    case T_AlterSeqStmt: w.write(as<AlterSeqStmt>(n)->sequence); return;
    case T_CreateFunctionStmt: create_function(as<CreateFunctionStmt>(n), w); return;
    case T_RuleStmt: create_rule(as<RuleStmt>(n), w); return;
    case T_AlterTableStmt: alter_table(as<AlterTableStmt>(n), w); return;
    case T_RenameStmt: rename(as<RenameStmt>(n), w); return;
    case T_AlterObjectSchemaStmt: w.write(as<AlterObjectSchemaStmt>(n)->relation); return;
    case T_AlterObjectDependsStmt: w.write(as<AlterObjectDependsStmt>(n)->relation); return;
    case T_AlterOwnerStmt: w.write(as<AlterOwnerStmt>(n)->relation); return;
    case T_DropStmt: drop(as<DropStmt>(n), w); return;
    case T_TruncateStmt: write_all(as<TruncateStmt>(n)->relations, w); return;
    case T_VacuumStmt: write_all(as<VacuumStmt>(n)->rels, w); return;
    case T_ClusterStmt: w.write(as<ClusterStmt>(n)->relation); return;
    case T_ReindexStmt:
      if (as<ReindexStmt>(n)->kind == REINDEX_OBJECT_TABLE) w.write(as<ReindexStmt>(n)->relation);
      return;
    case T_RefreshMatViewStmt: w.write(as<RefreshMatViewStmt>(n)->relation); return;
    case T_IndexStmt:
      w.write(as<IndexStmt>(n)->relation);
      w.walk_stored(as<IndexStmt>(n)->indexParams);
      w.walk_stored(as<IndexStmt>(n)->whereClause);
      return;
    case T_CreateTrigStmt: create_trigger(as<CreateTrigStmt>(n), w); return;
    case T_CreatePolicyStmt: policy(as<CreatePolicyStmt>(n), w); return;
    case T_AlterPolicyStmt: policy(as<AlterPolicyStmt>(n), w); return;
    case T_CreateStatsStmt: create_statistics(as<CreateStatsStmt>(n), w); return;
    case T_CreatePublicationStmt: publication(as<CreatePublicationStmt>(n), w); return;
    case T_AlterPublicationStmt: publication(as<AlterPublicationStmt>(n), w); return;
    case T_CreateDomainStmt: w.walk_stored(as<CreateDomainStmt>(n)->constraints); return;
    case T_AlterDomainStmt: w.walk_stored(as<AlterDomainStmt>(n)->def); return;
    case T_CommentStmt: about(as<CommentStmt>(n)->objtype, as<CommentStmt>(n)->object, w); return;
    case T_SecLabelStmt: about(as<SecLabelStmt>(n)->objtype, as<SecLabelStmt>(n)->object, w); return;
    case T_GrantStmt:
      if (as<GrantStmt>(n)->objtype == OBJECT_TABLE || as<GrantStmt>(n)->objtype == OBJECT_SEQUENCE) {
        write_all(as<GrantStmt>(n)->objects, w);
      }
      return;
    case T_LoadStmt: out.effects |= bit(Effect::unknown_settings); return;
    case T_CreateSchemaStmt: create_schema(as<CreateSchemaStmt>(n), w, out); return;
    default: return;
  }
}

/// By kind: queries, COPY and EXPLAIN first, then what concerns the session, then definitions.
void describe_by_kind(const Node* stmt, std::string_view text, TreeWalker& walker, Statement& out) {
  switch (out.kind) {
    case Kind::select:
    case Kind::insert:
    case Kind::update:
    case Kind::delete_:
    case Kind::merge: walker.walk_statement(stmt); return;
    case Kind::explain: explain(as<ExplainStmt>(stmt), text, walker, out); return;
    case Kind::copy_in:
    case Kind::copy_out: copy(as<CopyStmt>(stmt), walker, out); return;
    default: break;
  }
  if (describe_session(stmt, text, walker, out)) return;
  out.literal_sensitive = true;
  describe_definition(stmt, walker, out);
  if (!has(out.effects, Effect::dropped_on_commit) && defines_temporary(text)) out.effects |= bit(Effect::temp_table);
}

}  // namespace

void describe(const Node* stmt, std::string_view text, TreeWalker& walker, Statement& out) {
  const Kind kind = kind_of(stmt);
  out.kind = kind;
  out.command = command_name(stmt);
  describe_by_kind(stmt, text, walker, out);
  if (kind != Kind::explain) out.read_only = is_reader(kind) && walker.read_only();
}

}  // namespace pgswitch::rules
