#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rules/statement.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::rules {

/// Guesses the tables of a statement from its tokens: names after FROM, JOIN, INTO, UPDATE and TABLE. What it finds is
/// evidence for rules about text that no grammar of ours understands, not proof.
class TableFinder {
 public:
  /// Every token but comments. `text`: words in lower case, quoted words without their quotes.
  void on_token(const Token& token, const std::string& text);
  /// Writes what was found, CTE names left out, to reads and writes.
  void finish(Statement& out);

 private:
  enum class Role : std::uint8_t { none, read, write };
  /// own_from: arguments of a function with a FROM of its own; from_list: commas bring further tables.
  enum Level : char { own_from = 1, from_list = 2 };
  void on_word(const std::string& word);
  void on_name(const std::string& name);
  void on_other(const Token& token);
  void expect(Role role);
  void name_ends(const Token& token);

  std::string first_, previous_, before_;  ///< words: the first; the last token and the one before, "" for no words
  std::string levels_ = std::string(1, '\0');  ///< Level bits of the statement and of each open parenthesis
  std::vector<std::string> ctes_;
  std::vector<TableName> reads_, writes_;
  TableName name_;                         ///< being read
  Role role_ = Role::none;                 ///< what the next name will be
  Role reading_ = Role::none;              ///< what the name being read is
  bool after_dot_ = false;
  bool copy_to_ = false;
};

}  // namespace pgswitch::rules
