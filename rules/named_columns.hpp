#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::rules {

/// A column as a statement names it.
struct NamedColumn {
  std::string table;  ///< "sales", "analytics.sales": whose alias or name stands in front, or the only one it can be of; "" where that is not told
  std::string name;   ///< "*" of all
  bool operator==(const NamedColumn&) const = default;
};

/// Each column that the one statement in `text` names, once, in the order in which they are met; those that it writes and those of
/// USING too, but no output columns. Empty for a text that is not parsed and for DDL. Parses the text: see analyze() for the stack
/// it takes.
std::vector<NamedColumn> named_columns(std::string_view text, bool standard_conforming_strings);

}  // namespace pgswitch::rules
