#include "rules/misreading.hpp"

#include <algorithm>
#include <string>

namespace pgswitch::rules {
namespace {

/// Names and aliases (encnames.c), as has_ascii_in_characters() spells them. Sorted.
constexpr std::string_view encodings[] = {"big5",        "gb18030",   "gbk",        "johab",    "mskanji",  "shiftjis",
                                          "shiftjis2004", "sjis",     "uhc",        "win932",   "win936",   "win949",
                                          "win950",      "windows932", "windows936", "windows949", "windows950"};
static_assert(std::is_sorted(std::begin(encodings), std::end(encodings)));

/// What may be a second byte and is no part of a word.
constexpr std::string_view signs = "@[\\]^`{|}~";

bool is_high(char c) { return static_cast<unsigned char>(c) >= 0x80; }

bool has_backslash_in_character(std::string_view text) {
  for (std::size_t at = text.find('\\'); at != std::string_view::npos; at = text.find('\\', at + 1))
    if (at > 0 && is_high(text[at - 1])) return true;
  return false;
}

bool may_go_on(std::string_view sql, const Token& word) {
  const std::size_t end = word.begin + std::size_t{word.size};
  return end < sql.size() && is_high(sql[end - 1]) && signs.find(sql[end]) != std::string_view::npos;
}

}  // namespace

/// PostgreSQL compares letters and digits alone, in lower case (clean_encoding_name()).
bool has_ascii_in_characters(std::string_view encoding) {
  std::string name;
  for (const char c : encoding) {
    if (c >= 'A' && c <= 'Z') name.push_back(static_cast<char>(c + 32));
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) name.push_back(c);
  }
  return std::binary_search(std::begin(encodings), std::end(encodings), name);
}

bool may_be_misread(std::string_view sql, TokenOptions options) {
  if (std::none_of(sql.begin(), sql.end(), is_high)) return false;
  TokenReader reader(sql, options);
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    const bool plain = token.type == TokenType::string || token.type == TokenType::national_string;
    const bool escapes = token.type == TokenType::escape_string || token.type == TokenType::unicode_string ||
                         token.type == TokenType::unicode_word || (plain && !options.standard_conforming_strings);
    if (escapes && has_backslash_in_character(reader.text(token))) return true;
    if ((token.type == TokenType::word || token.type == TokenType::invalid) && may_go_on(sql, token)) return true;
  }
  return false;
}

Refusal misreading_refusal() {
  return {"0A000", "the statement cannot be read safely in this client_encoding",
          "The second byte of a character may be taken for a backslash of an escape string, or for an operator.",
          "Use a plain string with standard_conforming_strings on, a quoted identifier, or a client_encoding such as UTF8."};
}

}  // namespace pgswitch::rules
