#include "rules/shape_text.hpp"

#include "rules/tokens.hpp"

namespace pgswitch::rules {

namespace {

/// Not in the middle of a character of UTF-8.
void cut(std::string& text, std::size_t most) {
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xc0) == 0x80) --most;
  text.resize(most);
  text += "...";
}

}  // namespace

std::string shape_text(std::string_view sql, std::size_t most) {
  std::string shape;
  TokenReader reader(sql);
  bool blank = false;
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    blank |= reader.blank_before() || token.type == TokenType::comment;
    if (token.unterminated || token.type == TokenType::invalid) return shape + "...";
    if (token.type == TokenType::comment) continue;
    if (blank && !shape.empty()) shape += ' ';
    blank = false;
    if (is_literal(token.type)) shape += '?';
    else shape += reader.text(token);
    if (shape.size() > most) {
      cut(shape, most);
      return shape;
    }
  }
  while (shape.ends_with(';') || shape.ends_with(' ')) shape.pop_back();
  return shape;
}

}  // namespace pgswitch::rules
