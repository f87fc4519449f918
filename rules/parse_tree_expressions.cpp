// ParseTreeWriter: expressions, names and types.
#include <algorithm>
#include <iterator>
#include <map>

#include "rules/parse_tree_writer.hpp"
#include "rules/quoting.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::uint32_t deepest = 2000;

/// What needs no parentheses as a part of something else.
bool is_closed(const ParseTree& node) {
  constexpr std::string_view closed[] = {"ColumnRef", "FuncCall", "ParamRef", "SetToDefault", "CoalesceExpr", "MinMaxExpr", "CaseExpr",
                                         "SQLValueFunction", "A_ArrayExpr", "GroupingFunc", "GroupingSet", "RowExpr", "CurrentOfExpr", "List"};
  const std::string_view kind = kind_of(node);
  if (kind == "A_Const") return number_field(field(fields_of(node), "ival"), "ival") >= 0;
  return std::find(std::begin(closed), std::end(closed), kind) != std::end(closed);
}

constexpr std::pair<std::string_view, std::string_view> tests[] = {
    {"IS_NULL", " IS NULL"},   {"IS_NOT_NULL", " IS NOT NULL"},   {"IS_TRUE", " IS TRUE"},       {"IS_NOT_TRUE", " IS NOT TRUE"},
    {"IS_FALSE", " IS FALSE"}, {"IS_NOT_FALSE", " IS NOT FALSE"}, {"IS_UNKNOWN", " IS UNKNOWN"}, {"IS_NOT_UNKNOWN", " IS NOT UNKNOWN"}};

/// What the grammar makes pg_catalog.name of.
constexpr std::pair<std::string_view, std::string_view> standard_types[] = {
    {"bool", "boolean"},  {"float4", "real"},       {"float8", "double precision"}, {"int2", "smallint"},
    {"int4", "integer"},  {"int8", "bigint"},       {"interval", "interval"},       {"numeric", "numeric"},
    {"time", "time"},     {"timestamp", "timestamp"}, {"timestamptz", "timestamp with time zone"}, {"varchar", "varchar"}};

/// The units behind an interval as the grammar has them, a mask (utils/datetime.h).
constexpr std::pair<std::int64_t, std::string_view> units[] = {
    {0x4, " YEAR"},           {0x2, " MONTH"},          {0x8, " DAY"},           {0x400, " HOUR"},          {0x800, " MINUTE"},
    {0x1000, " SECOND"},      {0x6, " YEAR TO MONTH"},  {0x408, " DAY TO HOUR"}, {0xc08, " DAY TO MINUTE"}, {0x1c08, " DAY TO SECOND"},
    {0xc00, " HOUR TO MINUTE"}, {0x1c00, " HOUR TO SECOND"}, {0x1800, " MINUTE TO SECOND"}};

/// "" of none.
std::string_view units_of(const ParseTree& mask) {
  const auto found = std::find_if(std::begin(units), std::end(units), [&](const auto& one) { return one.first == number_field(mask, "ival"); });
  return found == std::end(units) ? std::string_view() : found->second;
}

/// "" when it has none.
std::string_view standard_name(const ParseTree& names) {
  if (!names.is_array() || names.size() != 2 || text_field(fields_of(names[0]), "sval") != "pg_catalog") return {};
  const std::string_view name = last_name(names);
  const auto found = std::find_if(std::begin(standard_types), std::end(standard_types), [&](const auto& one) { return one.first == name; });
  return found == std::end(standard_types) ? std::string_view() : found->second;
}

}  // namespace

