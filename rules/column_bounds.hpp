#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "rules/bound_value.hpp"

namespace pgswitch::rules {

/// The smallest or the largest value that a column may have.
struct BoundEnd {
  enum class State : std::uint8_t {
    open,       ///< there is none, or it cannot be told
    parameter,  ///< a parameter takes part in it: its value comes with Bind
    literal,
  };
  State state = State::open;
  BoundValue value;
};

/// What the conditions of a statement let a column be. It is never narrower than the truth: `<` counts as `<=`, and what is not
/// understood does not count.
struct ColumnBounds {
  BoundEnd min, max;
  std::vector<BoundValue> values;  ///< it is one of these; empty: any between min and max
};

/// The bounds that WHERE and JOIN ... ON put on the rows of a table that the statement in `text` reads or changes; the widest of all
/// references to it. nullopt: at least one of them has no bound, or there is none. `table` is a pattern of touches(); the table must
/// have the column, since a name without a table is taken for it where the table stands. Parses the text: see analyze() for the
/// stack it takes.
std::optional<ColumnBounds> column_bounds(std::string_view text, bool standard_conforming_strings, std::string_view table,
                                          std::string_view column);

}  // namespace pgswitch::rules
