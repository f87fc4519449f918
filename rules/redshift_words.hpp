#pragma once
#include <string>
#include <string_view>

#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// Watches the tokens of a statement for words that only Redshift's grammar takes, where they stand as keywords
/// (Redshift manual, SQL reference). Feed it every token but comments, words in lower case.
class RedshiftWords {
 public:
  void on_token(const Token& token, std::string_view text);
  /// The first one found, in upper case; "" when there is none.
  const std::string& keyword() const { return keyword_; }

 private:
  void on_word(std::string_view word);
  void after_word(const Token& token, std::string_view text);
  void found(std::string_view word);

  std::string keyword_;
  std::string first_, before_, previous_;  ///< words: the first, the one before the last, the last token if it is a word
  std::string candidate_;                  ///< a word that counts when the next token bears it out
};

}  // namespace pgswitch::rules
