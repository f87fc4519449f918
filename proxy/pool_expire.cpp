#include <algorithm>

#include "proxy/log.hpp"
#include "proxy/pool_shard.hpp"

// What PoolShard does because time passes, or because an administrator or a reload says so.
namespace pgswitch {

using protocol::SqlError;

namespace {

SqlError refusal(std::string_view sqlstate, std::string message) {
  SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = sqlstate;
  error.message = std::move(message);
  return error;
}

// What a live connection was made from; the rest of a [databases] line only limits and names.
bool same_server(const Database& left, const Database& right) {
  return left.dbname == right.dbname && left.hosts == right.hosts && left.port == right.port &&
         left.user == right.user && left.connect_query == right.connect_query &&
         left.load_balance_hosts == right.load_balance_hosts && left.client_encoding == right.client_encoding &&
         left.datestyle == right.datestyle && left.timezone == right.timezone &&
         left.application_name == right.application_name && left.kind == right.kind;
}

}  // namespace

SqlError no_such_database(const Database& database) {
  return refusal(protocol::sqlstate::undefined_database, "no such database: " + database.name);
}

void PoolShard::tick() {
  expire_waiters();
  expire_servers();
  seat_.idle_since_us.store(idle_.empty() ? 0 : idle_.oldest()->last_used_us, std::memory_order_relaxed);
  if (paused_) return;
  if (!waiters_.empty()) {
    serve_waiters();
    use_reserve();
    ask_others();
  } else if (!idle_.empty() && pool_->is_shared()) {
    donate(*idle_.oldest());  // bit by bit servers go where clients wait, though nobody starves
  }
  keep_minimum();
}

/// Without a message while who has waited so long may wait on. As in pgbouncer, query_timeout holds for those who wait too.
SqlError PoolShard::end_of_wait(Microseconds waited, Microseconds query_timeout, Microseconds query_wait_timeout) {
  const auto over = [waited](Microseconds limit) { return limit > 0 && waited >= limit; };
  if (over(query_timeout)) return refusal(protocol::sqlstate::query_canceled, "query_timeout");
  if (over(query_wait_timeout)) return refusal(protocol::sqlstate::too_many_connections, "query_wait_timeout");
  return {};
}

void PoolShard::expire_waiters() {
  const Microseconds query_timeout = config_->query_timeout_of(pool_user());
  const Microseconds usual = query_wait_timeout_of(user());
  LeaseWaiter* next = nullptr;
  for (LeaseWaiter* waiter = waiters_.front(); waiter; waiter = next) {
    next = WaiterQueue::next(*waiter);
    const Microseconds timeout = waiter->wait_timeout_us < 0 ? usual : waiter->wait_timeout_us;
    SqlError error = end_of_wait(now() - waiter->waiting_since_us, query_timeout, timeout);
    if (error.message.empty()) continue;
    waiters_.remove(*waiter);
    error.detail = "No server connection of database \"" + database_->name + "\" for user \"" + user() +
                   "\" became free in time.";
    if (failing_since_us_ != 0) error.detail += " The last attempt to open one failed: " + login_error_.message;
    deliver(*waiter, Lease(), error);
  }
  update_waiting();
}

// From the oldest, so that what has waited longest goes first; a minimum stays.
void PoolShard::expire_servers() {
  const auto minimum = static_cast<std::uint32_t>(config_->min_pool_size_of(*database_, pool_user()));
  const std::uint32_t limit = pool_->size->limit();
  const Microseconds idle_timeout = config_->server_idle_timeout;
  const Microseconds lifetime = config_->server_lifetime_of(*database_);
  ServerConn* next = nullptr;
  for (ServerConn* server = idle_.oldest(); server; server = next) {
    next = IdleList::newer(*server);
    std::string_view reason = reason_to_close(*server);
    if (reason.empty() && limit != 0 && pool_->size->used() > limit + reserve_size()) reason = "too many servers in the pool";
    if (reason.empty() && lifetime > 0 && is_too_old(*server)) reason = "server lifetime over";
    if (reason.empty() && idle_timeout > 0 && now() - server->last_used_us >= idle_timeout &&
        pool_->size->used() > minimum)
      reason = "server idle timeout";
    if (!reason.empty()) close(*server, reason);
  }
}

std::uint32_t PoolShard::reserve_size() const {
  return static_cast<std::uint32_t>(std::max(config_->reserve_pool_size_of(*database_, pool_user()), 0));
}

void PoolShard::use_reserve() {
  const Microseconds delay = config_->reserve_pool_timeout;
  if (waiters_.empty() || dropped_ || delay <= 0 || reserve_size() == 0) return;
  if (now() - waiters_.front()->waiting_since_us < delay) return;
  while (openings_.size() < waiters_.size() && openings_.size() < allowed_openings()) {
    if (!open_one(true)) return;
    log_line(LogLevel::warning, "taking connection from reserve_pool: " + database_->name + "/" + user());
  }
}

// For pools that have clients or a forced user, as in pgbouncer. A pool that nobody has asked for a while has no clients.
void PoolShard::keep_minimum() {
  if (paused_ || dropped_) return;
  const auto minimum = static_cast<std::uint32_t>(config_->min_pool_size_of(*database_, pool_user()));
  if (minimum == 0 || pool_->size->used() >= minimum) return;
  const bool lately = last_acquire_us_ != 0 && (config_->server_idle_timeout <= 0 ||
                                                now() - last_acquire_us_ < config_->server_idle_timeout);
  if (!lately && database_->user.empty()) return;
  while (pool_->size->used() < minimum && openings_.size() < allowed_openings()) {
    if (!open_one(false)) return;
  }
}

void PoolShard::pause() {
  paused_ = true;
  update_waiting();
  while (!idle_.empty()) close(*idle_.oldest(), "pause mode");
}

void PoolShard::resume() {
  paused_ = false;
  serve_waiters();
}

void PoolShard::kill(const SqlError& error) {
  pause();
  fail_waiters(error);
  for (std::size_t i = servers_.size(); i > 0; --i) {
    if (servers_[i - 1]->status() == ServerStatus::tested) close(*servers_[i - 1], "admin forced disconnect");
  }
}

void PoolShard::reconnect(std::string_view reason) {
  for (Opening& opening : openings_) opening.unwanted = true;
  for (Opening& opening : apart_) opening.unwanted = true;
  for (const auto& server : servers_) {
    server->close_needed = true;
    if (server->status_ != ServerStatus::tested) server->close_reason_ = reason;
  }
  while (!idle_.empty()) close(*idle_.oldest(), reason);
}

void PoolShard::on_host_changed(const std::string& host, const std::vector<std::string>& addresses) {
  for (std::size_t i = servers_.size(); i > 0; --i) {
    ServerConn& server = *servers_[i - 1];
    if (server.host != host || std::find(addresses.begin(), addresses.end(), server.address) != addresses.end()) continue;
    server.close_needed = true;
    if (server.status() == ServerStatus::idle) close(server, "obsolete connection");
  }
}

void PoolShard::adopt(ConfigPtr config, DatabasePtr database) {
  config_ = std::move(config);
  dropped_ = database == nullptr;
  if (dropped_) {
    reconnect("database configuration changed");
    fail_waiters(no_such_database(*database_));
    return;
  }
  const bool same = same_server(*database_, *database);
  database_ = std::move(database);
  mode_ = config_->pool_mode_of(*database_, pool_user());
  if (!same) {
    pool_->set_parameters({});
    reconnect("database configuration changed");
  }
  failing_since_us_ = 0;  // a reload is how an administrator cures a refused login
  retry_us_ = 0;
  failures_ = 0;
  login_refused_ = false;
  serve_waiters();
}

}  // namespace pgswitch
