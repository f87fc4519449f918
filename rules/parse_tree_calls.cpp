// ParseTreeWriter: calls of functions and windows.
#include <algorithm>
#include <array>
#include <iterator>

#include "rules/parse_tree_writer.hpp"
#include "rules/quoting.hpp"
#include "rules/tree_tokens.hpp"

namespace pgswitch::rules {
namespace {

/// The words of the grammar that stand for a function, between its arguments; in the order in which it has them.
struct SqlCall {
  std::string_view name;
  std::array<std::size_t, 4> arguments;
  std::array<std::string_view, 5> words;
  std::size_t count;
};
constexpr SqlCall sql_calls[] = {
    {"timezone", {1, 0}, {"", " AT TIME ZONE ", ""}, 2},
    {"position", {1, 0}, {"POSITION(", " IN ", ")"}, 2},
    {"substring", {0, 1}, {"SUBSTRING(", " FROM ", ")"}, 2},
    {"substring", {0, 1, 2}, {"SUBSTRING(", " FROM ", " FOR ", ")"}, 3},
    {"overlay", {0, 1, 2}, {"OVERLAY(", " PLACING ", " FROM ", ")"}, 3},
    {"overlay", {0, 1, 2, 3}, {"OVERLAY(", " PLACING ", " FROM ", " FOR ", ")"}, 4},
    {"overlaps", {0, 1, 2, 3}, {"((", ", ", ") OVERLAPS (", ", ", "))"}, 4},
    {"pg_collation_for", {0}, {"COLLATION FOR (", ")"}, 1},
    {"btrim", {0}, {"TRIM(BOTH FROM ", ")"}, 1},
    {"btrim", {1, 0}, {"TRIM(BOTH ", " FROM ", ")"}, 2},
    {"ltrim", {0}, {"TRIM(LEADING FROM ", ")"}, 1},
    {"ltrim", {1, 0}, {"TRIM(LEADING ", " FROM ", ")"}, 2},
    {"rtrim", {0}, {"TRIM(TRAILING FROM ", ")"}, 1},
    {"rtrim", {1, 0}, {"TRIM(TRAILING ", " FROM ", ")"}, 2},
};

}  // namespace

void ParseTreeWriter::call(const ParseTree& fields) {
  if (text_field(fields, "funcformat") == "COERCE_SQL_SYNTAX" && sql_call(fields)) return;
  const ParseTree& names = field(fields, "funcname");
  const std::string_view name = last_name(names);
  // Keywords that are names of functions too, in front of a parenthesis.
  const bool keyword = names.is_array() && names.size() == 1 && (name == "left" || name == "right" || name == "substring");
  if (keyword) add(name);
  else dotted(names);
  add("(");
  if (has_flag(fields, "agg_distinct")) add("DISTINCT ");
  if (has_flag(fields, "agg_star")) add("*");
  const ParseTree& arguments = field(fields, "args");
  for (std::size_t i = 0; arguments.is_array() && i < arguments.size(); ++i) {
    if (i > 0) add(", ");
    if (has_flag(fields, "func_variadic") && i + 1 == arguments.size()) add("VARIADIC ");
    expression(arguments[i]);
  }
  const bool within = has_flag(fields, "agg_within_group");
  if (within) add(") WITHIN GROUP (");
  clause(within ? "ORDER BY " : " ORDER BY ", field(fields, "agg_order"), &ParseTreeWriter::sort);
  add(")");
  if (!field(fields, "agg_filter").is_null()) {
    add(" FILTER (WHERE ");
    expression(field(fields, "agg_filter"));
    add(")");
  }
  if (!field(fields, "over").is_null()) over(field(fields, "over"));
}

/// EXTRACT, TRIM, ... False when it is none of those.
bool ParseTreeWriter::sql_call(const ParseTree& fields) {
  const std::string_view name = last_name(field(fields, "funcname"));
  const ParseTree& arguments = field(fields, "args");
  const std::size_t count = arguments.is_array() ? arguments.size() : 0;
  if (name == "extract" && count == 2) {
    const std::string_view unit = text_field(field(fields_of(arguments[0]), "sval"), "sval");
    const bool word = std::all_of(unit.begin(), unit.end(), [](char c) { return c >= 'a' && c <= 'z'; });
    add("EXTRACT(" + (word ? quote_name(unit) : quote_literal(unit)) + " FROM ");
    expression(arguments[1]);
    add(")");
    return true;
  }
  const auto is = [&](const SqlCall& one) { return one.name == name && one.count == count; };
  const auto found = std::find_if(std::begin(sql_calls), std::end(sql_calls), is);
  if (found == std::end(sql_calls)) return false;
  if (found->words[0].empty()) add("(");
  for (std::size_t i = 0; i < count; ++i) {
    add(found->words[i]);
    operand(arguments[found->arguments[i]]);
  }
  add(found->words[count]);
  if (found->words[0].empty()) add(")");
  return true;
}

void ParseTreeWriter::over(const ParseTree& fields) {
  const std::string_view name = text_field(fields, "name");
  if (!name.empty()) return add(" OVER " + quote_name(name));
  add(" OVER (");
  window_body(fields);
  add(")");
}

void ParseTreeWriter::window_body(const ParseTree& fields) {
  const std::string_view name = text_field(fields, "refname");
  if (!name.empty()) add(quote_name(name));
  clause(" PARTITION BY ", field(fields, "partition_clause"), &ParseTreeWriter::expression);
  clause(" ORDER BY ", field(fields, "order_clause"), &ParseTreeWriter::sort);
  frame(fields);
}

void ParseTreeWriter::frame(const ParseTree& fields) {
  // parsenodes.h
  constexpr std::int64_t given = 0x1, range = 0x2, rows = 0x4, both = 0x10;
  const std::int64_t options = number_field(fields, "frame_options");
  if ((options & given) == 0) return;
  const auto end = [&](std::int64_t unbounded, std::int64_t current, std::int64_t preceding, const char* offset, std::string_view side) {
    if (options & unbounded) return add(" UNBOUNDED" + std::string(side));
    if (options & current) return add(" CURRENT ROW");
    clause(" ", field(fields, offset));
    add(options & preceding ? " PRECEDING" : " FOLLOWING");
  };
  add(options & range ? " RANGE" : options & rows ? " ROWS" : " GROUPS");
  if (options & both) add(" BETWEEN");
  end(0x20, 0x200, 0x800, "start_offset", " PRECEDING");
  if (options & both) add(" AND");
  if (options & both) end(0x100, 0x400, 0x1000, "end_offset", " FOLLOWING");
  if (options & 0x8000) add(" EXCLUDE CURRENT ROW");
  if (options & 0x10000) add(" EXCLUDE GROUP");
  if (options & 0x20000) add(" EXCLUDE TIES");
}

/// SVFOP_CURRENT_TIME_N is CURRENT_TIME(n).
void ParseTreeWriter::value_function(const ParseTree& fields) {
  std::string_view op = text_field(fields, "op");
  if (!op.starts_with("SVFOP_")) return fail("an unknown SQLValueFunction");
  op.remove_prefix(6);
  const bool precise = op.ends_with("_N");
  if (precise) op.remove_suffix(2);
  add(op);
  if (precise) add("(" + std::to_string(number_field(fields, "typmod")) + ")");
}

}  // namespace pgswitch::rules
