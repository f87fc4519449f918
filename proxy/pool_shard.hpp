#pragma once
#include <array>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/alarm.hpp"
#include "proxy/config.hpp"
#include "proxy/pool.hpp"
#include "proxy/pool_queue.hpp"
#include "proxy/server_login.hpp"
#include "proxy/stats.hpp"

namespace pgswitch {

class PoolLimits;

/// What SHOW POOLS says of one shard.
struct ShardCounts {
  std::uint32_t idle = 0;
  std::uint32_t used = 0;     ///< idle for longer than server_check_delay
  std::uint32_t active = 0;
  std::uint32_t tested = 0;   ///< being checked, cleaned or reset
  std::uint32_t login = 0;
  std::uint32_t close_needed = 0;
  std::uint32_t waiting = 0;
  std::int64_t max_wait_us = 0;
  std::uint32_t servers() const { return idle + used + active + tested + login; }
  ShardCounts& operator+=(const ShardCounts& other);
};

/// FATAL 3D000: a reload has removed it.
protocol::SqlError no_such_database(const Database& database);

/// How long a pool waits for its next attempt when so many have failed before: doubled each time, at most `most`, and up to a quarter less
/// by `spread_by`, so that not all pools knock at once when their server is back.
Microseconds retry_wait(std::uint32_t failures, std::size_t spread_by, Microseconds most);

/// The server connections of one (route, user) on one worker. Owned by the worker's Router; its thread only. Owns the
/// ServerConns, leases them to sessions, opens, checks, cleans, donates and closes them. Between calls: nobody waits while a
/// usable connection is idle here (unless paused); each live or connecting socket holds its permits; a session is never called
/// from inside its own call, only by post. Who waits where servers are soon asks for those of other workers' shards 1 to 2 ms
/// later; who waits where there are none, at once.
class PoolShard {
 public:
  PoolShard(PoolPtr pool, const ServerHome& home, PoolLimits& limits, DatabasePtr database, ConfigPtr config,
            CredentialsPtr credentials);
  ~PoolShard();
  PoolShard(const PoolShard&) = delete;
  PoolShard& operator=(const PoolShard&) = delete;

  /// An idle connection, if nobody has to wait for one, or an empty lease.
  Lease acquire_idle();
  /// The same, or an empty lease: then `waiter` is queued and hears of it by post.
  Lease acquire(LeaseWaiter& waiter);
  /// A connection of its own for a replication client, logged in with `parameters`; it counts in the pool's limits, waits for
  /// them as others do (`query_wait_timeout` is its own), and is closed when the lease ends. `deadline_us` (worker's clock, 0 = none) is for
  /// waiting. An empty lease: `error` says why. The caller ends the coroutine's use of its stream (ServerConn::end_coroutine()).
  boost::asio::awaitable<Lease> open_apart(StartupParameters parameters, Microseconds query_wait_timeout, std::int64_t deadline_us,
                                           protocol::SqlError& error);
  /// Takes a waiter out, also one whose result is on its way (the connection goes to the next). Nothing when not queued.
  void cancel_wait(LeaseWaiter& waiter);

  /// How long a client that has logged in as `login_user` waits here; 0: for ever.
  Microseconds query_wait_timeout_of(std::string_view login_user) const {
    return config_->query_wait_timeout_of(*database_, config_->find_user(login_user));
  }

  const PoolKey& key() const { return pool_->key; }
  rules::RouteId route() const { return pool_->key.route; }
  const std::string& user() const { return pool_->key.user; }
  const Database& database() const { return *database_; }
  PoolMode mode() const { return mode_; }
  /// The newest credentials of the user, used for logins that come.
  void set_credentials(CredentialsPtr credentials) {
    if (!credentials_ || *credentials_ != *credentials) credentials_ = std::move(credentials);
  }
  /// Shared with the sessions that have the same ones.
  const CredentialsPtr& credentials() const { return credentials_; }
  /// What the last login was told, on whatever worker; empty until the first one.
  ParametersPtr parameters() const { return pool_->parameters(); }

  /// Counted by whoever uses the leases; assignments and waiting times by the shard.
  PoolStats stats;

  ShardCounts counts() const;
  /// A connection is idle, or another may be opened, and nobody waits for one.
  bool has_room() const;
  /// The last login to a server failed, and none is connected.
  bool is_failing() const { return failing_since_us_ != 0 && servers_.empty(); }
  /// Those still logging in too, from the connect on.
  void each(const std::function<void(const ServerConn&)>& visit) const;

  /// PAUSE: waiters queue, idle connections are closed and the others when they come back.
  void pause();
  void resume();
  bool is_paused() const { return paused_; }
  /// KILL: pause(), every waiter is told `error`, every connection not leased is closed (the sessions close theirs).
  void kill(const protocol::SqlError& error);
  /// RECONNECT, changed configuration or TLS (`reason` is a literal): idle connections are closed, others when they come back.
  void reconnect(std::string_view reason);
  /// A host's addresses changed: connections to that host at an address not in `addresses` are used no more.
  void on_host_changed(const std::string& host, const std::vector<std::string>& addresses);
  /// After a reload; `database` is nullptr when it vanished: waiters fail with 3D000.
  void adopt(ConfigPtr config, DatabasePtr database);
  /// The worker's 100 ms tick.
  void tick();

