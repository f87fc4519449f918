#pragma once
#include <string>
#include <string_view>

#include "rules/analyze_walk.hpp"

namespace pgswitch::rules {

/// Fills `out` from one parse tree: kind, command, tables, functions, effects. `text`: the statement from its first to its
/// last token.
void describe(const Node* stmt, std::string_view text, TreeWalker& walker, Statement& out);

/// May a statement of this kind be read-only at all?
bool is_reader(Kind kind);

/// PostgreSQL's name of the command, as its manual has it: "CREATE TABLE AS", "ALTER ROLE", ...
std::string command_name(const Node* stmt);

/// Kind of a statement whose kind does not depend on anything but its node.
Kind kind_of(const Node* stmt);

}  // namespace pgswitch::rules
