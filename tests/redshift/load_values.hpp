#pragma once
#include <optional>
#include <string>

#include "tests/redshift/load_command.hpp"
#include "tests/redshift/load_records.hpp"

/// What COPY makes of a field for a column (Developer Guide, "Data conversion parameters"): by Redshift's rules, not PostgreSQL's.
namespace pgswitch::stand_in {

struct LoadColumn {
  std::string name;
  std::string type;   ///< pg_type.typname: int4, varchar, ...
  int modifier = -1;  ///< pg_attribute.atttypmod
  bool not_null = false, identity = false;
  bool ignored = false;        ///< an IDENTITY column without EXPLICIT_IDS: its field is read and dropped
  std::string length() const;  ///< as STL_LOAD_ERRORS shows it: "10", "8, 2", "0"
};

/// Makes `field` what PostgreSQL is told for `column`. An error: why it cannot be.
std::optional<LoadError> convert(Field& field, const LoadColumn& column, const LoadFormat& format);

/// `text` by a DATEFORMAT or TIMEFORMAT string as "YYYY-MM-DD HH:MM:SS.ffffff+ZZ"; nullopt: it does not fit. `auto`, `epochsecs` and
/// `epochmillisecs` are formats too.
std::optional<std::string> read_time(std::string_view text, std::string_view format, bool with_time);

}  // namespace pgswitch::stand_in
