// TreeWalker over function calls: what a name tells, and what a call leaves behind in the session.
#include <algorithm>
#include <optional>

#include "rules/analyze_variables.hpp"
#include "rules/analyze_walk.hpp"
#include "rules/temporary.hpp"
#include "rules/volatility.hpp"

namespace pgswitch::rules {
namespace {

struct QualifiedName {
  std::string_view schema, name;
};

QualifiedName qualified(const List* names) {
  QualifiedName result;
  for (const Node* part : NodeList(names)) {
    result.schema = result.name;
    result.name = string_of(part);
  }
  return result;
}

struct FunctionEffect {
  std::string_view name;
  Effect effect;
};

constexpr FunctionEffect function_effect[] = {
    {"pg_advisory_lock", Effect::advisory_lock},
    {"pg_advisory_lock_shared", Effect::advisory_lock},
    {"pg_try_advisory_lock", Effect::advisory_lock},
    {"pg_try_advisory_lock_shared", Effect::advisory_lock},
    {"pg_advisory_unlock", Effect::advisory_unlock},
    {"pg_advisory_unlock_shared", Effect::advisory_unlock},
    {"pg_advisory_unlock_all", Effect::advisory_unlock_all},
    {"currval", Effect::sequence_state},
    {"lastval", Effect::sequence_state},
    // They run a text: nobody sees what it sets.
    {"query_to_xml", Effect::unknown_settings},
    {"query_to_xml_and_xmlschema", Effect::unknown_settings},
    {"query_to_xmlschema", Effect::unknown_settings},
    {"ts_rewrite", Effect::unknown_settings},
    {"ts_stat", Effect::unknown_settings},
};

const Node* nth(const List* list, std::size_t n) {
  return n < length(list) ? static_cast<const Node*>(list->elements[n].ptr_value) : nullptr;
}

}  // namespace

void TreeWalker::function(const FuncCall* call) {
  QualifiedName name = qualified(call->funcname);
  // EXTRACT(...), x AT TIME ZONE y: the grammar's own words for functions.
  if (call->funcformat == COERCE_SQL_SYNTAX) name.schema = {};
  const FunctionFacts facts = declarations_ ? declarations_->facts_of(name.schema, name.name) : function_facts(name.schema, name.name);
  if (!facts.known || facts.writes) read_only_ = false;
  const bool set_syntax = call->agg_star || call->agg_distinct || call->agg_filter || call->agg_order;
  if (call->over) {
    out_.window = true;
  } else {
    out_.aggregate |= facts.aggregate || set_syntax || call->agg_within_group;
  }
  std::string written(name.schema);
  written.append(name.schema.empty() ? "" : ".").append(name.name);
  if (is_new("f" + written)) out_.functions.push_back(std::move(written));
  if (name.schema.empty() || name.schema == "pg_catalog") function_effects(call, name.name);
  walk(call->args);
  walk(call->agg_order);
  walk(call->agg_filter);
  walk(reinterpret_cast<const Node*>(call->over));
}

/// x.f may be f(x), also where x is no row ("Function Calls" in PostgreSQL's manual). Only what is surely a function, and makes a
/// difference, is taken for one: others have the names of columns.
void TreeWalker::called_as_column(const List* names) {
  for (const Node* part : NodeList(names)) {
    if (nodeTag(part) != T_String) continue;
    const std::string_view name = string_of(part);
    const FunctionFacts facts = declarations_ ? declarations_->facts_of({}, name) : function_facts({}, name);
    if (!facts.known || !(facts.writes || name.starts_with("pg_") || name.starts_with("lo_") || name == "currval")) continue;
    if (facts.writes) read_only_ = false;
    if (is_new("f" + std::string(name))) out_.functions.emplace_back(name);
    for (const FunctionEffect& known : function_effect)
      if (known.name == name) note_effect(known.effect, false);
  }
}

void TreeWalker::function_effects(const FuncCall* call, std::string_view name) {
  if (name == "set_config") return on_set_config(call);
  for (const FunctionEffect& known : function_effect) {
    if (known.name == name) note_effect(known.effect, call == sure_call_);
  }
}

/// Locks are counted only where it is sure how often the function is called; an unlock that may not be called is none.
void TreeWalker::note_effect(Effect effect, bool once) {
  if (effect == Effect::advisory_unlock && !once) return;
  if (effect == Effect::advisory_lock && (!once || has(out_.effects, effect))) out_.effects |= bit(Effect::advisory_locks);
  out_.effects |= bit(effect);
}

/// set_config(name, value, is_local). Only a call that is surely made, with literals, tells what is set.
void TreeWalker::on_set_config(const FuncCall* call) {
  out_.literal_sensitive = true;
  const std::optional<bool> local = constant_bool(nth(call->args, 2));
  const Node* value = nth(call->args, 1);
  const std::optional<std::string> setting = constant_text(nth(call->args, 0));
  const std::optional<std::string> text = constant_text(value);
  const bool null = is_null_constant(value);
  if (setting && text && lower_name(*setting) == "search_path" && names_temporary_schema(*text)) out_.effects |= bit(Effect::temp_table);
  if (local == true) {
    out_.effects |= bit(Effect::set_local);
    if (call == sure_call_ && setting && text) out_.variables.push_back({lower_name(*setting), set_config_statement(lower_name(*setting), *text), *text, true});
    return;
  }
  if (call != sure_call_ || !local || !setting || !(text || null)) {
    out_.effects |= bit(Effect::unknown_settings);
    return;
  }
  out_.effects |= bit(Effect::set_variable);
  VariableChange change{lower_name(*setting), {}, {}};
  if (text) {
    change.statement = set_config_statement(change.name, *text);
    change.value = *text;
  }
  out_.variables.push_back(std::move(change));
}

}  // namespace pgswitch::rules
