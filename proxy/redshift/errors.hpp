#pragma once
#include <optional>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"

namespace pgswitch::redshift {

/// Error 1023, "Serializable isolation violation on table - ...", of SQLSTATE XX000 there: frameworks repeat a transaction after 40001. What
/// Redshift says stands in the detail. nullopt: it is another error. `body`: of an ErrorResponse.
std::optional<protocol::SqlError> as_serialization_failure(protocol::ByteView body);

/// FETCH and CLOSE of a name that no cursor has, as PostgreSQL says it; Redshift, that a cursor lives in its transaction only.
protocol::SqlError unknown_cursor(std::string_view name);

/// "Specified types or functions (one per INFO message) not supported on Redshift tables.": the leader node has a function that the
/// compute nodes lack, so the statement has done nothing.
bool is_leader_node_refusal(protocol::ByteView body);

/// The notice before it: INFO, Function "x" not supported.
bool is_leader_node_notice(protocol::ByteView body);

}  // namespace pgswitch::redshift
