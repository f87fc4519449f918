// TreePlanner: what a strict rule refuses.
#include <algorithm>
#include <array>

#include "rules/tree_planner.hpp"
#include "rules/volatility.hpp"

namespace pgswitch::rules {
namespace {

/// Known functions that change nothing, and show what no filter is asked about: large objects, files, statistics, what others run.
constexpr std::string_view showing[] = {"currtid", "cursor_to_xml", "lo_", "loread", "lowrite", "pg_event_trigger_", "pg_get_replica", "pg_hba_",
                                        "pg_logical_", "pg_ls_", "pg_mcv_list_items", "pg_read_", "pg_show_all_file", "pg_stat_", "pg_stats_ext"};

bool is_harmless(const FuncCall* call) {
  const List* names = call->funcname;
  const auto name = string_of(static_cast<const Node*>(names->elements[names->length - 1].ptr_value));
  const std::string_view schema = names->length > 1 ? string_of(first(names)) : std::string_view();
  const FunctionFacts facts = function_facts(schema, name);
  const bool shows = std::any_of(std::begin(showing), std::end(showing), [&](std::string_view prefix) { return name.starts_with(prefix); });
  return facts.known && !shows && (!facts.writes || name == "nextval");
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

/// Settings that change what names or strings mean, or who asks.
bool is_allowed_setting(std::string_view name) {
  constexpr std::array<std::string_view, 6> others = {
      "role", "row_security", "search_path", "session_authorization", "session_preload_libraries", "standard_conforming_strings"};
  return std::find(others.begin(), others.end(), name) == others.end();
}

}  // namespace

void TreePlanner::check_strict() {
  if (statement_.kind == Kind::explain) return void(refuse("EXPLAIN tells of rows that the filter hides"));
  check_strict_statement();
  for (const FuncCall* call : map_.functions()) {
    if (is_harmless(call)) continue;
    const List* names = call->funcname;
    const auto name = string_of(static_cast<const Node*>(names->elements[names->length - 1].ptr_value));
    refuse("the function " + std::string(name) + "() may read what is filtered");
  }
  for (const TableUse& use : map_.tables()) {
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
  if (facts_.ascii_in_characters) refuse("the client_encoding has characters that end in an ASCII sign");
  for (const VariableChange& change : statement_.variables)
    if (!is_allowed_setting(change.name)) refuse("SET " + change.name + " may change what is filtered");
}

/// A name without a schema is one without a schema.
bool TreePlanner::is_unfiltered(const RangeVar& var) const {
  const std::string name = (var.schemaname ? std::string(var.schemaname) + "." : std::string()) + var.relname;
  return std::find(wanted_.unfiltered.begin(), wanted_.unfiltered.end(), name) != wanted_.unfiltered.end();
}

}  // namespace pgswitch::rules
