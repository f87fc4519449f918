// TreePlanner: what a strict rule refuses.
#include <algorithm>
#include <array>

#include "rules/setting_value.hpp"
#include "rules/tree_planner.hpp"
#include "rules/volatility.hpp"

namespace pgswitch::rules {
namespace {

/// Known functions that change nothing, and show what no filter is asked about: large objects, files, sizes, statistics, what others run.
constexpr std::string_view showing[] = {"currtid", "cursor_to_xml", "lo_", "loread", "lowrite", "pg_cursor", "pg_event_trigger_", "pg_get_replica",
                                        "pg_hba_", "pg_indexes_size", "pg_lock_status", "pg_logical_", "pg_ls_", "pg_mcv_list_items", "pg_prepared_",
                                        "pg_read_", "pg_relation_size", "pg_show_all_file", "pg_stat_", "pg_stats_ext", "pg_table_size",
                                        "pg_total_relation_size"};

bool is_harmless(const FunctionFacts& facts, std::string_view name) {
  const bool shows = std::any_of(std::begin(showing), std::end(showing), [&](std::string_view prefix) { return name.starts_with(prefix); });
  return !shows && (!facts.writes || name == "nextval");
}

/// It has no facts of its own where it is a user's.
FunctionFacts facts_of(const List* names, std::string_view name) {
  return function_facts(names->length > 1 ? string_of(first(names)) : std::string_view(), name);
}

/// Kinds of statements that read no table but those they name, or none.
bool is_allowed(Kind kind) {
  switch (kind) {
    case Kind::unparsed:
    case Kind::lock:
    case Kind::call:
    case Kind::do_:
    case Kind::utility:
    case Kind::copy_in: return false;
    default: return true;
  }
}

/// Settings that change what names or strings mean, or who asks, or that tell what EXPLAIN does.
bool is_allowed_setting(std::string_view name) {
  constexpr std::array<std::string_view, 7> others = {
      "debug_print_plan", "role", "row_security", "search_path", "session_authorization", "session_preload_libraries", "standard_conforming_strings"};
  return std::find(others.begin(), others.end(), name) == others.end();
}

bool resets_all(const Statement& statement) {
  return statement.is_transaction_control() || has(statement.effects, Effect::reset_all) || has(statement.effects, Effect::discard_all);
}

bool is_set_or_reset(const Statement& statement) { return statement.kind == Kind::set || statement.kind == Kind::reset; }

/// The way out of a client_encoding in which nothing else is taken.
bool may_end_encoding(const Statement& statement) {
  const auto& variables = statement.variables;
  const auto is_encoding = [](const VariableChange& change) { return change.name == "client_encoding"; };
  if (variables.empty()) return resets_all(statement);
  return is_set_or_reset(statement) && std::all_of(variables.begin(), variables.end(), is_encoding);
}

/// Back to what the search_path was at the login.
bool resets_path(const Statement& statement) {
  const auto& variables = statement.variables;
  if (variables.empty()) return resets_all(statement);
  return is_set_or_reset(statement) && variables.size() == 1 && variables[0].name == "search_path" && variables[0].statement.empty();
}

/// pg_catalog comes first where it is not named.
bool hides_operators(std::string_view search_path) {
  return search_path == unknown_value || search_path.find("pg_catalog") != std::string_view::npos;
}

}  // namespace

void TreePlanner::check_strict() {
  if (statement_.kind == Kind::explain) return void(refuse("EXPLAIN tells of rows that the filter hides"));
  check_strict_statement();
  const auto refuse_function = [&](std::string_view name) { refuse("the function " + std::string(name) + "() may read what is filtered"); };
  for (const FuncCall* call : map_.functions()) {
    const List* names = call->funcname;
    const auto name = string_of(static_cast<const Node*>(names->elements[names->length - 1].ptr_value));
    const FunctionFacts facts = facts_of(names, name);
    if (!facts.known || !is_harmless(facts, name)) refuse_function(name);
  }
  for (const std::string_view name : map_.called_as_columns()) {
    const FunctionFacts facts = function_facts({}, name);
    if (facts.known && !is_harmless(facts, name)) refuse_function(name);
  }
  for (const TableUse& use : map_.tables()) {
    if (!use.var->schemaname && !facts_.search_path.empty()) {
      refuse("the client has set its search_path, and \"" + std::string(use.var->relname) + "\" has no schema in front");
    }
    const auto place = place_of_.find(use.var);
    if ((place != place_of_.end() && !place->second->filters.empty()) || is_unfiltered(*use.var)) continue;
    refuse("\"" + std::string(use.var->relname) + "\" has no row filter, and is not one of the rule's unfiltered tables");
  }
}

void TreePlanner::check_strict_statement() {
  if (!is_allowed(statement_.kind)) refuse(statement_.command + " cannot be proven to see filtered rows alone");
  const bool unseen = map_.opaque() && (!statement_.reads.empty() || !statement_.writes.empty() || !statement_.functions.empty());
  if (unseen) refuse(statement_.command + " cannot be seen through");
  if (has(statement_.effects, Effect::unknown_settings)) refuse("it may change settings that cannot be seen");
  if (!facts_.standard_conforming_strings) refuse("standard_conforming_strings is off");
  if (facts_.ascii_in_characters && !may_end_encoding(statement_)) refuse("the client_encoding has characters that end in an ASCII sign");
  plan_.depends_on |= bit(Dependency::search_path);
  if (hides_operators(facts_.search_path) && !resets_path(statement_)) refuse("the client has set a search_path that may hide what is built in");
  for (const VariableChange& change : statement_.variables)
    if (!is_allowed_setting(change.name) && !resets_path(statement_)) refuse("SET " + change.name + " may change what is filtered");
}

/// A name without a schema is one without a schema.
bool TreePlanner::is_unfiltered(const RangeVar& var) const {
  const std::string name = (var.schemaname ? std::string(var.schemaname) + "." : std::string()) + var.relname;
  return std::find(wanted_.unfiltered.begin(), wanted_.unfiltered.end(), name) != wanted_.unfiltered.end();
}

}  // namespace pgswitch::rules
