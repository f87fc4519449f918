#pragma once
#include <string>
#include <string_view>

#include "tests/redshift/translate.hpp"

namespace pgswitch::stand_in {

/// Writes tokens one behind the other, in PostgreSQL's spelling and with blanks where there were some.
class TokenWriter {
 public:
  TokenWriter(std::string_view text, Translation& out) : text_(text), out_(out) {}

  void write(const Token& token) { write(token, spelling(token)); }
  void write(const Token& token, std::string_view as) {
    if (wants_blank(token) && (token.begin != last_end_ || joins(token) || joins_words(as))) out_.sql += ' ';
    out_.moved.emplace_back(out_.sql.size(), token.begin);
    out_.sql += as;
    last_end_ = token.end;
  }
  void add(std::string_view sql) { out_.sql += sql; }

 private:
  bool wants_blank(const Token& token) const {
    return !out_.sql.empty() && out_.sql.back() != '(' && out_.sql.back() != ' ' && !token.is_mark(",") && !token.is_mark(")");
  }
  /// Two tokens that PostgreSQL's lexer would take for one: U& 'x', a name and a $.
  bool joins(const Token& token) const {
    return (token.type == TokenType::string && out_.sql.ends_with('&')) ||
           (token.type == TokenType::quoted_word && out_.sql.ends_with('&')) ||
           (token.is_mark("&") && (out_.sql.ends_with('u') || out_.sql.ends_with('U')));
  }
  bool joins_words(std::string_view as) const {
    const auto in_word = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; };
    return !as.empty() && in_word(as.front()) && in_word(out_.sql.back());
  }
  std::string spelling(const Token& token) const {
    switch (token.type) {
      case TokenType::string:
      case TokenType::body: return quote_literal(token.value);
      case TokenType::quoted_word: return quote_identifier(token.value);
      default: return std::string(text_.substr(token.begin, token.end - token.begin));
    }
  }

  std::string_view text_;
  Translation& out_;
  std::size_t last_end_ = 0;
};

}  // namespace pgswitch::stand_in
