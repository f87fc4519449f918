#include "rules/redshift/tree_translator.hpp"

#include "rules/parse_tree_writer.hpp"
#include "rules/redshift/function_table.hpp"

namespace pgswitch::rules::redshift {
namespace {

constexpr std::uint32_t deepest = 2000;
constexpr std::string_view too_long = "equivalent that is short enough for this statement";

/// Of the catalog, which the leader node has.
bool is_catalog(const ParseTree& relation) {
  const std::string_view schema = text_field(relation, "schemaname");
  return schema == "pg_catalog" || schema == "information_schema" || (schema.empty() && text_field(relation, "relname").starts_with("pg_"));
}

/// Is there a table of users in it, and not only those of the catalog, WITH queries and functions?
bool has_tables(const ParseTree& value) {
  if (!value.is_structured()) return false;
  if (value.is_object() && value.contains("relname") && !is_catalog(value)) return true;
  for (const ParseTree& inner : value)
    if (has_tables(inner)) return true;
  return false;
}

/// INSERT ... VALUES keeps its lists: they are no table.
bool is_rows_to_insert(const ParseTree& source) {
  const ParseTree& query = fields_of(source);
  const auto has = [&](const char* clause) { return query.contains(clause); };
  return field(query, "values_lists").is_array() && !has("sort_clause") && !has("limit_count") && !has("limit_offset") && !has("with_clause");
}

/// (a AND b) AND c is a AND b AND c, as the grammar has it, too: what a translation has put in front becomes part of the list.
void flatten(ParseTree& fields) {
  ParseTree& arguments = fields["args"];
  if (text_field(fields, "boolop") == "NOT_EXPR" || !arguments.is_array() || arguments.empty() || kind_of(arguments[0]) != "BoolExpr") return;
  if (text_field(fields_of(arguments[0]), "boolop") != text_field(fields, "boolop")) return;
  ParseTree all = std::move(arguments[0]["BoolExpr"]["args"]);
  for (std::size_t i = 1; i < arguments.size(); ++i) all.push_back(std::move(arguments[i]));
  arguments = std::move(all);
}

/// Objects and arrays in it.
std::size_t size_of(const ParseTree& value) {
  if (!value.is_structured()) return 0;
  std::size_t size = 1;
  for (const ParseTree& inner : value) size += size_of(inner);
  return size;
}

}  // namespace

bool TreeTranslator::run(ParseTree& tree) {
  visits_left_ = 12 * size_of(tree) + 4000;
  reads_tables_ = has_tables(tree);
  visit(tree);
  return !failed();
}

void TreeTranslator::refuse(const ParseTree& fields, std::string_view what, std::string_view hint) {
  if (failed()) return;
  refusal_ = {"0A000", "Redshift has no " + std::string(what), {}, std::string(hint.empty() ? other_way : hint)};
  const std::int64_t location = number_field(fields, "location");
  at_ = location > 0 ? static_cast<std::uint32_t>(location) : 0;
}

void TreeTranslator::change(ParseTree& node, ParseTree other) {
  node = std::move(other);
  changed_ = true;
}

/// False: what a translation would repeat is too long. refusal().
bool TreeTranslator::may_repeat(const ParseTree& operand, std::size_t times) {
  const std::size_t size = size_of(operand) * times;
  if (size > visits_left_) return refuse(operand, too_long), false;
  visits_left_ -= size;
  return true;
}

/// A node is changed before what is in it.
void TreeTranslator::visit(ParseTree& value) {
  if (failed() || !value.is_structured()) return;
  if (visits_left_-- == 0) return refuse(value, too_long);
  if (++depth_ > deepest) refuse(value, "equivalent that can be found for a statement nested so deeply");
  const std::string kind(kind_of(value));
  const bool is_node = !kind.empty() && kind[0] >= 'A' && kind[0] <= 'Z' && value.begin().value().is_object();
  if (is_node && kind == "SelectStmt") {
    select(value);
  } else {
    if (is_node) node(kind, value);
    visit_members(value);
    if (kind == "BoolExpr") flatten(value["BoolExpr"]);
  }
  --depth_;
}

void TreeTranslator::visit_members(ParseTree& value) {
  if (failed()) return;
  if (value.is_array()) {
    for (ParseTree& element : value) visit(element);
    return;
  }
  for (auto member = value.begin(); member != value.end() && !failed(); ++member) {
    const std::string& name = member.key();
    ParseTree& inner = member.value();
    if (name == "type_name" && inner.is_object()) type(inner);
    if (name == "relation" && inner.is_object() && inner.contains("relname") && !has_flag(inner, "inh")) {
      inner["inh"] = true;  // ONLY: no table inherits from another
      changed_ = true;
    }
    if (name == "over" || name == "WindowDef") {
      check_window(inner);
      if (inner.contains("order_clause")) default_nulls(inner["order_clause"]);
    }
    if (name == "larg" || name == "rarg") {
      // The arms of a UNION are no nodes but fields; those of a JOIN are nodes.
      if (inner.contains("target_list") || inner.contains("values_lists") || inner.contains("op")) {
        ParseTree wrapped = {{"SelectStmt", std::move(inner)}};
        visit(wrapped);
        inner = std::move(wrapped["SelectStmt"]);
        continue;
      }
    }
    visit(name == "select_stmt" && is_rows_to_insert(inner) ? inner["SelectStmt"]["values_lists"] : inner);
  }
}

void TreeTranslator::node(std::string_view kind, ParseTree& node) {
  ParseTree& fields = node.begin().value();
  if (kind == "InsertStmt" || kind == "UpdateStmt" || kind == "DeleteStmt" || kind == "MergeStmt") return statement_clauses(kind, fields);
  if (kind == "CommonTableExpr") return cte(fields);
  if (kind.starts_with("Range") || kind == "JoinExpr") return from_item(kind, fields);
  if (kind == "FuncCall") return call(node);
  if (kind == "TypeCast") return cast(node);
  if (kind == "A_Expr") return expression(node);
  if (kind == "SQLValueFunction") return value_function(node);
  if (kind == "CollateClause") return collate(node);
  if (kind == "A_ArrayExpr") return refuse(fields, "arrays", "Write a list with IN, or ARRAY(...) of the type SUPER.");
  if (kind == "SubLink" && text_field(fields, "sub_link_type") == "ARRAY_SUBLINK") return refuse(fields, "arrays", "Let the query be a subquery of IN or FROM.");
  if (kind == "XmlExpr" || kind == "XmlSerialize") return refuse(fields, "XML");
  if (kind == "CurrentOfExpr") return refuse(fields, "WHERE CURRENT OF");
  if (kind == "LockingClause" && how_ != Translate::drop_locks)
    return refuse(fields, "row locks (FOR UPDATE, FOR SHARE)", "translate = drop_locks leaves them out; LOCK locks a table.");
}

}  // namespace pgswitch::rules::redshift
