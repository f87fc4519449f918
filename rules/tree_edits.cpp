#include "rules/tree_edits.hpp"

#include <algorithm>

#include "rules/patterns.hpp"
#include "rules/tree_planner.hpp"

namespace pgswitch::rules {
namespace {

/// Built-in functions that run SQL which they are given as a text, or read tables that they are given the name of.
constexpr std::string_view runs_text[] = {"database_to_xml", "database_to_xml_and_xmlschema", "query_to_xml", "query_to_xml_and_xmlschema",
                                          "query_to_xmlschema", "schema_to_xml", "schema_to_xml_and_xmlschema", "table_to_xml",
                                          "table_to_xml_and_xmlschema", "ts_rewrite", "ts_stat"};

constexpr std::size_t most_places = 500;
constexpr std::size_t most_lookups = 3'000'000;

std::string_view last_name(const List* names) {
  return names && names->length > 0 ? string_of(static_cast<const Node*>(names->elements[names->length - 1].ptr_value)) : std::string_view();
}

/// What runs code that nobody sees here.
bool hides_code(const Node* node) {
  const NodeTag tag = nodeTag(node);
  return tag == T_DoStmt || tag == T_CallStmt || tag == T_CreateFunctionStmt;
}

}  // namespace

EditPlan plan_edits(const TreeEdits& edits, std::string_view text, const Statement& statement, const Facts& facts, std::string_view rule) {
  EditPlan plan;
  if (!statement.parsed) {
    TreeEdits others = edits;
    others.tags.clear();
    others.translate = redshift::Translate::off;  // it is Redshift's, or nobody's
    if (others.empty()) return plan;  // it goes without a tag
    plan.error = "the statement is not one that can be parsed";
    return plan;
  }
  const ParsedText parsed(text, facts.standard_conforming_strings);
  const Node* raw = parsed.ok() && length(parsed.statements()) == 1 ? first(parsed.statements()) : nullptr;
  if (raw) return TreePlanner(edits, text, statement, facts, as<RawStmt>(raw)->stmt, rule).run();
  plan.error = "the statement is not one that can be parsed";
  return plan;
}

EditPlan TreePlanner::run() {
  if (names_something()) {
    if (!map_.gap().empty()) refuse("the statement cannot be seen through: " + map_.gap());
    if (map_.opaque()) check_opaque();
    check_size();
    check_functions();
    find_places();
    if (wanted_.strict && !failed()) check_strict();
    if (!failed()) check_system_columns();
    for (const Place& place : places_)
      if (!failed()) edit_place(place);
    if (!failed()) shorten_columns();
    if (!failed()) replace_schemas();
    if (!failed()) replace_functions();
    if (!failed()) rename_columns();
    if (!failed()) filter_targets();
  }
  if (!failed() && wanted_.limit) set_limit();
  if (!failed()) drop_hints();
  if (!failed() && wanted_.dblink) wrap_dblink();
  if (!failed() && !wanted_.tags.empty()) tag();
  if (failed()) plan_.edits.clear();
  sort_edits(plan_.edits);
  return std::move(plan_);
}

/// What is looked up for each column and each table must not hold a worker.
void TreePlanner::check_size() {
  if ((map_.columns().size() + map_.tables().size()) * map_.items() > most_lookups) refuse("it is too large to be edited");
}

void TreePlanner::replace(TokenRun run, std::string text) {
  for (std::uint32_t token = run.first; token <= run.last; ++token) replaced_.insert(token);
  plan_.edits.push_back({run.first, run.last - run.first + 1, false, std::move(text)});
}

bool TreePlanner::refuse(std::string why) {
  if (plan_.error.empty()) plan_.error = std::move(why);
  return false;
}

bool TreePlanner::names_something() const {
  return wanted_.strict || !wanted_.tables.empty() || !wanted_.schemas.empty() || !wanted_.functions.empty() || !wanted_.columns.empty() ||
         !wanted_.filters.empty();
}

/// Statements that are not seen through must not be about anything that is to be changed.
void TreePlanner::check_opaque() {
  if (hides_code(tree_)) refuse("what runs inside of " + statement_.command + " cannot be seen");
  const auto check = [&](std::string_view name) {
    if (touches(statement_, name)) refuse(statement_.command + " on \"" + std::string(name) + "\" cannot be rewritten");
  };
  for (const Renaming& table : wanted_.tables) check(table.from);
  for (const RowFilter& filter : wanted_.filters) check(filter.table);
  for (const ColumnRenaming& column : wanted_.columns) check(column.table);
  for (const Renaming& schema : wanted_.schemas) check(schema.from + ".*");
  for (const Renaming& function : wanted_.functions)
    if (calls(statement_, function.from)) refuse(statement_.command + " with the function \"" + function.from + "\" cannot be rewritten");
}

void TreePlanner::check_functions() {
  if (wanted_.tables.empty() && wanted_.filters.empty() && wanted_.schemas.empty() && wanted_.columns.empty()) return;
  const auto check = [&](std::string_view name) {
    if (std::find(std::begin(runs_text), std::end(runs_text), name) != std::end(runs_text)) refuse("what " + std::string(name) + "() reads cannot be seen");
  };
  for (const FuncCall* call : map_.functions()) check(last_name(call->funcname));
  for (const std::string_view name : map_.called_as_columns()) check(name);
}

/// Is the table called so? False when that cannot be told.
bool TreePlanner::is(const RangeVar& var, std::string_view name, bool& matches) {
  const std::size_t dot = name.find('.');
  const std::string_view schema = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
  matches = text_of(var.relname) == (dot == std::string_view::npos ? name : name.substr(dot + 1));
  if (!matches || schema.empty()) return true;
  if (!var.schemaname) {
    return refuse("\"" + std::string(var.relname) + "\" has no schema in front, and may be \"" + std::string(name) + "\" or another");
  }
  matches = text_of(var.schemaname) == schema;
  return true;
}

void TreePlanner::find_places() {
  places_.reserve(map_.tables().size());
  for (const TableUse& use : map_.tables())
    if (!failed()) find_place(use);
  for (const Place& place : places_) place_of_.emplace(place.use->var, &place);
  if (places_.size() > most_places) refuse("it names what is to be changed too often");
}

void TreePlanner::find_place(const TableUse& use) {
  Place place{&use, {}, nullptr, {}};
  bool matches = false;
  for (const Renaming& renaming : wanted_.tables)
    if (is(*use.var, renaming.from, matches) && matches) place.renaming = &renaming;
  for (const RowFilter& filter : wanted_.filters)
    if (is(*use.var, filter.table, matches) && matches) place.filters.push_back(&filter);
  if (failed() || (!place.renaming && place.filters.empty())) return;
  place.name = tokens_.name_at(use.var->location, fields_of(use.var));
  if (place.name.empty()) return void(refuse("where \"" + std::string(use.var->relname) + "\" stands cannot be told"));
  place.wrapped = use.role == TableRole::from && !place.filters.empty();
  places_.push_back(std::move(place));
}

TreePlanner::Fields TreePlanner::fields_of(const ColumnRef* ref) {
  Fields fields;
  for (const Node* field : NodeList(ref->fields)) fields.push_back(string_of(field));
  return fields;
}

TreePlanner::Fields TreePlanner::fields_of(const RangeVar* var) {
  Fields fields;
  for (const char* part : {var->catalogname, var->schemaname, var->relname})
    if (part) fields.push_back(part);
  return fields;
}

const TreePlanner::Place* TreePlanner::place_of(const LevelItem& item) const {
  const auto found = place_of_.find(item.table);
  return found != place_of_.end() ? found->second : nullptr;
}

}  // namespace pgswitch::rules
