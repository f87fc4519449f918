#include <array>
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

constexpr std::uint32_t word_step = 8;

/// The highest bit of each byte tells of its byte.
struct WordBytes {
  std::uint64_t letters;  ///< ASCII letters
  std::uint32_t count;    ///< bytes before the first that cannot be part of a word: 0..8
};

[[gnu::always_inline]] inline WordBytes classify8(std::uint64_t w) {
  constexpr std::uint64_t ones = 0x0101010101010101u, high = ones * 0x80;
  const std::uint64_t low = w & ~high, folded = low | ones * 0x20;
  const std::uint64_t letters = (folded + ones * (0x80 - 'a')) & ~(folded + ones * (0x7f - 'z')) & ~w & high;
  const std::uint64_t digits = (low + ones * (0x80 - '0')) & ~(low + ones * (0x7f - '9'));
  const std::uint64_t underscores = ~((low ^ ones * '_') + ones * 0x7f), dollars = ~((low ^ ones * '$') + ones * 0x7f);
  const std::uint64_t others = ~(letters | digits | underscores | dollars | w) & high;
  const int first = std::endian::native == std::endian::little ? std::countr_zero(others) : std::countl_zero(others);
  return {letters, static_cast<std::uint32_t>(first) / 8};
}

/// What a token may be by its first byte, as far as the short ways of ShapeScan go. Everything else is `rare` and left
/// to the Lexer.
enum class First : std::uint8_t { rare, blank, word, prefix, digit, quote, op, comma, dot, open, close, bracket, semicolon };

struct Tables {
  std::array<First, 256> first{};
  std::array<char, 256> lower{};
};

constexpr Tables make_tables() {
  Tables t;
  for (int c = 0; c < 256; ++c) {
    t.lower[static_cast<std::size_t>(c)] = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    const std::uint8_t cls = lexing::classes[static_cast<std::size_t>(c)];
    First& first = t.first[static_cast<std::size_t>(c)];
    if (cls & lexing::blank) first = First::blank;
    if (cls & lexing::word_start) first = First::word;
    if (cls & lexing::digit) first = First::digit;
    if (cls & lexing::op_char) first = First::op;
  }
  for (unsigned char c : {'e', 'E', 'b', 'B', 'x', 'X', 'n', 'N', 'u', 'U'}) t.first[c] = First::prefix;
  t.first['\''] = First::quote;
  t.first[','] = First::comma;
  t.first['.'] = First::dot;
  t.first['('] = First::open;
  t.first[')'] = First::close;
  t.first['['] = t.first[']'] = First::bracket;
  t.first[';'] = First::semicolon;
  return t;
}
constexpr Tables tables = make_tables();

}  // namespace

/// One pass over a text that writes its shape. It knows the short ways through what nearly every statement is made of
/// (words, integers, plain strings, single operators) and hands the rest to the Lexer. Where it stands is passed from
/// step to step by value, in registers: a store through char* could change any member.
template <bool with_shape>
class ShapeScan {
 public:
  ShapeScan(std::string_view sql, char* scratch, std::span<Literal> literals, TokenOptions options, Scan& result)
      : reader_(sql, options), lexer_(reader_), begin_(sql.data()), end_(begin_ + sql.size()), shape_(scratch),
        literals_(literals), result_(result), plain_strings_(options.standard_conforming_strings) {}

  void run() {
    Place at{begin_, shape_};
    while (at.p < end_) {
      if (lexing::is(*at.p, lexing::blank)) {
        const Place next = blanks(at);
        if (next.p == end_) break;
        at = next;
      }
      at = step(at);
    }
    result_.statements += in_statement_;
    result_.split_trusted = splitter_.trusted();
    result_.danger = reader_.danger();
    if constexpr (with_shape) result_.shape = {shape_, static_cast<std::size_t>(at.out - shape_)};
  }

 private:
  /// Where the scan stands in the text and in the shape.
  struct Place {
    const char* p;
    char* out;
  };

  [[gnu::always_inline]] Place step(Place at) {
    switch (tables.first[static_cast<unsigned char>(*at.p)]) {
      case First::prefix:
        if (at.p + 1 < end_ && (at.p[1] == '\'' || at.p[1] == '&')) return rare(at);
        return word(at);
      case First::word: return word(at);
      case First::digit: return number(at);
      case First::quote: return plain_strings_ ? string(at) : rare(at);
      case First::op:
        if (at.p + 1 < end_ && tables.first[static_cast<unsigned char>(at.p[1])] == First::op) return rare(at);
        ++reader_.danger_.operators;
        if (reader_.danger_.operator_run == 0) reader_.danger_.operator_run = 1;
        return single(at);
      case First::dot:
        if (at.p + 1 < end_ && (at.p[1] == '.' || lexing::is(at.p[1], lexing::digit))) return rare(at);
        return single(at);
      case First::comma: return single(at);
      case First::open:
        lexer_.open();
        splitter_.open();
        return single(at);
      case First::close:
        lexer_.close();
        splitter_.close();
        return single(at);
      case First::semicolon: return semicolon(at);
      case First::blank:
      case First::bracket:
      case First::rare: break;
    }
    return rare(at);
  }

