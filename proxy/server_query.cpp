#include "proxy/server_query.hpp"

#include <algorithm>
#include <string>

#include "protocol/backend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"

namespace pgswitch {

namespace asio = boost::asio;
namespace backend = protocol::backend;

namespace {

// One read, waiting for it if there is nothing yet.
asio::awaitable<bool> fill(ServerConn& server, std::int64_t deadline_us) {
  for (;;) {
    const std::span<char> room = server.in.prepare();
    if (room.empty()) co_return false;
    const IoResult result = server.stream.read_some(room.data(), room.size());
    if (result.status == IoResult::Status::ok) {
      server.in.commit(result.bytes);
      co_return true;
    }
    if (result.status != IoResult::Status::would_block) co_return false;
    if (!co_await server.stream.wait_readable(deadline_us)) co_return false;
  }
}

// The frame of the last call is done with.
void forget_frame(ServerConn& server) { server.in.consume(server.in.outstanding().size()); }

asio::awaitable<bool> receive_frame(ServerConn& server, protocol::Frame& frame, std::int64_t deadline_us,
                                    std::size_t limit) {
  forget_frame(server);
  protocol::FrameHeader header;
  for (;;) {
    const protocol::HeaderStatus status = protocol::read_header(server.in.received(), limit, header);
    if (status == protocol::HeaderStatus::malformed) co_return false;
    if (status == protocol::HeaderStatus::complete) {
      if (server.in.received().size() >= header.frame_size()) break;
      if (!server.in.reserve(header.frame_size())) co_return false;
    }
    if (!co_await fill(server, deadline_us)) co_return false;
  }
  frame.type = header.type;
  frame.body = server.in.parse(header.frame_size()).substr(protocol::frame_header_size);
  co_return true;
}

/// Of a DataRow; empty for NULL, and for what is no row.
std::string_view first_value(protocol::ByteView body) {
  constexpr std::uint32_t null = 0xffffffff;
  protocol::BodyReader in(body);
  const bool has_columns = in.int16() > 0;
  const std::uint32_t size = in.int32();
  return has_columns && in.ok() && size != null ? in.bytes(size) : std::string_view();
}

}  // namespace

asio::awaitable<bool> write_all(ServerConn& server, std::string_view bytes, std::int64_t deadline_us) {
  while (!bytes.empty()) {
    const iovec piece{const_cast<char*>(bytes.data()), bytes.size()};
    const IoResult result = server.stream.write_some(&piece, 1);
    bytes.remove_prefix(result.bytes);
    if (result.status == IoResult::Status::ok || bytes.empty()) continue;
    bool goes_on = result.status == IoResult::Status::would_block;
    if (goes_on) goes_on = co_await server.stream.wait_writable(deadline_us);
    if (!goes_on) {
      server.stream.close();
      co_return false;
    }
  }
  co_return true;
}

asio::awaitable<bool> read_frame(ServerConn& server, protocol::Frame& frame, std::int64_t deadline_us,
                                 std::size_t limit) {
  const bool received = co_await receive_frame(server, frame, deadline_us, limit);
  if (!received) server.stream.close();
  co_return received;
}

asio::awaitable<bool> skip_bytes(ServerConn& server, std::uint64_t count, std::int64_t deadline_us) {
  forget_frame(server);
  while (count > 0) {
    const std::uint64_t here = std::min<std::uint64_t>(count, server.in.received().size());
    server.in.consume(server.in.parse(here).size());
    count -= here;
    if (count == 0) break;
    const bool more = co_await fill(server, deadline_us);
    if (!more) co_return false;
  }
  co_return true;
}

bool note_parameter(ServerConn& server, protocol::ByteView body) {
  const auto parameter = backend::read_parameter_status(body);
  if (!parameter) return false;
  const Tracked tracked = find_tracked(parameter->name);
  if (tracked == Tracked::count) {
    set_parameter(server.parameters, parameter->name, parameter->value);
    return true;
  }
  const std::string value = usual_value(tracked, parameter->value);
  set_parameter(server.parameters, to_string(tracked), value);
  server.state.reported.set(static_cast<std::size_t>(tracked), value);
  return true;
}

asio::awaitable<bool> run_query(ServerConn& server, std::string_view sql, std::int64_t deadline_us,
                                protocol::SqlError& error, char* status, std::string* value) {
  std::string out;
  protocol::write_query(out, sql);
  error = {};
  error.sqlstate = protocol::sqlstate::connection_failure;
  error.message = "server connection closed";
  server.state.prepared.unnamed = {};  // a simple query drops it
  if (!co_await write_all(server, out, deadline_us)) co_return false;
  bool completed = false;  // a CommandComplete, an EmptyQueryResponse or an ErrorResponse has come
  bool failed = false;
  protocol::Frame frame;
  while (co_await read_frame(server, frame, deadline_us)) {
    bool in_step = true;
    switch (frame.type) {
      case backend::parameter_status: in_step = note_parameter(server, frame.body); break;
      case backend::error_response:
        if (!failed) error = backend::read_error(frame.body);
        completed = failed = true;
        break;
      case backend::command_complete:
      case backend::empty_query_response: completed = true; break;
      case backend::data_row:
        if (value) *value = first_value(frame.body);
        break;
      case backend::row_description:
      case backend::notice_response:
      case backend::notification_response: break;
      case backend::ready_for_query: {
        const auto state = backend::read_ready_for_query(frame.body);
        forget_frame(server);
        if (!state || !completed) {
          in_step = false;
          break;
        }
        if (status) *status = *state;
        co_return !failed;
      }
      default: in_step = false; break;
    }
    if (!in_step) break;
  }
  server.stream.close();
  co_return false;
}

}  // namespace pgswitch