struct ParseTreeWriter::Deeper {
  explicit Deeper(ParseTreeWriter& w) : writer(w), ok(++w.depth_ <= deepest) {
    if (!ok) writer.fail("it is nested too deeply");
  }
  ~Deeper() { --writer.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;
  ParseTreeWriter& writer;
  bool ok;
};

void ParseTreeWriter::expression(const ParseTree& node) {
  static const std::map<std::string_view, Writer> writers = {
      {"ColumnRef", &ParseTreeWriter::column_ref},  {"A_Const", &ParseTreeWriter::constant},   {"A_Expr", &ParseTreeWriter::operation},
      {"BoolExpr", &ParseTreeWriter::boolean},      {"SubLink", &ParseTreeWriter::sublink},    {"CaseExpr", &ParseTreeWriter::case_},
      {"FuncCall", &ParseTreeWriter::call},         {"GroupingSet", &ParseTreeWriter::grouping_set},
      {"SQLValueFunction", &ParseTreeWriter::value_function}};
  const Deeper deeper(*this);
  if (!deeper.ok) return;
  const std::string_view kind = kind_of(node);
  const ParseTree& fields = fields_of(node);
  const auto known = writers.find(kind);
  if (known != writers.end()) return (this->*known->second)(fields);
  const auto listed = [&](std::string_view before, const char* name, std::string_view behind) {
    add(before);
    list(field(fields, name), &ParseTreeWriter::expression);
    add(behind);
  };
  if (kind == "ParamRef") return add("$" + std::to_string(number_field(fields, "number")));
  if (kind == "SetToDefault") return add("DEFAULT");
  if (kind == "NullTest") return test(fields, text_field(fields, "nulltesttype"));
  if (kind == "BooleanTest") return test(fields, text_field(fields, "booltesttype"));
  if (kind == "CoalesceExpr") return listed("COALESCE(", "args", ")");
  if (kind == "MinMaxExpr") return listed(text_field(fields, "op") == "IS_GREATEST" ? "GREATEST(" : "LEAST(", "args", ")");
  if (kind == "A_ArrayExpr") return listed("ARRAY[", "elements", "]");
  if (kind == "RowExpr") return listed(text_field(fields, "row_format") == "COERCE_EXPLICIT_CALL" ? "ROW(" : "(", "args", ")");
  if (kind == "List") return listed("(", "items", ")");
  if (kind == "GroupingFunc") return listed("GROUPING(", "args", ")");
  if (kind == "CurrentOfExpr") return add("CURRENT OF " + quote_name(text_field(fields, "cursor_name")));
  if (kind == "NamedArgExpr") {
    add(quote_name(text_field(fields, "name")) + " => ");
    return expression(field(fields, "arg"));
  }
  if (kind == "TypeCast") {
    if (typed_literal(fields)) return;
    add("CAST(");
    expression(field(fields, "arg"));
    add(" AS ");
    type(field(fields, "type_name"));
    return add(")");
  }
  if (kind == "CollateClause") {
    operand(field(fields, "arg"));
    add(" COLLATE ");
    return dotted(field(fields, "collname"));
  }
  if (kind == "A_Indirection") {
    add("(");
    expression(field(fields, "arg"));
    add(")");
    return indirection(field(fields, "indirection"));
  }
  fail(kind.empty() ? "an expression is missing" : "\"" + std::string(kind) + "\" as an expression");
}

void ParseTreeWriter::operand(const ParseTree& node) {
  if (is_closed(node)) return expression(node);
  add("(");
  expression(node);
  add(")");
}

// ---- names

void ParseTreeWriter::name(const ParseTree& node) {
  if (kind_of(node) == "A_Star") return add("*");
  add(quote_name(text_field(fields_of(node), "sval")));
}

void ParseTreeWriter::dotted(const ParseTree& names) {
  if (!names.is_array() || names.empty()) return fail("a name is missing");
  list(names, &ParseTreeWriter::name, ".");
}

void ParseTreeWriter::column_ref(const ParseTree& fields) { dotted(field(fields, "fields")); }

/// INTERVAL '1 day', INTERVAL '1' DAY. False when it is none of these.
bool ParseTreeWriter::typed_literal(const ParseTree& fields) {
  const ParseTree& type = field(fields, "type_name");
  const ParseTree& argument = field(fields, "arg");
  const std::string_view name = standard_name(field(type, "names"));
  const bool dated = name == "interval" || name == "time" || name == "timestamp" || name == "timestamp with time zone";
  const ParseTree& typmods = field(type, "typmods");
  const std::string_view unit = typmods.is_array() && typmods.size() == 1 && name == "interval" ? units_of(field(fields_of(typmods[0]), "ival")) : "";
  if (!dated || (typmods.is_array() && unit.empty()) || field(type, "array_bounds").is_array()) return false;
  if (kind_of(argument) != "A_Const" || field(fields_of(argument), "sval").is_null()) return false;
  add(name);
  add(" ");
  expression(argument);
  add(unit);
  return true;
}

void ParseTreeWriter::type(const ParseTree& fields) {
  const std::string_view standard = standard_name(field(fields, "names"));
  if (standard.empty() || (standard.find(' ') != std::string_view::npos && field(fields, "typmods").is_array())) dotted(field(fields, "names"));
  else add(standard);
  if (field(fields, "typmods").is_array()) {
    add("(");
    list(field(fields, "typmods"), &ParseTreeWriter::expression);
    add(")");
  }
  const ParseTree& bounds = field(fields, "array_bounds");
  for (std::size_t i = 0; bounds.is_array() && i < bounds.size(); ++i) {
    const std::int64_t bound = number_field(fields_of(bounds[i]), "ival");
    add(bound < 0 ? "[]" : "[" + std::to_string(bound) + "]");
  }
}

void ParseTreeWriter::indirection(const ParseTree& nodes) {
  for (std::size_t i = 0; nodes.is_array() && i < nodes.size(); ++i) {
    const ParseTree& fields = fields_of(nodes[i]);
    if (kind_of(nodes[i]) != "A_Indices") {
      add(".");
      name(nodes[i]);
      continue;
    }
    const bool slice = has_flag(fields, "is_slice");
    add("[");
    if (!field(fields, "lidx").is_null()) expression(field(fields, "lidx"));
    if (slice) add(":");
    if (!field(fields, "uidx").is_null()) expression(field(fields, "uidx"));
    add("]");
  }
}

void ParseTreeWriter::constant(const ParseTree& fields) {
  if (has_flag(fields, "isnull")) return add("NULL");
  if (!field(fields, "ival").is_null()) return add(std::to_string(number_field(field(fields, "ival"), "ival")));
  if (!field(fields, "boolval").is_null()) return add(has_flag(field(fields, "boolval"), "boolval") ? "TRUE" : "FALSE");
  if (!field(fields, "fval").is_null()) return add(text_field(field(fields, "fval"), "fval"));
  if (!field(fields, "sval").is_null()) return add(quote_literal(text_field(field(fields, "sval"), "sval")));
  const std::string_view bits = text_field(field(fields, "bsval"), "bsval");
  if (bits.empty()) return fail("an A_Const has no value");
  add(std::string(1, bits[0]) + "'" + std::string(bits.substr(1)) + "'");
}

// ---- operators

void ParseTreeWriter::operator_name(const ParseTree& names) {
  if (!names.is_array() || names.empty()) return fail("an operator has no name");
  const std::string_view sign = last_name(names);
  if (sign.empty() || sign.find_first_not_of("+-*/<>=~!@#%^&|`?") != std::string_view::npos) return fail("an operator has a wrong name");
  if (names.size() == 1) return add(sign);
  add("OPERATOR(");
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    name(names[i]);
    add(".");
  }
  add(std::string(sign) + ")");
}

