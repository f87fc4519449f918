#include "rules/prepared_name.hpp"

#include <string>

#include "rules/quoting.hpp"

namespace pgswitch::rules {
namespace {

/// Longer names are cut, and not in the middle of a character.
bool is_cut_to(std::string_view whole, std::string_view name) {
  constexpr std::size_t shortest_cut = 60;
  return whole == name || (name.size() >= shortest_cut && whole.size() > 63 && whole.starts_with(name));
}

bool is_named(const Token& token, std::string_view text, std::string_view name) {
  switch (token.type) {
    case TokenType::word: return is_cut_to(fold_name(text), name);
    case TokenType::quoted_word: return is_cut_to(unquote_name(text), name);
    case TokenType::unicode_word: return true;  // nothing else can stand there
    default: return false;
  }
}

}  // namespace

std::optional<Token> find_prepared_name(std::string_view text, std::string_view name, TokenOptions options) {
  TokenReader reader(text, options);
  std::optional<Token> found;
  bool expected = false;
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    if (token.type == TokenType::comment) continue;
    if (expected && is_named(token, reader.text(token), name)) found = token;
    const std::string word = token.type == TokenType::word ? fold_name(reader.text(token)) : std::string();
    // DEALLOCATE prepare has its name there, DEALLOCATE PREPARE x behind it.
    expected = word == "execute" || word == "deallocate" || (expected && word == "prepare");
    if (found && !expected) break;
  }
  return found;
}

}  // namespace pgswitch::rules
