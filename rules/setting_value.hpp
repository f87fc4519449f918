#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "rules/statement.hpp"

namespace pgswitch::rules {

/// The value that a statement gives a setting, near to what SHOW tells of it: names of a list with ", " between them, identifiers
/// folded to lower case, literals without their quotes. `statement`: SET, or SELECT set_config(...) with literals.
std::string setting_value(std::string_view statement);

/// Calls `visit` for each name of a search_path as setting_value() has it; for those of PostgreSQL's default when it is empty.
void each_of_path(std::string_view path, const std::function<void(std::string_view schema)>& visit);

/// What `name` is set to behind `statement`, when it was `value` before: "" for its start.
std::string value_after(const Statement& statement, std::string_view name, std::string value);

}  // namespace pgswitch::rules
