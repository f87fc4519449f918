#pragma once
#include <cstdint>
#include <string>
#include <string_view>

/// Values in PostgreSQL's binary format, made of their text (PostgreSQL's sources: the functions that pg_type.typsend names; Redshift has the
/// same for the types of 8.0). Pure functions.
namespace pgswitch::redshift {

/// Whether values of the type (pg_type.oid) can be made binary.
bool has_binary_format(std::uint32_t type);

/// Appends the value, without its length. False: the text is none of the type's, or not in the style that tells all of the value (dates and
/// times are read in DateStyle ISO alone); `out` has no meaning then.
bool append_binary(std::string& out, std::uint32_t type, std::string_view text);

}  // namespace pgswitch::redshift
