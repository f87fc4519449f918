#include "proxy/pool.hpp"

#include "proxy/alarm.hpp"
#include "proxy/pool_shard.hpp"

namespace pgswitch {

namespace asio = boost::asio;

Lease& Lease::operator=(Lease&& other) noexcept {
  if (this != &other) {
    close("obsolete connection");
    server_ = std::exchange(other.server_, nullptr);
  }
  return *this;
}

Lease::~Lease() { close("client disconnect while server was not ready"); }

void Lease::give_back(const Leftover& leftover) {
  if (ServerConn* server = std::exchange(server_, nullptr)) server->shard->give_back(*server, leftover);
}

void Lease::close(std::string_view reason) {
  if (ServerConn* server = std::exchange(server_, nullptr)) server->shard->close(*server, reason);
}

Pool::Pool(PoolKey pool_key, BudgetPtr size_budget, BudgetPtr database_budget, BudgetPtr user_budget)
    : key(std::move(pool_key)),
      size(std::move(size_budget)),
      database(std::move(database_budget)),
      user(std::move(user_budget)) {}

Pool::~Pool() = default;

PoolSeat& Pool::join(PoolShard& shard, asio::io_context& io) {
  const std::lock_guard lock(mutex_);
  PoolSeat* free = nullptr;
  for (const auto& seat : seats_) {
    if (!seat->shard) free = seat.get();
  }
  if (!free) free = seats_.emplace_back(std::make_unique<PoolSeat>()).get();
  free->io = &io;
  free->shard = &shard;
  joined_.fetch_add(1, std::memory_order_relaxed);
  return *free;
}

void Pool::leave(PoolSeat& seat) {
  set_waiting(seat, 0, false);
  const std::lock_guard lock(mutex_);
  seat.shard = nullptr;
  seat.io = nullptr;
  seat.idle.store(0, std::memory_order_relaxed);
  seat.idle_since_us.store(0, std::memory_order_relaxed);
  joined_.fetch_sub(1, std::memory_order_relaxed);
}

PoolShard* Pool::shard_at(const PoolSeat& seat) {
  const std::lock_guard lock(mutex_);
  return seat.shard;
}

// Posting happens under the lock because leave() takes it: a loop that is still joined has not been destroyed.
bool Pool::post(PoolSeat& seat, std::function<void(PoolShard&)> task) {
  const std::lock_guard lock(mutex_);
  if (!seat.shard) return false;
  post_to(*seat.io, [self = shared_from_this(), &seat, task = std::move(task)] {
    if (PoolShard* shard = self->shard_at(seat)) task(*shard);
  });
  return true;
}

void Pool::poke_others(const PoolSeat& from) {
  std::vector<PoolSeat*> rich;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& seat : seats_) {
      if (seat.get() != &from && seat->idle.load() > 0) rich.push_back(seat.get());
    }
  }
  for (PoolSeat* seat : rich) post(*seat, [](PoolShard& shard) { shard.on_poke(); });
}

std::unique_ptr<ServerConn> Pool::send(PoolSeat& seat, std::unique_ptr<ServerConn> server) {
  const std::lock_guard lock(mutex_);
  if (!seat.shard) return server;
  post_to(*seat.io, [self = shared_from_this(), &seat, moved = std::move(server)]() mutable {
    if (PoolShard* shard = self->shard_at(seat)) shard->on_donation(std::move(moved));
  });
  return nullptr;
}

bool Pool::set_waiting(PoolSeat& seat, std::int64_t oldest_wait_us, bool starving) {
  seat.oldest_wait_us.store(oldest_wait_us, std::memory_order_relaxed);
  if (seat.starving.load(std::memory_order_relaxed) == starving) return false;  // nobody else writes it
  seat.starving.store(starving, std::memory_order_relaxed);
  starving ? ++starving_ : --starving_;
  return starving;
}

void Pool::set_parameters(const ParameterList& parameters) {
  const std::lock_guard lock(mutex_);
  if (*parameters_ != parameters) parameters_ = std::make_shared<const ParameterList>(parameters);
}

ParametersPtr Pool::parameters() {
  const std::lock_guard lock(mutex_);
  return parameters_;
}

PoolSeat* Pool::neediest(const PoolSeat& own, std::int64_t& since_us) {
  PoolSeat* most = nullptr;
  bool most_starves = false;
  const std::lock_guard lock(mutex_);
  for (const auto& seat : seats_) {
    const std::int64_t since = seat->oldest_wait_us.load(std::memory_order_relaxed);
    if (seat.get() == &own || !seat->shard || since == 0) continue;
    const bool starves = seat->starving.load(std::memory_order_relaxed);
    if (most && (starves != most_starves ? most_starves : since >= since_us)) continue;
    most = seat.get();
    most_starves = starves;
    since_us = since;
  }
  return most;
}

PoolSeat* Pool::longest_idle(std::int64_t& since_us) {
  PoolSeat* longest = nullptr;
  const std::lock_guard lock(mutex_);
  for (const auto& seat : seats_) {
    if (!seat->shard || seat->idle.load(std::memory_order_relaxed) == 0) continue;
    const std::int64_t since = seat->idle_since_us.load(std::memory_order_relaxed);
    if (longest && since >= since_us) continue;
    longest = seat.get();
    since_us = since;
  }
  return longest;
}

}  // namespace pgswitch
