#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/decision.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// What a column of a query is called by, beside its own name.
struct ColumnPlace {
  enum class Kind : std::uint8_t {
    bare,      ///< nothing
    table,     ///< a table, or what else stands in FROM
    row,       ///< it is the name of a table, and may be its whole row
    output,    ///< ORDER BY names an output column that is an expression
  };
  Kind kind = Kind::bare;
  std::uint32_t place = 0;     ///< of the table among those of its query, or of the output column
  std::uint32_t outwards = 0;  ///< how many queries further out the table stands
  bool loose = true;          ///< with the name of a table in front or without, the column is the same one
};

/// A query without what can be written in another way: the parse tree as text, in which places in the text, values of literals,
/// aliases of tables and the names in front of columns are left out, and these names in the order of the columns.
struct PlainQuery {
  std::string tree;
  std::vector<ColumnPlace> columns;
  bool has_literals = false;  ///< some literals are not values: ORDER BY 1, numeric(10, 2)
};

/// nullopt and `error` when the text is not one SELECT, INSERT, UPDATE, DELETE or MERGE, or has in it what cannot be compared.
/// Parses the text: see analyze() for the stack it takes.
std::optional<PlainQuery> plain_query(std::string_view text, bool standard_conforming_strings, std::string& error);

/// A statement that others are held against: they are the same but for spelling, blanks, comments, aliases of tables and values of
/// literals. What is different in meaning does not match, as long as both are valid. Compiled once, immutable.
class QueryShape {
 public:
  /// nullptr and `error` when it does not parse, or is of no kind that can be compared.
  static std::unique_ptr<QueryShape> compile(std::string_view text, std::string& error);

  /// Has the statement the same tables, functions and clauses? Most that do not match are told here, without parsing them.
  bool may_match(const Statement& statement) const;
  /// `text` of a statement that may match.
  bool matches(std::string_view text, bool standard_conforming_strings) const;
  /// What matches() depends on.
  Dependencies reads() const { return query_.has_literals ? bit(Dependency::text) : bit(Dependency::shape); }
  const Statement& statement() const { return *statement_; }
  /// What matches() takes of a budget, in instructions of Lua.
  static std::uint64_t cost(std::string_view text) { return 1000 + text.size(); }

 private:
  StatementPtr statement_;
  PlainQuery query_;
};

}  // namespace pgswitch::rules
