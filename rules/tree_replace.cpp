// TreePlanner: other names for tables, schemas and functions.
#include <algorithm>

#include "rules/tree_planner.hpp"

#include "rules/quoting.hpp"

namespace pgswitch::rules {
namespace {

std::string_view last_part(std::string_view dotted) { return dotted.substr(dotted.rfind('.') + 1); }

std::vector<std::string_view> names_of(const List* list) {
  std::vector<std::string_view> names;
  for (const Node* name : NodeList(list)) names.push_back(string_of(name));
  return names;
}

}  // namespace

void TreePlanner::edit_place(const Place& place) {
  check_names(place);
  check_filter(place);
  if (failed()) return;
  const TokenRun relation = relation_of(place);
  const std::uint32_t before = tokens_.previous(relation.first);
  const bool aliased = place.use->var->alias || place.use->role == TableRole::whole;
  const bool is_table = place.use->role == TableRole::from && tokens_.is_word(before, "table");  // the query TABLE t, which knows no alias
  const std::string_view own = text_of(place.use->var->relname);
  const std::string_view named = place.renaming ? last_part(place.renaming->to) : own;
  const bool needs_alias = !aliased && (place.wrapped || named != own);
  if (is_table && needs_alias) replace({before, before}, "SELECT * FROM");
  if (place.wrapped) insert_before(relation.first, "(SELECT * FROM ");
  if (place.renaming) replace({place.name.front().first, place.name.back().last}, quote_dotted(place.renaming->to));
  if (place.wrapped) insert_behind(relation.last, " WHERE " + conditions_of(place, named) + (wanted_.strict ? " OFFSET 0)" : ")"));
  if (needs_alias) insert_behind(relation.last, " AS " + quote_name(own));
}

/// What is renamed is known by its own name alone then.
void TreePlanner::check_names(const Place& place) {
  const RangeVar& var = *place.use->var;
  if (place.use->role == TableRole::create && place.renaming) refuse("it creates \"" + std::string(var.relname) + "\"");
  if (!place.renamed_item()) return;
  const std::string_view name = text_of(var.alias ? var.alias->aliasname : var.relname);
  const auto& items = place.use->level->items;
  const auto count = std::count_if(items.begin(), items.end(), [&](const LevelItem& item) { return item.name == name; });
  if (count > 1) refuse("two tables of one query are called \"" + std::string(name) + "\"");
}

/// Name, ONLY and star.
TokenRun TreePlanner::relation_of(const Place& place) const {
  TokenRun run{place.name.front().first, place.name.back().last};
  std::uint32_t before = tokens_.previous(run.first);
  const std::uint32_t behind = tokens_.next(run.last);
  if (!place.use->var->inh && tokens_.is(before, TokenType::left_paren) && tokens_.is_word(tokens_.previous(before), "only")) {
    run = {tokens_.previous(before), behind};
  } else if (tokens_.is_word(before, "only")) {
    run.first = before;
  } else if (tokens_.is(behind, TokenType::op) && tokens_.text(behind) == "*") {
    run.last = behind;
  }
  return run;
}

/// schema.table.column means a table without an alias: where it gets one, or becomes a subquery, table.column is left of it.
void TreePlanner::shorten_columns() {
  const bool any = std::any_of(places_.begin(), places_.end(), [](const Place& place) { return place.renamed_item(); });
  for (const ColumnUse& column : map_.columns())
    if (any && length(column.ref->fields) > 2) shorten_column(column);
}

void TreePlanner::shorten_column(const ColumnUse& column) {
  const Fields fields = fields_of(column.ref);
  const std::string_view schema = fields[fields.size() - 3], table = fields[fields.size() - 2];
  bool hidden = false;
  for (const QueryLevel* level = column.level; level; level = level->outer) {
    for (const LevelItem& item : level->items) {
      if (item.name != table) continue;
      const bool meant = item.table && !item.table->alias && (!item.table->schemaname || text_of(item.table->schemaname) == schema);
      hidden |= !meant;
      if (!meant) continue;
      const Place* place = place_of(item);
      if (!place || !place->renamed_item()) return;
      const std::vector<TokenRun> runs = tokens_.name_at(column.ref->location, fields);
      if (hidden || runs.empty()) {
        return void(refuse("the column \"" + std::string(schema) + "." + std::string(table) + "...\" cannot be told from others"));
      }
      return replace({runs.front().first, runs[fields.size() - 2].first - 1}, "");
    }
  }
}

void TreePlanner::replace_schemas() {
  if (wanted_.schemas.empty()) return;
  for (const TableUse& use : map_.tables()) {
    const auto place = place_of_.find(use.var);
    if (!use.var->schemaname || (place != place_of_.end() && place->second->renaming)) continue;
    replace_schema(use.var->location, fields_of(use.var), "table");
  }
  for (const ColumnUse& column : map_.columns())
    if (length(column.ref->fields) > 2) replace_schema(column.ref->location, fields_of(column.ref), "column");
  for (const FuncCall* call : map_.functions())
    if (length(call->funcname) > 1) replace_schema(call->location, names_of(call->funcname), "function");
  for (const TypeName* type : map_.types())
    if (length(type->names) > 1) replace_schema(type->location, names_of(type->names), "type");
}

/// `name` ends in the table of a column, or in a name of its own.
void TreePlanner::replace_schema(int location, const Fields& name, std::string_view what) {
  const std::size_t place = name.size() - (what == "column" ? 3 : 2);
  for (const Renaming& renaming : wanted_.schemas) {
    if (name[place] != renaming.from) continue;
    const std::vector<TokenRun> runs = tokens_.name_at(location, name);
    if (runs.empty()) {  // int, EXTRACT(...): words of the grammar for something in pg_catalog
      if (renaming.from != "pg_catalog") refuse("where the " + std::string(what) + " of \"" + renaming.from + "\" stands cannot be told");
      return;
    }
    if (!replaced_.contains(runs[place].first)) replace(runs[place], quote_name(renaming.to));
    return;
  }
}

void TreePlanner::replace_functions() {
  for (const FuncCall* call : map_.functions()) {
    const Fields name = names_of(call->funcname);
    for (const Renaming& renaming : wanted_.functions) {
      const std::size_t dot = renaming.from.find('.');
      const std::string_view from = renaming.from;
      if (name.back() != last_part(from)) continue;
      const bool any_schema = dot == std::string_view::npos;
      if (!any_schema && name.size() < 2) {
        refuse("\"" + std::string(name.back()) + "\" has no schema in front, and may be \"" + renaming.from + "\" or another");
        return;
      }
      if (!any_schema && name[name.size() - 2] != from.substr(0, dot)) continue;
      const std::vector<TokenRun> runs = tokens_.name_at(call->location, name);
      if (runs.empty()) return void(refuse("\"" + renaming.from + "\" is called by words of SQL, not by its name"));
      if (replaced_.contains(runs[0].first)) return void(refuse("\"" + renaming.from + "\" would be renamed twice"));
      replace({runs.front().first, runs.back().last}, quote_dotted(renaming.to));
      break;
    }
  }
}

}  // namespace pgswitch::rules
