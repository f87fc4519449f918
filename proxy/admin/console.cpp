#include "proxy/admin/console.hpp"

#include <array>

#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/proxy.hpp"
#include "proxy/stream_io.hpp"
#include "proxy/worker.hpp"

namespace pgswitch::admin {
namespace {

namespace frontend = protocol::frontend;
namespace sqlstate = protocol::sqlstate;

/// No command is longer; what comes ahead while one runs is bounded by it too.
constexpr std::size_t longest_frame = 64 * 1024;
constexpr std::size_t flush_size = 64 * 1024;
constexpr std::int64_t nap_us = 50'000;

}  // namespace

void write_parameters(std::string& out, const ClientInfo& client, ConsoleRights rights) {
  protocol::write_parameter_status(out, "server_version", "1.25.2/pgswitch " PGSWITCH_VERSION);
  protocol::write_parameter_status(out, "client_encoding", "UTF8");
  protocol::write_parameter_status(out, "server_encoding", "UTF8");
  protocol::write_parameter_status(out, "DateStyle", "ISO");
  protocol::write_parameter_status(out, "TimeZone", "GMT");
  protocol::write_parameter_status(out, "integer_datetimes", "on");
  protocol::write_parameter_status(out, "standard_conforming_strings", "on");
  protocol::write_parameter_status(out, "is_superuser", rights == ConsoleRights::admin ? "on" : "off");
  protocol::write_parameter_status(out, "application_name", client.application_name);
}

boost::asio::awaitable<void> run_console(ClientSession& session, std::string early) {
  Console console(session, std::move(early));
  co_await console.run();
  if (console.has_given_listeners()) session.worker().proxy().take_listeners_back();
}

boost::asio::awaitable<void> Console::run() {
  while (!ended_) {
    const bool received = co_await read_frame();
    if (received) co_await on_frame();
    if (!received || ended_ || out_.size() > flush_size) {
      const bool sent = co_await flush();
      if (!received || !sent) co_return;
    }
  }
}

boost::asio::awaitable<bool> Console::read_more(std::int64_t deadline_us) {
  std::array<char, 4096> block;
  for (;;) {
    const IoResult result = session_.stream().read_some(block.data(), block.size());
    if (result.status == IoResult::Status::ok) {
      in_.append(block.data(), result.bytes);
      co_return true;
    }
    if (result.status != IoResult::Status::would_block) co_return false;
    const bool ready = co_await session_.stream().wait_readable(deadline_us);
    if (!ready) co_return session_.stream().is_open();
  }
}

boost::asio::awaitable<bool> Console::read_frame() {
  for (;;) {
    protocol::FrameHeader header;
    const auto status = protocol::read_header(in_, longest_frame, header);
    if (status == protocol::HeaderStatus::malformed) {
      fail_connection("invalid message length");
      co_return false;
    }
    if (status == protocol::HeaderStatus::complete && in_.size() >= header.frame_size()) {
      type_ = header.type;
      body_.assign(in_, protocol::frame_header_size, header.body_size);
      in_.erase(0, header.frame_size());
      co_return true;
    }
    const bool more = co_await read_more(0);
    if (!more) co_return false;
  }
}

boost::asio::awaitable<bool> Console::flush() {
  const IoEnd end = co_await write_fully(session_.stream(), out_, 0);
  out_.clear();
  co_return end == IoEnd::done;
}

// Reads ahead meanwhile: a client that has gone is noticed by that alone.
boost::asio::awaitable<bool> Console::nap() {
  const std::int64_t until_us = worker().now_us() + nap_us;
  bool here = session_.stream().is_open();
  while (here && worker().now_us() < until_us) {
    if (in_.size() >= longest_frame) {
      Alarm alarm(worker().io());
      co_await alarm.wait(until_us);
      co_return true;
    }
    here = co_await read_more(until_us);
  }
  co_return here;
}

boost::asio::awaitable<void> Console::on_frame() {
  if (!frontend::is_known(type_)) co_return fail_connection("invalid frontend message type " + std::to_string(static_cast<unsigned char>(type_)));
  if (type_ == frontend::terminate) {
    ended_ = true;
    co_return;
  }
  if (skipping_ && type_ != frontend::sync) co_return;
  switch (type_) {
    case frontend::query: co_await on_query(); break;
    case frontend::parse: on_parse(); break;
    case frontend::bind: on_bind(); break;
    case frontend::describe: on_describe(); break;
    case frontend::execute: co_await on_execute(); break;
    case frontend::close: on_close(); break;
    case frontend::sync: on_sync(); break;
    case frontend::flush: break;
    case frontend::copy_data: case frontend::copy_done: case frontend::copy_fail: co_return;  // as a server outside of COPY
    default: co_return fail_connection("unsupported packet type for admin console: " + std::to_string(static_cast<unsigned char>(type_)));
  }
  const bool turn_ends = type_ == frontend::query || type_ == frontend::sync || type_ == frontend::flush;
  if (turn_ends && !ended_) {
    const bool sent = co_await flush();
    ended_ = !sent;
  }
}

// Written by run(), which then ends.
void Console::fail_connection(std::string message) {
  protocol::SqlError error = error_of(sqlstate::protocol_violation, std::move(message));
  error.severity = protocol::Severity::fatal;
  protocol::write_error(out_, error);
  ended_ = true;
}

}  // namespace pgswitch::admin
