// ParseTreeWriter: statements and their clauses.
#include "rules/parse_tree_writer.hpp"

#include "rules/quoting.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules {
namespace {

const ParseTree nothing;

}  // namespace

const ParseTree& field(const ParseTree& fields, const char* name) {
  if (!fields.is_object()) return nothing;
  const auto found = fields.find(name);
  return found == fields.end() ? nothing : *found;
}

std::string_view text_field(const ParseTree& fields, const char* name) {
  const ParseTree& value = field(fields, name);
  return value.is_string() ? std::string_view(value.get_ref<const std::string&>()) : std::string_view();
}

bool has_flag(const ParseTree& fields, const char* name) {
  const ParseTree& value = field(fields, name);
  return value.is_boolean() && value.get<bool>();
}

std::int64_t number_field(const ParseTree& fields, const char* name) {
  const ParseTree& value = field(fields, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : 0;
}

std::string_view last_name(const ParseTree& names) {
  return names.is_array() && !names.empty() ? text_field(fields_of(names.back()), "sval") : std::string_view();
}

std::string_view kind_of(const ParseTree& node) {
  return node.is_object() && node.size() == 1 ? std::string_view(node.begin().key()) : std::string_view();
}

const ParseTree& fields_of(const ParseTree& node) { return kind_of(node).empty() ? nothing : node.begin().value(); }

std::optional<std::string> ParseTreeWriter::write(const ParseTree& tree, std::string& error) {
  statement(tree);
  if (error_.empty()) return std::move(text_);
  error = std::move(error_);
  return std::nullopt;
}

void ParseTreeWriter::fail(std::string_view what) {
  if (error_.empty()) error_ = "the tree cannot be written: " + std::string(what);
}

void ParseTreeWriter::list(const ParseTree& nodes, Each each, std::string_view between) {
  if (!nodes.is_array()) return;
  bool first = true;
  for (const ParseTree& node : nodes) {
    if (!first) add(between);
    first = false;
    (this->*each)(node);
  }
}

void ParseTreeWriter::clause(std::string_view words, const ParseTree& nodes, Each each) {
  if (!nodes.is_array() || nodes.empty()) return;
  add(words);
  list(nodes, each);
}

void ParseTreeWriter::clause(std::string_view words, const ParseTree& node) {
  if (node.is_null()) return;
  add(words);
  operand(node);
}

void ParseTreeWriter::statement(const ParseTree& node) {
  const std::string_view kind = kind_of(node);
  const ParseTree& fields = fields_of(node);
  if (kind == "SelectStmt") return select(fields);
  if (kind == "InsertStmt") return insert(fields);
  if (kind == "UpdateStmt") return update(fields);
  if (kind == "DeleteStmt") return delete_(fields);
  if (kind == "MergeStmt") return merge(fields);
  if (kind.empty()) return fail("it has no statement");
  fail("a statement is a SelectStmt, InsertStmt, UpdateStmt, DeleteStmt or MergeStmt, not " + std::string(kind));
}

void ParseTreeWriter::select(const ParseTree& fields) {
  with(field(fields, "with_clause"));
  const std::string_view op = text_field(fields, "op");
  if (op.empty() || op == "SETOP_NONE") select_body(fields);
  else set_operation(fields);
  clause(" ORDER BY ", field(fields, "sort_clause"), &ParseTreeWriter::sort);
  limit(fields);
  if (field(fields, "locking_clause").is_array()) list(field(fields, "locking_clause"), &ParseTreeWriter::lock, "");
}

void ParseTreeWriter::select_body(const ParseTree& fields) {
  if (field(fields, "values_lists").is_array()) {
    add("VALUES ");
    return list(field(fields, "values_lists"), &ParseTreeWriter::values);
  }
  add("SELECT ");
  const ParseTree& distinct = field(fields, "distinct_clause");
  const bool on = distinct.is_array() && !distinct.empty() && !kind_of(distinct[0]).empty();
  if (on) {
    add("DISTINCT ON (");
    list(distinct, &ParseTreeWriter::expression);
    add(") ");
  } else if (distinct.is_array()) {
    add("DISTINCT ");
  }
  list(field(fields, "target_list"), &ParseTreeWriter::target);
  clause(" FROM ", field(fields, "from_clause"), &ParseTreeWriter::from);
  clause(" WHERE ", field(fields, "where_clause"));
  const bool once = has_flag(fields, "group_distinct");
  clause(once ? " GROUP BY DISTINCT " : " GROUP BY ", field(fields, "group_clause"), &ParseTreeWriter::expression);
  clause(" HAVING ", field(fields, "having_clause"));
  clause(" WINDOW ", field(fields, "window_clause"), &ParseTreeWriter::window);
}

void ParseTreeWriter::set_operation(const ParseTree& fields) {
  const std::string_view op = text_field(fields, "op");
  add("(");
  select(field(fields, "larg"));
  add(op == "SETOP_UNION" ? ") UNION " : op == "SETOP_INTERSECT" ? ") INTERSECT " : ") EXCEPT ");
  add(has_flag(fields, "all") ? "ALL (" : "(");
  select(field(fields, "rarg"));
  add(")");
}

void ParseTreeWriter::limit(const ParseTree& fields) {
  clause(" OFFSET ", field(fields, "limit_offset"));
  const ParseTree& count = field(fields, "limit_count");
  if (text_field(fields, "limit_option") != "LIMIT_OPTION_WITH_TIES") return clause(" LIMIT ", count);
  add(" FETCH FIRST (");
  expression(count);
  add(") ROWS WITH TIES");
}

void ParseTreeWriter::values(const ParseTree& node) {
  add("(");
  list(field(fields_of(node), "items"), &ParseTreeWriter::expression);
  add(")");
}

void ParseTreeWriter::target(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  expression(field(fields, "val"));
  const std::string_view name = text_field(fields, "name");
  if (!name.empty()) add(" AS " + quote_name(name));
}

/// Of INSERT and UPDATE.
void ParseTreeWriter::column(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  add(quote_name(text_field(fields, "name")));
  indirection(field(fields, "indirection"));
}

void ParseTreeWriter::sort(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  const std::string_view dir = text_field(fields, "sortby_dir"), nulls = text_field(fields, "sortby_nulls");
  operand(field(fields, "node"));
  if (dir == "SORTBY_ASC") add(" ASC");
  if (dir == "SORTBY_DESC") add(" DESC");
  if (dir == "SORTBY_USING") {
    add(" USING ");
    operator_name(field(fields, "use_op"));
  }
  if (nulls == "SORTBY_NULLS_FIRST") add(" NULLS FIRST");
  if (nulls == "SORTBY_NULLS_LAST") add(" NULLS LAST");
}

void ParseTreeWriter::lock(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  const std::string_view strength = text_field(fields, "strength"), wait = text_field(fields, "wait_policy");
  add(strength == "LCS_FORUPDATE"        ? " FOR UPDATE"
      : strength == "LCS_FORNOKEYUPDATE" ? " FOR NO KEY UPDATE"
      : strength == "LCS_FORSHARE"       ? " FOR SHARE"
                                         : " FOR KEY SHARE");
  clause(" OF ", field(fields, "locked_rels"), &ParseTreeWriter::from);
  if (wait == "LockWaitSkip") add(" SKIP LOCKED");
  if (wait == "LockWaitError") add(" NOWAIT");
}

void ParseTreeWriter::window(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  add(quote_name(text_field(fields, "name")) + " AS (");
  window_body(fields);
  add(")");
}

void ParseTreeWriter::with(const ParseTree& fields) {
  if (fields.is_null()) return;
  add(has_flag(fields, "recursive") ? "WITH RECURSIVE " : "WITH ");
  list(field(fields, "ctes"), &ParseTreeWriter::cte);
  add(" ");
}

void ParseTreeWriter::cte(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  add(quote_name(text_field(fields, "ctename")));
  if (field(fields, "aliascolnames").is_array()) {
    add(" (");
    list(field(fields, "aliascolnames"), &ParseTreeWriter::name);
    add(")");
  }
  const std::string_view how = text_field(fields, "ctematerialized");
  add(how == "CTEMaterializeAlways" ? " AS MATERIALIZED (" : how == "CTEMaterializeNever" ? " AS NOT MATERIALIZED (" : " AS (");
  statement(field(fields, "ctequery"));
  add(")");
}

void ParseTreeWriter::columns_and_override(const ParseTree& fields, const char* columns) {
  const std::string_view override = text_field(fields, "override");
  if (field(fields, columns).is_array()) {
    add(" (");
    list(field(fields, columns), &ParseTreeWriter::column);
    add(")");
  }
  if (override == "OVERRIDING_USER_VALUE") add(" OVERRIDING USER VALUE");
  if (override == "OVERRIDING_SYSTEM_VALUE") add(" OVERRIDING SYSTEM VALUE");
}

void ParseTreeWriter::insert(const ParseTree& fields) {
  with(field(fields, "with_clause"));
  add("INSERT INTO ");
  table(field(fields, "relation"));
  columns_and_override(fields, "cols");
  add(" ");
  if (field(fields, "select_stmt").is_null()) add("DEFAULT VALUES");
  else statement(field(fields, "select_stmt"));
  if (!field(fields, "on_conflict_clause").is_null()) on_conflict(field(fields, "on_conflict_clause"));
  clause(" RETURNING ", field(fields, "returning_list"), &ParseTreeWriter::target);
}

void ParseTreeWriter::on_conflict(const ParseTree& fields) {
  add(" ON CONFLICT");
  const ParseTree& infer = field(fields, "infer");
  const std::string_view constraint = text_field(infer, "conname");
  if (!constraint.empty()) add(" ON CONSTRAINT " + quote_name(constraint));
  if (field(infer, "index_elems").is_array()) {
    add(" (");
    list(field(infer, "index_elems"), &ParseTreeWriter::index_element);
    add(")");
    clause(" WHERE ", field(infer, "where_clause"));
  }
  if (text_field(fields, "action") != "ONCONFLICT_UPDATE") return add(" DO NOTHING");
  add(" DO UPDATE SET ");
  assignments(field(fields, "target_list"));
  clause(" WHERE ", field(fields, "where_clause"));
}

void ParseTreeWriter::index_element(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  if (!field(fields, "expr").is_null()) {
    add("(");
    expression(field(fields, "expr"));
    add(")");
  } else {
    add(quote_name(text_field(fields, "name")));
  }
}

void ParseTreeWriter::update(const ParseTree& fields) {
  with(field(fields, "with_clause"));
  add("UPDATE ");
  table(field(fields, "relation"));
  add(" SET ");
  assignments(field(fields, "target_list"));
  clause(" FROM ", field(fields, "from_clause"), &ParseTreeWriter::from);
  clause(" WHERE ", field(fields, "where_clause"));
  clause(" RETURNING ", field(fields, "returning_list"), &ParseTreeWriter::target);
}

/// a = 1, (b, c) = source: each column of the latter has the source.
void ParseTreeWriter::assignments(const ParseTree& targets) {
  if (!targets.is_array() || targets.empty()) return fail("nothing is assigned");
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (i > 0) add(", ");
    const ParseTree& value = field(fields_of(targets[i]), "val");
    if (kind_of(value) != "MultiAssignRef") {
      column(targets[i]);
      add(" = ");
      expression(value);
      continue;
    }
    const ParseTree& count = field(fields_of(value), "ncolumns");
    const std::size_t columns = count.is_number_integer() && count.get<std::int64_t>() > 0 ? count.get<std::size_t>() : 1;
    add("(");
    for (std::size_t n = 0; n < columns && i + n < targets.size(); ++n) {
      if (n > 0) add(", ");
      column(targets[i + n]);
    }
    add(") = ");
    expression(field(fields_of(value), "source"));
    i += columns - 1;
  }
}

