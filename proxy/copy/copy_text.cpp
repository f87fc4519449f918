#include "proxy/copy/copy_text.hpp"

#include <algorithm>
#include <charconv>

namespace pgswitch::copy {

using rules::Token;
using rules::TokenType;

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_word(std::string_view written, std::string_view word) {
  return written.size() == word.size() &&
         std::equal(word.begin(), word.end(), written.begin(), [](char w, char t) { return w == lower(t); });
}

void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (code & 0x3F));
  }
}

/// A number of at most `most` digits of `base` at text[at], which moves on.
std::uint32_t take_digits(std::string_view text, std::size_t& at, std::size_t most, int base) {
  std::uint32_t value = 0;
  const char* const begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + std::min(most, text.size() - at), value, base);
  at += static_cast<std::size_t>(end - begin);
  return value;
}

/// One escape of E'...' behind its backslash at text[at] (manual, 4.1.2.2).
void take_escape(std::string& out, std::string_view text, std::size_t& at) {
  const char c = text[at++];
  switch (c) {
    case 'b': out += '\b'; return;
    case 'f': out += '\f'; return;
    case 'n': out += '\n'; return;
    case 'r': out += '\r'; return;
    case 't': out += '\t'; return;
    case 'u': append_utf8(out, take_digits(text, at, 4, 16)); return;
    case 'U': append_utf8(out, take_digits(text, at, 8, 16)); return;
    case 'x': out += static_cast<char>(take_digits(text, at, 2, 16)); return;
    default:
      if (c < '0' || c > '7') {
        out += c;
        return;
      }
      out += static_cast<char>(take_digits(text, --at, 3, 8));
  }
}

/// What a quoted literal says; pieces of it may stand on several lines.
std::string unquoted(std::string_view text, bool escapes) {
  std::string out;
  bool inside = false;
  for (std::size_t at = text.find('\''); at < text.size();) {
    const char c = text[at++];
    if (c == '\'') {
      if (inside && at < text.size() && text[at] == '\'')
        out += text[at++];
      else
        inside = !inside;
    } else if (inside && c == '\\' && escapes && at < text.size()) {
      take_escape(out, text, at);
    } else if (inside) {
      out += c;
    }
  }
  return out;
}

}  // namespace

CopyTokens::CopyTokens(std::string_view text, bool standard_conforming_strings) : text_(text), conforming_(standard_conforming_strings) {
  rules::TokenReader reader(text, {standard_conforming_strings});
  for (Token token = reader.next(); token.type != TokenType::end && token.type != TokenType::semicolon; token = reader.next())
    if (token.type != TokenType::comment) tokens_.push_back(token);
}

bool CopyTokens::is(std::string_view word) const { return type() == TokenType::word && same_word(text(), word); }

bool CopyTokens::take(std::string_view word) {
  const bool found = is(word);
  at_ += found;
  return found;
}

bool CopyTokens::take(TokenType wanted) {
  const bool found = type() == wanted;
  at_ += found;
  return found;
}

std::optional<std::string> CopyTokens::take_name(std::string* sql) {
  if (type() != TokenType::word && type() != TokenType::quoted_word) return std::nullopt;
  const std::string_view written = text();
  std::string name;
  if (type() == TokenType::word) {
    for (const char c : written) name += lower(c);
  } else {
    for (std::size_t i = 1; i + 1 < written.size(); ++i) {
      name += written[i];
      i += written[i] == '"';
    }
  }
  if (sql) *sql += written;
  ++at_;
  return name;
}

std::optional<std::string> CopyTokens::take_string() {
  const std::string_view written = text();
  std::optional<std::string> said;
  switch (type()) {
    case TokenType::string:
    case TokenType::national_string: said = unquoted(written, !conforming_); break;
    case TokenType::escape_string: said = unquoted(written, true); break;
    case TokenType::dollar_string: {
      const std::size_t tag = written.find('$', 1) + 1;
      said = std::string(written.substr(tag, written.size() - 2 * tag));
      break;
    }
    default: return std::nullopt;
  }
  ++at_;
  return said;
}

std::optional<std::pair<std::uint32_t, std::uint32_t>> CopyTokens::take_parenthesised() {
  if (!take(TokenType::left_paren)) return std::nullopt;
  const Token& open = tokens_[at_ - 1];
  for (int depth = 1; !at_end(); ++at_) {
    depth += type() == TokenType::left_paren;
    depth -= type() == TokenType::right_paren;
    if (depth > 0) continue;
    const std::uint32_t end = begin();
    ++at_;
    return std::pair{open.begin + open.size, end};
  }
  return std::nullopt;
}

}  // namespace pgswitch::copy
