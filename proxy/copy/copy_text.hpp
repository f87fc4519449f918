#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/tokens.hpp"

namespace pgswitch::copy {

/// The tokens of a COPY statement, without its comments, to be walked through.
class CopyTokens {
 public:
  CopyTokens(std::string_view text, bool standard_conforming_strings);

  bool at_end() const { return at_ >= tokens_.size(); }
  rules::TokenType type() const { return at_end() ? rules::TokenType::end : tokens_[at_].type; }
  std::string_view text() const { return at_end() ? std::string_view{} : text_.substr(tokens_[at_].begin, tokens_[at_].size); }
  std::uint32_t begin() const { return at_end() ? static_cast<std::uint32_t>(text_.size()) : tokens_[at_].begin; }
  void skip() { ++at_; }
  /// Takes the word, in any case; false when another token stands there.
  bool take(std::string_view word);
  bool take(rules::TokenType type);
  bool is(std::string_view word) const;
  /// Takes an identifier: `sql` is it as written, the result its name.
  std::optional<std::string> take_name(std::string* sql = nullptr);
  /// Takes a string literal of any kind: what it says.
  std::optional<std::string> take_string();
  /// Takes what stands in parentheses, nested ones too; the result is where that is in the text.
  std::optional<std::pair<std::uint32_t, std::uint32_t>> take_parenthesised();

 private:
  std::string_view text_;
  bool conforming_;
  std::vector<rules::Token> tokens_;
  std::size_t at_ = 0;
};

}  // namespace pgswitch::copy
