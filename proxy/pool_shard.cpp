#include "proxy/pool_shard.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "proxy/pool_limits.hpp"

namespace pgswitch {

namespace asio = boost::asio;
using protocol::SqlError;

namespace {

/// A waiter of another worker is served before an own one only when it has waited longer by this: moving a connection for
/// less would be all motion and no fairness.
constexpr std::int64_t donation_margin_us = 10'000;

/// So long a shard waits for servers of its own to come back before it asks others for theirs. An own one comes back in some
/// ten us when queries are short, and costs nothing to wait for; moving one costs both workers some 10 us.
constexpr std::int64_t patience_us = 1'000;

}  // namespace

PoolShard::PoolShard(PoolPtr pool, const ServerHome& home, PoolLimits& limits, DatabasePtr database, ConfigPtr config,
                     CredentialsPtr credentials)
    : pool_(std::move(pool)),
      home_(home),
      limits_(limits),
      seat_(pool_->join(*this, home.io)),
      database_(std::move(database)),
      config_(std::move(config)),
      credentials_(std::move(credentials)),
      patience_(home.io) {
  mode_ = config_->pool_mode_of(*database_, pool_user());
  made_us_ = now();
  next_host_ = static_cast<std::size_t>(reinterpret_cast<std::uintptr_t>(this) >> 6);  // not all workers at the first
}

// The loop does not run any more: coroutines that are left will never be resumed, posted tasks never run.
PoolShard::~PoolShard() {
  pool_->leave(seat_);
  for (Delivery& delivery : due_) {
    if (delivery.lease) delivery.lease.close("server shutting down");
  }
}

void PoolShard::post(void (PoolShard::*step)()) {
  asio::post(home_.io, [this, step, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) (this->*step)();
  });
}

Lease PoolShard::acquire_idle() {
  if (paused_ || !waiters_.empty()) return {};
  ServerConn* const server = next_idle();
  if (!server || needs_check(*server)) return {};
  last_acquire_us_ = now();
  return lend(*server);
}

Lease PoolShard::acquire(LeaseWaiter& waiter) {
  if (Lease lease = acquire_idle()) return lease;
  last_acquire_us_ = now();
  waiter.waiting_since_us = last_acquire_us_;
  waiter.queue_ = this;
  if (dropped_ || fails_fast()) {
    deliver(waiter, Lease(), dropped_ ? no_such_database(*database_) : cached_error());
    return {};
  }
  waiters_.push(waiter);
  const bool starved = seat_.starving;
  serve_waiters();
  if (starved) ask_others();
  return {};
}

void PoolShard::cancel_wait(LeaseWaiter& waiter) {
  if (waiter.queue_ != this) return;
  waiter.queue_ = nullptr;
  if (!waiter.due_) {
    waiters_.remove(waiter);
    update_waiting();
    return;
  }
  waiter.due_ = false;
  const auto found = std::find_if(due_.begin(), due_.end(), [&](const Delivery& due) { return due.waiter == &waiter; });
  Delivery delivery = std::move(*found);
  due_.erase(found);
  ServerConn* server = std::exchange(delivery.lease.server_, nullptr);
  if (!server) return;
  if (server->stream.is_open()) {
    make_available(*server);  // nobody has used it
  } else {
    close(*server, "server conn crashed?");
  }
}

// The poller tells of a connection's end at the next turn. Servers end together, so for a while after one has, the others
// are looked at before they are lent: no statement goes to a server that has said goodbye already.
bool PoolShard::is_alive(ServerConn& server) {
  if (!server.stream.is_open()) return false;
  return now() >= doubt_until_us_ || absorb_input(server).empty();
}

ServerConn* PoolShard::next_idle() {
  while (!idle_.empty()) {
    ServerConn& server = config_->server_round_robin != 0 ? *idle_.oldest() : *idle_.newest();
    if (is_alive(server)) return &server;
    bury(server, "server connection closed");
  }
  return nullptr;
}

// From the idle list to whoever gets it.
Lease PoolShard::lend(ServerConn& server) {
  if (server.status_ == ServerStatus::idle) {
    idle_.remove(server);
    publish_idle();
  }
  server.status_ = ServerStatus::active;
  ++stats.server_assignment_count;
  return Lease(server);
}

void PoolShard::serve_waiters() {
  while (!paused_ && !waiters_.empty()) {
    ServerConn* const next = next_idle();
    if (!next) break;
    ServerConn& server = *next;
    if (needs_check(server)) {
      if (checks_ >= waiters_.size()) break;
      idle_.remove(server);
      publish_idle();
      ++checks_;
      server.checked_for_waiter_ = true;
      start_coroutine(server, check(server));
      continue;
    }
    give_to_first(server);
  }
  open_for_waiters();
  update_waiting();
}

