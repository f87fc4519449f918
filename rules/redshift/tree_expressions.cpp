// TreeTranslator: operators, types and what has no call.
#include <algorithm>

#include "rules/parse_tree_writer.hpp"
#include "rules/redshift/function_table.hpp"
#include "rules/redshift/tree_translator.hpp"

namespace pgswitch::rules::redshift {
namespace {

constexpr std::size_t most_elements = 10'000;
constexpr std::int64_t longest_varchar = 65535;

bool is_digits(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos; }

/// 12, -12, 1.5
bool is_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  if (point == std::string_view::npos) return is_digits(text);
  return is_digits(text.substr(0, point)) && is_digits(text.substr(point + 1));
}

bool is_string(const ParseTree& node) { return kind_of(node) == "A_Const" && !field(fields_of(node), "sval").is_null(); }

ParseTree decimal_node(std::string_view text) { return {{"A_Const", {{"fval", {{"fval", text}}}}}}; }

ParseTree varchar_type() {
  ParseTree type = type_node("varchar");
  type["typmods"] = ParseTree::array({number_node(longest_varchar)});
  return type;
}

/// One of a list of types' names.
template <std::size_t n>
bool is_one_of(std::string_view name, const std::string_view (&names)[n]) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

/// NULL inside an array literal is written without quotes.
struct Element {
  std::string text;
  bool quoted = false;
};

/// '{a,"b c",NULL}' of one dimension; false: it is none.
bool read_array(std::string_view text, std::vector<Element>& elements) {
  const auto is_blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (text.size() < 2 || text.front() != '{' || text.back() != '}') return false;
  text = text.substr(1, text.size() - 2);
  if (text.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos) return true;
  std::size_t i = 0;
  while (true) {
    Element element;
    while (i < text.size() && is_blank(text[i])) ++i;
    if (i < text.size() && text[i] == '"') {
      element.quoted = true;
      for (++i; i < text.size() && text[i] != '"'; ++i) {
        if (text[i] == '\\' && ++i >= text.size()) return false;
        element.text += text[i];
      }
      if (i >= text.size()) return false;
      ++i;
      while (i < text.size() && is_blank(text[i])) ++i;
    } else {
      for (; i < text.size() && text[i] != ','; ++i) {
        if (text[i] == '{' || text[i] == '}' || text[i] == '"' || text[i] == '\\') return false;
        element.text += text[i];
      }
      while (!element.text.empty() && is_blank(element.text.back())) element.text.pop_back();
      if (element.text.empty()) return false;
    }
    elements.push_back(std::move(element));
    if (i >= text.size()) return true;
    if (text[i++] != ',' || i >= text.size()) return false;
  }
}

bool is_null_word(const Element& element) {
  constexpr std::string_view word = "null";
  return !element.quoted && element.text.size() == word.size() &&
         std::equal(word.begin(), word.end(), element.text.begin(), [](char a, char b) { return a == (b | 0x20); });
}

}  // namespace

void TreeTranslator::expression(ParseTree& node) {
  const std::string kind(text_field(fields_of(node), "kind"));
  ParseTree& fields = node.begin().value();
  operator_name(fields);
  if (failed()) return;
  if (kind == "AEXPR_OP_ANY" || kind == "AEXPR_OP_ALL") return any_all(node);
  if (kind == "AEXPR_DISTINCT" || kind == "AEXPR_NOT_DISTINCT") return distinct_from(node);
  if (kind.ends_with("_SYM")) return refuse(fields, "BETWEEN SYMMETRIC", "Write BETWEEN least(a, b) AND greatest(a, b).");
  const std::string_view sign = last_name(field(fields, "name"));
  const bool rows = kind_of(field(fields, "lexpr")) == "RowExpr";
  if (kind == "AEXPR_OP" && rows && (sign.starts_with('<') || sign.starts_with('>')) && sign != "<>")
    return refuse(fields, "comparison of rows by their order", "Write a < x OR (a = x AND b < y).");
}

/// Without the schema of the built-in ones, and known to Redshift.
void TreeTranslator::operator_name(ParseTree& fields) {
  ParseTree& names = fields["name"];
  if (names.is_array() && names.size() == 2 && text_field(fields_of(names[0]), "sval") == "pg_catalog") {
    names.erase(names.begin());
    changed_ = true;
  }
  if (!names.is_array() || names.size() != 1) return;
  const std::string_view sign = last_name(names), kind = text_field(fields, "kind");
  if (!kind.starts_with("AEXPR_OP") || has_operator(sign)) return;
  std::string_view hint;
  if (sign.starts_with("->") || sign.starts_with("#>")) hint = "JSON_EXTRACT_PATH_TEXT() tells '' and not NULL for what is missing; NULLIF(..., '') where no value is empty.";
  if (sign == "~*" || sign == "!~*") hint = "REGEXP_INSTR(text, pattern, 1, 1, 0, 'i') > 0 does the same, and so does ILIKE without patterns.";
  refuse(fields, "operator " + std::string(sign), hint);
}

