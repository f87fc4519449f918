#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "rules/pg_nodes.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// The value of a literal, through casts, as text; nothing when it is NULL or no literal.
std::optional<std::string> constant_text(const Node* node);
std::optional<bool> constant_bool(const Node* node);
bool is_null_constant(const Node* node);

std::string lower_name(std::string_view name);
/// The statement that sets a variable, a list (search_path) too, to exactly this text.
std::string set_config_statement(std::string_view name, std::string_view value);

/// Notes what SET or RESET does: kind, effects and variables. `text`: the statement as the client wrote it, from its first
/// to its last token.
void note_variable_set(const VariableSetStmt* stmt, std::string_view text, Statement& out);

}  // namespace pgswitch::rules