// A clean connection that nobody holds: to a waiter here, to one of another worker, or to the idle list.
void PoolShard::make_available(ServerConn& server) {
  if (const std::string_view reason = reason_to_close(server); !reason.empty()) {
    close(server, reason);
    return;
  }
  if (waiters_.empty()) {
    put_idle(server);
    if (pool_->others_starve(seat_)) donate(server);  // asked behind put_idle(): who begins to starve now sees it, or is seen
    return;
  }
  if (pool_->others_starve(seat_) && donate(server)) return;
  give_to_first(server);
  update_waiting();
}

// Of those who wait, of whom there is one.
void PoolShard::give_to_first(ServerConn& server) {
  LeaseWaiter& waiter = *waiters_.front();
  waiters_.remove(waiter);
  deliver(waiter, lend(server), SqlError());
}

void PoolShard::put_idle(ServerConn& server) {
  server.status_ = ServerStatus::idle;
  server.last_used_us = now();
  server.in.give_back();
  idle_.push(server);
  publish_idle();
}

void PoolShard::publish_idle() {
  seat_.idle.store(static_cast<std::uint32_t>(idle_.size()));
  // The tick refreshes it while the list is in use; an eviction may look before the first tick.
  if (idle_.size() == 1) seat_.idle_since_us.store(idle_.oldest()->last_used_us, std::memory_order_relaxed);
}

// False: it stays here, and nothing has changed; or it turned out to be dead, then it was closed and the answer is true.
bool PoolShard::donate(ServerConn& server) {
  std::int64_t since = 0;
  PoolSeat* seat = pool_->neediest(seat_, since);
  if (!seat) return false;
  if (!waiters_.empty() && waiters_.front()->waiting_since_us <= since + donation_margin_us) return false;
  if (server.cancels_in_flight != 0 || server.close_needed) return false;
  if (const std::string_view reason = absorb_input(server); !reason.empty()) {
    close(server, reason);
    return true;
  }
  if (!server.in.empty()) return false;
  if (server.status_ == ServerStatus::idle) {
    idle_.remove(server);
    publish_idle();
  }
  std::unique_ptr<ServerConn> moving = disown(server);
  moving->leave();
  moving = pool_->send(*seat, std::move(moving));
  if (!moving) return true;
  moving->arrive(home_.poller, home_.slab);
  ServerConn& returned = own(std::move(moving));
  returned.end_coroutine();
  put_idle(returned);
  serve_waiters();
  return true;
}

void PoolShard::on_donation(std::unique_ptr<ServerConn> server) {
  server->arrive(home_.poller, home_.slab);
  ServerConn& arrived = own(std::move(server));
  arrived.end_coroutine();
  arrived.status_ = ServerStatus::active;  // it is on no list yet
  if (const std::string_view reason = reason_to_close(arrived); !reason.empty()) return close(arrived, reason);
  if (waiters_.empty()) return make_available(arrived);
  give_to_first(arrived);
  update_waiting();
  ask_others();  // the next one may be as badly off
}

void PoolShard::on_poke() {
  if (!waiters_.empty()) {
    serve_waiters();
  } else if (!idle_.empty() && pool_->others_starve(seat_)) {
    donate(*idle_.oldest());
  }
}

// One worker alone never starves: it has nobody to be helped by. One that does is looked at by the others whenever a connection
// comes back to them; those that have idle ones are asked when it begins.
void PoolShard::update_waiting() {
  const bool waits = !waiters_.empty() && !paused_ && pool_->is_shared();
  const std::int64_t since = waits ? std::max<std::int64_t>(waiters_.front()->waiting_since_us, 1) : 0;
  const bool starving = waits && (servers_.empty() || now() - since >= patience_us);
  if (pool_->set_waiting(seat_, since, starving)) ask_others();
  if (waits && !starving && !patience_.is_linked()) patience_.call_after(patience_us, [this] { update_waiting(); });
}

// For one connection more.
void PoolShard::ask_others() {
  if (seat_.starving) pool_->poke_others(seat_);
}

void PoolShard::deliver(LeaseWaiter& waiter, Lease lease, const SqlError& error) {
  waiter.due_ = true;
  if (lease) stats.wait_time += static_cast<std::uint64_t>(std::max<std::int64_t>(now() - waiter.waiting_since_us, 0));
  Delivery delivery;
  delivery.waiter = &waiter;
  delivery.lease = std::move(lease);
  delivery.error = error;
  due_.push_back(std::move(delivery));
  if (delivery_posted_) return;
  delivery_posted_ = true;
  post(&PoolShard::run_deliveries);
}

