#include "rules/redshift/spelling.hpp"

#include <deque>
#include <span>
#include <vector>

#include "rules/redshift/literal_value.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules::redshift {
namespace {

constexpr std::uint32_t longest_text = 1u << 30;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_word(std::string_view text, std::string_view word) {
  if (text.size() != word.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (lower(text[i]) != word[i]) return false;
  return true;
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f'; }

bool may_begin_tag(char c) { return c == '$' || c == '_' || (lower(c) >= 'a' && lower(c) <= 'z') || static_cast<unsigned char>(c) >= 0x80; }

/// Does any `sign` of the text make `matters` true, which is given its place?
template <class Matters>
bool any(std::string_view text, char sign, Matters matters) {
  for (std::size_t at = text.find(sign); at != std::string_view::npos; at = text.find(sign, at + 1))
    if (matters(at)) return true;
  return false;
}

/// Outside of literals and comments: does a word go on at `at`, which is no digit? A prefix or a tag does not begin there then.
bool is_inside_word(std::string_view text, std::size_t at) { return at > 0 && text[at - 1] != '$' && may_begin_tag(text[at - 1]); }

/// E'', B'', X'', U&'', or a string that may go on: a quote with a line break and another one behind it, or a comment.
bool quote_matters(std::string_view text, std::size_t at) {
  const char before = at > 0 ? lower(text[at - 1]) : ' ';
  if (before == '&') return true;
  if ((before == 'e' || before == 'b' || before == 'x') && !is_inside_word(text, at - 1)) return true;
  bool line_break = false;
  std::size_t next = at + 1;
  for (; next < text.size() && is_blank(text[next]); ++next) line_break |= text[next] == '\n' || text[next] == '\r';
  return next < text.size() && ((text[next] == '\'' && line_break) || text[next] == '-');
}

/// A comment that holds the beginning of another.
bool comment_matters(std::string_view text, std::size_t at) {
  if (at + 1 >= text.size() || text[at + 1] != '*') return false;
  for (std::size_t i = text.find_first_of("/*", at + 2); i != std::string_view::npos && i + 1 < text.size(); i = text.find_first_of("/*", i + 1)) {
    if (text[i] == '/' && text[i + 1] == '*') return true;
    if (text[i] == '*' && text[i + 1] == '/') return false;
  }
  return false;
}

void append_doubled(std::string_view value, char quote, bool backslashes, std::string& out) {
  for (const char c : value) {
    if (c == quote || (c == '\\' && backslashes)) out += c;
    out += c;
  }
}

/// Follows the head of a statement: is a dollar string behind AS the body of a function?
class FunctionHead {
 public:
  void on_token(const Token& token, std::string_view text) {
    after_as_ = false;
    if (token.type == TokenType::semicolon) {
      // A semicolon in parentheses or in BEGIN ATOMIC ends no statement for PostgreSQL; Redshift has neither.
      step_ = 0;
      return;
    }
    const bool word = token.type == TokenType::word;
    switch (step_) {
      case 0: step_ = word && is_word(text, "create") ? 1 : no; break;
      case 1: step_ = !word ? no : is_word(text, "or") ? 2 : is_definition(text) ? yes : no; break;
      case 2: step_ = word && is_word(text, "replace") ? 3 : no; break;
      case 3: step_ = word && is_definition(text) ? yes : no; break;
      case yes: after_as_ = word && is_word(text, "as"); break;
      default: break;
    }
  }
  bool body_follows() const { return after_as_; }

 private:
  static constexpr int yes = 4, no = 5;
  static bool is_definition(std::string_view text) { return is_word(text, "function") || is_word(text, "procedure"); }
  int step_ = 0;
  bool after_as_ = false;
};

/// What stands between the marks of a comment that holds another, with nothing in it that begins or ends one.
std::string flat(std::string_view comment) {
  std::string result(comment);
  for (std::size_t i = 2; i + 2 < result.size(); ++i) {
    if (result[i] == '/') result[i] = '|';
    if (result[i] == '*') result[i] = '+';
  }
  return result;
}

bool is_escape_character(std::string_view value) {
  if (value.size() != 1) return false;
  const char c = lower(value[0]);
  return !(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f') && c != '+' && c != '\'' && c != '"' && !is_blank(c);
}

/// Spells one text.
class Speller {
 public:
  Speller(std::string_view text, bool conforming, SpellingFault& fault) : text_(text), conforming_(conforming), fault_(fault), reader_(text, {conforming}) {}

  bool run() {
    for (Token token = reader_.next(); token.type != TokenType::end; token = reader_.next())
      if (!on_token(token)) return false;
    return true;
  }

  std::span<const Edit> edits() const { return edits_; }

 private:
  bool on_token(const Token& token) {
    if (token.unterminated) return unterminated(token);
    if (token.type == TokenType::comment) {
      const std::string_view text = reader_.text(token);
      if (text[0] == '/' && comment_matters(text, 0)) replace(token.begin, token.size, flat(text));
      return true;
    }
    const bool body = token.type == TokenType::dollar_string && head_.body_follows();
    head_.on_token(token, reader_.text(token));
    const std::size_t edits = edits_.size();
    const bool ok = body || write(token);
    ends_in_quote_ = !body && token.type >= TokenType::string && token.type <= TokenType::dollar_string;
    written_anew_ = edits_.size() > edits;
    return ok;
  }

  bool write(const Token& token) {
    switch (token.type) {
      case TokenType::string:
      case TokenType::escape_string:
      case TokenType::national_string:
      case TokenType::dollar_string: return write_value(token, token.size, '\\');
      case TokenType::unicode_string:
        if (!conforming_)
          return fail(token, "42601", "unsafe use of string constant with Unicode escapes",
                      "Switch standard_conforming_strings on, or write the characters themselves.");
        return write_unicode(token);
      case TokenType::unicode_word: return write_unicode(token);
      case TokenType::bit_string:
      case TokenType::hex_string: return fail(token, "0A000", "Redshift has no bit strings", "Write a number, or from_hex('...') for bytes.");
      case TokenType::invalid:
        return fail(token, "42601", "syntax error at or near \"" + std::string(reader_.text(token)) + "\"",
                    "Literals are read as PostgreSQL reads them: with standard_conforming_strings on a quote in one is written '', not \\'.");
      default: return true;
    }
  }

  /// U&'text' and U&"text", with UESCAPE 'c' behind it.
  bool write_unicode(const Token& token) {
    TokenReader ahead = reader_;
    const Token word = behind_comments(ahead);
    if (word.type != TokenType::word || !is_word(ahead.text(word), "uescape")) return write_value(token, token.size, '\\');
    const Token escape = behind_comments(ahead);
    if (escape.type != TokenType::string && escape.type != TokenType::escape_string && escape.type != TokenType::dollar_string)
      return fail(escape, "42601", "UESCAPE must be followed by a simple string literal", {});
    if (escape.unterminated) return unterminated(escape);
    std::string value;
    if (const auto fault = literal_value(escape.type, ahead.text(escape), conforming_, '\\', value)) return fail(escape, *fault);
    if (!is_escape_character(value)) return fail(escape, "42601", "invalid Unicode escape character", {});
    reader_ = ahead;
    return write_value(token, escape.begin + escape.size - token.begin, value[0]);
  }

  static Token behind_comments(TokenReader& reader) {
    Token token = reader.next();
    while (token.type == TokenType::comment && !token.unterminated) token = reader.next();
    return token;
  }

  /// `size`: the bytes that it takes the place of.
  bool write_value(const Token& token, std::uint32_t size, char escape) {
    std::string value;
    if (const auto fault = literal_value(token.type, reader_.text(token), conforming_, escape, value)) return fail(token, *fault);
    std::string spelled;
    const bool bare = token.type != TokenType::string && token.type != TokenType::national_string;
    if (token.type == TokenType::unicode_word) {
      if (value.empty()) return fail(token, "42601", "zero-length delimited identifier", {});
      spelled = '"';
      append_doubled(value, '"', false, spelled);
      spelled += '"';
    } else {
      if (token.type == TokenType::national_string) spelled += text_[token.begin];
      append_literal(value, spelled);
      // A literal goes on in another one behind a line break; PostgreSQL's kinds do not go on in each other.
      if (ends_in_quote_ && spelled[0] == '\'' && (bare || written_anew_)) spelled.insert(0, "/**/");
    }
    // What a prefix or a dollar kept apart from the token in front of it.
    if (bare && token.begin > 0 && !is_blank(text_[token.begin - 1])) spelled.insert(0, " ");
    // UESCAPE '!' kept it apart from a quote behind it.
    if (size != token.size) spelled += ' ';
    if (spelled != text_.substr(token.begin, size)) replace(token.begin, size, std::move(spelled));
    return true;
  }

  void replace(std::uint32_t begin, std::uint32_t size, std::string text) {
    texts_.push_back(std::move(text));
    edits_.push_back({begin, size, texts_.back()});
  }

  bool unterminated(const Token& token) {
    const bool identifier = token.type == TokenType::quoted_word || token.type == TokenType::unicode_word;
    const char* what = token.type == TokenType::comment         ? "unterminated /* comment"
                       : identifier                             ? "unterminated quoted identifier"
                       : token.type == TokenType::dollar_string ? "unterminated dollar-quoted string"
                                                                : "unterminated quoted string";
    return fail(token, "42601", what, "Literals are read as PostgreSQL reads them: with standard_conforming_strings on a quote in one is written '', not \\'.");
  }

  bool fail(const Token& token, const LiteralFault& fault) {
    fault_ = {fault.refusal, token.begin + fault.at, 0};
    return false;
  }
  bool fail(const Token& token, const char* sqlstate, std::string message, std::string hint) {
    return fail(token, {{sqlstate, std::move(message), {}, std::move(hint)}, 0});
  }

  std::string_view text_;
  bool conforming_;
  SpellingFault& fault_;
  TokenReader reader_;
  FunctionHead head_;
  bool ends_in_quote_ = false;  ///< the last token but comments
  bool written_anew_ = false;   ///< the same
  std::deque<std::string> texts_;
  std::vector<Edit> edits_;
};

}  // namespace

bool needs_spelling(std::string_view text) {
  if (text.find('\\') != std::string_view::npos) return true;
  return any(text, '\'', [&](std::size_t at) { return quote_matters(text, at); }) ||
         any(text, '$', [&](std::size_t at) { return at + 1 < text.size() && may_begin_tag(text[at + 1]) && !is_inside_word(text, at); }) ||
         any(text, '/', [&](std::size_t at) { return comment_matters(text, at); }) ||
         any(text, '"', [&](std::size_t at) { return at > 0 && text[at - 1] == '&'; });
}

std::optional<std::string> spell(std::string_view text, bool standard_conforming_strings, SpellingFault& fault, PositionMap* positions) {
  fault = {};
  if (text.size() > longest_text) {
    fault.refusal = {"54000", "the statement is too long for Redshift", {}, {}};
    return std::nullopt;
  }
  if (!is_utf8(text)) {
    fault.refusal = {"22021", "invalid byte sequence for encoding \"UTF8\"", "A statement for Redshift with literals to be rewritten must be in UTF-8.",
                     "Set client_encoding to UTF8."};
    return std::nullopt;
  }
  Speller speller(text, standard_conforming_strings, fault);
  if (!speller.run()) {
    fault.position = characters(text.substr(0, fault.at)) + 1;
    return std::nullopt;
  }
  if (positions) positions->assign(text, speller.edits());
  return splice(text, speller.edits());
}

void append_literal(std::string_view value, std::string& out) {
  out += '\'';
  append_doubled(value, '\'', true, out);
  out += '\'';
}

}  // namespace pgswitch::rules::redshift
