// TreeTranslator: calls of functions, aggregates and windows.
#include <algorithm>

#include "rules/parse_tree_writer.hpp"
#include "rules/redshift/function_table.hpp"
#include "rules/redshift/tree_translator.hpp"

namespace pgswitch::rules::redshift {
namespace {

bool is_constant_text(const ParseTree& node) { return kind_of(node) == "A_Const" && !field(fields_of(node), "sval").is_null(); }
std::string_view text_of_constant(const ParseTree& node) { return text_field(field(fields_of(node), "sval"), "sval"); }

/// ','::text, as postgres_fdw writes it.
const ParseTree& without_cast(const ParseTree& node) {
  const bool text = kind_of(node) == "TypeCast" && last_name(field(field(fields_of(node), "type_name"), "names")) == "text";
  return text ? field(fields_of(node), "arg") : node;
}

std::size_t count_of(const ParseTree& list) { return list.is_array() ? list.size() : 0; }

/// What the grammar makes of LIKE ... ESCAPE and SIMILAR TO; the writer makes them of it.
bool is_escape_of_like(const ParseTree& names) { return count_of(names) == 2 && (last_name(names) == "like_escape" || last_name(names) == "similar_to_escape"); }

std::int64_t characters_of(std::string_view text) { return static_cast<std::int64_t>(characters(text)); }

}  // namespace

void TreeTranslator::call(ParseTree& node) {
  ParseTree& fields = node.begin().value();
  ParseTree& names = fields["funcname"];
  const bool sql = text_field(fields, "funcformat") == "COERCE_SQL_SYNTAX";
  if (is_escape_of_like(names)) return;
  if (!sql && names.is_array() && names.size() == 2 && text_field(fields_of(names[0]), "sval") == "pg_catalog") {
    names.erase(names.begin());
    changed_ = true;
  }
  const bool built_in = names.is_array() && (names.size() == 1 || sql);
  if (!built_in) return;
  const std::string name(last_name(names));
  if (has_flag(fields, "func_variadic")) return refuse(fields, "VARIADIC");
  if (!field(fields, "agg_filter").is_null()) filter(fields, name);
  if (failed()) return;
  if (name == "string_agg") return string_agg(node);
  if (name == "listagg" && fields.contains("agg_order")) default_nulls(fields["agg_order"]);
  if (fields.contains("agg_order") && !has_flag(fields, "agg_within_group"))
    return refuse(fields, "ORDER BY in the aggregate " + name, "LISTAGG(...) WITHIN GROUP (ORDER BY ...) orders texts.");
  if (name == "decode" && count_of(field(fields, "args")) == 2) return refuse(fields, "function decode of bytes", "FROM_HEX() makes bytes of a text.");
  if (const MissingFunction* missing = missing_function(name)) return refuse(fields, "function " + name, missing->hint);
  replace_call(node, name);
}

void TreeTranslator::replace_call(ParseTree& node, std::string_view name) {
  ParseTree& fields = node.begin().value();
  const ParseTree arguments = field(fields, "args");
  const std::size_t count = count_of(arguments);
  if ((name == "now" || name == "transaction_timestamp") && count == 0) {
    change(node, cast_node(column_node("sysdate"), type_node("timestamptz")));
  } else if (name == "every") {
    fields["funcname"] = ParseTree::array({name_node("bool_and")});
    changed_ = true;
  } else if (name == "to_timestamp" && count == 1) {
    const ParseTree epoch = cast_node(string_node("1970-01-01 00:00:00+00"), type_node("timestamptz"));
    const ParseTree second = cast_node(string_node("1 second"), type_node("interval"));
    change(node, operator_node("+", epoch, operator_node("*", arguments[0], second)));
  } else if (name == "generate_series" && reads_tables_) {
    refuse(fields, "generate_series together with tables", "A recursive WITH query or a table of numbers does the same.");
  } else if (name == "substring" && count >= 2 && is_constant_text(without_cast(arguments[1]))) {
    refuse(fields, "substring by a pattern", "REGEXP_SUBSTR(text, pattern) does the same.");
  } else if (name == "regexp_replace") {
    const bool all = count == 4 && text_of_constant(arguments[3]) == "g" && is_constant_text(arguments[2]) &&
                     text_of_constant(arguments[2]).find_first_of("\\$") == std::string_view::npos;
    if (!all) return refuse(fields, "regexp_replace of the first match, nor its flags", "REGEXP_REPLACE(text, pattern, new) replaces every match, as the flag 'g' does.");
    by_literals_ = true;
    fields["args"].erase(3);
    changed_ = true;
  } else if ((name == "extract" || name == "date_part") && count == 2) {
    const std::string_view unit = text_of_constant(arguments[0]);
    if (unit == "isodow" || unit == "isoyear" || unit == "julian") refuse(fields, "date part " + std::string(unit), "date_part('dow', d) is 0 on Sundays.");
  }
}

/// agg(x) FILTER (WHERE c): agg(CASE WHEN c THEN x END), count(*): count(CASE WHEN c THEN TRUE END)
void TreeTranslator::filter(ParseTree& fields, std::string_view name) {
  if (!ignores_nulls(name) || has_flag(fields, "agg_within_group"))
    return refuse(fields, "FILTER, and it cannot be written otherwise for " + std::string(name) + "()", "Filter in a subquery.");
  const ParseTree condition = fields["agg_filter"];
  fields.erase("agg_filter");
  changed_ = true;
  if (has_flag(fields, "agg_star")) {
    fields.erase("agg_star");
    fields["args"] = ParseTree::array({case_node(condition, boolean_node(true), nullptr)});
    return;
  }
  ParseTree& arguments = fields["args"];
  if (!arguments.is_array() || arguments.empty()) return refuse(fields, "FILTER for this aggregate");
  arguments[0] = case_node(condition, arguments[0], nullptr);
}

/// string_agg(x, ', ' ORDER BY o): substr(listagg(', ' || x) WITHIN GROUP (ORDER BY o), 3). LISTAGG leaves out empty texts, which there are none
/// of with the delimiter in front; what is longer than 65535 bytes is an error.
void TreeTranslator::string_agg(ParseTree& node) {
  ParseTree& fields = node.begin().value();
  const ParseTree arguments = field(fields, "args");
  if (count_of(arguments) != 2) return refuse(fields, "string_agg of this form");
  if (fields.contains("over")) return refuse(fields, "string_agg as a window function");
  if (has_flag(fields, "agg_distinct")) return refuse(fields, "string_agg(DISTINCT ...)", "Aggregate over a subquery with DISTINCT.");
  const ParseTree& delimiter = without_cast(arguments[1]);
  const std::string text(text_of_constant(delimiter));
  if (!is_constant_text(delimiter) || text.empty())
    return refuse(fields, "string_agg with a delimiter that is no literal, or empty", "LISTAGG(x, ',') takes a literal, and leaves out empty texts.");
  by_literals_ = true;
  ParseTree list = call_node("listagg", ParseTree::array({operator_node("||", string_node(text), arguments[0])}));
  ParseTree& inner = list.begin().value();
  ParseTree order = field(fields, "agg_order");
  // WITHIN GROUP wants an order, and any will do where none is asked for.
  if (!order.is_array()) order.push_back({{"SortBy", {{"node", arguments[0]}}}});
  inner["agg_order"] = order;
  inner["agg_within_group"] = true;
  change(node, call_node("substr", ParseTree::array({list, number_node(characters_of(text) + 1)})));
}

/// Windows and LISTAGG take no NULLS FIRST: the default is left out, the other one becomes a key in front.
void TreeTranslator::default_nulls(ParseTree& sorts) {
  if (!sorts.is_array()) return;
  ParseTree result = ParseTree::array();
  for (ParseTree& node : sorts) {
    ParseTree& sort = node.begin().value();
    const std::string_view nulls = text_field(sort, "sortby_nulls"), direction = text_field(sort, "sortby_dir");
    if (direction == "SORTBY_USING") return refuse(sort, "ORDER BY ... USING");
    const bool given = nulls == "SORTBY_NULLS_FIRST" || nulls == "SORTBY_NULLS_LAST";
    const bool first = nulls == "SORTBY_NULLS_FIRST", first_anyway = direction == "SORTBY_DESC";
    if (given && first != first_anyway) {
      if (is_volatile(field(sort, "node"))) return refuse(sort, "NULLS FIRST or LAST in a window");
      const ParseTree key = case_node(null_test(field(sort, "node"), true), number_node(first ? 0 : 1), number_node(first ? 1 : 0));
      result.push_back({{"SortBy", {{"node", key}}}});
    }
    if (given) {
      sort.erase("sortby_nulls");
      changed_ = true;
    }
    result.push_back(std::move(node));
  }
  sorts = std::move(result);
}

void TreeTranslator::check_window(const ParseTree& fields) {
  // parsenodes.h
  constexpr std::int64_t range = 0x2, groups = 0x8, offsets = 0x800 | 0x1000 | 0x2000 | 0x4000, excludes = 0x8000 | 0x10000 | 0x20000;
  const std::int64_t options = number_field(fields, "frame_options");
  if ((options & groups) != 0) return refuse(fields, "GROUPS in a window");
  if ((options & excludes) != 0) return refuse(fields, "EXCLUDE in a window");
  if ((options & range) != 0 && (options & offsets) != 0) refuse(fields, "RANGE with an offset in a window", "ROWS is supported.");
}

}  // namespace pgswitch::rules::redshift
