#pragma once
#include <optional>
#include <string_view>

#include "protocol/sql_error.hpp"

namespace pgswitch::redshift {

/// What PostgreSQL 15 says of the value of a setting (guc.c: parse_and_validate_value()): 22023 in its words, or nullopt when it takes the
/// value, when the setting takes any text, or is none that Redshift lacks. `name` in lower case; `value` without quotes, "" for a default.
std::optional<protocol::SqlError> check_setting(std::string_view name, std::string_view value);

}  // namespace pgswitch::redshift
