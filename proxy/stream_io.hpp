#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <cstdint>
#include <string>

#include "protocol/frame.hpp"
#include "proxy/stream.hpp"

/// Whole reads and writes for dialogues that have a beginning and an end (login, console, cancel). Deadlines are in µs of
/// the worker's clock, 0 = none. False: closed, failed or too late; Stream::is_open() stays true only when it is too late.
namespace pgswitch {

enum class IoEnd : std::uint8_t { done, closed, too_late };

/// Exactly `size` bytes, never more: what follows stays in the socket for whoever reads next.
boost::asio::awaitable<IoEnd> read_exactly(Stream& stream, char* data, std::size_t size, std::int64_t deadline_us);
/// All of `bytes`, which must stay where they are.
boost::asio::awaitable<IoEnd> write_fully(Stream& stream, protocol::ByteView bytes, std::int64_t deadline_us);
/// Waits until the peer ends the connection; what it still sends is dropped.
boost::asio::awaitable<IoEnd> read_to_end(Stream& stream, std::int64_t deadline_us);

}  // namespace pgswitch
