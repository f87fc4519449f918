#pragma once
#include <cstdint>
#include <string_view>

#include "rules/facts.hpp"
#include "rules/statement.hpp"

namespace pgswitch::rules {

/// Does `pattern`, in which '*' stands for any characters, match the whole of `text`? Case counts.
bool glob(std::string_view text, std::string_view pattern);

/// The tables that a pattern is held against.
enum class Access : std::uint8_t { any, reads, writes };

/// "sales" is a table of any schema, "analytics.sales" that of one; both parts are globs. With Access::any the tables of a
/// statement that PostgreSQL's grammar refuses are looked for among its words.
bool touches(const Statement& statement, std::string_view pattern, Access access = Access::any);
/// The same in a session: a table written without its schema is in each of those in its search_path, for only the server knows
/// in which. What of `facts` was looked at is added to `read`.
bool touches(const Statement& statement, std::string_view pattern, Access access, const Facts& facts, Dependencies& read);

/// A set of names of tables and schemas in 64 bits, in which some names share one: what has no bit in common has no name in common.
using NameBits = std::uint64_t;
inline constexpr NameBits any_name = ~NameBits{0};
/// Of the tables that a statement may touch; it has a bit in common with any_name even when there are none.
NameBits name_bits(const Statement& statement);
/// Of the tables that a pattern of touches() may mean.
NameBits name_bits(std::string_view pattern);

/// "now", "pg_catalog.now": a name without a schema is the function of any. A glob.
bool calls(const Statement& statement, std::string_view function);

}  // namespace pgswitch::rules
