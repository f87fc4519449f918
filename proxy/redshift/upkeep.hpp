#pragma once
#include <string_view>

#include "proxy/session/server_state.hpp"

/// What a pool asks of its idle connections to Redshift: PostgreSQL's ways end in syntax errors there. Redshift has RESET ALL and
/// ROLLBACK; it has neither DISCARD nor DEALLOCATE ALL, and nothing that drops the temporary tables of a session.
namespace pgswitch::redshift {

/// `words` in upper case, anywhere in `sql` in any case.
bool contains_words(std::string_view sql, std::string_view words);

/// The query that resets settings there: `configured` (server_reset_query), unless it has what Redshift refuses.
std::string_view reset_query(std::string_view configured);
/// Whether that undoes all that a session may have left: not temporary tables, statements prepared by SQL and another session user, nor
/// what nobody has seen. Names of the pool's own prepared statements stay good: they say what is in them.
bool can_reset(const ServerState& state, bool state_unknown);
/// server_check_query; SELECT 1 for the empty query, which nobody promises of Redshift.
std::string_view check_query(std::string_view configured);

}  // namespace pgswitch::redshift
