#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/server_conn.hpp"

/// The pool's own conversation with a server that no session holds: login, checks, cleaning. Coroutines on the
/// connection's worker; deadlines in µs of the worker's clock. Whatever a server does wrong closes the stream.
namespace pgswitch {

/// False: closed, failed or too late; the stream is closed then.
boost::asio::awaitable<bool> write_all(ServerConn& server, std::string_view bytes, std::int64_t deadline_us);

/// The next frame, viewed in the connection's buffer until the next call. False: end of file, too late, malformed, or
/// larger than `limit`; the stream is closed then.
boost::asio::awaitable<bool> read_frame(ServerConn& server, protocol::Frame& frame, std::int64_t deadline_us,
                                        std::size_t limit = max_server_message);

/// Drops bytes of the stream, however many.
boost::asio::awaitable<bool> skip_bytes(ServerConn& server, std::uint64_t count, std::int64_t deadline_us);

/// Runs one simple query and reads to its ReadyForQuery; rows are dropped. ParameterStatus is noted in the connection.
/// False with the stream still open: the server's ErrorResponse, in `error`. False with the stream closed: lost or out of
/// step (08006). `status` receives the transaction status of the last ReadyForQuery, `value` the first column of the last row.
boost::asio::awaitable<bool> run_query(ServerConn& server, std::string_view sql, std::int64_t deadline_us,
                                       protocol::SqlError& error, char* status = nullptr, std::string* value = nullptr);

/// Notes a ParameterStatus in server.parameters and server.state.reported. False: the body is malformed.
bool note_parameter(ServerConn& server, protocol::ByteView body);

}  // namespace pgswitch
