#pragma once
#include <optional>

#include "rules/bound_value.hpp"
#include "rules/pg_nodes.hpp"

namespace pgswitch::rules {

/// The literal that an expression is, or the one that it casts. A cast that may change the value (of a time to a date, of a number
/// to one with fewer digits) is reckoned in or makes it nullopt, and so does NULL.
std::optional<BoundValue> literal_of(const Node* expression);

/// Is it $n, or a cast of it?
bool is_parameter(const Node* expression);

}  // namespace pgswitch::rules
