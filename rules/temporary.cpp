#include "rules/temporary.hpp"

#include <algorithm>

#include "rules/tokens.hpp"

namespace pgswitch::rules {
namespace {

/// `lower` is in lower case.
bool contains(std::string_view text, std::string_view lower) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; };
  return std::search(text.begin(), text.end(), lower.begin(), lower.end(), same) != text.end();
}

bool is_word(std::string_view text, std::string_view lower) { return text.size() == lower.size() && contains(text, lower); }

}  // namespace

bool names_temporary_schema(std::string_view text) {
  return contains(text, "pg_temp") || contains(text, "u&") || text.find('\\') != std::string_view::npos;
}

bool defines_temporary(std::string_view sql) {
  if (!contains(sql, "pg_temp") && !contains(sql, "u&")) return false;
  if (sql.find('\\') != std::string_view::npos) return true;
  TokenReader reader(sql);
  bool named = false;     // the token before is such a schema's name
  bool expected = false;  // the token before is SCHEMA or INTO
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    if (token.type == TokenType::comment) continue;
    if (named && token.type == TokenType::dot) return true;
    const std::string_view text = reader.text(token);
    named = token.type == TokenType::unicode_word || (token.type == TokenType::word && contains(text.substr(0, 7), "pg_temp")) ||
            (token.type == TokenType::quoted_word && text.starts_with("\"pg_temp"));
    if (named && expected) return true;
    expected = token.type == TokenType::word && (is_word(text, "schema") || is_word(text, "into"));
  }
  return false;
}

}  // namespace pgswitch::rules
