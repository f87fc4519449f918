// Pieces of parse trees, and what they are called.
#include <algorithm>
#include <iterator>

#include "rules/parse_tree_writer.hpp"
#include "rules/redshift/tree_translator.hpp"

namespace pgswitch::rules::redshift {

ParseTree name_node(std::string_view name) { return {{"String", {{"sval", name}}}}; }
ParseTree column_node(std::string_view name) { return {{"ColumnRef", {{"fields", ParseTree::array({name_node(name)})}}}}; }

ParseTree number_node(std::int64_t number) {
  ParseTree value = ParseTree::object();
  if (number != 0) value["ival"] = number;
  return {{"A_Const", {{"ival", value}}}};
}

ParseTree string_node(std::string_view text) {
  ParseTree value = ParseTree::object();
  if (!text.empty()) value["sval"] = text;
  return {{"A_Const", {{"sval", value}}}};
}

ParseTree null_node() { return {{"A_Const", {{"isnull", true}}}}; }

ParseTree boolean_node(bool value) {
  ParseTree inner = ParseTree::object();
  if (value) inner["boolval"] = true;
  return {{"A_Const", {{"boolval", inner}}}};
}

ParseTree operator_node(std::string_view sign, ParseTree left, ParseTree right) {
  ParseTree fields = {{"kind", "AEXPR_OP"}, {"name", ParseTree::array({name_node(sign)})}};
  if (!left.is_null()) fields["lexpr"] = std::move(left);
  fields["rexpr"] = std::move(right);
  return {{"A_Expr", std::move(fields)}};
}

ParseTree boolean_node(std::string_view op, ParseTree arguments) {
  return {{"BoolExpr", {{"boolop", op}, {"args", std::move(arguments)}}}};
}

ParseTree null_test(const ParseTree& argument, bool is_null) {
  return {{"NullTest", {{"arg", argument}, {"nulltesttype", is_null ? "IS_NULL" : "IS_NOT_NULL"}}}};
}

ParseTree type_node(std::string_view name) {
  return {{"names", ParseTree::array({name_node("pg_catalog"), name_node(name)})}, {"typemod", -1}};
}

ParseTree cast_node(ParseTree argument, ParseTree type) { return {{"TypeCast", {{"arg", std::move(argument)}, {"type_name", std::move(type)}}}}; }

ParseTree call_node(std::string_view name, ParseTree arguments) {
  ParseTree fields = {{"funcname", ParseTree::array({name_node(name)})}, {"funcformat", "COERCE_EXPLICIT_CALL"}};
  if (!arguments.empty()) fields["args"] = std::move(arguments);
  return {{"FuncCall", std::move(fields)}};
}

ParseTree case_node(ParseTree condition, ParseTree result, ParseTree otherwise) {
  const ParseTree arm = {{"CaseWhen", {{"expr", std::move(condition)}, {"result", std::move(result)}}}};
  ParseTree fields = {{"args", ParseTree::array({arm})}};
  if (!otherwise.is_null()) fields["defresult"] = std::move(otherwise);
  return {{"CaseExpr", std::move(fields)}};
}

namespace {

/// A name and how sure it is: 0 none, 1 of a type or of CASE, 2 its own.
struct Name {
  std::string text;
  int strength = 0;
};

std::string last_string(const ParseTree& names) {
  std::string found;
  if (names.is_array())
    for (const ParseTree& name : names)
      if (kind_of(name) == "String") found = text_field(fields_of(name), "sval");
  return found;
}

Name name_of(const ParseTree& node);

Name name_of_sublink(const ParseTree& fields) {
  const std::string_view type = text_field(fields, "sub_link_type");
  if (type == "EXISTS_SUBLINK") return {"exists", 2};
  if (type == "ARRAY_SUBLINK") return {"array", 2};
  if (type != "EXPR_SUBLINK") return {};
  const ParseTree* select = &fields_of(field(fields, "subselect"));
  while (!field(*select, "larg").is_null()) select = &field(*select, "larg");
  const ParseTree& targets = field(*select, "target_list");
  if (!targets.is_array() || targets.empty()) return {"column1", 2};
  const std::string given(text_field(fields_of(targets[0]), "name"));
  if (!given.empty()) return {given, 2};
  const std::string implied = name_of(field(fields_of(targets[0]), "val")).text;
  return {implied.empty() ? "?column?" : implied, 2};
}

std::string name_of_value_function(std::string_view op) {
  op.remove_prefix(std::min<std::size_t>(6, op.size()));
  if (op.ends_with("_N")) op.remove_suffix(2);
  std::string name(op);
  std::transform(name.begin(), name.end(), name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name;
}

Name name_of(const ParseTree& node) {
  const std::string_view kind = kind_of(node);
  const ParseTree& fields = fields_of(node);
  if (kind == "ColumnRef") {
    const std::string name = last_string(field(fields, "fields"));
    return {name, name.empty() ? 0 : 2};
  }
  if (kind == "A_Indirection") {
    const std::string name = last_string(field(fields, "indirection"));
    return name.empty() ? name_of(field(fields, "arg")) : Name{name, 2};
  }
  if (kind == "FuncCall") return {last_string(field(fields, "funcname")), 2};
  if (kind == "A_Expr") return text_field(fields, "kind") == "AEXPR_NULLIF" ? Name{"nullif", 2} : Name{};
  if (kind == "TypeCast") {
    Name inner = name_of(field(fields, "arg"));
    return inner.strength > 1 ? inner : Name{last_string(field(field(fields, "type_name"), "names")), 1};
  }
  if (kind == "CollateClause") return name_of(field(fields, "arg"));
  if (kind == "GroupingFunc") return {"grouping", 2};
  if (kind == "SubLink") return name_of_sublink(fields);
  if (kind == "CaseExpr") {
    Name inner = name_of(field(fields, "defresult"));
    return inner.strength > 1 ? inner : Name{"case", 1};
  }
  if (kind == "A_ArrayExpr") return {"array", 2};
  if (kind == "RowExpr") return {"row", 2};
  if (kind == "CoalesceExpr") return {"coalesce", 2};
  if (kind == "MinMaxExpr") return {text_field(fields, "op") == "IS_LEAST" ? "least" : "greatest", 2};
  if (kind == "SQLValueFunction") return {name_of_value_function(text_field(fields, "op")), 2};
  return {};
}

ParseTree without_places(const ParseTree& value) {
  if (value.is_array()) {
    ParseTree list = ParseTree::array();
    for (const ParseTree& element : value) list.push_back(without_places(element));
    return list;
  }
  if (!value.is_object()) return value;
  ParseTree object = ParseTree::object();
  for (const auto& [key, inner] : value.items())
    if (key != "location") object[key] = without_places(inner);
  return object;
}

}  // namespace

std::string implied_name(const ParseTree& node) { return name_of(node).text; }

bool same_tree(const ParseTree& one, const ParseTree& other) { return without_places(one) == without_places(other); }

bool is_volatile(const ParseTree& node) {
  constexpr std::string_view names[] = {"clock_timestamp", "currval", "gen_random_uuid", "lastval", "nextval", "random", "setseed", "setval", "timeofday"};
  if (kind_of(node) == "FuncCall") {
    const std::string_view name = last_name(field(fields_of(node), "funcname"));
    if (std::find(std::begin(names), std::end(names), name) != std::end(names)) return true;
  }
  return node.is_structured() && std::any_of(node.begin(), node.end(), [](const ParseTree& inner) { return is_volatile(inner); });
}

}  // namespace pgswitch::rules::redshift
