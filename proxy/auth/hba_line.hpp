#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch {

/// A word of an HBA or name map file. What stood in quotes is a name even where the word means something.
struct HbaToken {
  std::string text;
  bool quoted = false;
  bool is(std::string_view keyword) const { return !quoted && text == keyword; }
};
/// Words with commas between them.
using HbaField = std::vector<HbaToken>;

/// Takes a line apart: fields separated by white space, '#' begins a comment, "..." holds anything, with "" for a quote.
class HbaLine {
 public:
  explicit HbaLine(std::string_view line) : rest_(line) {}

  /// nullopt at the end of the line, and when it is malformed.
  std::optional<HbaField> field();
  /// The same for a field that must be one word; more are malformed.
  std::optional<HbaToken> word();
  /// What has not been taken yet, for options with a grammar of their own.
  std::string_view rest() const { return rest_; }
  bool at_end();
  /// A quote is not closed, or a comma stands alone.
  bool is_malformed() const { return malformed_; }

 private:
  void skip_space();
  std::optional<HbaToken> token();

  std::string_view rest_;
  bool malformed_ = false;
};

/// `key=value` words separated by white space and commas, with quotes around anything that holds one of these. '#' at the
/// beginning of a word ends the text when `comments`. nullopt: a quote is not closed.
std::optional<std::vector<std::string>> split_options(std::string_view text, bool comments);

}  // namespace pgswitch
