#pragma once
#include <cstddef>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace pgswitch::rules {

/// A parse tree as a value: a node is {"SelectStmt": {...}}, a node of a fixed type its fields alone, a list an array; fields are called as
/// in libpg_query's pg_query.proto, enumerations are their names, and what is 0, false or empty is left out.
using ParseTree = nlohmann::json;

/// A longer text has no tree: to make it takes time by the size and the depth of the statement.
inline constexpr std::size_t longest_tree_text = 16 * 1024;

/// The tree of the one statement in `text`; nullopt and `error` when there is none, or it is too long. Parses the text: see analyze() for
/// the stack it takes.
std::optional<ParseTree> read_tree(std::string_view text, bool standard_conforming_strings, std::string& error,
                                   std::size_t most_bytes = longest_tree_text);

/// The statement that has this tree, whoever made it: nullopt and `error` when it is no tree of a SELECT, INSERT, UPDATE or DELETE, or has
/// something in it that cannot be written. The text is read again, and must have the very same tree but for the places of its nodes.
/// libpg_query's own deparser would do for trees that a parser made alone: it follows pointers that other trees do not have.
std::optional<std::string> write_tree(const ParseTree& tree, bool standard_conforming_strings, std::string& error,
                                      std::size_t most_bytes = longest_tree_text);

}  // namespace pgswitch::rules
