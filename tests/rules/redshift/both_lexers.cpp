#include "tests/rules/redshift/both_lexers.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "rules/tokens.hpp"

namespace pgswitch::rules::redshift {
namespace {

/// Gathers what stands between literals.
class Pieces {
 public:
  void blank() { blank_ = true; }
  void other(std::string_view text) {
    if (blank_ && !between_.empty()) between_ += ' ';
    blank_ = false;
    between_ += text;
  }
  void literal(char kind, std::string text) {
    close();
    list_.push_back({kind, std::move(text)});
  }
  std::vector<Piece> done() {
    close();
    return std::move(list_);
  }

 private:
  void close() {
    if (!between_.empty()) list_.push_back({' ', std::move(between_)});
    between_.clear();
    blank_ = false;
  }
  std::vector<Piece> list_;
  std::string between_;
  bool blank_ = false;
};

void add_utf8(unsigned long c, std::string& out) {
  constexpr unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
  const int size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  std::string bytes(static_cast<std::size_t>(size), ' ');
  for (int i = size - 1; i > 0; --i, c >>= 6) bytes[static_cast<std::size_t>(i)] = static_cast<char>(0x80 | (c & 0x3f));
  bytes[0] = static_cast<char>(c | marks[size == 1 ? 0 : size]);
  out += bytes;
}

/// The texts between the quotes of a string and of its continuations, each doubled quote once if no backslash can stand before it.
std::string inside(std::string_view token, bool escapes) {
  std::string result;
  std::size_t i = token.find('\'');
  while (i < token.size()) {
    for (++i; token[i] != '\'' || (i + 1 < token.size() && token[i + 1] == '\''); ++i) {
      if (token[i] == '\'') {
        ++i;
        if (escapes) result += '\\';
      } else if (token[i] == '\\' && escapes) {
        result += token[i++];
      }
      result += token[i];
    }
    for (++i; i < token.size() && token[i] != '\''; ++i)
      if (token[i] == '-') i = token.find_first_of("\r\n", i);
  }
  return result;
}

/// Numbers of a fixed width in base 16 behind `at`.
unsigned long hex(std::string_view text, std::size_t at, std::size_t digits) {
  return std::strtoul(std::string(text.substr(at, digits)).c_str(), nullptr, 16);
}

/// A pair of surrogates is one character.
void add_unit(unsigned long unit, unsigned long& high, std::string& out) {
  if (unit >= 0xd800 && unit < 0xdc00) {
    high = unit;
  } else if (unit >= 0xdc00 && unit < 0xe000) {
    add_utf8(0x10000 + (high - 0xd800) * 0x400 + (unit - 0xdc00), out);
  } else {
    add_utf8(unit, out);
  }
}

std::string without_escapes(std::string_view text) {
  std::string result;
  unsigned long high = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      result += text[i];
      continue;
    }
    const char c = text[++i];
    std::size_t digits = 0;
    if (c == 'u' || c == 'U') {
      digits = c == 'u' ? 4 : 8;
      add_unit(hex(text, i + 1, digits), high, result);
    } else if (c == 'x' && i + 1 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 1]))) {
      digits = i + 2 < text.size() && std::isxdigit(static_cast<unsigned char>(text[i + 2])) ? 2 : 1;
      result += static_cast<char>(hex(text, i + 1, digits));
    } else if (c >= '0' && c <= '7') {
      std::string octal;
      for (std::size_t at = i; at < text.size() && octal.size() < 3 && text[at] >= '0' && text[at] <= '7'; ++at) octal += text[at];
      digits = octal.size() - 1;
      result += static_cast<char>(std::strtoul(octal.c_str(), nullptr, 8));
    } else {
      switch (c) {
        case 'b': result += '\b'; break;
        case 'f': result += '\f'; break;
        case 'n': result += '\n'; break;
        case 'r': result += '\r'; break;
        case 't': result += '\t'; break;
        default: result += c;
      }
    }
    i += digits;
  }
  return result;
}

