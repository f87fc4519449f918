#pragma once
#include <optional>
#include <string_view>

#include "tests/redshift/lexer.hpp"

/// What Redshift refuses, as a table of token patterns (redshift facts 1.6 and 2.2).
namespace pgswitch::stand_in {

/// What the parser refuses (42601): found before any statement of a query string runs.
std::optional<TextError> refused_by_parser(std::string_view text, const Statement& statement);
/// What is refused when the statement's turn comes.
std::optional<TextError> refused(std::string_view text, const Statement& statement);
/// Does `pattern` match at the statement's token `at`? See refusals.cpp for its words. For tests and for other tables.
bool matches(std::string_view pattern, const Tokens& tokens, std::size_t at = 0);

}  // namespace pgswitch::stand_in
