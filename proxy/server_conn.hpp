#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/startup.hpp"
#include "proxy/budget.hpp"
#include "proxy/session/server_state.hpp"
#include "proxy/stream.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

class PoolShard;
class ServerConn;

/// ParameterStatus values in the order in which the server reported them; never two of one name.
using ParameterList = std::vector<std::pair<std::string, std::string>>;
using ParametersPtr = std::shared_ptr<const ParameterList>;
/// Changes or adds one.
void set_parameter(ParameterList& list, std::string_view name, std::string_view value);

/// Limits on what a server may make us store before it has shown that it is one.
inline constexpr std::size_t max_server_parameters = 128;
inline constexpr std::size_t max_server_message = 1024 * 1024;

/// Who holds the lease hears of the connection's socket.
class ServerPeer {
 public:
  virtual void on_server_readable(ServerConn& server) = 0;
  virtual void on_server_writable(ServerConn& server) = 0;
  virtual void on_out_of_memory(ServerConn& server) = 0;  ///< see StreamOwner

 protected:
  ~ServerPeer() = default;
};

/// What a connection is doing, for SHOW SERVERS and SHOW POOLS.
enum class ServerStatus : std::uint8_t { login, idle, active, tested };
std::string_view to_string(ServerStatus status);

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
  mutable std::uint32_t cancels_in_flight = 0;  ///< a connection with a cancel in flight is not reused
  mutable bool has_unsettled_cancel = false;    ///< one was sent and not confirmed: it may come at any time, so whoever has the connection is the last
  bool close_needed = false;            ///< configuration changed, RECONNECT, lifetime: close instead of reusing

  std::int64_t connected_us = 0;
  std::int64_t last_used_us = 0;   ///< when it became idle
  std::uint64_t id = 0;            ///< unique in the process (SHOW SERVERS)
  protocol::Replication replication = protocol::Replication::none;

  std::string host;                ///< as configured: a name, an address, "/dir" or "@abstract"
  std::string address;             ///< numeric address connected to; "unix" for Unix sockets
  std::uint16_t port = 0;
  ParameterList parameters;        ///< everything reported during login, as Welcome wants it

  /// `slab`: of the worker on which the connection lives.
  ServerConn(Poller& poller, protocol::BufferSlab& slab, int fd);
  ~ServerConn();

  /// The session while leased; nullptr: the pool watches (an idle connection that becomes readable is closed).
  void set_peer(ServerPeer* peer) { peer_ = peer; }
  ServerPeer* peer() const { return peer_; }
  ServerStatus status() const { return status_; }
  /// A coroutine of the pool is using the stream: the socket's events are its own.
  void begin_coroutine() { stream.set_owner(nullptr); }
  void end_coroutine();

 private:
  friend class PoolShard;
  friend class IdleList;
  void on_readable(Stream&) override;  ///< to the peer, else to the shard
  void on_writable(Stream&) override;
  void on_out_of_memory(Stream&) override;
  /// Donation: leaves this worker / arrives on another one. Between the two nobody may use the connection.
  void leave();
  void arrive(Poller& poller, protocol::BufferSlab& slab);

  ServerPeer* peer_ = nullptr;
  ServerStatus status_ = ServerStatus::login;
  std::string_view close_reason_;      ///< literal; why close_needed is set, or why its coroutine failed
  bool checked_for_waiter_ = false;
  std::array<Permit, 3> permits_;      ///< pool, database, user
  ServerConn* newer_ = nullptr;        ///< links of the idle list
  ServerConn* older_ = nullptr;
  std::size_t index_ = 0;              ///< place in the shard's list of connections
};

}  // namespace pgswitch
