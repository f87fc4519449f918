#include <algorithm>
#include <bit>
#include <cstring>

#include "rules/tokens.hpp"
#include "rules/tokens_lexer.hpp"

namespace pgswitch::rules {
namespace {

constexpr std::uint64_t odd1 = 0x9e3779b97f4a7c15u, odd2 = 0xd1b54a32d192ed03u, odd3 = 0x8cb92ba72f3d8dd7u;

std::uint64_t load8(const char* p) {
  std::uint64_t v;
  std::memcpy(&v, p, 8);
  return v;
}

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Eight ASCII bytes in lower case; bytes over 127 stay.
std::uint64_t lower8(std::uint64_t w) {
  constexpr std::uint64_t ones = 0x0101010101010101u;
  const std::uint64_t low = w & (ones * 0x7f);
  const std::uint64_t from_a = low + ones * (0x80 - 'A');
  const std::uint64_t past_z = low + ones * (0x7f - 'Z');
  return w | (((from_a ^ past_z) & ~w & (ones * 0x80)) >> 2);
}

/// Writes the shape. May write up to 15 bytes past the end of what it has; shape_capacity() leaves room for them.
class ShapeWriter {
 public:
  ShapeWriter(char* out, std::string_view sql) : begin_(out), out_(out), sql_(sql) {}

  void add(const Token& t, bool blank_before) {
    if (blank_before && out_ != begin_ && !line_comment_) *out_++ = ' ';
    line_comment_ = false;
    if (is_literal(t.type)) {
      *out_++ = shape_placeholder(t.type);
    } else if (t.type == TokenType::word) {
      add_word(t);
    } else if (t.size == 1) {
      *out_++ = sql_[t.begin];
    } else {
      add_verbatim(t);
    }
  }
  std::string_view text() const { return {begin_, static_cast<std::size_t>(out_ - begin_)}; }

 private:
  void add_word(const Token& t) {
    const char* from = sql_.data() + t.begin;
    std::uint32_t i = 0;
    for (; i < t.size && t.begin + i + 8 <= sql_.size(); i += 8) {
      const std::uint64_t w = lower8(load8(from + i));
      std::memcpy(out_ + i, &w, 8);
    }
    for (; i < t.size; ++i) out_[i] = static_cast<char>(from[i] >= 'A' && from[i] <= 'Z' ? from[i] + 32 : from[i]);
    out_ += t.size;
  }

  /// A line comment carries its line break with it: what follows must not become part of it.
  void add_verbatim(const Token& t) {
    std::memcpy(out_, sql_.data() + t.begin, t.size);
    out_ += t.size;
    line_comment_ = t.type == TokenType::comment && sql_[t.begin] == '-';
    if (line_comment_) *out_++ = '\n';
  }

  char* begin_;
  char* out_;
  std::string_view sql_;
  bool line_comment_ = false;
};

/// One pass over the tokens. With a writer, the shape is written too.
template <bool with_shape>
void scan_tokens(std::string_view sql, char* scratch, std::span<Literal> literals, TokenOptions options, Scan& result) {
  TokenReader reader(sql, options);
  StatementSplitter splitter;
  ShapeWriter shape(scratch, sql);
  bool in_statement = false;
  while (true) {
    const Token t = Lexer(reader).skip_blanks_and_read();
    if (t.type == TokenType::end) break;
    if constexpr (with_shape) shape.add(t, reader.blank_before());
    if (t.type == TokenType::comment) {
      result.comments = true;
      continue;
    }
    if (is_literal(t.type)) {
      if (result.literals < literals.size()) literals[result.literals] = Literal{t.begin, t.size, t.type};
      ++result.literals;
    }
    const bool ends = splitter.ends_statement(t, reader.text(t));
    result.statements += ends && in_statement;
    in_statement = ends ? false : true;
  }
  result.statements += in_statement;
  result.split_trusted = splitter.trusted();
  result.danger = reader.danger();
  if constexpr (with_shape) result.shape = shape.text();
}

}  // namespace

std::uint64_t hash_bytes(std::string_view bytes) {
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t a = left ^ odd1, b = odd2;
  for (; left >= 16; left -= 16, p += 16) {
    a = fold(a ^ load8(p), odd2);
    b = fold(b ^ load8(p + 8), odd3);
  }
  if (left >= 8) {
    a = fold(a ^ load8(p), odd2);
    left -= 8;
    p += 8;
  }
  std::uint64_t tail = 0;
  if (left > 0) std::memcpy(&tail, p, left);
  return fold(a ^ odd3, fold(b ^ tail, odd1) ^ a);
}

Scan scan(std::string_view sql, std::span<char> scratch, std::span<Literal> literals, TokenOptions options) {
  Scan result;
  result.exact_hash = hash_bytes(sql);
  if (scratch.size() < shape_capacity(sql.size())) {
    scan_tokens<false>(sql, nullptr, literals, options, result);
    return result;
  }
  scan_tokens<true>(sql, scratch.data(), literals, options, result);
  result.has_shape = !result.danger.unterminated && !result.danger.invalid;
  if (result.has_shape) {
    result.shape_hash = hash_bytes(result.shape);
  } else {
    result.shape = {};
  }
  return result;
}

}  // namespace pgswitch::rules