  // Called by Lease, ServerConn and other workers' shards (by post).
  void give_back(ServerConn& server, const Leftover& leftover);
  void close(ServerConn& server, std::string_view reason);
  void on_idle_readable(ServerConn& server);
  void on_donation(std::unique_ptr<ServerConn> server);
  void on_poke();
  /// Closes the longest idle connection. False when there is none.
  bool evict_idle();

  /// Nothing is open, connecting or waiting.
  bool is_empty() const;
  /// Empty, and its database is gone, or nobody has asked for it during pool_idle_timeout, or, of one made from "*", autodb_idle_timeout.
  bool is_superfluous() const;

 private:
  struct Delivery {
    LeaseWaiter* waiter = nullptr;
    Lease lease;
    protocol::SqlError error;
  };
  /// A connection on its way: its permits, and what its login needs and yields.
  struct Opening {
    std::array<Permit, 3> permits;
    LoginRequest request;
    LoginResult result;
    bool unwanted = false;  ///< the configuration has changed meanwhile
  };
  using OpeningPlace = std::list<Opening>::iterator;

  // pool_shard.cpp: who gets which connection
  void serve_waiters();
  void make_available(ServerConn& server);
  void give_to_first(ServerConn& server);
  void put_idle(ServerConn& server);
  ServerConn* next_idle();
  bool is_alive(ServerConn& server);
  Lease lend(ServerConn& server);
  bool donate(ServerConn& server);
  void update_waiting();
  void ask_others();
  void publish_idle();
  void deliver(LeaseWaiter& waiter, Lease lease, const protocol::SqlError& error);
  void run_deliveries();
  void fail_waiters(const protocol::SqlError& error);

  // pool_servers.cpp: connections as such
  std::string_view reason_to_close(const ServerConn& server) const;
  bool needs_reset(const ServerConn& server, const Leftover& leftover) const;
  bool needs_check(const ServerConn& server) const;
  bool is_too_old(const ServerConn& server) const;
  void start_coroutine(ServerConn& server, boost::asio::awaitable<bool> work);
  void on_coroutine_end(ServerConn& server, bool usable);
  boost::asio::awaitable<bool> clean_up(ServerConn& server, Leftover leftover);
  boost::asio::awaitable<bool> check(ServerConn& server);
  std::string_view absorb_input(ServerConn& server);
  ServerConn& own(std::unique_ptr<ServerConn> server);
  std::unique_ptr<ServerConn> disown(ServerConn& server);
  void abandon(ServerConn& server, std::string_view reason);
  void bury(ServerConn& server, std::string_view reason);
  void log(const ServerConn& server, std::string_view text) const;

  // pool_open.cpp: connections that come
  void open_for_waiters();
  bool open_one(bool use_reserve);
  bool take_permits(std::array<Permit, 3>& permits, bool use_reserve);
  void prepare_login(Opening& opening);
  void on_login_end(OpeningPlace place, bool ok);
  void on_opened(Opening opening);
  void on_open_failed(const LoginResult& result);
  protocol::SqlError cached_error() const;
  std::size_t allowed_openings() const;
  bool fails_fast() const;

  // pool_apart.cpp: connections of replication clients
  bool take_permits_apart(Opening& opening);

  // pool_expire.cpp: the tick
  void expire_waiters();
  static protocol::SqlError end_of_wait(Microseconds waited, Microseconds query_timeout, Microseconds query_wait_timeout);
  void expire_servers();
  void use_reserve();
  void keep_minimum();
  std::uint32_t reserve_size() const;
  const User* pool_user() const { return config_->find_user(user()); }
  std::int64_t now() const { return home_.now_us(); }
  void post(void (PoolShard::*step)());

  PoolPtr pool_;
  const ServerHome& home_;
  PoolLimits& limits_;
  PoolSeat& seat_;
  DatabasePtr database_;
  ConfigPtr config_;
  CredentialsPtr credentials_;
  PoolMode mode_ = PoolMode::session;
  std::vector<std::unique_ptr<ServerConn>> servers_;
  std::vector<std::unique_ptr<ServerConn>> buried_;  ///< closed; freed by post, since a caller may still be inside
  IdleList idle_;
  WaiterQueue waiters_;
  std::deque<Delivery> due_;
  bool delivery_posted_ = false;
  std::list<Opening> openings_;
  std::list<Opening> apart_;  ///< the same for replication clients, those that wait for permits too
  std::size_t checks_ = 0;  ///< connections being checked for a waiter
  bool paused_ = false;
  bool dropped_ = false;
  std::size_t next_host_ = 0;
  std::int64_t made_us_ = 0;
  std::int64_t last_acquire_us_ = 0;
  std::int64_t doubt_until_us_ = 0;    ///< a connection has just ended: others may have, unseen
  std::int64_t failing_since_us_ = 0;  ///< first failure of the present row of failures; 0: the last login succeeded
  std::int64_t retry_us_ = 0;
  std::uint32_t failures_ = 0;
  bool login_refused_ = false;         ///< the last failure is one that waiting does not cure
  bool server_answered_ = false;       ///< with an ErrorResponse
  protocol::SqlError login_error_;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);  ///< posted tasks hold it weakly
  Alarm patience_;                     ///< set when somebody waits without starving; then who waits is looked at
};

}  // namespace pgswitch
