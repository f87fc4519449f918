#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// Tables and rules of the lexer, for tokens*.cpp only: in a header so that scan() is compiled as one loop.
namespace lexing {

enum CharClass : std::uint8_t { blank = 1, word_start = 2, word_more = 4, digit = 8, op_char = 16, tag_more = 32 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> table{};
  for (unsigned char c : {' ', '\t', '\n', '\r', '\f'}) table[c] = blank;
  for (int c = '0'; c <= '9'; ++c) table[c] = digit | word_more | tag_more;
  for (int c = 'a'; c <= 'z'; ++c) table[c] = table[c - 32] = word_start | word_more | tag_more;
  for (int c = 128; c < 256; ++c) table[c] = word_start | word_more | tag_more;
  table['_'] = word_start | word_more | tag_more;
  table['$'] = word_more;
  for (unsigned char c : {'~', '!', '@', '#', '^', '&', '|', '`', '?', '+', '-', '*', '/', '%', '<', '>', '='}) table[c] = op_char;
  return table;
}
inline constexpr auto classes = make_classes();

inline bool is(char c, std::uint8_t mask) { return (classes[static_cast<unsigned char>(c)] & mask) != 0; }

/// A longer operator is an error to PostgreSQL (NAMEDATALEN), so nothing is lost by looking no further, and a long run of
/// operator characters stays linear.
inline constexpr std::uint32_t longest_operator = 64;

}  // namespace lexing

/// The lexer's rules over the state of a TokenReader: each function is given where a token begins and returns its end.
struct Lexer {
  TokenReader& r;
  const char* s;
  std::uint32_t size;

  explicit Lexer(TokenReader& reader)
      : r(reader), s(reader.sql_.data()), size(static_cast<std::uint32_t>(reader.sql_.size())) {}

  bool at(std::uint32_t i, char c) const { return i < size && s[i] == c; }
  bool at_class(std::uint32_t i, std::uint8_t mask) const { return i < size && lexing::is(s[i], mask); }
  std::uint32_t run(std::uint32_t i, std::uint8_t mask) const {
    while (i < size && lexing::is(s[i], mask)) ++i;
    return i;
  }
  std::uint32_t find(std::uint32_t i, char c) const {
    if (i >= size) return size;
    const void* found = std::memchr(s + i, c, size - i);
    return found ? static_cast<std::uint32_t>(static_cast<const char*>(found) - s) : size;
  }

  Token skip_blanks_and_read() {
    const std::uint32_t begin = run(r.at_, lexing::blank);
    r.blank_before_ = begin > r.at_ || begin == 0;
    Token token;
    token.begin = begin;
    const std::uint32_t end = begin < size ? read(begin, token) : begin;
    token.size = end - begin;
    r.at_ = end;
    r.danger_.unterminated |= token.unterminated;
    return token;
  }

  std::uint32_t read(std::uint32_t i, Token& t) {
    const char c = s[i];
    const std::uint8_t cls = lexing::classes[static_cast<unsigned char>(c)];
    if (cls & lexing::word_start) return word(i, t);
    if (cls & lexing::digit) return number(i, t);
    if (cls & lexing::op_char) return op_or_comment(i, t);
    return punctuation(i, t, c);
  }

  std::uint32_t punctuation(std::uint32_t i, Token& t, char c) {
    switch (c) {
      case ',': t.type = TokenType::comma; return i + 1;
      case ';': t.type = TokenType::semicolon; return i + 1;
      case '(': open(); t.type = TokenType::left_paren; return i + 1;
      case ')': close(); t.type = TokenType::right_paren; return i + 1;
      case '[': open(); t.type = TokenType::bracket; return i + 1;
      case ']': close(); t.type = TokenType::bracket; return i + 1;
      case '\'': t.type = TokenType::string; return string(i, !r.options_.standard_conforming_strings, t);
      case '"': t.type = TokenType::quoted_word; return quoted(i + 1, t);
      case '.': return point(i, t);
      case ':': return colon(i, t);
      case '$': return dollar(i, t);
      default: return invalid(i, t);
    }
  }

  void open() { r.danger_.paren_depth = std::max(r.danger_.paren_depth, ++r.depth_); }
  void close() { r.depth_ -= r.depth_ > 0; }

