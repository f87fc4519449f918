#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// A run of tokens by their places in the text.
struct TokenRun {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};

/// The tokens of a text, comments among them, to find what the nodes of a parse tree were read from: a node knows the byte at
/// which it begins and no more. Does not own the text.
class TreeTokens {
 public:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  TreeTokens(std::string_view text, TokenOptions options);

  std::uint32_t size() const { return static_cast<std::uint32_t>(tokens_.size()); }
  const Token& operator[](std::uint32_t place) const { return tokens_[place]; }
  std::span<const Token> all() const { return tokens_; }
  std::string_view whole() const { return text_; }
  std::string_view text(std::uint32_t place) const { return text_.substr(tokens_[place].begin, tokens_[place].size); }

  /// The token that begins at this byte; none if there is no such.
  std::uint32_t at(int byte) const;
  /// The next / the previous one that is no comment.
  std::uint32_t next(std::uint32_t place) const;
  std::uint32_t previous(std::uint32_t place) const;
  bool is(std::uint32_t place, TokenType type) const { return place < size() && tokens_[place].type == type; }
  /// Is it this word (in lower case), without quotes?
  bool is_word(std::uint32_t place, std::string_view word) const;

  /// The dotted name that begins at this byte, a run for each of `parts`. Empty when the tokens are not these names. A part that is
  /// empty is the star.
  std::vector<TokenRun> name_at(int byte, std::span<const std::string_view> parts) const;

 private:
  bool means(std::uint32_t place, std::string_view name) const;
  std::uint32_t end_of_name(std::uint32_t place) const;

  std::string_view text_;
  std::vector<Token> tokens_;
};

}  // namespace pgswitch::rules
