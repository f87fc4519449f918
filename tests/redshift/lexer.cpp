#include "tests/redshift/lexer.hpp"

#include <algorithm>

namespace pgswitch::stand_in {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_octal(char c) { return c >= '0' && c <= '7'; }
bool begins_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<unsigned char>(c) >= 128; }
bool in_word(char c) { return begins_word(c) || is_digit(c) || c == '$'; }
constexpr std::string_view operator_bytes = "~!@#^&|`?+-*/%<>=";

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  std::vector<Statement> read() {
    std::vector<Statement> statements(1);
    while (skip_blanks()) {
      Token token = next(statements.back());
      if (token.is_mark(";")) {
        statements.back().end = token.begin;
        statements.emplace_back();
        continue;
      }
      if (statements.back().tokens.empty()) statements.back().begin = token.begin;
      statements.back().tokens.push_back(std::move(token));
    }
    statements.back().end = text_.size();
    std::erase_if(statements, [](const Statement& statement) { return statement.tokens.empty(); });
    return statements;
  }

 private:
  char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

  [[noreturn]] void fail(std::string message, std::size_t place) const { throw text_error("42601", std::move(message), place); }

  /// False at the end of the text. Comments nest (PostgreSQL 8.0 manual, 4.1.5).
  bool skip_blanks() {
    for (;;) {
      while (is_space(at(at_)) && at_ < text_.size()) ++at_;
      if (at(at_) == '-' && at(at_ + 1) == '-') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (at(at_) == '/' && at(at_ + 1) == '*') {
        skip_comment();
      } else {
        return at_ < text_.size();
      }
    }
  }

  void skip_comment() {
    const std::size_t begin = at_;
    std::size_t depth = 0;
    do {
      if (at_ >= text_.size()) fail("unterminated /* comment at or near \"" + std::string(text_.substr(begin)) + "\"", begin);
      if (at(at_) == '/' && at(at_ + 1) == '*') {
        ++depth;
        at_ += 2;
      } else if (at(at_) == '*' && at(at_ + 1) == '/') {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0);
  }

  Token next(const Statement& statement) {
    const std::size_t begin = at_;
    const char c = at(at_);
    if (c == '\'') return string();
    if (c == '"') return quoted_word();
    if (begins_word(c)) return run(TokenType::word, in_word);
    if (c == '$' && is_digit(at(at_ + 1))) {
      ++at_;
      Token token = run(TokenType::parameter, is_digit);
      token.begin = begin;
      token.value = text_.substr(begin, token.end - begin);
      return token;
    }
    if (c == '$') return dollar_quoted(statement);
    if (is_digit(c) || (c == '.' && is_digit(at(at_ + 1)))) return number();
    if (c == '#' && begins_word(at(at_ + 1)) && after_name_place(statement)) return temporary_name();
    if (operator_bytes.find(c) != std::string_view::npos) return operation();
    at_ += (c == ':' && (at(at_ + 1) == ':' || at(at_ + 1) == '=')) ? 2 : 1;
    return {TokenType::punctuation, begin, at_, std::string(text_.substr(begin, at_ - begin))};
  }

  Token run(TokenType type, bool (*belongs)(char)) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && belongs(at(at_))) ++at_;
    return {type, begin, at_, lower(text_.substr(begin, at_ - begin))};
  }

  /// A name that begins with # is a temporary table (facts 2.1 "#temp"), where a table's name may stand.
  static bool after_name_place(const Statement& statement) {
    if (statement.tokens.empty()) return false;
    const Token& last = statement.tokens.back();
    for (const char* word : {"table", "into", "from", "join", "update", "exists"})
      if (last.is(word)) return true;
    return last.is_mark(",");
  }
  Token temporary_name() {
    const std::size_t begin = at_++;
    Token token = run(TokenType::quoted_word, in_word);
    token.begin = begin;
    token.value.insert(0, "#");
    return token;
  }

  Token number() {
    const std::size_t begin = at_;
    while (is_digit(at(at_))) ++at_;
    if (at(at_) == '.') {
      ++at_;
      while (is_digit(at(at_))) ++at_;
    }
    const std::size_t sign = at_ + 1 + (at(at_ + 1) == '+' || at(at_ + 1) == '-');
    if ((at(at_) == 'e' || at(at_) == 'E') && is_digit(at(sign))) {
      at_ = sign;
      while (is_digit(at(at_))) ++at_;
    }
    return {TokenType::number, begin, at_, std::string(text_.substr(begin, at_ - begin))};
  }

  /// The longest run of operator characters, cut at a comment, and without a + or - at its end unless the rest has one of ~!@#^&|`?%
  Token operation() {
    const std::size_t begin = at_;
    std::size_t end = begin;
    while (end < text_.size() && operator_bytes.find(text_[end]) != std::string_view::npos) {
      const std::string_view two = text_.substr(end, 2);
      if (end > begin && (two == "--" || two == "/*")) break;
      ++end;
    }
    const auto rare = [](char c) { return std::string_view("~!@#^&|`?%").find(c) != std::string_view::npos; };
    if (std::none_of(text_.begin() + begin, text_.begin() + end, rare))
      while (end - begin > 1 && (text_[end - 1] == '+' || text_[end - 1] == '-')) --end;
    at_ = end;
    return {TokenType::op, begin, end, std::string(text_.substr(begin, end - begin))};
  }

  /// A backslash escapes: b f n r t and up to three octal digits, else the next character stands for itself. Strings that are
  /// parted by blanks with a line end are one.
  Token string() {
    Token token{TokenType::string, at_, at_, {}};
    for (;;) {
      one_string(token);
      const std::size_t end = at_;
      std::size_t next = at_;
      bool line_end = false;
      while (is_space(at(next)) && next < text_.size()) line_end |= at(next) == '\n' || at(next) == '\r', ++next;
      if (!line_end || at(next) != '\'') {
        token.end = end;
        return token;
      }
      at_ = next;
    }
  }

  void one_string(Token& token) {
    const std::size_t begin = at_++;
    for (;;) {
      if (at_ >= text_.size()) fail("unterminated quoted string at or near \"" + std::string(text_.substr(begin)) + "\"", begin);
      const char c = text_[at_++];
      if (c == '\'') {
        if (at(at_) != '\'') return;
        ++at_;
        token.value += '\'';
      } else if (c == '\\' && at_ < text_.size()) {
        escape(token.value);
      } else {
        token.value += c;
      }
    }
  }

  void escape(std::string& value) {
    const char c = text_[at_++];
    if (is_octal(c)) {
      unsigned code = static_cast<unsigned>(c - '0');
      for (int digits = 1; digits < 3 && is_octal(at(at_)); ++digits) code = code * 8 + static_cast<unsigned>(text_[at_++] - '0');
      value += static_cast<char>(code);
      return;
    }
    constexpr std::string_view letters = "bfnrt", controls = "\b\f\n\r\t";
    const std::size_t found = letters.find(c);
    value += found == std::string_view::npos ? c : controls[found];
  }

  Token quoted_word() {
    Token token{TokenType::quoted_word, at_, at_, {}};
    ++at_;
    for (;;) {
      if (at_ >= text_.size())
        fail("unterminated quoted identifier at or near \"" + std::string(text_.substr(token.begin)) + "\"", token.begin);
      const char c = text_[at_++];
      if (c == '"') {
        if (at(at_) != '"') break;
        ++at_;
      }
      token.value += c;
    }
    token.value = lower(token.value);
    token.end = at_;
    return token;
  }

  /// Only the body of a function or procedure may stand in dollar quotes (Developer Guide, CREATE FUNCTION).
  Token dollar_quoted(const Statement& statement) {
    const std::size_t begin = at_;
    std::size_t end = at_ + 1;
    while (end < text_.size() && in_word(text_[end]) && text_[end] != '$') ++end;
    const auto makes_routine = [](const Tokens& tokens) {
      if (tokens.empty() || !tokens[0].is("create")) return false;
      return std::any_of(tokens.begin(), tokens.end(), [](const Token& t) { return t.is("function") || t.is("procedure"); });
    };
    if (at(end) != '$' || !makes_routine(statement.tokens)) {
      ++at_;
      throw syntax_error(text_, {TokenType::punctuation, begin, begin + 1, "$"});
    }
    const std::string_view quote = text_.substr(begin, end + 1 - begin);
    const std::size_t close = text_.find(quote, end + 1);
    if (close == std::string_view::npos)
      fail("unterminated dollar-quoted string at or near \"" + std::string(text_.substr(begin)) + "\"", begin);
    at_ = close + quote.size();
    return {TokenType::body, begin, at_, std::string(text_.substr(end + 1, close - end - 1))};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Statement> read_statements(std::string_view text) { return Lexer(text).read(); }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return result;
}

TextError syntax_error(std::string_view text, const Token& token) {
  const std::string near(text.substr(token.begin, token.end - token.begin));
  return text_error("42601", "syntax error at or near \"" + near + "\"", token.begin);
}

std::uint32_t position_of(std::string_view text, std::size_t place) {
  const std::string_view before = text.substr(0, std::min(place, text.size()));
  return 1 + static_cast<std::uint32_t>(
                 std::count_if(before.begin(), before.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

protocol::SqlError placed(TextError error, std::string_view text) {
  // Only what the parser finds has a place.
  if (error.error.sqlstate == "42601") error.error.position = position_of(text, error.place);
  return std::move(error.error);
}

}  // namespace pgswitch::stand_in