/// x = ANY (ARRAY[1, 2]) is x IN (1, 2), x <> ALL (...) NOT IN; with NULL among the elements too. Others become a row of comparisons.
void TreeTranslator::any_all(ParseTree& node) {
  const ParseTree fields = fields_of(node);
  const bool any = text_field(fields, "kind") == "AEXPR_OP_ANY";
  const std::string sign(last_name(field(fields, "name")));
  ParseTree elements = ParseTree::array();
  if (!array_elements(field(fields, "rexpr"), elements))
    return refuse(fields, std::string(any ? "ANY" : "ALL") + " of an array that is no list of values in the statement", "Write IN (...) with a list or a subquery.");
  if (elements.size() > most_elements) return refuse(fields, "list so long", "Join with a table.");
  if (elements.empty()) return change(node, boolean_node(!any));
  const ParseTree& left = field(fields, "lexpr");
  if ((any && sign == "=") || (!any && sign == "<>")) {
    ParseTree list = {{"List", {{"items", std::move(elements)}}}};
    ParseTree in = {{"kind", "AEXPR_IN"}, {"name", ParseTree::array({name_node(sign)})}, {"lexpr", left}, {"rexpr", std::move(list)}};
    return change(node, {{"A_Expr", std::move(in)}});
  }
  if (is_volatile(left)) return refuse(fields, "ANY or ALL of an array, and what differs from call to call cannot be compared twice");
  if (!may_repeat(left, elements.size())) return;
  ParseTree comparisons = ParseTree::array();
  for (ParseTree& element : elements) comparisons.push_back(operator_node(sign, left, std::move(element)));
  if (comparisons.size() == 1) return change(node, ParseTree(comparisons[0]));
  change(node, boolean_node(any ? "OR_EXPR" : "AND_EXPR", std::move(comparisons)));
}

/// The elements of ARRAY[...], with a cast or without, or of '{...}'::type[].
bool TreeTranslator::array_elements(const ParseTree& array, ParseTree& elements) {
  if (kind_of(array) == "A_ArrayExpr") {
    const ParseTree& items = field(fields_of(array), "elements");
    if (items.is_array()) elements = items;
    return std::none_of(elements.begin(), elements.end(), [](const ParseTree& item) { return kind_of(item) == "A_ArrayExpr"; });
  }
  const ParseTree& fields = fields_of(array);
  const ParseTree& bounds = field(field(fields, "type_name"), "array_bounds");
  if (kind_of(array) != "TypeCast" || !bounds.is_array() || bounds.size() != 1) return false;
  ParseTree type = field(fields, "type_name");
  type.erase("array_bounds");
  const ParseTree& argument = field(fields, "arg");
  if (kind_of(argument) == "A_ArrayExpr") {
    if (!array_elements(argument, elements)) return false;
    for (ParseTree& element : elements) element = cast_node(element, type);
    return true;
  }
  const ParseTree& text = field(field(fields_of(argument), "sval"), "sval");
  if (kind_of(argument) != "A_Const" || !text.is_string()) return false;
  by_literals_ = true;
  return array_literal(text.get_ref<const std::string&>(), type, elements);
}

bool TreeTranslator::array_literal(std::string_view text, const ParseTree& type, ParseTree& elements) {
  constexpr std::string_view integers[] = {"int2", "int4", "int8"}, texts[] = {"text", "varchar", "bpchar", "name"};
  std::vector<Element> found;
  if (!read_array(text, found)) return false;
  const std::string_view name = last_name(field(type, "names"));
  for (const Element& element : found) {
    const bool small = element.text.size() < 10 && is_number(element.text) && element.text.find_first_of(".-") == std::string::npos;
    if (is_null_word(element)) elements.push_back(null_node());
    else if (is_one_of(name, integers) && small) elements.push_back(number_node(std::stol(element.text)));
    else if (is_one_of(name, integers) && !is_number(element.text)) return false;
    else if (is_one_of(name, texts)) elements.push_back(string_node(element.text));
    else elements.push_back(cast_node(string_node(element.text), type));
  }
  return true;
}

/// NULL counts as a value: a IS DISTINCT FROM b is NOT (a IS NULL AND b IS NULL) AND (a IS NULL OR b IS NULL OR a <> b).
void TreeTranslator::distinct_from(ParseTree& node) {
  const ParseTree fields = fields_of(node);
  const ParseTree& left = field(fields, "lexpr");
  const ParseTree& right = field(fields, "rexpr");
  const bool differs = text_field(fields, "kind") == "AEXPR_DISTINCT";
  const auto is_null = [](const ParseTree& value) { return kind_of(value) == "A_Const" && has_flag(fields_of(value), "isnull"); };
  if (kind_of(left) == "RowExpr" || kind_of(right) == "RowExpr") return refuse(fields, "IS DISTINCT FROM for rows", "Compare the columns one by one.");
  if (is_null(right)) return change(node, null_test(left, !differs));
  if (is_null(left)) return change(node, null_test(right, !differs));
  if (is_volatile(left) || is_volatile(right)) return refuse(fields, "IS DISTINCT FROM, and what differs from call to call cannot be looked at twice");
  if (!may_repeat(left, 4) || !may_repeat(right, 4)) return;
  const ParseTree both = boolean_node("AND_EXPR", ParseTree::array({null_test(left, true), null_test(right, true)}));
  if (!differs) {
    const ParseTree equal = boolean_node("AND_EXPR", ParseTree::array({null_test(left, false), null_test(right, false), operator_node("=", left, right)}));
    return change(node, boolean_node("OR_EXPR", ParseTree::array({both, equal})));
  }
  const ParseTree other = boolean_node("OR_EXPR", ParseTree::array({null_test(left, true), null_test(right, true), operator_node("<>", left, right)}));
  change(node, boolean_node("AND_EXPR", ParseTree::array({boolean_node("NOT_EXPR", ParseTree::array({both})), other})));
}

