// TreeTranslator: queries and their clauses.
#include <algorithm>

#include "rules/parse_tree_writer.hpp"
#include "rules/redshift/tree_translator.hpp"

namespace pgswitch::rules::redshift {
namespace {

constexpr std::size_t most_rows = 500;  // of a VALUES list that becomes a UNION ALL

ParseTree& fields(ParseTree& node) { return node.begin().value(); }

ParseTree target_node(ParseTree value, std::string_view name) {
  ParseTree result = {{"val", std::move(value)}};
  if (!name.empty()) result["name"] = name;
  return {{"ResTarget", std::move(result)}};
}

bool is_star(const ParseTree& node) {
  const ParseTree& names = field(fields_of(node), "fields");
  return kind_of(node) == "ColumnRef" && names.is_array() && !names.empty() && kind_of(names.back()) == "A_Star";
}

bool is_null(const ParseTree& node) { return kind_of(node) == "A_Const" && has_flag(fields_of(node), "isnull"); }

bool is_integer(const ParseTree& node) { return kind_of(node) == "A_Const" && !field(fields_of(node), "ival").is_null(); }

/// The type of a constant or a cast as a value of the field type_name; null where it is not known, or a string.
ParseTree type_of(const ParseTree& node) {
  const ParseTree& value = fields_of(node);
  if (kind_of(node) == "TypeCast") return field(value, "type_name");
  if (kind_of(node) != "A_Const") return nullptr;
  if (!field(value, "ival").is_null()) return type_node("int4");
  if (!field(value, "boolval").is_null()) return type_node("bool");
  return nullptr;
}

}  // namespace

void TreeTranslator::select(ParseTree& node) {
  ParseTree& query = fields(node);
  check_select(query);
  if (failed()) return;
  if (field(query, "values_lists").is_array()) values_to_union(query);
  if (field(query, "window_clause").is_array()) inline_windows(query);
  const ParseTree& distinct = field(query, "distinct_clause");
  if (!failed() && distinct.is_array() && !distinct.empty() && !kind_of(distinct[0]).empty()) distinct_on(query);
  std::vector<std::string> names;
  const bool has_targets = field(query, "target_list").is_array();
  if (has_targets)
    for (const ParseTree& target : query["target_list"]) names.push_back(implied_name(field(fields_of(target), "val")));
  visit_members(node);
  if (failed() || !has_targets) return;
  // The client knows the columns by the names that they had.
  for (std::size_t i = 0; i < names.size(); ++i) {
    ParseTree& target = fields(query["target_list"][i]);
    if (target.contains("name") || implied_name(field(target, "val")) == names[i]) continue;
    target["name"] = names[i].empty() ? "?column?" : names[i];
  }
}

void TreeTranslator::check_select(ParseTree& query) {
  const std::string_view op = text_field(query, "op");
  const bool all = has_flag(query, "all");
  if (all && (op == "SETOP_EXCEPT" || op == "SETOP_INTERSECT"))
    return refuse(query, op == "SETOP_EXCEPT" ? "EXCEPT ALL" : "INTERSECT ALL", "EXCEPT and INTERSECT without ALL are supported.");
  if (text_field(query, "limit_option") == "LIMIT_OPTION_WITH_TIES") return refuse(field(query, "limit_count"), "FETCH FIRST ... WITH TIES", "Filter by rank().");
  if (has_flag(query, "group_distinct")) return refuse(query, "GROUP BY DISTINCT");
  if ((op.empty() || op == "SETOP_NONE") && !field(query, "target_list").is_array() && !field(query, "values_lists").is_array())
    return refuse(query, "SELECT without columns");
  if (how_ == Translate::drop_locks && query.contains("locking_clause")) {
    query.erase("locking_clause");
    changed_ = true;
  }
}

/// VALUES (1, 2), (3, 4): SELECT 1 AS column1, 2 AS column2 UNION ALL SELECT 3, 4
void TreeTranslator::values_to_union(ParseTree& query) {
  ParseTree rows = std::move(query["values_lists"]);
  query.erase("values_lists");
  changed_ = true;
  if (rows.size() > most_rows) return refuse(query, "VALUES of more than " + std::to_string(most_rows) + " rows as a table", "Insert them into a table.");
  type_nulls(rows);
  ParseTree all;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ParseTree targets = ParseTree::array();
    ParseTree& items = fields(rows[i])["items"];
    for (std::size_t column = 0; column < items.size(); ++column) {
      if (kind_of(items[column]) == "SetToDefault") return refuse(fields_of(items[column]), "DEFAULT in a SELECT");
      targets.push_back(target_node(std::move(items[column]), i == 0 ? "column" + std::to_string(column + 1) : ""));
    }
    ParseTree one = {{"target_list", std::move(targets)}};
    if (all.is_null()) all = std::move(one);
    else all = {{"op", "SETOP_UNION"}, {"all", true}, {"larg", std::move(all)}, {"rarg", std::move(one)}};
  }
  query.erase("op");
  for (auto& [name, value] : all.items()) query[name] = std::move(value);
}

