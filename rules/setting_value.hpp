#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "rules/statement.hpp"

namespace pgswitch::rules {

/// The value that a statement gives a setting, near to what SHOW tells of it: names of a list with ", " between them, identifiers
/// folded to lower case, literals without their quotes. `statement`: SET, or SELECT set_config(...) with literals.
std::string setting_value(std::string_view statement);

/// A setting that cannot be told: it may be anything.
inline constexpr std::string_view unknown_value = "*";
/// The search_path behind a statement that sets it, names as PostgreSQL has them.
std::string search_path_value(std::string_view statement);

bool calls_set_config(const Statement& statement);
/// In a way that does not tell what it sets.
bool hides_settings(const Statement& statement);

/// Calls `visit` for each name of a search_path as setting_value() has it; for those of PostgreSQL's default when it is empty.
void each_of_path(std::string_view path, const std::function<void(std::string_view schema)>& visit);

/// Its own choice of a route.
bool sets_route(const Statement& statement);
/// What pgswitch.route, or the search_path, is behind `statement`, when it was `value` before: "" for its start.
std::string route_after(const Statement& statement, std::string value);
std::string path_after(const Statement& statement, std::string value);
/// The same of any setting, for rules: what RESET makes of it is not known here.
std::optional<std::string> setting_after(const Statement& statement, std::string_view name, std::optional<std::string> value);

}  // namespace pgswitch::rules