  std::uint32_t invalid(std::uint32_t i, Token& t) {
    t.type = TokenType::invalid;
    r.danger_.invalid = true;
    return i + 1;
  }

  std::uint32_t word(std::uint32_t i, Token& t) {
    if (i + 1 < size && (s[i + 1] == '\'' || s[i + 1] == '&')) {
      if (const std::uint32_t end = prefixed(i, t)) return end;
    }
    t.type = TokenType::word;
    return run(i + 1, lexing::word_more);
  }

  /// E'', B'', X'', N'', U&'' and U&"": 0 when it is none of them.
  std::uint32_t prefixed(std::uint32_t i, Token& t) {
    const char letter = static_cast<char>(s[i] | 0x20);
    if (s[i + 1] == '&') {
      if (letter != 'u') return 0;
      if (at(i + 2, '\'')) {
        t.type = TokenType::unicode_string;
        return string(i + 2, !r.options_.standard_conforming_strings, t);
      }
      if (!at(i + 2, '"')) return 0;
      t.type = TokenType::unicode_word;
      return quoted(i + 3, t);
    }
    switch (letter) {
      case 'e': t.type = TokenType::escape_string; return string(i + 1, true, t);
      case 'b': t.type = TokenType::bit_string; return bits(i + 1, t);
      case 'x': t.type = TokenType::hex_string; return bits(i + 1, t);
      case 'n':
        t.type = TokenType::national_string;
        return string(i + 1, !r.options_.standard_conforming_strings, t);
      default: return 0;
    }
  }

  /// `i`: the opening quote. The string goes on when blanks with a line break and another quote follow.
  std::uint32_t string(std::uint32_t i, bool escapes, Token& t) {
    while (true) {
      i = escapes ? closing_quote_escaped(i + 1, t) : closing_quote(i + 1, '\'', t);
      const std::uint32_t next = t.unterminated ? 0 : continuation(i);
      if (next == 0) return i;
      i = next;
    }
  }

  /// B'' and X'' know no doubled quote.
  std::uint32_t bits(std::uint32_t i, Token& t) const {
    while (true) {
      i = find(i + 1, '\'');
      if (i >= size) {
        t.unterminated = true;
        return size;
      }
      const std::uint32_t next = continuation(++i);
      if (next == 0) return i;
      i = next;
    }
  }

  std::uint32_t closing_quote(std::uint32_t i, char quote, Token& t) const {
    while (true) {
      i = find(i, quote);
      if (i >= size) {
        t.unterminated = true;
        return size;
      }
      if (!at(i + 1, quote)) return i + 1;
      i += 2;
    }
  }

  std::uint32_t closing_quote_escaped(std::uint32_t i, Token& t) const {
    while (i < size) {
      if (s[i] == '\\') {
        i += 2;
      } else if (s[i] != '\'') {
        ++i;
      } else if (at(i + 1, '\'')) {
        i += 2;
      } else {
        return i + 1;
      }
    }
    t.unterminated = true;
    return size;
  }

  /// Where a string that was closed before `i` opens again; 0 when it does not.
  std::uint32_t continuation(std::uint32_t i) const {
    bool line_break = false;
    while (i < size) {
      if (s[i] == '\'') return line_break ? i : 0;
      if (s[i] == '\n' || s[i] == '\r') {
        line_break = true;
        ++i;
      } else if (lexing::is(s[i], lexing::blank)) {
        ++i;
      } else if (s[i] == '-' && at(i + 1, '-')) {
        i = line_end(i);
      } else {
        return 0;
      }
    }
    return 0;
  }

  std::uint32_t quoted(std::uint32_t i, Token& t) const { return closing_quote(i, '"', t); }

  std::uint32_t number(std::uint32_t i, Token& t) const {
    t.type = TokenType::integer;
    i = run(i, lexing::digit);
    if (at(i, '.') && !at(i + 1, '.')) {
      t.type = TokenType::decimal;
      i = run(i + 1, lexing::digit);
    }
    return exponent(i, t);
  }