/// A list takes the type of a column from all its rows, a UNION from two at a time: NULL gets the type of the first row that has one.
void TreeTranslator::type_nulls(ParseTree& rows) {
  if (rows.size() < 3) return;
  const std::size_t columns = fields(rows[0])["items"].size();
  for (std::size_t column = 0; column < columns; ++column) {
    ParseTree* const items[] = {&fields(rows[0])["items"], &fields(rows[1])["items"]};
    if (!is_null((*items[0])[column]) || !is_null((*items[1])[column])) continue;
    for (std::size_t row = 2; row < rows.size(); ++row) {
      const ParseTree& value = fields(rows[row])["items"][column];
      if (is_null(value)) continue;
      const ParseTree type = type_of(value);
      const bool text = kind_of(value) == "A_Const" && !field(fields_of(value), "sval").is_null();
      if (type.is_null() && !text) return refuse(fields_of(value), "type for the NULLs in the first rows of VALUES", "Give the first one a type: NULL::numeric(10, 2).");
      if (!type.is_null()) (*items[0])[column] = cast_node(null_node(), type);
      break;
    }
  }
}

void TreeTranslator::inline_windows(ParseTree& query) {
  const ParseTree windows = std::move(query["window_clause"]);
  query.erase("window_clause");
  changed_ = true;
  for (const char* clause : {"target_list", "sort_clause", "distinct_clause"})
    if (query.contains(clause)) inline_windows_in(query[clause], windows);
}

void TreeTranslator::inline_windows_in(ParseTree& value, const ParseTree& windows) {
  if (!value.is_structured() || kind_of(value) == "SelectStmt") return;
  if (value.is_object() && field(value, "over").is_object()) {
    ParseTree& over = value["over"];
    const std::string name(text_field(over, "name")), refers(text_field(over, "refname"));
    if (!name.empty()) {
      over = window_named(windows, name, 0);
    } else if (!refers.empty()) {
      const ParseTree base = window_named(windows, refers, 0);
      over.erase("refname");
      for (const char* clause : {"partition_clause", "order_clause"})
        if (base.contains(clause) && !over.contains(clause)) over[clause] = base[clause];
    }
  }
  for (ParseTree& inner : value) inline_windows_in(inner, windows);
}

ParseTree TreeTranslator::window_named(const ParseTree& windows, std::string_view name, int depth) {
  for (const ParseTree& node : windows) {
    if (text_field(fields_of(node), "name") != name || depth > 100) continue;
    ParseTree window = fields_of(node);
    window.erase("name");
    const std::string refers(text_field(window, "refname"));
    if (refers.empty()) return window;
    window.erase("refname");
    const ParseTree base = window_named(windows, refers, depth + 1);
    for (const char* clause : {"partition_clause", "order_clause"})
      if (base.contains(clause) && !window.contains(clause)) window[clause] = base[clause];
    return window;
  }
  refuse(windows, "window \"" + std::string(name) + "\"");
  return ParseTree::object();
}

