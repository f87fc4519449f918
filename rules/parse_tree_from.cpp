// ParseTreeWriter: what stands in FROM.
#include "rules/parse_tree_writer.hpp"
#include "rules/quoting.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules {

void ParseTreeWriter::from(const ParseTree& node) {
  const std::string_view kind = kind_of(node);
  const ParseTree& fields = fields_of(node);
  if (kind == "RangeVar") return table(fields);
  if (kind == "JoinExpr") return join(fields);
  if (kind == "RangeFunction") return function_item(fields);
  if (kind == "RangeTableSample") return sample(fields);
  if (kind != "RangeSubselect") return fail("\"" + std::string(kind) + "\" in FROM");
  add(has_flag(fields, "lateral") ? "LATERAL (" : "(");
  statement(field(fields, "subquery"));
  add(")");
  alias(field(fields, "alias"));
}

void ParseTreeWriter::table(const ParseTree& fields) {
  if (!has_flag(fields, "inh")) add("ONLY ");
  for (const char* part : {"catalogname", "schemaname"}) {
    const std::string_view name = text_field(fields, part);
    if (!name.empty()) add(quote_name(name) + ".");
  }
  const std::string_view name = text_field(fields, "relname");
  if (name.empty()) fail("a table has no name");
  add(quote_name(name));
  alias(field(fields, "alias"));
}

void ParseTreeWriter::alias(const ParseTree& fields) {
  if (fields.is_null()) return;
  add(" AS " + quote_name(text_field(fields, "aliasname")));
  if (!field(fields, "colnames").is_array()) return;
  add(" (");
  list(field(fields, "colnames"), &ParseTreeWriter::name);
  add(")");
}

void ParseTreeWriter::join(const ParseTree& fields) {
  const std::string_view kind = text_field(fields, "jointype");
  const bool natural = has_flag(fields, "is_natural"), merges = field(fields, "using_clause").is_array();
  const ParseTree& condition = field(fields, "quals");
  add("(");
  from(field(fields, "larg"));
  if (natural) add(" NATURAL");
  if (!natural && !merges && condition.is_null()) add(" CROSS");
  if (kind == "JOIN_LEFT") add(" LEFT");
  if (kind == "JOIN_RIGHT") add(" RIGHT");
  if (kind == "JOIN_FULL") add(" FULL");
  add(" JOIN ");
  from(field(fields, "rarg"));
  if (merges) {
    add(" USING (");
    list(field(fields, "using_clause"), &ParseTreeWriter::name);
    add(")");
    alias(field(fields, "join_using_alias"));
  }
  clause(" ON ", condition);
  add(")");
  alias(field(fields, "alias"));
}

void ParseTreeWriter::function_item(const ParseTree& fields) {
  if (has_flag(fields, "lateral")) add("LATERAL ");
  const bool rows = has_flag(fields, "is_rowsfrom");
  if (rows) add("ROWS FROM (");
  list(field(fields, "functions"), &ParseTreeWriter::function_of_item);
  if (rows) add(")");
  if (has_flag(fields, "ordinality")) add(" WITH ORDINALITY");
  const ParseTree& definitions = field(fields, "coldeflist");
  if (!definitions.is_array()) return alias(field(fields, "alias"));
  const std::string_view name = text_field(field(fields, "alias"), "aliasname");
  add(name.empty() ? " AS (" : " AS " + quote_name(name) + " (");
  list(definitions, &ParseTreeWriter::column_definition);
  add(")");
}

/// A list of the function and the columns that it is defined to have.
void ParseTreeWriter::function_of_item(const ParseTree& node) {
  const ParseTree& items = field(fields_of(node), "items");
  if (!items.is_array() || items.size() != 2) return fail("a function in FROM is a list of two");
  expression(items[0]);
  if (kind_of(items[1]) != "List") return;
  add(" AS (");
  list(field(fields_of(items[1]), "items"), &ParseTreeWriter::column_definition);
  add(")");
}

void ParseTreeWriter::column_definition(const ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  add(quote_name(text_field(fields, "colname")) + " ");
  type(field(fields, "type_name"));
}

void ParseTreeWriter::sample(const ParseTree& fields) {
  from(field(fields, "relation"));
  add(" TABLESAMPLE ");
  dotted(field(fields, "method"));
  add(" (");
  list(field(fields, "args"), &ParseTreeWriter::expression);
  add(")");
  if (field(fields, "repeatable").is_null()) return;
  add(" REPEATABLE (");
  expression(field(fields, "repeatable"));
  add(")");
}

}  // namespace pgswitch::rules
