#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/server_conn.hpp"

/// What clients are told of a Redshift that answers them, and how one is recognised.
namespace pgswitch::redshift {

/// From what version() says: "PostgreSQL 8.0.2 on ..., Redshift 1.0.12345".
bool is_redshift(std::string_view version);

/// The parameters of a server of kind redshift as a client of PostgreSQL takes them. Dropped: what is about one connection (session_id) or
/// would change the protocol (server_protocol_version) or is nobody's business. Added: what clients quote and read by and Redshift does not
/// say: standard_conforming_strings is on, for literals are re-written on their way. `server_version`: told instead of Redshift's; then
/// padb_revision and padb_version go too, from which asyncpg and others conclude that it is no PostgreSQL.
ParameterList face_of(const ParameterList& reported, std::string_view server_version);

/// Of a client's start-up settings those of which a Redshift is asked what it makes of them: the ones that it reports.
std::vector<std::pair<std::string, std::string>> askable(const std::vector<std::pair<std::string, std::string>>& settings);

/// As pgswitch::settings_query() for what is askable() of a client's settings, in Redshift's own words and spelled for its lexer. nullopt
/// with `error`: Redshift has no such value.
std::optional<std::string> settings_query(const std::vector<std::pair<std::string, std::string>>& settings, const ParameterList& base,
                                          const TrackedValues& reported, protocol::SqlError& error);

/// A client that asked for another client_encoding at its start has it, although Redshift has not.
void tell_encoding(const std::vector<std::pair<std::string, std::string>>& settings, ParameterList& face);

/// The server_version that Redshift reports, and no PostgreSQL of these days.
bool is_own_version(std::string_view server_version);
/// The statement is SELECT version() and no more.
bool asks_version(std::string_view text);
/// server_version_num of a server_version: "150008" of "15.8 (Debian 15.8-0+deb12u1)".
std::string version_number(std::string_view server_version);

}  // namespace pgswitch::redshift
