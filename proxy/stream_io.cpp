#include "proxy/stream_io.hpp"

#include <array>

namespace pgswitch {
namespace {

IoEnd why_not(const Stream& stream) { return stream.is_open() ? IoEnd::too_late : IoEnd::closed; }

}  // namespace

boost::asio::awaitable<IoEnd> read_exactly(Stream& stream, char* data, std::size_t size, std::int64_t deadline_us) {
  while (size > 0) {
    const IoResult result = stream.read_some(data, size);
    if (result.status == IoResult::Status::ok) {
      data += result.bytes;
      size -= result.bytes;
      continue;
    }
    if (result.status != IoResult::Status::would_block) co_return IoEnd::closed;
    const bool ready = co_await stream.wait_readable(deadline_us);
    if (!ready) co_return why_not(stream);
  }
  co_return IoEnd::done;
}

boost::asio::awaitable<IoEnd> write_fully(Stream& stream, protocol::ByteView bytes, std::int64_t deadline_us) {
  while (!bytes.empty()) {
    iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const IoResult result = stream.write_some(&piece, 1);
    bytes.remove_prefix(result.bytes);
    if (result.status == IoResult::Status::closed || result.status == IoResult::Status::failed) co_return IoEnd::closed;
    if (bytes.empty()) break;
    if (result.status == IoResult::Status::ok) continue;
    const bool ready = co_await stream.wait_writable(deadline_us);
    if (!ready) co_return why_not(stream);
  }
  co_return IoEnd::done;
}

boost::asio::awaitable<IoEnd> read_to_end(Stream& stream, std::int64_t deadline_us) {
  std::array<char, 256> dropped;
  for (;;) {
    const IoResult result = stream.read_some(dropped.data(), dropped.size());
    if (result.status == IoResult::Status::ok) continue;
    if (result.status != IoResult::Status::would_block) co_return IoEnd::done;
    const bool ready = co_await stream.wait_readable(deadline_us);
    if (!ready) co_return why_not(stream);
  }
}

}  // namespace pgswitch
