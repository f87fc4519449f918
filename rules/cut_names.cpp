#include "rules/cut_names.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::size_t longest_name = 63;

std::string lower(std::string_view word) {
  std::string text(word);
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return text;
}

std::string unquoted(std::string_view word) {
  std::string text;
  for (std::size_t i = 1; i + 1 < word.size(); ++i) {
    text += word[i];
    i += word[i] == '"';
  }
  return text;
}

/// Not in the middle of a character (pg_mbcliplen).
std::string cut(const std::string& name) {
  std::size_t size = longest_name;
  while (size > 0 && (static_cast<unsigned char>(name[size]) & 0xC0) == 0x80) --size;
  return name.substr(0, size);
}

}  // namespace

std::vector<CutName> cut_names(std::string_view text, TokenOptions options) {
  std::vector<CutName> found;
  if (text.size() <= longest_name) return found;
  TokenReader reader(text, options);
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    const bool quoted = token.type == TokenType::quoted_word;
    if (token.size <= longest_name || token.unterminated || (!quoted && token.type != TokenType::word)) continue;
    std::string whole = quoted ? unquoted(reader.text(token)) : lower(reader.text(token));
    if (whole.size() <= longest_name) continue;
    std::string shorter = cut(whole);
    found.push_back({std::move(whole), std::move(shorter)});
  }
  return found;
}

}  // namespace pgswitch::rules