/// What an item of ORDER BY or DISTINCT ON means: an output column by its name or place comes before a column of the tables.
ParseTree TreeTranslator::resolved(const ParseTree& expression, const ParseTree& targets) {
  if (is_integer(expression)) {
    by_literals_ = true;
    const auto place = number_field(field(fields_of(expression), "ival"), "ival");
    if (place >= 1 && static_cast<std::size_t>(place) <= targets.size()) return field(fields_of(targets[static_cast<std::size_t>(place - 1)]), "val");
  }
  const ParseTree& names = field(fields_of(expression), "fields");
  if (kind_of(expression) != "ColumnRef" || !names.is_array() || names.size() != 1) return expression;
  const std::string_view name = text_field(fields_of(names[0]), "sval");
  for (const ParseTree& target : targets) {
    const std::string given(text_field(fields_of(target), "name"));
    const ParseTree& value = field(fields_of(target), "val");
    if (name == (given.empty() ? implied_name(value) : given)) return value;
  }
  return expression;
}

/// SELECT DISTINCT ON (k) a FROM t ORDER BY k, o:
/// SELECT pgswitch_1 AS a FROM (SELECT a AS pgswitch_1, row_number() OVER (PARTITION BY k ORDER BY o) AS pgswitch_n, k AS pgswitch_o1,
/// o AS pgswitch_o2 FROM t) AS pgswitch_d WHERE pgswitch_n = 1 ORDER BY pgswitch_o1, pgswitch_o2
void TreeTranslator::distinct_on(ParseTree& query) {
  const ParseTree targets = query["target_list"];
  ParseTree inner = query, outer = ParseTree::object(), outer_targets = ParseTree::array(), inner_targets = ParseTree::array();
  for (const char* clause : {"sort_clause", "limit_count", "limit_offset", "limit_option", "distinct_clause", "with_clause", "locking_clause"}) {
    if (query.contains(clause) && std::string_view(clause) != "sort_clause" && std::string_view(clause) != "distinct_clause") outer[clause] = query[clause];
    inner.erase(clause);
  }
  for (const ParseTree& target : targets) {
    const ParseTree& value = field(fields_of(target), "val");
    if (is_star(value)) return refuse(fields_of(target), "DISTINCT ON, and * cannot be written without it", "Name the columns.");
    std::string name(text_field(fields_of(target), "name"));
    if (name.empty()) name = implied_name(value);
    const std::string alias = "pgswitch_" + std::to_string(inner_targets.size() + 1);
    inner_targets.push_back(target_node(value, alias));
    outer_targets.push_back(target_node(column_node(alias), name.empty() ? "?column?" : name));
  }
  ParseTree keys = ParseTree::array();
  for (const ParseTree& key : query["distinct_clause"]) keys.push_back(resolved(key, targets));
  ParseTree order = ParseTree::array(), outer_order = ParseTree::array();
  const ParseTree sorts = field(query, "sort_clause");
  for (std::size_t i = 0; sorts.is_array() && i < sorts.size(); ++i) {
    ParseTree sort = fields_of(sorts[i]);
    const ParseTree value = resolved(field(sort, "node"), targets);
    if (text_field(sort, "sortby_dir") == "SORTBY_USING") return refuse(sort, "ORDER BY ... USING");
    if (is_volatile(value)) return refuse(sort, "DISTINCT ON, and an order that changes cannot be kept without it");
    sort["node"] = value;
    const auto is_key = [&](const ParseTree& key) { return same_tree(key, value); };
    if (std::none_of(keys.begin(), keys.end(), is_key)) order.push_back({{"SortBy", sort}});
    const std::string alias = "pgswitch_o" + std::to_string(i + 1);
    inner_targets.push_back(target_node(value, alias));
    sort["node"] = column_node(alias);
    outer_order.push_back({{"SortBy", sort}});
  }
  ParseTree window = {{"partition_clause", keys}, {"frame_options", 1058}};
  if (!order.empty()) window["order_clause"] = order;
  ParseTree number = call_node("row_number", ParseTree::array());
  fields(number)["over"] = window;
  inner_targets.push_back(target_node(number, "pgswitch_n"));
  inner["target_list"] = inner_targets;
  outer["target_list"] = outer_targets;
  outer["from_clause"] = ParseTree::array({{{"RangeSubselect", {{"subquery", {{"SelectStmt", inner}}}, {"alias", {{"aliasname", "pgswitch_d"}}}}}}});
  outer["where_clause"] = operator_node("=", column_node("pgswitch_n"), number_node(1));
  if (!outer_order.empty()) outer["sort_clause"] = outer_order;
  query = std::move(outer);
  changed_ = true;
}