  /// Folded to one; none at the beginning, nor behind the line break of a line comment.
  [[gnu::always_inline]] Place blanks(Place at) const {
    do ++at.p;
    while (at.p < end_ && lexing::is(*at.p, lexing::blank));
    if constexpr (with_shape) {
      if (at.out != shape_ && at.out[-1] != '\n') *at.out++ = ' ';
    }
    return at;
  }

  [[gnu::always_inline]] Place single(Place at) {
    if constexpr (with_shape) *at.out++ = *at.p;
    ++at.p;
    in_statement_ = true;
    return at;
  }

  Place semicolon(Place at) {
    const bool ends = splitter_.ends_statement(Token{TokenType::semicolon, false, 0, 1}, {});
    const bool in_statement = in_statement_;
    at = single(at);
    if (!ends) return at;
    result_.statements += in_statement;
    in_statement_ = false;
    return at;
  }

  /// Eight bytes at a time, for the loop over the bytes of a word is one that branch prediction cannot learn.
  [[gnu::always_inline]] Place word(Place at) {
    const char* const from = at.p;
    std::uint32_t size = word_step;
    while (size == word_step && end_ - at.p >= static_cast<std::ptrdiff_t>(word_step)) {
      const std::uint64_t bytes = load8(at.p);
      const WordBytes word_bytes = classify8(bytes);
      size = word_bytes.count;
      at.p += size;
      if constexpr (with_shape) {
        const std::uint64_t lower = bytes | word_bytes.letters >> 2;
        std::memcpy(at.out, &lower, word_step);
        at.out += size;
      }
    }
    if (size == word_step) at = word_end(at);
    in_statement_ = true;
    if (splitter_.wants_words()) {
      splitter_.ends_statement(Token{TokenType::word, false, 0, 0}, {from, static_cast<std::size_t>(at.p - from)});
    }
    return at;
  }

  /// The last bytes of the text.
  Place word_end(Place at) const {
    for (; at.p < end_ && lexing::is(*at.p, lexing::word_more); ++at.p) {
      if constexpr (with_shape) *at.out++ = tables.lower[static_cast<unsigned char>(*at.p)];
    }
    return at;
  }

  [[gnu::always_inline]] Place number(Place at) {
    const char* p = at.p + 1;
    while (p < end_ && lexing::is(*p, lexing::digit)) ++p;
    if (p < end_ && (*p == '.' || (*p | 0x20) == 'e')) return rare(at);
    return literal(at, p, TokenType::integer);
  }

  /// 'text' that has no quote in it and does not go on behind blanks.
  Place string(Place at) {
    const void* found = std::memchr(at.p + 1, '\'', static_cast<std::size_t>(end_ - at.p - 1));
    if (!found) return rare(at);
    const char* const close = static_cast<const char*>(found) + 1;
    const char* p = close;
    while (p < end_ && lexing::is(*p, lexing::blank)) ++p;
    if (p < end_ && (*p == '\'' || *p == '-')) return rare(at);
    return literal(at, close, TokenType::string);
  }

  [[gnu::always_inline]] Place literal(Place at, const char* to, TokenType type) {
    if (result_.literals < literals_.size()) {
      Literal& place = literals_[result_.literals];
      place = {static_cast<std::uint32_t>(at.p - begin_), static_cast<std::uint32_t>(to - at.p), type};
    }
    ++result_.literals;
    if constexpr (with_shape) *at.out++ = shape_placeholder(type);
    in_statement_ = true;
    return {to, at.out};
  }

  /// Any token, by the Lexer.
  [[gnu::noinline]] Place rare(Place at) {
    reader_.at_ = static_cast<std::uint32_t>(at.p - begin_);
    const Token t = lexer_.skip_blanks_and_read();
    const char* const to = begin_ + t.begin + t.size;
    if (is_literal(t.type)) return literal(at, to, t.type);
    if (t.type == TokenType::word) return word(at);
    if (t.type == TokenType::comment) {
      result_.comments = true;
    } else {
      in_statement_ = true;
    }
    if constexpr (with_shape) at.out = copy(t, at.out);
    return {to, at.out};
  }

  /// A line comment carries its line break with it: what follows must not become part of it.
  char* copy(const Token& t, char* out) const {
    std::memcpy(out, begin_ + t.begin, t.size);
    out += t.size;
    if (t.type == TokenType::comment && begin_[t.begin] == '-') *out++ = '\n';
    return out;
  }

  TokenReader reader_;
  Lexer lexer_;
  const char* begin_;
  const char* end_;
  char* shape_;
  std::span<Literal> literals_;
  Scan& result_;
  StatementSplitter splitter_;
  bool plain_strings_;
  bool in_statement_ = false;
};

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
  if (scratch.size() < shape_capacity(sql.size())) {
    ShapeScan<false>(sql, nullptr, literals, options, result).run();
    return result;
  }
  ShapeScan<true>(sql, scratch.data(), literals, options, result).run();
  result.has_shape = !result.danger.unterminated && !result.danger.invalid;
  if (result.has_shape) {
    result.shape_hash = hash_bytes(result.shape);
  } else {
    result.shape = {};
  }
  return result;
}

}  // namespace pgswitch::rules