std::string without_unicode(std::string_view text, char escape) {
  std::string result;
  unsigned long high = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != escape) {
      result += text[i];
    } else if (text[i + 1] == escape) {
      result += text[++i];
    } else if (text[i + 1] == '+') {
      add_unit(hex(text, i + 2, 6), high, result);
      i += 7;
    } else {
      add_unit(hex(text, i + 1, 4), high, result);
      i += 4;
    }
  }
  return result;
}

std::string identifier(std::string_view token) {
  std::string result;
  for (std::size_t i = token.find('"') + 1; i + 1 < token.size(); ++i) {
    result += token[i];
    if (token[i] == '"') ++i;
  }
  return result;
}

std::string string_value(TokenType type, std::string_view token, bool conforming) {
  if (type == TokenType::dollar_string) {
    const std::size_t tag = token.find('$', 1) + 1;
    return std::string(token.substr(tag, token.size() - 2 * tag));
  }
  const bool escapes = type == TokenType::escape_string || !conforming;
  return escapes ? without_escapes(inside(token, true)) : inside(token, false);
}

bool is_uescape(std::string_view word) {
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return c < 128 ? static_cast<char>(std::tolower(c)) : static_cast<char>(c); });
  return lower == "uescape";
}

Token behind_comments(TokenReader& reader) {
  Token token = reader.next();
  while (token.type == TokenType::comment) token = reader.next();
  return token;
}

}  // namespace

std::vector<Piece> postgres_pieces(std::string_view text, bool conforming) {
  Pieces pieces;
  TokenReader reader(text, {conforming});
  for (Token token = reader.next(); token.type != TokenType::end; token = reader.next()) {
    const std::string_view bytes = reader.text(token);
    if (reader.blank_before()) pieces.blank();
    const bool literal = token.type >= TokenType::quoted_word && token.type <= TokenType::dollar_string;
    if (token.unterminated) {
      pieces.literal('~', {});
    } else if (token.type == TokenType::comment) {
      pieces.blank();
    } else if (!literal || token.type == TokenType::bit_string || token.type == TokenType::hex_string) {
      pieces.other(bytes);
    } else if (token.type == TokenType::quoted_word) {
      pieces.literal('i', identifier(bytes));
    } else if (token.type == TokenType::unicode_word || token.type == TokenType::unicode_string) {
      char escape = '\\';
      TokenReader ahead = reader;
      const Token word = behind_comments(ahead);
      if (word.type == TokenType::word && is_uescape(ahead.text(word))) {
        const Token character = behind_comments(ahead);
        if (!character.unterminated && character.size > 0) {
          const std::string value = string_value(character.type, ahead.text(character), conforming);
          escape = value.empty() ? '\\' : value[0];
        }
        reader = ahead;
      }
      const bool string = token.type == TokenType::unicode_string;
      pieces.literal(string ? 's' : 'i', without_unicode(string ? inside(bytes, false) : identifier(bytes), escape));
    } else {
      pieces.literal(token.type == TokenType::national_string ? 'n' : 's', string_value(token.type, bytes, conforming));
    }
  }
  return pieces.done();
}

namespace {

/// The rules of scan.l, one function for each of its start conditions.
class OldScanner {
 public:
  OldScanner(std::string_view text, OldLexer lexer) : s_(text), lexer_(lexer) {}

  std::vector<Piece> run() {
    while (i_ < s_.size()) step();
    return pieces_.done();
  }

 private:
  static bool space(char c) { return c == ' ' || (c >= '\t' && c <= '\r' && c != '\v'); }
  static bool newline(char c) { return c == '\n' || c == '\r'; }
  static bool ident_start(char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0; }
  static bool digit(char c) { return c >= '0' && c <= '9'; }
  bool next_is(std::string_view text) const { return s_.substr(i_).starts_with(text); }
  char at(std::size_t i) const { return i < s_.size() ? s_[i] : '\0'; }

  void step() {
    const char c = s_[i_];
    if (space(c)) return void(++i_), pieces_.blank();
    if (next_is("--")) return line_comment(), pieces_.blank();
    if (next_is("/*")) return comment();
    if ((c == 'n' || c == 'N') && at(i_ + 1) == '\'') return ++i_, string('n');
    if ((c == 'b' || c == 'B' || c == 'x' || c == 'X') && at(i_ + 1) == '\'') return bits();
    if (c == '\'') return string('s');
    if (c == '"') return quoted();
    if (c == '$') return dollar();
    const std::size_t begin = i_++;
    if (ident_start(c))
      while (i_ < s_.size() && (ident_start(s_[i_]) || digit(s_[i_]) || s_[i_] == '$')) ++i_;
    pieces_.other(s_.substr(begin, i_ - begin));
  }