void TreeTranslator::statement_clauses(std::string_view kind, ParseTree& statement) {
  if (!field(statement, "on_conflict_clause").is_null())
    return refuse(field(statement, "on_conflict_clause"), "ON CONFLICT", "MERGE INTO ... USING a table that holds the new rows does the same.");
  if (field(statement, "returning_list").is_array()) return refuse(fields_of(statement["returning_list"][0]), "RETURNING", "Read the rows with a SELECT in the same transaction.");
  if (kind == "InsertStmt" && !text_field(statement, "override").empty() && text_field(statement, "override") != "OVERRIDING_NOT_SET")
    return refuse(field(statement, "relation"), "OVERRIDING");
  if (kind == "UpdateStmt") update(statement);
}

/// SET (a, b) = (1, 2)
void TreeTranslator::update(ParseTree& statement) {
  for (ParseTree& target : statement["target_list"]) {
    ParseTree& value = fields(target)["val"];
    if (kind_of(value) != "MultiAssignRef") continue;
    const ParseTree& source = field(fields_of(value), "source");
    const auto place = static_cast<std::size_t>(std::max<std::int64_t>(1, number_field(fields_of(value), "colno"))) - 1;
    const ParseTree& items = field(fields_of(source), "args");
    if (kind_of(source) != "RowExpr" || !items.is_array() || place >= items.size())
      return refuse(fields_of(target), "assignment of a row in UPDATE", "Assign the columns one by one.");
    change(value, ParseTree(items[place]));
  }
}

void TreeTranslator::from_item(std::string_view kind, ParseTree& item) {
  if (kind == "RangeVar") {
    if (has_flag(item, "inh")) return;
    item["inh"] = true;
    changed_ = true;
    return;
  }
  if (kind == "RangeTableSample") return refuse(item, "TABLESAMPLE", "WHERE random() < 0.1 reads about a tenth.");
  if (kind == "RangeTableFunc") return refuse(item, "XMLTABLE");
  if (kind == "JoinExpr" && !field(item, "join_using_alias").is_null()) return refuse(field(item, "join_using_alias"), "alias of USING");
  if (has_flag(item, "lateral")) return refuse(field(item, "alias"), "LATERAL", "Write the subquery as a join with GROUP BY, or as a window function.");
  if (kind != "RangeFunction") return;
  if (has_flag(item, "ordinality")) return refuse(field(item, "alias"), "WITH ORDINALITY", "row_number() numbers rows.");
  if (has_flag(item, "is_rowsfrom")) return refuse(field(item, "alias"), "ROWS FROM");
}

void TreeTranslator::cte(ParseTree& query) {
  for (const char* clause : {"search_clause", "cycle_clause"})
    if (!field(query, clause).is_null()) return refuse(field(query, clause), clause[0] == 's' ? "SEARCH" : "CYCLE");
  if (kind_of(field(query, "ctequery")) != "SelectStmt") return refuse(query, "WITH query that writes", "Write first, then read, in one transaction.");
  const std::string_view how = text_field(query, "ctematerialized");
  if (how.empty() || how == "CTEMaterializeDefault") return;
  query["ctematerialized"] = "CTEMaterializeDefault";
  changed_ = true;
}

}  // namespace pgswitch::rules::redshift
