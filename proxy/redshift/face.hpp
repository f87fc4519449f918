#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

}  // namespace pgswitch::redshift
