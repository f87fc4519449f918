#include "proxy/cancel.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <cerrno>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/writer.hpp"
#include "proxy/alarm.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/cancel_peer.hpp"
#include "proxy/client_session.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/router.hpp"
#include "proxy/server_conn.hpp"
#include "proxy/server_socket.hpp"
#include "proxy/stream_io.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

/// Everything of a connection that a CancelRequest needs, by value.
struct CancelTarget {
  std::uint64_t id = 0;
  std::string host;
  sockaddr_storage address{};
  socklen_t address_size = sizeof(sockaddr_storage);
  std::uint32_t process_id = 0;
  std::string secret;
  TlsContextPtr tls;  ///< nullptr: the connection has none

  CancelTarget(Worker& worker, const ServerConn& server);
};

// Where the connection itself goes: the server's process is there and nowhere else, whatever the name resolves to now.
CancelTarget::CancelTarget(Worker& worker, const ServerConn& server)
    : id(server.id), host(server.host), process_id(server.process_id), secret(server.cancel_secret) {
  if (getpeername(server.stream.fd(), reinterpret_cast<sockaddr*>(&address), &address_size) != 0) address_size = 0;
  if (server.stream.is_tls()) tls = worker.server_tls();
}

/// A non-blocking socket that connects or has connected; -1 on failure.
int begin_connect(const CancelTarget& target) {
  if (target.address_size == 0) return -1;
  const int fd = socket(target.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int result = connect(fd, reinterpret_cast<const sockaddr*>(&target.address), target.address_size);
  if (result == 0 || errno == EINPROGRESS) return fd;
  ::close(fd);
  return -1;
}

boost::asio::awaitable<bool> connect_stream(Stream& stream, std::int64_t deadline_us) {
  const bool ready = co_await stream.wait_writable(deadline_us);
  std::string error;
  co_return ready && connect_succeeded(stream.fd(), error);
}

boost::asio::awaitable<bool> ask_for_tls(Stream& stream, const CancelTarget& target, std::int64_t deadline_us) {
  std::string request;
  protocol::write_ssl_request(request);
  IoEnd end = co_await write_fully(stream, request, deadline_us);
  char answer = 0;
  if (end == IoEnd::done) end = co_await read_exactly(stream, &answer, 1, deadline_us);
  if (end != IoEnd::done || answer != 'S') co_return false;
  std::string text;
  const boost::system::error_code error = co_await stream.tls_connect(*target.tls, target.host, deadline_us, text);
  co_return !error;
}

/// What became of a CancelRequest; `unsettled`: the server may still read it, and send its signal then.
enum class CancelFate : std::uint8_t { not_sent, unsettled, signalled };

boost::asio::awaitable<CancelFate> deliver(Worker& worker, const CancelTarget& target, std::int64_t deadline_us) {
  const int fd = begin_connect(target);
  if (fd < 0) co_return CancelFate::not_sent;
  Stream stream(worker.poller(), fd);
  bool ok = co_await connect_stream(stream, deadline_us);
  if (ok && target.tls) ok = co_await ask_for_tls(stream, target, deadline_us);
  if (!ok) co_return CancelFate::not_sent;
  std::string packet;
  protocol::write_cancel_request(packet, target.process_id, target.secret);
  IoEnd end = co_await write_fully(stream, packet, deadline_us);
  if (end == IoEnd::done) end = co_await read_to_end(stream, deadline_us);
  co_return end == IoEnd::done ? CancelFate::signalled : CancelFate::unsettled;
}

// The connection may have been closed meanwhile, so it is looked for, not remembered.
void end_cancel(Worker& worker, std::uint64_t id, CancelFate fate) {
  for (const auto& [key, shard] : worker.router().shards()) {
    shard->each([id, fate](const ServerConn& server) {
      if (server.id != id) return;
      --server.cancels_in_flight;
      server.has_unsettled_cancel |= fate == CancelFate::unsettled;
    });
  }
}

bool begin_cancel(Worker& worker, const ServerConn& server) {
  if (!server.stream.is_open()) return false;
  ++server.cancels_in_flight;
  ++worker.stats().cancels;
  return true;
}

boost::asio::awaitable<void> nothing() { co_return; }

/// False: the secret is not that of the session.
boost::asio::awaitable<bool> cancel_session(Worker& worker, std::uint32_t slot, std::string secret) {
  ClientSession* const session = worker.session(slot);
  if (!session || !session->has_cancel_secret(secret)) co_return false;
  if (const ServerConn* const server = session->cancel(secret)) {
    co_await send_cancel(worker, *server, cancel_deadline_us(worker));
  }
  co_return true;
}

/// False: its time was over before its turn came.
boost::asio::awaitable<bool> await_turn(Worker& worker, std::int64_t deadline_us) {
  constexpr std::int64_t look_again_us = 5'000;
  Alarm alarm(worker.io());
  while (worker.cancels_in_flight >= max_cancels_in_flight) {
    if (worker.now_us() >= deadline_us) co_return false;
    co_await alarm.wait(worker.now_us() + look_again_us);
  }
  co_return true;
}

boost::asio::awaitable<void> run_cancel(Worker& worker, CancelTarget target, std::int64_t deadline_us) {
  CancelFate fate = CancelFate::not_sent;
  const bool has_turn = co_await await_turn(worker, deadline_us);
  if (has_turn) {
    ++worker.cancels_in_flight;
    fate = co_await deliver(worker, target, deadline_us);
    --worker.cancels_in_flight;
  }
  end_cancel(worker, target.id, fate);
  if (fate != CancelFate::signalled) log_line(LogLevel::debug, "cancel request for server process " + std::to_string(target.process_id) + " failed");
}

}  // namespace

std::int64_t cancel_deadline_us(const Worker& worker) {
  const Microseconds timeout = worker.config().cancel_wait_timeout;
  return timeout > 0 ? worker.now_us() + std::max<std::int64_t>(timeout, one_second) : std::numeric_limits<std::int64_t>::max() / 2;
}

boost::asio::awaitable<void> route_cancel(Worker& from, std::uint32_t process_id, std::string secret) {
  const Config& config = from.config();
  if (config.peer_id != 0) {
    const int peer = PeerKey::peer_of(process_id);
    if (peer != config.peer_id && config.peers.contains(peer)) co_return co_await pass_to_peer(from, peer, process_id, std::move(secret));
    if (peer == config.peer_id) secret = PeerKey::at_home(std::move(secret));
  }
  std::vector<CancelKey> meant = from.proxy().server_process_ids().find(process_id);
  meant.push_back(CancelKey::of_process_id(process_id));
  const auto found = std::make_shared<std::atomic<bool>>(false);
  for (const CancelKey& key : meant) {
    Worker* const target = from.proxy().worker(key.worker);
    if (!target) continue;
    const auto begin = [&](std::function<void()> tell) {
      target->post([target, slot = key.slot, secret, found, tell = std::move(tell)] {
        boost::asio::co_spawn(target->io(), cancel_session(*target, slot, secret), [found, tell](std::exception_ptr, bool is_its) {
          if (is_its) *found = true;
          tell();
        });
      });
    };
    co_await sleep_until_told(from.io(), begin);
  }
  if (!*found) co_await pass_to_predecessor(from, process_id, std::move(secret));
}

// Not a coroutine itself: what it needs of the connection is taken now.
boost::asio::awaitable<void> send_cancel(Worker& worker, const ServerConn& server, std::int64_t deadline_us) {
  if (!begin_cancel(worker, server)) return nothing();
  return run_cancel(worker, CancelTarget(worker, server), deadline_us);
}
}  // namespace pgswitch