// One at a time from the front: what a waiter does with its lease may add to the list or take from it.
void PoolShard::run_deliveries() {
  delivery_posted_ = false;
  for (std::size_t count = due_.size(); count > 0 && !due_.empty(); --count) {
    Delivery delivery = std::move(due_.front());
    due_.pop_front();
    LeaseWaiter& waiter = *delivery.waiter;
    waiter.due_ = false;
    if (delivery.lease && !is_alive(*delivery.lease)) {  // the server went away on the last few metres
      delivery.lease.close("server conn crashed?");
      waiters_.push_front(waiter);
      continue;
    }
    waiter.queue_ = nullptr;
    if (delivery.lease) {
      waiter.on_lease(std::move(delivery.lease));
    } else {
      waiter.on_lease_failed(delivery.error);
    }
  }
  if (!due_.empty() && !delivery_posted_) {
    delivery_posted_ = true;
    post(&PoolShard::run_deliveries);
  }
  if (!waiters_.empty()) serve_waiters();
}

void PoolShard::fail_waiters(const SqlError& error) {
  while (LeaseWaiter* waiter = waiters_.front()) {
    waiters_.remove(*waiter);
    deliver(*waiter, Lease(), error);
  }
  update_waiting();
}

void PoolShard::give_back(ServerConn& server, const Leftover& leftover) {
  server.set_peer(nullptr);
  server.in.consume(server.in.outstanding().size());
  std::string_view reason = reason_to_close(server);
  if (reason.empty() && is_too_old(server)) reason = "server lifetime over";
  if (leftover.unusable) reason = "client disconnect before everything was sent to the server";
  if (!server.stream.is_open()) reason = "server conn crashed?";
  const bool busy = leftover.ready_expected > 0 || leftover.skip_bytes > 0 || leftover.unusable;
  if (!reason.empty()) return busy ? abandon(server, reason) : close(server, reason);
  const bool clean = leftover.is_clean() && server.cancels_in_flight == 0 && !needs_reset(server, leftover);
  if (!clean) return start_coroutine(server, clean_up(server, leftover));
  if (!server.in.empty()) return close(server, "client disconnect while server was not ready");
  if (server.stream.watches_write() || !server.stream.watches_read()) server.stream.watch(true, false);
  make_available(server);
}

bool PoolShard::is_superfluous() const {
  if (!is_empty()) return false;
  const Microseconds unused_us = now() - std::max(made_us_, last_acquire_us_);
  const auto is_over = [unused_us](Microseconds timeout) { return timeout > 0 && unused_us >= timeout; };
  return dropped_ || is_over(config_->pool_idle_timeout) || (database_->automatic && is_over(config_->autodb_idle_timeout));
}

bool PoolShard::is_empty() const { return servers_.empty() && openings_.empty() && apart_.empty() && waiters_.empty() && due_.empty(); }

ShardCounts& ShardCounts::operator+=(const ShardCounts& other) {
  idle += other.idle;
  used += other.used;
  active += other.active;
  tested += other.tested;
  login += other.login;
  close_needed += other.close_needed;
  waiting += other.waiting;
  max_wait_us = std::max(max_wait_us, other.max_wait_us);
  return *this;
}

ShardCounts PoolShard::counts() const {
  ShardCounts counts;
  counts.login = static_cast<std::uint32_t>(openings_.size());
  counts.waiting = static_cast<std::uint32_t>(waiters_.size());
  if (!waiters_.empty()) counts.max_wait_us = now() - waiters_.front()->waiting_since_us;
  for (const auto& server : servers_) {
    if (server->close_needed) ++counts.close_needed;
    switch (server->status_) {
      case ServerStatus::idle: ++(needs_check(*server) ? counts.used : counts.idle); break;
      case ServerStatus::active: ++counts.active; break;
      case ServerStatus::tested: ++counts.tested; break;
      case ServerStatus::login: ++counts.login; break;
    }
  }
  return counts;
}

bool PoolShard::has_room() const {
  if (paused_ || !waiters_.empty()) return false;
  const ShardCounts now = counts();
  if (now.idle + now.used > 0) return true;
  return pool_->size->has_room() && pool_->database->has_room() && pool_->user->has_room();
}

void PoolShard::each(const std::function<void(const ServerConn&)>& visit) const {
  for (const auto& server : servers_) visit(*server);
  for (const auto* openings : {&openings_, &apart_})
    for (const Opening& opening : *openings)
      if (opening.result.server) visit(*opening.result.server);
}

}  // namespace pgswitch
