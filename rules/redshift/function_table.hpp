#pragma once
#include <string_view>

namespace pgswitch::rules::redshift {

/// The hint of a refusal for which nothing better is known.
inline constexpr std::string_view other_way = "Write it in another way, or send the statement to a route of PostgreSQL.";

/// A built-in function of PostgreSQL that Redshift does not have. `hint`: what does the same, or nearly.
struct MissingFunction {
  std::string_view name, hint;
};

/// nullptr: Redshift has the function, or it is nobody's built-in one (Redshift Developer Guide, "Unsupported PostgreSQL functions").
const MissingFunction* missing_function(std::string_view name);

/// Types of PostgreSQL that Redshift does not have ("Unsupported PostgreSQL data types"), by the names of pg_type.
const MissingFunction* missing_type(std::string_view name);

/// Aggregates that take no notice of NULL, so that CASE does what FILTER does.
bool ignores_nulls(std::string_view aggregate);

/// Operators that Redshift has.
bool has_operator(std::string_view sign);

}  // namespace pgswitch::rules::redshift
