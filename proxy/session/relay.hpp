#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/buffer.hpp"
#include "proxy/config.hpp"
#include "proxy/object_slab.hpp"
#include "proxy/pool.hpp"
#include "proxy/router.hpp"
#include "proxy/session/core.hpp"
#include "proxy/session/frame_tracer.hpp"
#include "proxy/stream.hpp"

namespace pgswitch {

class ClientSession;
class Worker;

/// The steady state of a session: carries bytes between the client's socket, SessionCore and the leased servers' sockets,
/// and does what the core's actions say. One per logged-in client, owned by its ClientSession, its worker's thread only.
/// Callbacks, not coroutines: read once, let the core look, write at once; nothing is allocated or armed per query.
class Relay final : private StreamOwner, private ServerPeer, private LeaseWaiter, private LeaseSource {
 public:
  struct Start {
    rules::Facts facts;
    CredentialsPtr credentials;
    rules::RouteId route;  ///< the client's own database
    TrackedCopy tracked;   ///< as told to the client
    Settings settings;     ///< its other start-up settings
    Shared<std::string> server_version;  ///< the same
    PoolMode mode = PoolMode::session;
    Lease lease;           ///< of `route`, if the login took one already
    std::string_view early{};  ///< what the client has sent already; less than a block of the slab
  };

  Relay(ClientSession& session, Start start);
  ~Relay();
  /// In an ObjectSlab.
  static void* operator new(std::size_t, ObjectSlab& slab) { return slab.take(); }
  static void operator delete(void* memory, ObjectSlab&) { ObjectSlab::give(memory); }
  static void operator delete(void* memory) { ObjectSlab::give(memory); }

  /// Begins to read the client. When the session has ended, ClientSession::relay_ended() is called, once; the reason is
  /// end_reason().
  void start();
  /// Deadlines; every 100 ms.
  void tick(std::int64_t now_us);
  /// A CancelRequest for this session has come. Returns the connection whose server is to be asked, or nullptr.
  const ServerConn* cancel();
  /// Ends the session with FATAL `reason` as soon as no transaction is open.
  void shut_down(const protocol::SqlError& reason);
  /// From now on no server is taken (FATAL), but for the transaction that is open already.
  void stop_leasing();
  /// Its open transaction gets a server, or waits for one.
  bool may_begin() const { return begins_ && core_.has_deferred() && !(waiting_ && waiting_at_->is_paused()); }
  /// Ends it now; what runs is cancelled.
  void kill(const protocol::SqlError& reason);

  // For SHOW and the janitor.
  bool is_idle() const { return core_.is_idle(); }
  bool is_waiting() const { return waiting_; }
  const SessionCore& core() const { return core_; }
  const protocol::LinearBuffer& input() const { return in_; }
  /// The connection that serves the session now, or nullptr.
  const ServerConn* server() const;
  /// Every connection that the session holds, parked ones included.
  template <class Visit>
  void each_server(Visit visit) const {
    for (const Held& held : held_) visit(*held.lease);
  }
  /// Worker::is_suspended() has changed.
  void suspension_changed();
  /// A file of its cursors has done what it was asked.
  void file_ready() {
    if (!finished_) drive();
  }
  bool is_flushed() { return core_.to_server().empty() && (core_.to_client().empty() || core_.holds_replies()); }
  std::int64_t request_time_us() const { return request_us_; }
  /// The shard is going to be destroyed; nothing of it is held or waited for.
  void forget(const PoolShard& shard) {
    std::erase_if(shards_, [&shard](const auto& known) { return known.second == &shard; });
  }
  std::string end_reason() const { return end_reason_.value_or({}); }

 private:
  struct Held {
    rules::RouteId route;
    Lease lease;
    bool takes_nothing = false;  ///< a write failed: what the server still has to say is read, then its end
  };
  void on_readable(Stream& stream) override;
  void on_writable(Stream& stream) override;
  void on_server_readable(ServerConn& server) override;
  void on_server_writable(ServerConn& server) override;
  void on_out_of_memory(Stream& stream) override;
  void on_out_of_memory(ServerConn& server) override;
  void on_lease(Lease lease) override;
  void on_lease_failed(const protocol::SqlError& error) override;
  ServerState* lease_now(rules::RouteId route) override;

  void drive();
  void turn();
  bool can_feed();
  bool feed_client();
  void feed_server(ServerConn& server);
  bool make_room(protocol::LinearBuffer& in, std::size_t needed);
  bool is_left_alone();
  void look_for_client();
  void flush_client();
  void flush_server();
  bool act();
  bool acquire(rules::RouteId route);
  ServerState& hold(rules::RouteId route, Lease lease);
  void attach(rules::RouteId route, Lease lease);
  void release(const Action& action);
  void update_watches();
  void update_times();
  void check_limits(std::int64_t now_us);
  void cancel_limited(rules::RouteId route);
  void open_load(rules::RouteId route);
  void load_changed(const std::string& role);
  void shrink();
  void tell_pins();
  void tell_wait();
  bool holds_outdated_server() const;
  const User* pool_user() const;
  void server_lost(ServerConn& server, const char* what);
  void finish(std::string reason);
  void leave_servers();
  void give_up();
  void end_session(const protocol::SqlError& error);
  void count(const ServerConn& server);
  Held* find(rules::RouteId route);
  PoolShard* shard(rules::RouteId route, protocol::SqlError& error);

  Stream& client();

  // In an order that leaves no holes.
  ClientSession& session_;
  Worker& worker_;
  CredentialsPtr credentials_;
  SessionCore core_;
  protocol::LinearBuffer in_;
  std::vector<Held> held_;
  std::vector<std::pair<rules::RouteId, PoolShard*>> shards_;
  Boxed<Action> postponed_;               ///< a release that waits until the client has taken its bytes
  Boxed<protocol::SqlError> shut_down_;
  Boxed<std::string> end_reason_;
  PoolShard* waiting_at_ = nullptr;
  std::int64_t request_us_ = 0;           ///< when the running request began; 0 = none runs
  std::int64_t quiet_us_ = 0;             ///< when the last one ended
  std::int64_t transaction_us_ = 0;       ///< when the open transaction began; 0 = none
  std::int64_t xact_us_ = 0;              ///< the same, an implicit transaction included
  std::int64_t closing_us_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t query_time_ = 0;
  std::uint64_t xact_time_ = 0;
  rules::RouteId wanted_ = rules::no_route;
  Pins told_pins_ = 0;                    ///< already in the log
  FrameTracer client_trace_;
  FrameTracer server_trace_;
  bool waiting_ = false;
  bool driving_ = false;
  bool finished_ = false;
  bool client_done_ = false;              ///< it has closed its side: what it asked for before is still done and answered
  bool client_full_ = false;              ///< no room for more client bytes until some are gone
  bool told_wait_ : 1 = false;            ///< of the present wait
  bool client_left_ : 1 = false;          ///< it has said Terminate before it closed: nobody takes the answers
  bool warm_ = false;                     ///< holds memory that an idle session does not need
  bool begins_ = false;                   ///< its BEGIN had been answered before stop_leasing(), and no server has it yet
  std::uint8_t looks_ = 0;                ///< of look_for_client()
};

}  // namespace pgswitch
