#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "protocol/buffer.hpp"
#include "proxy/budget.hpp"
#include "proxy/session/server_state.hpp"
#include "proxy/stream.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

class PoolShard;
class ServerConn;

/// Who holds the lease hears of the connection's socket.
class ServerPeer {
 public:
  virtual void on_server_readable(ServerConn& server) = 0;
  virtual void on_server_writable(ServerConn& server) = 0;

 protected:
  ~ServerPeer() = default;
};

/// A logged-in connection to a server. Owned by its PoolShard; used by one session while leased, by the pool while not.
/// Plain enough to move to another worker: descriptor + SSL* + buffer + sets.
class ServerConn final : private StreamOwner {
 public:
  Stream stream;
  protocol::LinearBuffer in;   ///< bytes read from the server, parsed by whoever holds the connection
  ServerState state;
  rules::RouteId route = rules::no_route;
  PoolShard* shard = nullptr;

  std::uint32_t process_id = 0;  ///< of BackendKeyData
  std::string cancel_secret;
  std::uint32_t cancels_in_flight = 0;  ///< a connection with a cancel in flight is not reused
  bool close_needed = false;            ///< configuration changed, RECONNECT, lifetime: close instead of reusing

  std::int64_t connected_us = 0;
  std::int64_t last_used_us = 0;   ///< when it became idle
  std::uint64_t id = 0;            ///< unique in the process (SHOW SERVERS)

  ServerConn(boost::asio::io_context& io, Poller& poller, int fd) : stream(io, poller, fd) { stream.set_owner(this); }

  /// The session while leased; nullptr: the pool watches (an idle connection that becomes readable is closed).
  void set_peer(ServerPeer* peer) { peer_ = peer; }
  ServerPeer* peer() const { return peer_; }

 private:
  friend class PoolShard;
  void on_readable(Stream&) override;  ///< to the peer, else to the shard
  void on_writable(Stream&) override;
  ServerPeer* peer_ = nullptr;
  std::array<Permit, 3> permits_;  ///< pool, database, user
};

}  // namespace pgswitch