void ParseTreeWriter::operation(const ParseTree& fields) {
  const std::string_view kind = text_field(fields, "kind");
  const ParseTree& left = field(fields, "lexpr");
  const ParseTree& right = field(fields, "rexpr");
  const bool negated = last_name(field(fields, "name")).starts_with('!') || last_name(field(fields, "name")) == "<>";
  if (kind == "AEXPR_LIKE") return like(fields, negated ? " NOT LIKE " : " LIKE ");
  if (kind == "AEXPR_ILIKE") return like(fields, negated ? " NOT ILIKE " : " ILIKE ");
  if (kind == "AEXPR_SIMILAR") return like(fields, negated ? " NOT SIMILAR TO " : " SIMILAR TO ");
  if (kind == "AEXPR_BETWEEN") return between(fields, " BETWEEN ");
  if (kind == "AEXPR_NOT_BETWEEN") return between(fields, " NOT BETWEEN ");
  if (kind == "AEXPR_BETWEEN_SYM") return between(fields, " BETWEEN SYMMETRIC ");
  if (kind == "AEXPR_NOT_BETWEEN_SYM") return between(fields, " NOT BETWEEN SYMMETRIC ");
  if (kind == "AEXPR_NULLIF") {
    add("NULLIF(");
    expression(left);
    add(", ");
    expression(right);
    return add(")");
  }
  if (!left.is_null()) operand(left);
  if (kind == "AEXPR_IN") return clause(negated ? " NOT IN " : " IN ", right);
  if (kind == "AEXPR_DISTINCT") return clause(" IS DISTINCT FROM ", right);
  if (kind == "AEXPR_NOT_DISTINCT") return clause(" IS NOT DISTINCT FROM ", right);
  add(" ");
  operator_name(field(fields, "name"));
  const bool any = kind == "AEXPR_OP_ANY", all = kind == "AEXPR_OP_ALL";
  if (!any && !all) return clause(" ", right);
  add(any ? " ANY (" : " ALL (");
  expression(right);
  add(")");
}

