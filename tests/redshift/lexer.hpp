#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/redshift/errors.hpp"

/// How Redshift reads a text: the lexer of PostgreSQL 8.0 (redshift facts 1.6 "E'..' strings", "backslash in '..'").
namespace pgswitch::stand_in {

enum class TokenType : std::uint8_t { word, quoted_word, string, number, parameter, op, punctuation, body };

struct Token {
  TokenType type = TokenType::word;
  std::size_t begin = 0, end = 0;  ///< bytes in the text
  /// word: in lower case; quoted_word: without its quotes and in lower case (facts 1.5: identifiers are folded even when quoted);
  /// string and body (between dollar quotes): what it stands for; else the text.
  std::string value;
  bool is(std::string_view word) const { return type == TokenType::word && value == word; }
  bool is_mark(std::string_view mark) const { return (type == TokenType::punctuation || type == TokenType::op) && value == mark; }
  bool is_name() const { return type == TokenType::word || type == TokenType::quoted_word; }
};

using Tokens = std::vector<Token>;

/// One statement: its tokens, comments left out. Places are bytes in the whole text.
struct Statement {
  std::size_t begin = 0, end = 0;
  Tokens tokens;
};

/// Splits at semicolons; throws TextError (42601) for what has no end and for a dollar quote outside of CREATE FUNCTION or PROCEDURE.
std::vector<Statement> read_statements(std::string_view text);

/// 42601, as the parser says it of a token.
TextError syntax_error(std::string_view text, const Token& token);
/// The error with the place as its position.
protocol::SqlError placed(TextError error, std::string_view text);
/// Byte `place` as a position: characters, from 1.
std::uint32_t position_of(std::string_view text, std::size_t place);
std::string lower(std::string_view text);

}  // namespace pgswitch::stand_in
