#pragma once
#include <string_view>

namespace pgswitch::rules {

/// What becomes temporary without the word TEMPORARY. True where it cannot be told, for what is in escapes.

/// Whether the value of search_path, or the statement that sets it, has pg_temp in it.
bool names_temporary_schema(std::string_view text);

/// Whether a definition (CREATE, ALTER, ...) names an object in schema pg_temp, or puts one there.
bool defines_temporary(std::string_view sql);

/// pg_temp, or pg_temp_3, as an identifier in lower case.
inline bool is_temporary_schema(std::string_view word) { return word.starts_with("pg_temp"); }

}  // namespace pgswitch::rules