void ParseTreeWriter::delete_(const ParseTree& fields) {
  with(field(fields, "with_clause"));
  add("DELETE FROM ");
  table(field(fields, "relation"));
  clause(" USING ", field(fields, "using_clause"), &ParseTreeWriter::from);
  clause(" WHERE ", field(fields, "where_clause"));
  clause(" RETURNING ", field(fields, "returning_list"), &ParseTreeWriter::target);
}

void ParseTreeWriter::merge(const ParseTree& fields) {
  with(field(fields, "with_clause"));
  add("MERGE INTO ");
  table(field(fields, "relation"));
  add(" USING ");
  from(field(fields, "source_relation"));
  clause(" ON ", field(fields, "join_condition"));
  list(field(fields, "merge_when_clauses"), &ParseTreeWriter::merge_when, "");
}

void ParseTreeWriter::merge_when(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  const std::string_view command = text_field(fields, "command_type");
  add(has_flag(fields, "matched") ? " WHEN MATCHED" : " WHEN NOT MATCHED");
  clause(" AND ", field(fields, "condition"));
  add(" THEN ");
  if (command == "CMD_DELETE") return add("DELETE");
  if (command == "CMD_NOTHING") return add("DO NOTHING");
  if (command == "CMD_UPDATE") {
    add("UPDATE SET ");
    return assignments(field(fields, "target_list"));
  }
  add("INSERT");
  columns_and_override(fields, "target_list");
  if (!field(fields, "values").is_array()) return add(" DEFAULT VALUES");
  add(" VALUES (");
  list(field(fields, "values"), &ParseTreeWriter::expression);
  add(")");
}

}  // namespace pgswitch::rules
