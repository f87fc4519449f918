#include "proxy/cancel_peer.hpp"

#include <utility>

#include "protocol/writer.hpp"
#include "proxy/alarm.hpp"
#include "proxy/cancel.hpp"
#include "proxy/cancel_key.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"
#include "proxy/router.hpp"
#include "proxy/server_socket.hpp"
#include "proxy/stream_io.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

using boost::asio::awaitable;

std::uint32_t octet(char c) { return static_cast<unsigned char>(c); }

/// The turn of one request at a peer, given back when it ends.
class Turn {
 public:
  Turn(PeerPools& pools, int peer) : pools_(pools), peer_(peer) {
    pools_.update(peer_, [](PeerPool& pool) { ++pool.waiting; });
  }
  ~Turn() {
    pools_.update(peer_, [this](PeerPool& pool) {
      --(active_ ? pool.active : pool.waiting);
      if (connecting_) --pool.connecting;
    });
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  /// True when fewer than `most` had theirs; 0 is no limit.
  bool take(std::uint32_t most) {
    return active_ = connecting_ = pools_.update(peer_, [most](PeerPool& pool) {
             if (most != 0 && pool.active >= most) return false;
             --pool.waiting;
             ++pool.active;
             ++pool.connecting;
             return true;
           });
  }
  void connected() {
    pools_.update(peer_, [](PeerPool& pool) { --pool.connecting; });
    connecting_ = false;
  }

 private:
  PeerPools& pools_;
  int peer_;
  bool active_ = false;
  bool connecting_ = false;
};

awaitable<bool> await_turn(Worker& worker, Turn& turn, std::uint32_t most, std::int64_t deadline_us) {
  constexpr std::int64_t look_again_us = 5'000;
  Alarm alarm(worker.io());
  while (!turn.take(most)) {
    if (worker.now_us() >= deadline_us) co_return false;
    co_await alarm.wait(worker.now_us() + look_again_us);
  }
  co_return true;
}

awaitable<bool> find_address(Worker& worker, const Peer& peer, std::int64_t deadline_us, ServerAddress& address) {
  const auto port = static_cast<std::uint16_t>(peer.port);
  if (is_unix_host(peer.host)) {
    address = unix_address(peer.host, port);
    co_return true;
  }
  DnsCache::Addresses found;
  boost::system::error_code error;
  const Config& config = worker.config();
  const DnsCache::Lifetimes lifetimes(config.dns_max_ttl, config.dns_nxdomain_ttl);
  const bool ok = co_await worker.router().dns().resolve(peer.host, lifetimes, worker.now_us(), deadline_us, found, error);
  if (!ok || found.empty()) co_return false;
  address = ip_address(peer.host, found.front(), port);
  co_return true;
}

/// `turn`: is told when the connection is made; nullptr: there is none.
awaitable<bool> deliver(Worker& worker, const ServerAddress& address, Turn* turn, const std::string& packet, std::int64_t deadline_us) {
  std::string error;
  const int fd = start_connect(address, worker.config(), error);
  if (fd < 0) co_return false;
  Stream stream(worker.poller(), fd);
  const bool ready = co_await stream.wait_writable(deadline_us);
  if (!ready || !connect_succeeded(stream.fd(), error)) co_return false;
  if (turn) turn->connected();
  IoEnd end = co_await write_fully(stream, packet, deadline_us);
  if (end == IoEnd::done) end = co_await read_to_end(stream, deadline_us);
  co_return end == IoEnd::done;
}

}  // namespace

std::optional<std::uint32_t> PeerKey::make_process_id(int peer_id) {
  const std::string random = random_secret(2);
  if (random.empty()) return std::nullopt;
  const auto id = static_cast<std::uint32_t>(peer_id);
  return (octet(random[0]) & 0x7f) << 24 | (id & 0xff) << 16 | (id >> 8 & 0xff) << 8 | octet(random[1]);
}

int PeerKey::peer_of(std::uint32_t process_id) { return static_cast<int>((process_id >> 16 & 0xff) | (process_id & 0xff00)); }

std::string PeerKey::at_home(std::string secret) {
  if (!secret.empty()) secret.back() = static_cast<char>(secret.back() | hops);
  return secret;
}

std::optional<std::string> PeerKey::passed_on(std::string secret) {
  if (secret.empty() || (secret.back() & hops) == 0) return std::nullopt;
  --secret.back();
  return secret;
}

awaitable<void> pass_to_peer(Worker& from, int peer_id, std::uint32_t process_id, std::string secret) {
  const ConfigPtr config = from.config_ptr();
  const Peer& peer = config->peers.at(peer_id);
  const std::string name = "peer-" + std::to_string(peer_id) + "@" + peer.host + ":" + std::to_string(peer.port);
  const auto key = PeerKey::passed_on(std::move(secret));
  if (!key) co_return log_line(LogLevel::info, name + ": cancel request not passed on: it has come a long way");
  std::string packet;
  protocol::write_cancel_request(packet, process_id, *key);
  const std::int64_t deadline_us = cancel_deadline_us(from);
  const auto most = static_cast<std::uint32_t>(peer.pool_size.value_or(config->default_pool_size));
  Turn turn(from.proxy().peer_pools(), peer_id);
  ServerAddress address;
  bool sent = co_await await_turn(from, turn, most, deadline_us);
  if (sent) sent = co_await find_address(from, peer, deadline_us, address);
  if (sent) sent = co_await deliver(from, address, &turn, packet, deadline_us);
  if (!sent) log_line(LogLevel::warning, name + ": cancel request could not be passed on");
}

awaitable<void> pass_to_predecessor(Worker& from, std::uint32_t process_id, std::string secret) {
  std::string packet;
  protocol::write_cancel_request(packet, process_id, secret);
  for (const std::string& path : from.proxy().options().predecessor_sockets) {
    const ServerAddress address = unix_address_at(path);
    const bool sent = co_await deliver(from, address, nullptr, packet, cancel_deadline_us(from));
    if (sent) co_return;
  }
}

}  // namespace pgswitch