  std::uint32_t exponent(std::uint32_t i, Token& t) const {
    if (i >= size || (s[i] | 0x20) != 'e') return i;
    const std::uint32_t sign = i + 1 + (at(i + 1, '+') || at(i + 1, '-'));
    if (!at_class(sign, lexing::digit)) return i;
    t.type = TokenType::decimal;
    return run(sign, lexing::digit);
  }

  std::uint32_t point(std::uint32_t i, Token& t) const {
    if (at_class(i + 1, lexing::digit)) {
      t.type = TokenType::decimal;
      return exponent(run(i + 1, lexing::digit), t);
    }
    t.type = at(i + 1, '.') ? TokenType::op : TokenType::dot;
    return i + 1 + at(i + 1, '.');
  }

  std::uint32_t colon(std::uint32_t i, Token& t) const {
    t.type = TokenType::op;
    return i + 1 + (at(i + 1, ':') || at(i + 1, '='));
  }

  std::uint32_t dollar(std::uint32_t i, Token& t) {
    if (at_class(i + 1, lexing::digit)) {
      t.type = TokenType::parameter;
      return run(i + 1, lexing::digit);
    }
    const std::uint32_t tag_end = at_class(i + 1, lexing::word_start) ? run(i + 2, lexing::tag_more) : i + 1;
    if (!at(tag_end, '$')) return invalid(i, t);
    t.type = TokenType::dollar_string;
    return dollar_string(i, tag_end + 1, t);
  }

  std::uint32_t dollar_string(std::uint32_t open_at, std::uint32_t body, Token& t) const {
    const std::uint32_t tag = body - open_at;
    for (std::uint32_t i = find(body, '$'); i < size; i = find(i + 1, '$')) {
      if (size - i >= tag && std::memcmp(s + i, s + open_at, tag) == 0) return i + tag;
    }
    t.unterminated = true;
    return size;
  }

  std::uint32_t line_end(std::uint32_t i) const {
    while (i < size && s[i] != '\n' && s[i] != '\r') ++i;
    return i;
  }

  std::uint32_t op_or_comment(std::uint32_t i, Token& t) {
    if (s[i] == '-' && at(i + 1, '-')) {
      t.type = TokenType::comment;
      return line_end(i);
    }
    note_run(i);
    if (s[i] == '/' && at(i + 1, '*')) {
      t.type = TokenType::comment;
      return block_comment(i, t);
    }
    t.type = TokenType::op;
    ++r.danger_.operators;
    return op(i);
  }

  /// The lexer looks at the whole run of operator characters at each operator and at each /* in it.
  void note_run(std::uint32_t i) {
    if (i < r.run_end_) return;
    r.run_end_ = run(i, lexing::op_char);
    r.danger_.operator_run = std::max(r.danger_.operator_run, r.run_end_ - i);
  }

  std::uint32_t op(std::uint32_t begin) const {
    const std::uint32_t limit = std::min(r.run_end_, begin + lexing::longest_operator);
    std::uint32_t end = begin + 1;
    while (end < limit && !starts_comment(end)) ++end;
    if (end - begin == 1 || (s[end - 1] != '+' && s[end - 1] != '-')) return end;
    // SQL lets "=-1" be two operators: a name may end in + or - only if it has a character SQL does not know.
    for (std::uint32_t i = begin; i < end; ++i) {
      if (std::strchr("~!@#^&|`?%", s[i])) return end;
    }
    while (end - begin > 1 && (s[end - 1] == '+' || s[end - 1] == '-')) --end;
    return end;
  }

  bool starts_comment(std::uint32_t i) const {
    return (s[i] == '/' && at(i + 1, '*')) || (s[i] == '-' && at(i + 1, '-'));
  }

  std::uint32_t block_comment(std::uint32_t i, Token& t) {
    std::uint32_t depth = 0;
    while (i < size) {
      if (s[i] == '/' && at(i + 1, '*')) {
        note_run(i);
        r.danger_.comment_depth = std::max(r.danger_.comment_depth, ++depth);
        i += 2;
      } else if (s[i] == '*' && at(i + 1, '/')) {
        i += 2;
        if (--depth == 0) return i;
      } else {
        ++i;
      }
    }
    t.unterminated = true;
    return size;
  }
};

}  // namespace pgswitch::rules