/// SIMILAR TO has a call around its pattern, and so has LIKE with ESCAPE, which the grammar puts there.
void ParseTreeWriter::like(const ParseTree& fields, std::string_view words) {
  operand(field(fields, "lexpr"));
  add(words);
  const ParseTree& right = field(fields, "rexpr");
  const ParseTree& call = fields_of(right);
  const ParseTree& arguments = field(call, "args");
  const bool similar = text_field(fields, "kind") == "AEXPR_SIMILAR" && kind_of(right) == "FuncCall";
  const bool escaped = !similar && last_name(field(call, "funcname")) == "like_escape" && field(call, "funcname").size() == 2;
  const bool implied = (similar || escaped) && arguments.is_array() && !arguments.empty();
  if (!implied) return operand(right);
  operand(arguments[0]);
  if (arguments.size() > 1) clause(" ESCAPE ", arguments[1]);
}

void ParseTreeWriter::between(const ParseTree& fields, std::string_view words) {
  const ParseTree& ends = field(fields_of(field(fields, "rexpr")), "items");
  if (!ends.is_array() || ends.size() != 2) return fail("BETWEEN takes a List of two");
  operand(field(fields, "lexpr"));
  add(words);
  operand(ends[0]);
  add(" AND ");
  operand(ends[1]);
}

void ParseTreeWriter::boolean(const ParseTree& fields) {
  const std::string_view op = text_field(fields, "boolop");
  if (op == "NOT_EXPR") add("NOT ");
  list(field(fields, "args"), &ParseTreeWriter::operand, op == "AND_EXPR" ? " AND " : " OR ");
}

void ParseTreeWriter::test(const ParseTree& fields, std::string_view kind) {
  operand(field(fields, "arg"));
  const auto found = std::find_if(std::begin(tests), std::end(tests), [&](const auto& one) { return one.first == kind; });
  if (found == std::end(tests)) return fail("an unknown test");
  add(found->second);
}

void ParseTreeWriter::sublink(const ParseTree& fields) {
  const std::string_view kind = text_field(fields, "sub_link_type");
  if (kind == "EXISTS_SUBLINK") add("EXISTS ");
  if (kind == "ARRAY_SUBLINK") add("ARRAY");
  if (!field(fields, "testexpr").is_null()) {
    operand(field(fields, "testexpr"));
    const bool named = field(fields, "oper_name").is_array();
    add(named ? " " : " IN ");
    if (named) operator_name(field(fields, "oper_name"));
    if (named) add(kind == "ALL_SUBLINK" ? " ALL " : " ANY ");
  }
  add("(");
  statement(field(fields, "subselect"));
  add(")");
}

void ParseTreeWriter::case_(const ParseTree& fields) {
  add("CASE");
  clause(" ", field(fields, "arg"));
  const ParseTree& arms = field(fields, "args");
  for (std::size_t i = 0; arms.is_array() && i < arms.size(); ++i) {
    clause(" WHEN ", field(fields_of(arms[i]), "expr"));
    clause(" THEN ", field(fields_of(arms[i]), "result"));
  }
  clause(" ELSE ", field(fields, "defresult"));
  add(" END");
}

void ParseTreeWriter::grouping_set(const ParseTree& fields) {
  const std::string_view kind = text_field(fields, "kind");
  if (kind == "GROUPING_SET_ROLLUP") add("ROLLUP ");
  if (kind == "GROUPING_SET_CUBE") add("CUBE ");
  if (kind == "GROUPING_SET_SETS") add("GROUPING SETS ");
  add("(");
  list(field(fields, "content"), &ParseTreeWriter::expression);
  add(")");
}

}  // namespace pgswitch::rules
