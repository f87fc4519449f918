#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace pgswitch::rules {

/// What PostgreSQL's lexer (src/backend/parser/scan.l, version 15) makes of a run of bytes.
enum class TokenType : std::uint8_t {
  end,             ///< no more text
  word,            ///< keyword or unquoted identifier
  quoted_word,     ///< "identifier"
  unicode_word,    ///< U&"identifier"
  string,          ///< 'text', with its continuations on further lines
  escape_string,   ///< E'text'
  unicode_string,  ///< U&'text'
  national_string, ///< N'text'
  bit_string,      ///< B'01'
  hex_string,      ///< X'1f'
  dollar_string,   ///< $tag$text$tag$
  integer,
  decimal,         ///< has a point or an exponent
  parameter,       ///< $1
  op,              ///< operator, also a lone + - * / < > = : := :: => .. and the like
  left_paren,
  right_paren,
  semicolon,
  comma,
  dot,
  bracket,         ///< [ or ]
  comment,         ///< -- or /* */
  invalid,         ///< a byte no SQL token starts with
};

constexpr bool is_literal(TokenType type) { return type >= TokenType::string && type <= TokenType::decimal; }

struct Token {
  TokenType type = TokenType::end;
  bool unterminated = false;  ///< the text ended inside it
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

/// What a comment says: without its marks and the blanks around.
std::string_view comment_text(std::string_view comment);

/// How the server that will read the text reads it.
struct TokenOptions {
  bool standard_conforming_strings = true;  ///< off: a backslash in '...' escapes, as in E'...'
};

/// What makes a text expensive or dangerous for a parser. See analyze.hpp for the limits.
struct TokenDanger {
  std::uint32_t comment_depth = 0;  ///< deepest nesting of /* */
  std::uint32_t paren_depth = 0;    ///< deepest nesting of ( and [
  std::uint32_t operators = 0;      ///< operator tokens
  std::uint32_t operator_run = 0;   ///< longest run of operator characters; PostgreSQL's lexer is quadratic in it
  bool unterminated = false;        ///< a comment, string or quoted identifier without an end
  bool invalid = false;             ///< a byte no SQL token starts with, NUL among them
};

/// Walks over the tokens of a text, comments included. Linear time, no allocation. The text must outlive it and be
/// shorter than 4 GB.
class TokenReader {
 public:
  explicit TokenReader(std::string_view sql, TokenOptions options = {}) : sql_(sql), options_(options) {}

  /// The next token; type `end` (again and again) when there is none.
  Token next();
  /// Did blanks, or nothing, stand before the token that next() returned last?
  bool blank_before() const { return blank_before_; }
  std::string_view text(const Token& token) const { return sql_.substr(token.begin, token.size); }
  /// Of the tokens seen so far.
  const TokenDanger& danger() const { return danger_; }

 private:
  friend struct Lexer;
  template <bool>
  friend class ShapeScan;
  std::string_view sql_;
  TokenOptions options_;
  std::uint32_t at_ = 0;
  std::uint32_t run_end_ = 0;
  std::uint32_t depth_ = 0;
  bool blank_before_ = false;
  TokenDanger danger_;
};

/// Splits a text at its top-level semicolons: not inside parentheses (CREATE RULE ... DO (...)) and not inside the
/// BEGIN ATOMIC ... END body of a function, by the same reckoning as psql's.
class StatementSplitter {
 public:
  /// True when `token` is a semicolon that ends a statement.
  bool ends_statement(const Token& token, std::string_view text);
  /// The same for parentheses, which end nothing.
  void open() { ++depth_; }
  void close() {
    unbalanced_ |= depth_ == 0;
    depth_ -= depth_ > 0;
  }
  /// False when words do not matter before the next semicolon: they need not be shown to ends_statement().
  bool wants_words() const { return words_ == 0 || heads_[0] == 'c'; }
  /// False when parentheses or BEGIN ATOMIC bodies are unbalanced so far: the parser may see the borders elsewhere.
  bool trusted() const { return depth_ == 0 && body_depth_ == 0 && !unbalanced_; }

 private:
  void on_word(std::string_view text);
  std::uint32_t depth_ = 0;
  std::uint32_t body_depth_ = 0;
  std::uint32_t words_ = 0;
  char heads_[4] = {};
  bool unbalanced_ = false;
};

/// A literal of a text and its place in it.
struct Literal {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  TokenType type = TokenType::end;
};

/// What one pass over a text yields.
struct Scan {
  std::uint64_t shape_hash = 0;   ///< of `shape`; 0 without a shape
  /// The text with unquoted words in lower case, runs of blanks folded and each literal replaced by one byte that tells
  /// its type (shape_placeholder()). Comments and $n stand in it as they were. Two texts of one shape differ in literals,
  /// blanks and case only. Lies in the caller's scratch buffer; empty when that was too small or the text has invalid bytes.
  std::string_view shape;
  bool has_shape = false;
  std::uint32_t literals = 0;     ///< in the text; the array holds the first of them, as many as fit
  std::uint32_t statements = 0;   ///< by top-level semicolons; blanks and comments alone are none
  bool split_trusted = true;      ///< see StatementSplitter::trusted()
  bool comments = false;          ///< there are some
  TokenDanger danger;
};

/// Bytes of scratch that scan() needs for the shape of a text.
constexpr std::size_t shape_capacity(std::size_t sql_bytes) { return sql_bytes + 16; }

/// Shape, its hash, literals and dangers of a text in one pass: linear time, no allocation, never throws.
Scan scan(std::string_view sql, std::span<char> scratch, std::span<Literal> literals, TokenOptions options = {});

/// 64-bit hash of bytes, eight at a time. Not for use against an adversary: compare what hashes alike.
std::uint64_t hash_bytes(std::string_view bytes);

/// The byte that stands for a literal in a shape: 0x01..0x1f, never found outside comments and quoted identifiers of it.
constexpr char shape_placeholder(TokenType type) { return static_cast<char>(1 + static_cast<int>(type) - static_cast<int>(TokenType::string)); }

}  // namespace pgswitch::rules
