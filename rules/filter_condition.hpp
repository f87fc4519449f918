#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::rules {

/// A value that a rule binds into a condition. It becomes a literal of SQL.
struct FilterValue {
  enum class Source : std::uint8_t { text, number, user, database, application_name, client_address };
  Source source = Source::text;
  std::string text;  ///< of Source::text; of Source::number as SQL has it ("true" and "false" too)
};

/// The condition of a row filter: one SQL expression over the columns of one table, with places for values. Parsed once, immutable.
/// Columns are written without the table, or with its name. Inside a subquery of the condition a name without a table is what the
/// subquery makes of it.
class FilterCondition {
 public:
  /// `?` stands for the values in their order; `$user`, `$database`, `$application_name` and `$client_address` for what they say.
  /// nullptr and `error` when the text is not one expression, has parameters ($1) or comments.
  static std::shared_ptr<const FilterCondition> parse(std::string_view text, std::string& error);

  /// How many `?` there are.
  std::size_t places() const { return places_; }
  /// Where the values that are taken from the session come from, each once.
  const std::vector<FilterValue::Source>& session_values() const { return session_values_; }
  /// Does a column of this name take part? Columns inside of subqueries count too.
  bool uses_column(std::string_view name) const;
  /// A backslash in one of its strings: another text where standard_conforming_strings is off.
  bool has_backslash() const { return has_backslash_; }

  /// The text for a table that is called `name` where it stands, its columns qualified. `table`: what the rule calls it;
  /// `literals`: one for each `?`, `session_literals`: one for each of session_values(). nullopt and `error` when a column is
  /// qualified by something else, or when it has a subquery that knows the table by another name.
  std::optional<std::string> write(std::string_view table, std::string_view name, std::span<const std::string> literals,
                                   std::span<const std::string> session_literals, std::string& error) const;

 private:
  /// What stands at a place of the text.
  struct Part {
    enum class Kind : std::uint8_t { value, session_value, column, qualifier };
    Kind kind = Kind::value;
    std::uint32_t begin = 0, size = 0;
    std::size_t index = 0;  ///< of a value: among its like
    std::string qualifier;  ///< as parsed
  };
  class Reader;

  std::string text_;
  std::vector<Part> parts_;  ///< in the order of their places
  std::vector<std::string> columns_;
  std::vector<std::string> inner_qualifiers_;  ///< of columns inside of subqueries that are of no table there
  std::vector<FilterValue::Source> session_values_;
  std::size_t places_ = 0;
  bool has_backslash_ = false;
};
using FilterConditionPtr = std::shared_ptr<const FilterCondition>;

}  // namespace pgswitch::rules
