#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "rules/volatility.hpp"

namespace pgswitch::rules {

/// A column of Redshift's type SUPER that statements unnest by naming it in FROM: FROM customers c, c.orders.
struct SuperColumn {
  std::string table, column;
};

/// What a rules file says of functions and tables that no text of a statement tells. Filled while the file loads, immutable then.
struct Declarations {
  static constexpr std::size_t most = 10'000;

  /// Functions by the patterns of calls(). What is built in stays what it is known to be, except that it may be said to write.
  std::vector<std::string> read_only, writing;
  std::vector<SuperColumn> super_columns;  ///< tables by the patterns of touches()

  std::size_t size() const { return read_only.size() + writing.size() + super_columns.size(); }
  /// What is known of the function, with what is declared.
  FunctionFacts facts_of(std::string_view schema, std::string_view name) const;
  /// Is it a column of SUPER of this table?
  bool is_super(std::string_view schema, std::string_view table, std::string_view column) const;
};

}  // namespace pgswitch::rules
