#include "proxy/redshift/cursor_text.hpp"

#include <algorithm>
#include <charconv>
#include <vector>

#include "rules/tokens.hpp"

namespace pgswitch::redshift {

using rules::Token;
using rules::TokenType;

namespace {

/// Tokens without comments, and what they say in lower case.
class Words {
 public:
  Words(std::string_view text, bool conforming_strings) : reader_(text, {conforming_strings}) { take(); }
  /// The current token is the unquoted word `word`.
  bool is(std::string_view word) const {
    const std::string_view own = reader_.text(token_);
    return token_.type == TokenType::word &&
           std::equal(own.begin(), own.end(), word.begin(), word.end(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
  }
  bool take(std::string_view word) { return is(word) && (take(), true); }
  void take() {
    do token_ = reader_.next();
    while (token_.type == TokenType::comment);
  }
  bool at_end() const { return token_.type == TokenType::end || token_.type == TokenType::semicolon; }
  const Token& token() const { return token_; }
  std::string_view text() const { return reader_.text(token_); }

 private:
  rules::TokenReader reader_;
  Token token_;
};

/// [+|-] number, which is taken.
std::optional<std::int64_t> take_count(Words& words) {
  const bool minus = words.token().type == TokenType::op && words.text() == "-";
  if (minus || (words.token().type == TokenType::op && words.text() == "+")) words.take();
  if (words.token().type != TokenType::integer) return std::nullopt;
  const std::string_view digits = words.text();
  std::int32_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  words.take();
  return minus ? -std::int64_t{count} : count;
}

bool is_count(const Words& words) {
  return words.token().type == TokenType::integer || (words.token().type == TokenType::op && (words.text() == "-" || words.text() == "+"));
}

}  // namespace

std::optional<Declaration> read_declaration(std::string_view text, bool conforming_strings) {
  Words words(text, conforming_strings);
  if (!words.take("declare")) return std::nullopt;
  words.take();  // the name
  Declaration declaration;
  while (!words.is("cursor")) {
    if (words.at_end()) return std::nullopt;
    if (words.take("no")) {
      declaration.no_scroll |= words.is("scroll");
    } else {
      declaration.binary |= words.is("binary");
    }
    words.take();
  }
  words.take();
  if (words.take("with"))
    declaration.hold = words.take("hold");
  else if (words.take("without"))
    words.take("hold");
  if (!words.is("for")) return std::nullopt;
  declaration.query = words.token().begin + words.token().size;
  return declaration;
}

std::optional<Fetch> read_fetch(std::string_view text, bool conforming_strings) {
  using Direction = Fetch::Direction;
  Words words(text, conforming_strings);
  Fetch fetch;
  fetch.moves = words.is("move");
  if (!words.take("fetch") && !words.take("move")) return std::nullopt;
  const Words before = words;
  const auto read = [&]() -> bool {
    const auto with_count = [&](Direction direction) {
      fetch.direction = direction;
      const auto count = take_count(words);
      if (count) fetch.count = *count;
      return count.has_value();
    };
    if (is_count(words)) return with_count(Direction::forward);
    if (words.take("absolute")) return with_count(Direction::absolute);
    if (words.take("relative")) return with_count(Direction::relative);
    if (words.take("next")) return true;
    if (words.take("all")) return fetch.count = Fetch::all, true;
    const bool first = words.take("first"), last = !first && words.take("last");
    if (first || last) return fetch = {Direction::absolute, first ? 1 : -1, fetch.moves}, true;
    const bool prior = words.take("prior"), backward = prior || words.take("backward");
    if (backward) fetch.direction = Direction::backward;
    if (prior || (!backward && !words.take("forward"))) return true;
    if (words.take("all")) return fetch.count = Fetch::all, true;
    return !is_count(words) || with_count(fetch.direction);
  };
  const bool understood = read();
  if (words.at_end() && understood) {  // the word was the cursor's name
    words = before;
    fetch = {Direction::forward, 1, fetch.moves};
  } else if (!understood) {
    words = before;
    words.take();
    if (!words.at_end()) return std::nullopt;
    words = before;
    fetch = {Direction::forward, 1, fetch.moves};
  }
  if (!words.take("from")) words.take("in");
  words.take();
  return words.at_end() ? std::optional(fetch) : std::nullopt;
}

bool uses_current_of(std::string_view text, bool conforming_strings) {
  for (Words words(text, conforming_strings); words.token().type != TokenType::end; words.take()) {
    if (!words.is("where")) continue;
    words.take();
    if (words.take("current") && words.is("of")) return true;
  }
  return false;
}

}  // namespace pgswitch::redshift