void TreeTranslator::cast(ParseTree& node) {
  const ParseTree& type = field(fields_of(node), "type_name");
  const std::string_view name = last_name(field(type, "names"));
  if ((name == "numeric" || name == "decimal") && !field(type, "typmods").is_array() && !field(type, "array_bounds").is_array()) return cast_numeric(node);
  // INTERVAL '1' DAY is known there, the units as those of another value are not.
  const ParseTree& units = field(type, "typmods");
  if (name == "interval" && units.is_array() && (units.size() > 1 || !is_string(field(fields_of(node), "arg"))))
    refuse(fields_of(node), "precision, nor units, of an interval that is no literal", "Write INTERVAL '1 day 2 hours'.");
}

/// numeric alone is numeric(18, 0) there, and would round.
void TreeTranslator::cast_numeric(ParseTree& node) {
  const ParseTree argument = field(fields_of(node), "arg");
  const ParseTree& constant = fields_of(argument);
  const bool is_constant = kind_of(argument) == "A_Const";
  if (is_constant && (has_flag(constant, "isnull") || !field(constant, "ival").is_null())) return;
  if (is_constant && !field(constant, "fval").is_null()) return change(node, argument);
  const std::string text(text_field(field(constant, "sval"), "sval"));
  if (is_constant && text.size() <= 38 && is_number(text)) {
    by_literals_ = true;
    const bool negative = text.starts_with('-');
    ParseTree number = decimal_node(text);
    if (text.find('.') == std::string::npos && text.size() < 10) number = number_node(std::stol(text));
    else if (negative) number = operator_node("-", nullptr, decimal_node(text.substr(1)));
    return change(node, std::move(number));
  }
  refuse(field(fields_of(node), "type_name"), "numeric of any precision: numeric alone is numeric(18,0) there", "Write numeric(38, 10), or what fits.");
}

void TreeTranslator::type(ParseTree& fields) {
  if (failed()) return;
  ParseTree& names = fields["names"];
  if (!names.is_array() || names.empty()) return;
  if (field(fields, "array_bounds").is_array()) return refuse(fields, "arrays", "Arrays are values of the type SUPER there.");
  const bool built_in = names.size() == 1 || text_field(fields_of(names[0]), "sval") == "pg_catalog";
  const std::string name(last_name(names));
  if (!built_in) return;
  if (const MissingFunction* missing = missing_type(name)) return refuse(fields, "type " + name, missing->hint);
  const bool modified = field(fields, "typmods").is_array();
  if (modified && name.starts_with("time")) return refuse(fields, "precision of " + name, "It has microseconds.");
  if (modified || (name != "text" && name != "varchar")) return;
  ParseTree varchar = varchar_type();
  if (fields.contains("location")) varchar["location"] = fields["location"];
  change(fields, std::move(varchar));
}

void TreeTranslator::value_function(ParseTree& node) {
  const ParseTree& fields = fields_of(node);
  const std::string_view op = text_field(fields, "op");
  // SYSDATE is the time at which the transaction began, in the time zone of the session.
  if (op == "SVFOP_LOCALTIMESTAMP") return change(node, column_node("sysdate"));
  if (op == "SVFOP_CURRENT_TIMESTAMP") return change(node, cast_node(column_node("sysdate"), type_node("timestamptz")));
  if (op == "SVFOP_CURRENT_ROLE") {
    node.begin().value()["op"] = "SVFOP_CURRENT_USER";
    changed_ = true;
    return;
  }
  if (op.find("TIME") != std::string_view::npos) refuse(fields, "CURRENT_TIME, LOCALTIME, nor a precision of CURRENT_TIMESTAMP", "SYSDATE is the beginning of the transaction.");
}

void TreeTranslator::collate(ParseTree& node) {
  const ParseTree fields = fields_of(node);
  const std::string_view name = last_name(field(fields, "collname"));
  if (name != "C" && name != "POSIX" && name != "default" && name != "ucs_basic") return refuse(fields, "collation \"" + std::string(name) + "\"");
  change(node, ParseTree(field(fields, "arg")));
  // What it was of may have to be changed itself.
  ParseTree inner = ParseTree::array({std::move(node)});
  visit(inner);
  node = std::move(inner[0]);
}

}  // namespace pgswitch::rules::redshift
