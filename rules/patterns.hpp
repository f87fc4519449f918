#pragma once
#include <string_view>

#include "rules/statement.hpp"

namespace pgswitch::rules {

/// Does `pattern`, in which '*' stands for any characters, match the whole of `text`? Case counts.
bool glob(std::string_view text, std::string_view pattern);

/// The tables that a pattern is held against.
enum class Access : std::uint8_t { any, reads, writes };

/// "sales" is a table of any schema, "analytics.sales" that of one; both parts are globs. With Access::any the tables of a
/// statement that PostgreSQL's grammar refuses are looked for among its words.
bool touches(const Statement& statement, std::string_view pattern, Access access = Access::any);

/// "now", "pg_catalog.now": a name without a schema is the function of any. A glob.
bool calls(const Statement& statement, std::string_view function);

}  // namespace pgswitch::rules
