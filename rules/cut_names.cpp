#include "rules/cut_names.hpp"

#include "rules/quoting.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::size_t longest_name = 63;

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
    std::string whole = quoted ? unquote_name(reader.text(token)) : fold_name(reader.text(token));
    if (whole.size() <= longest_name) continue;
    std::string shorter = cut(whole);
    found.push_back({std::move(whole), std::move(shorter)});
  }
  return found;
}

}  // namespace pgswitch::rules
