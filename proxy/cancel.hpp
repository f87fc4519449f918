#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>

namespace pgswitch {

class ServerConn;
class Worker;

/// CancelRequests that one worker may have under way at servers; more wait for their turn.
inline constexpr std::uint32_t max_cancels_in_flight = 64;

/// A client's CancelRequest: to the session that its process id names, on whatever worker, to the peer
/// whose client it is, or to the process that this one has replaced. `from`: the worker that read it.
/// Comes back when the signal has been sent, or when there is nothing to cancel: a client that waits for the end of its
/// connection, as libpq does, must not find its next query cancelled. No answer in any case (manual, 55.2.8).
boost::asio::awaitable<void> route_cancel(Worker& from, std::uint32_t process_id, std::string secret);

/// Until when a CancelRequest that is sent now may be under way (cancel_wait_timeout, at least a second; 0: without end), by the clock of
/// the worker.
std::int64_t cancel_deadline_us(const Worker& worker);

/// Asks the server of this connection to cancel what it runs: a connection of its own, the CancelRequest, with TLS where
/// the connection has it, and a wait for the end of file, which says that the signal has been sent. `server` is not looked
/// at after the call has returned. While it runs server.cancels_in_flight is above zero, if the connection still exists.
boost::asio::awaitable<void> send_cancel(Worker& worker, const ServerConn& server, std::int64_t deadline_us);

}  // namespace pgswitch
