#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "rules/statement.hpp"

namespace pgswitch::redshift {

/// The command tag as PostgreSQL has it. Redshift's has no count behind SELECT and FETCH, whose `rows` were counted on their way; what makes
/// a table of a query is a SELECT there, of rows that nobody has seen, so its tag is that of PostgreSQL for a table of unknown
/// contents. `statement`: nullptr where it is a query.
std::string client_tag(std::string_view tag, std::uint64_t rows, const rules::Statement* statement);

}  // namespace pgswitch::redshift
