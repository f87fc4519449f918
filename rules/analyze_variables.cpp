#include "rules/analyze_variables.hpp"

#include "rules/quoting.hpp"
#include "rules/temporary.hpp"

namespace pgswitch::rules {
namespace {

const Node* without_casts(const Node* node) {
  while (node && nodeTag(node) == T_TypeCast) node = as<TypeCast>(node)->arg;
  return node;
}

/// A cast of a number may round it, so only of strings and truth values is the literal the value.
const A_Const* constant(const Node* node) {
  const Node* bare = without_casts(node);
  if (!bare || nodeTag(bare) != T_A_Const) return nullptr;
  const auto* c = as<A_Const>(bare);
  const bool number = !c->isnull && (nodeTag(&c->val.node) == T_Integer || nodeTag(&c->val.node) == T_Float);
  return number && bare != node ? nullptr : c;
}

/// These last as long as the transaction however they are set.
bool is_transaction_setting(std::string_view name) {
  return name == "transaction_isolation" || name == "transaction_read_only" || name == "transaction_deferrable";
}

/// SET SESSION CHARACTERISTICS AS TRANSACTION ...: the defaults of later transactions, one setting for each mode.
void note_session_characteristics(const VariableSetStmt* stmt, Statement& out) {
  for (const Node* node : NodeList(stmt->args)) {
    const auto* mode = as<DefElem>(node);
    std::optional<std::string> value = constant_text(mode->arg);
    if (!value || !mode->defname) continue;
    if (text_of(mode->defname) != "transaction_isolation") *value = *value == "1" ? "on" : "off";
    VariableChange change{"default_" + std::string(mode->defname), {}, *value};
    change.statement = set_config_statement(change.name, change.value);
    out.variables.push_back(std::move(change));
  }
  out.effects |= bit(Effect::set_variable);
}

void note_transaction_modes(const VariableSetStmt* stmt, Statement& out) {
  out.kind = Kind::set_transaction;
  const bool session = text_of(stmt->name) == "SESSION CHARACTERISTICS";
  out.command = session ? "SET SESSION CHARACTERISTICS" : "SET TRANSACTION";
  if (session) {
    note_session_characteristics(stmt, out);
  } else {
    out.effects |= bit(Effect::set_local);
  }
}

void note_change(const VariableSetStmt* stmt, std::string_view text, Statement& out) {
  VariableChange change{lower_name(text_of(stmt->name)), {}, {}, stmt->is_local};
  if (is_transaction_setting(change.name)) {
    out.effects |= bit(Effect::set_local);
    return;
  }
  if (stmt->kind == VAR_SET_VALUE || stmt->is_local) {
    const bool single = length(stmt->args) == 1 && first(stmt->args) && nodeTag(first(stmt->args)) == T_A_Const;
    if (single) change.value = constant_text(first(stmt->args)).value_or(std::string());
    change.statement = text;
  }
  out.effects |= bit(stmt->is_local ? Effect::set_local : Effect::set_variable);
  if (change.name == "search_path" && names_temporary_schema(text)) out.effects |= bit(Effect::temp_table);
  out.variables.push_back(std::move(change));
}

std::string_view set_command(std::string_view name, bool reset) {
  if (name == "role") return reset ? "RESET ROLE" : "SET ROLE";
  if (name == "session_authorization") return reset ? "RESET SESSION AUTHORIZATION" : "SET SESSION AUTHORIZATION";
  return reset ? "RESET" : "SET";
}

}  // namespace

std::optional<std::string> constant_text(const Node* node) {
  const A_Const* c = constant(node);
  if (!c || c->isnull) return std::nullopt;
  switch (nodeTag(&c->val.node)) {
    case T_String: return std::string(text_of(c->val.sval.sval));
    case T_Integer: return std::to_string(c->val.ival.ival);
    case T_Float: return std::string(text_of(c->val.fval.fval));
    case T_Boolean: return std::string(c->val.boolval.boolval ? "true" : "false");
    default: return std::nullopt;
  }
}

/// The spellings that PostgreSQL's bool takes, as far as anyone writes them.
std::optional<bool> constant_bool(const Node* node) {
  std::optional<std::string> text = constant_text(node);
  if (!text) return std::nullopt;
  const std::string word = lower_name(*text);
  for (std::string_view yes : {"true", "t", "yes", "y", "on", "1"}) {
    if (word == yes) return true;
  }
  for (std::string_view no : {"false", "f", "no", "n", "off", "0"}) {
    if (word == no) return false;
  }
  return std::nullopt;
}

bool is_null_constant(const Node* node) {
  const A_Const* c = constant(node);
  return c && c->isnull;
}

std::string lower_name(std::string_view name) {
  std::string result(name);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return result;
}

std::string set_config_statement(std::string_view name, std::string_view value) {
  return "SELECT set_config(" + quote_literal(name) + ", " + quote_literal(value) + ", false)";
}

void note_variable_set(const VariableSetStmt* stmt, std::string_view text, Statement& out) {
  out.literal_sensitive = true;
  out.kind = stmt->kind == VAR_RESET || stmt->kind == VAR_RESET_ALL ? Kind::reset : Kind::set;
  out.command = set_command(text_of(stmt->name), out.kind == Kind::reset);
  switch (stmt->kind) {
    case VAR_SET_VALUE:
    case VAR_SET_DEFAULT:
    case VAR_RESET: note_change(stmt, text, out); return;
    case VAR_SET_CURRENT: return;  // SET x FROM CURRENT changes nothing outside a function definition
    case VAR_SET_MULTI: note_transaction_modes(stmt, out); return;
    case VAR_RESET_ALL:
      out.command = "RESET";
      out.effects |= bit(Effect::reset_all);
      return;
  }
}

}  // namespace pgswitch::rules