  void line_comment() {
    while (i_ < s_.size() && !newline(s_[i_])) ++i_;
  }

  void comment() {
    int depth = 0;
    while (i_ < s_.size()) {
      if (next_is("/*") && (lexer_.nested_comments || depth == 0)) {
        ++depth, i_ += 2;
      } else if (next_is("*/")) {
        i_ += 2;
        if (--depth == 0) return pieces_.blank();
      } else {
        ++i_;
      }
    }
    pieces_.literal('~', {});
  }

  /// quote, whitespace with a line break, quote
  bool goes_on() {
    std::size_t i = i_;
    bool broken = false;
    while (i < s_.size() && (space(s_[i]) || s_.substr(i).starts_with("--"))) {
      if (space(s_[i])) {
        broken |= newline(s_[i++]);
      } else {
        while (i < s_.size() && !newline(s_[i])) ++i;
      }
    }
    if (!broken || at(i) != '\'') return false;
    i_ = i + 1;
    return true;
  }

  void string(char kind) {
    std::string value;
    ++i_;
    while (i_ < s_.size()) {
      const char c = s_[i_++];
      if (c == '\'') {
        if (at(i_) == '\'' && i_ < s_.size()) {
          value += '\'', ++i_;
        } else if (!goes_on()) {
          return pieces_.literal(kind, std::move(value));
        }
      } else if (c == '\\' && lexer_.backslash_escapes) {
        if (i_ < s_.size()) escape(value);
        else break;
      } else {
        value += c;
      }
    }
    pieces_.literal('~', {});
  }

  void escape(std::string& value) {
    const char c = s_[i_++];
    if (c >= '0' && c <= '7') {
      int code = c - '0';
      for (int n = 0; n < 2 && at(i_) >= '0' && at(i_) <= '7'; ++n) code = code * 8 + (s_[i_++] - '0');
      value += static_cast<char>(code);
      return;
    }
    value += c == 'b' ? '\b' : c == 'f' ? '\f' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
  }

  void bits() {
    const std::size_t begin = i_;
    i_ += 2;
    while (true) {
      i_ = std::min(s_.find('\'', i_), s_.size());
      if (i_ == s_.size()) return pieces_.literal('~', {});
      ++i_;
      if (!goes_on()) return pieces_.other(s_.substr(begin, i_ - begin));
    }
  }

  void quoted() {
    std::string value;
    for (++i_; i_ < s_.size(); ++i_) {
      if (s_[i_] == '"' && at(++i_) != '"') return pieces_.literal('i', std::move(value));
      if (i_ < s_.size()) value += s_[i_];
    }
    pieces_.literal('~', {});
  }

  void dollar() {
    std::size_t end = i_ + 1;
    if (digit(at(end))) {
      while (digit(at(end))) ++end;
    } else {
      if (ident_start(at(end)))
        while (end < s_.size() && (ident_start(s_[end]) || digit(s_[end]))) ++end;
      if (at(end) == '$') {
        const std::string_view tag = s_.substr(i_, end + 1 - i_);
        const std::size_t close = s_.find(tag, end + 1);
        i_ = close == std::string_view::npos ? s_.size() : close + tag.size();
        return close == std::string_view::npos ? pieces_.literal('~', {}) : pieces_.literal('s', std::string(s_.substr(end + 1, close - end - 1)));
      }
      end = i_ + 1;
    }
    pieces_.other(s_.substr(i_, end - i_));
    i_ = end;
  }

  std::string_view s_;
  OldLexer lexer_;
  std::size_t i_ = 0;
  Pieces pieces_;
};

}  // namespace

std::vector<Piece> redshift_pieces(std::string_view text, OldLexer lexer) { return OldScanner(text, lexer).run(); }

}  // namespace pgswitch::rules::redshift
