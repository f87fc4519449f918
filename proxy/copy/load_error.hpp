#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/copy/copy_statement.hpp"
#include "proxy/copy/redshift_encoder.hpp"

namespace pgswitch::copy {

/// A row of load_errors_query().
struct LoadError {
  std::uint64_t line = 0;   ///< of the file
  std::string column, type, value;
  int code = 0;
  std::string reason;
};

/// One column after the other, as a DataRow has them; what is missing stays as it is.
LoadError read_load_error(const std::vector<Field>& row);

/// What PostgreSQL would have said, where there is such a thing: SQLSTATE, message and CONTEXT, with the client's line. `told`: the
/// server's own error, whose text becomes the detail. Codes: Redshift Developer Guide, "Load error reference".
protocol::SqlError to_error(const LoadError& error, const CopyStatement& copy, const LineMap& lines, const protocol::SqlError& told);

}  // namespace pgswitch::copy
