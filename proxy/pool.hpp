#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/budget.hpp"
#include "proxy/server_conn.hpp"

namespace pgswitch {

class PoolShard;

/// A server connection held by a session. Move-only; empty by default. If it dies without give_back() the connection is
/// closed: an unknown state never goes back to the pool.
class Lease {
 public:
  Lease() = default;
  explicit Lease(ServerConn& server) : server_(&server) {}
  Lease(Lease&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  ServerConn* operator->() const { return server_; }
  ServerConn& operator*() const { return *server_; }
  explicit operator bool() const { return server_ != nullptr; }

  /// Returns the connection. Clean: it is reused at once; else the pool first cancels, drains, rolls back and resets as
  /// `leftover` asks, or closes it. Afterwards the lease is empty.
  void give_back(const Leftover& leftover);
  /// Closes the connection. `reason`: a text of pgbouncer's list ("server conn crashed?", ...), for the log.
  void close(std::string_view reason);

 private:
  friend class PoolShard;
  ServerConn* server_ = nullptr;
};

/// A session in the queue of a shard. Exactly one of the two calls comes, by post (never from inside acquire()), unless
/// PoolShard::cancel_wait() took it out first.
class LeaseWaiter {
 public:
  virtual void on_lease(Lease lease) = 0;
  virtual void on_lease_failed(const protocol::SqlError& error) = 0;

  std::int64_t waiting_since_us = 0;  ///< set by acquire(); worker's clock
  /// How long to wait, µs: query_wait_timeout_of() the login user. 0: for ever; negative: as the pool's user has it.
  std::int64_t wait_timeout_us = -1;
  bool is_waiting() const { return queue_ != nullptr; }

 protected:
  ~LeaseWaiter() = default;

 private:
  friend class PoolShard;
  friend class WaiterQueue;
  LeaseWaiter* next_ = nullptr;
  LeaseWaiter* previous_ = nullptr;
  PoolShard* queue_ = nullptr;
  bool due_ = false;  ///< its result is on the way
};

/// Which servers may serve whom: pool user is the forced user of the database, else the client's user.
struct PoolKey {
  rules::RouteId route = rules::no_route;
  std::string user;
  auto operator<=>(const PoolKey&) const = default;
};

/// A worker's place in a Pool: what other workers may know of its shard.
struct PoolSeat {
  std::atomic<std::int64_t> oldest_wait_us{0};  ///< since when its first waiter waits; 0: nobody waits
  std::atomic<bool> starving{false};            ///< its first waiter is to be helped by others
  std::atomic<std::int64_t> idle_since_us{0};   ///< of its longest idle connection, refreshed by the tick; 0: none
  std::atomic<std::uint32_t> idle{0};           ///< idle connections
  boost::asio::io_context* io = nullptr;        ///< guarded by the pool's mutex, as the next
  PoolShard* shard = nullptr;                   ///< nullptr: the place is free
};

/// The servers of one (route, user) over all workers: the limits, and who is short of connections. Shared by the shards
/// (one per worker), each of which runs on its own thread and talks to the others only through post().
class Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(PoolKey pool_key, BudgetPtr size_budget, BudgetPtr database_budget, BudgetPtr user_budget);
  ~Pool();

  const PoolKey key;
  const BudgetPtr size;      ///< pool_size; the reserve is taken above it
  const BudgetPtr database;  ///< max_db_connections
  const BudgetPtr user;      ///< max_user_connections

  /// True when another worker's shard than the one at `own` starves. Ordered with what shards say of their idle
  /// connections: of a connection that comes back and a shard that begins to starve one sees the other.
  bool others_starve(const PoolSeat& own) const {
    const std::uint32_t starving = starving_.load();
    return starving != 0 && starving > (own.starving.load(std::memory_order_relaxed) ? 1u : 0u);
  }
  /// One worker alone never starves: it has nobody to be helped by.
  bool is_shared() const { return joined_.load(std::memory_order_relaxed) > 1; }

  /// A shard joins with its worker's loop and leaves before it dies.
  PoolSeat& join(PoolShard& shard, boost::asio::io_context& io);
  void leave(PoolSeat& seat);

  /// Runs `task` with the seat's shard on that shard's thread. False when nobody sits there any more.
  bool post(PoolSeat& seat, std::function<void(PoolShard&)> task);
  /// Asks every other shard that has idle connections to give one away.
  void poke_others(const PoolSeat& from);
  /// Sends a connection (already detached) to the seat; gives it back when nobody sits there.
  std::unique_ptr<ServerConn> send(PoolSeat& seat, std::unique_ptr<ServerConn> server);

  /// What a new connection was last told at its login; empty until the first one, on whatever worker.
  void set_parameters(const ParameterList& parameters);
  ParametersPtr parameters();

  /// Publishes since when somebody waits at `seat` (0: nobody) and whether it starves. True when it begins to.
  bool set_waiting(PoolSeat& seat, std::int64_t oldest_wait_us, bool starving);
  /// The seat whose waiter waits longest, those that starve first, `own` excepted; nullptr when nobody else waits.
  PoolSeat* neediest(const PoolSeat& own, std::int64_t& since_us);
  /// The seat with the longest idle connection, of all workers; `since_us` receives since when.
  PoolSeat* longest_idle(std::int64_t& since_us);

 private:
  PoolShard* shard_at(const PoolSeat& seat);

  std::atomic<std::uint32_t> starving_{0};
  std::atomic<std::uint32_t> joined_{0};
  std::mutex mutex_;
  ParametersPtr parameters_ = std::make_shared<ParameterList>();
  std::vector<std::unique_ptr<PoolSeat>> seats_;  ///< never shrinks, so that references stay valid
};
using PoolPtr = std::shared_ptr<Pool>;

}  // namespace pgswitch
