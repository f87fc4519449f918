#pragma once
#include <string_view>

#include "rules/statement.hpp"

namespace pgswitch::rules::redshift {

/// Is the text written for Redshift: does it hold what only its grammar takes, or what PostgreSQL's takes and only Redshift knows (COPY FROM
/// 's3://...', GETDATE(), DATEADD(month, ...), SYSDATE, the type super, SET query_group)? By tokens, in linear time. What stands in quotes says nothing.
bool speaks_redshift(std::string_view text, bool standard_conforming_strings);

/// "redshift": as above; "postgres": translate() would change or refuse it; "": both read it, or nobody knows. Parses the text.
std::string_view dialect_of(std::string_view text, const Statement& statement, bool standard_conforming_strings);

}  // namespace pgswitch::rules::redshift
