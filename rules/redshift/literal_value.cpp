#include "rules/redshift/literal_value.hpp"

#include <algorithm>

namespace pgswitch::rules::redshift {
namespace {

constexpr std::uint32_t npos = std::uint32_t(-1);

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool is_octal(char c) { return c >= '0' && c <= '7'; }

void append_utf8(std::uint32_t c, std::string& out) {
  const auto more = [&](int shift) { out += static_cast<char>(0x80 | (c >> shift & 0x3f)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    more(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    more(6), more(0);
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    more(12), more(6), more(0);
  }
}

/// Puts the halves of surrogate pairs together.
class UnicodeWriter {
 public:
  explicit UnicodeWriter(std::string& out) : out_(out) {}
  /// Nothing but the other half may follow the first one.
  bool waits() const { return first_ != 0; }
  /// "" or what is wrong.
  const char* add(std::uint32_t c) {
    if (c == 0 || c > 0x10ffff) return "invalid Unicode escape value";
    const bool first = c >= 0xd800 && c < 0xdc00, second = c >= 0xdc00 && c < 0xe000;
    if (second != waits()) return "invalid Unicode surrogate pair";
    if (first) {
      first_ = c;
      return "";
    }
    append_utf8(second ? 0x10000 + ((first_ & 0x3ff) << 10) + (c & 0x3ff) : c, out_);
    first_ = 0;
    return "";
  }

 private:
  std::string& out_;
  std::uint32_t first_ = 0;
};

/// Reads one token.
class LiteralReader {
 public:
  LiteralReader(std::string_view token, std::string& out) : s_(token), out_(out), unicode_(out) {}

  /// 'text' from `i` on, with its continuations. `escapes`: a backslash escapes, as in E'text'.
  std::optional<LiteralFault> string(std::uint32_t i, bool escapes) {
    while (i != npos) {
      ++i;  // the opening quote
      while (!(s_[i] == '\'' && !doubled(i))) {
        i = s_[i] == '\\' && escapes ? escape(i) : plain(i);
        if (fault_) return fault_;
      }
      if (unicode_.waits()) return fault("42601", "invalid Unicode surrogate pair", i);
      i = continuation(i + 1);
    }
    return std::nullopt;
  }

  std::optional<LiteralFault> identifier(std::uint32_t i) {
    for (++i; !(s_[i] == '"' && i + 1 == s_.size()); ++i) {
      out_ += s_[i];
      if (s_[i] == '"') ++i;
    }
    return std::nullopt;
  }

  /// $tag$text$tag$
  std::optional<LiteralFault> dollars() {
    const std::size_t tag = s_.find('$', 1) + 1;
    out_ += s_.substr(tag, s_.size() - 2 * tag);
    return std::nullopt;
  }

 private:
  bool doubled(std::uint32_t i) const { return i + 1 < s_.size() && s_[i + 1] == '\''; }

  std::uint32_t plain(std::uint32_t i) {
    if (unicode_.waits()) fault("42601", "invalid Unicode surrogate pair", i);
    out_ += s_[i];
    return i + 1 + (s_[i] == '\'');
  }

  /// The next opening quote of a string that was closed before `i`.
  std::uint32_t continuation(std::uint32_t i) const {
    while (i < s_.size() && s_[i] != '\'') {
      if (s_[i] == '-')
        while (s_[i] != '\n' && s_[i] != '\r') ++i;
      else
        ++i;
    }
    return i < s_.size() ? i : npos;
  }

  /// `i`: a backslash. What stands behind the escape.
  std::uint32_t escape(std::uint32_t i) {
    const char c = s_[i + 1];
    if (c == 'u' || c == 'U') return unicode_escape(i, c == 'u' ? 4 : 8);
    if (unicode_.waits()) fault("42601", "invalid Unicode surrogate pair", i);
    if (is_octal(c)) return octal_escape(i + 1);
    if (c == 'x' && hex_digit(s_[i + 2]) >= 0) return hex_escape(i + 2);
    if (c == 'v') fault("0A000", "the escape \\v is not supported for Redshift", i, "PostgreSQL reads it as v before version 16 and as a vertical tab since.");
    constexpr std::string_view letters = "bfnrt", meant = "\b\f\n\r\t";
    const std::size_t known = letters.find(c);
    out_ += known == std::string_view::npos ? c : meant[known];
    return i + 2;
  }

  std::uint32_t octal_escape(std::uint32_t i) {
    unsigned value = 0;
    const std::uint32_t end = i + 3;
    for (; i < end && is_octal(s_[i]); ++i) value = value * 8 + static_cast<unsigned>(s_[i] - '0');
    out_ += static_cast<char>(value & 0xff);
    return i;
  }

  std::uint32_t hex_escape(std::uint32_t i) {
    int value = hex_digit(s_[i]);
    if (const int low = hex_digit(s_[++i]); low >= 0) value = value * 16 + low, ++i;
    out_ += static_cast<char>(value);
    return i;
  }

  std::uint32_t unicode_escape(std::uint32_t i, std::uint32_t digits) {
    std::uint32_t c = 0, at = i + 2;
    for (const std::uint32_t end = at + digits; at < end; ++at) {
      if (hex_digit(s_[at]) < 0) {
        fault("22025", "invalid Unicode escape", i, "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.");
        return at;
      }
      c = c * 16 + static_cast<std::uint32_t>(hex_digit(s_[at]));
    }
    if (const std::string_view wrong = unicode_.add(c); !wrong.empty()) fault("42601", std::string(wrong), i);
    return at;
  }

  std::optional<LiteralFault> fault(const char* sqlstate, std::string message, std::uint32_t at, std::string hint = {}) {
    if (!fault_) fault_ = LiteralFault{{sqlstate, std::move(message), {}, std::move(hint)}, at};
    return fault_;
  }

  std::string_view s_;
  std::string& out_;
  UnicodeWriter unicode_;
  std::optional<LiteralFault> fault_;
};

LiteralFault unicode_fault(std::string message, std::string hint = {}) { return {{"42601", std::move(message), {}, std::move(hint)}, 0}; }

/// The escapes of U&'text' and U&"text", in a text without quotes (str_udeescape() of parser.c).
std::optional<LiteralFault> unescape(std::string_view text, char escape, std::string& value) {
  UnicodeWriter unicode(value);
  std::size_t i = 0;
  while (i < text.size()) {
    const bool twice = text[i] == escape && i + 1 < text.size() && text[i + 1] == escape;
    if (text[i] != escape || twice) {
      if (unicode.waits()) return unicode_fault("invalid Unicode surrogate pair");
      value += text[i];
      i += twice ? 2 : 1;
      continue;
    }
    const bool six = i + 1 < text.size() && text[i + 1] == '+';
    std::size_t at = i + 1 + six;
    std::uint32_t c = 0;
    for (const std::size_t end = at + (six ? 6 : 4); at < end; ++at) {
      if (at >= text.size() || hex_digit(text[at]) < 0)
        return unicode_fault("invalid Unicode escape", "Unicode escapes must be \\XXXX or \\+XXXXXX.");
      c = c * 16 + static_cast<std::uint32_t>(hex_digit(text[at]));
    }
    if (const std::string_view wrong = unicode.add(c); !wrong.empty()) return unicode_fault(std::string(wrong));
    i = at;
  }
  if (unicode.waits()) return unicode_fault("invalid Unicode surrogate pair");
  return std::nullopt;
}

std::optional<LiteralFault> read(TokenType type, std::string_view token, bool conforming, char escape, std::string& value) {
  LiteralReader reader(token, value);
  switch (type) {
    case TokenType::string: return reader.string(0, !conforming);
    case TokenType::national_string: return reader.string(1, !conforming);
    case TokenType::escape_string: return reader.string(1, true);
    case TokenType::dollar_string: return reader.dollars();
    case TokenType::quoted_word: return reader.identifier(0);
    case TokenType::unicode_string:
    case TokenType::unicode_word: {
      std::string raw;
      LiteralReader inner(token, raw);
      if (auto fault = type == TokenType::unicode_word ? inner.identifier(2) : inner.string(2, false)) return fault;
      return unescape(raw, escape, value);
    }
    default: return LiteralFault{{"0A000", "Redshift has no type for bit strings (B'...' and X'...')", {}, "Write the value as a number, or as text."}, 0};
  }
}

}  // namespace

bool is_utf8(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto c = static_cast<unsigned char>(text[i++]);
    if (c == 0) return false;
    if (c < 0x80) continue;
    const std::size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
    if (c < 0xc2 || c > 0xf4 || text.size() - i < more) return false;
    const auto next = static_cast<unsigned char>(text[i]);
    if ((c == 0xe0 && next < 0xa0) || (c == 0xed && next > 0x9f) || (c == 0xf0 && next < 0x90) || (c == 0xf4 && next > 0x8f)) return false;
    for (const std::size_t end = i + more; i < end; ++i)
      if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

std::optional<LiteralFault> literal_value(TokenType type, std::string_view token, bool standard_conforming_strings, char escape, std::string& value) {
  const std::size_t begin = value.size();
  if (auto fault = read(type, token, standard_conforming_strings, escape, value)) return fault;
  if (is_utf8(std::string_view(value).substr(begin))) return std::nullopt;
  return LiteralFault{{"22021", "invalid byte sequence for encoding \"UTF8\"", "An escape of the literal makes it.", {}}, 0};
}

}  // namespace pgswitch::rules::redshift
