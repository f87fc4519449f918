#include "proxy/alarm.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/pool_shard.hpp"

// PoolShard's connections for replication clients: nobody else ever gets one, and they count in the pool's limits.
namespace pgswitch {

namespace asio = boost::asio;
using protocol::SqlError;

namespace {

constexpr std::int64_t look_again_us = 20'000;

SqlError login_timeout() {
  SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = protocol::sqlstate::cannot_connect_now;
  error.message = "client_login_timeout (server down)";
  return error;
}

}  // namespace

// An idle connection of the pool is worth less than a client.
bool PoolShard::take_permits_apart(Opening& opening) {
  if (paused_) return false;
  if (take_permits(opening.permits, false)) return true;
  const bool pool_is_full = !opening.permits[0];
  for (Permit& permit : opening.permits) permit.reset();
  if (!pool_is_full || evict_idle()) return false;
  std::int64_t since_us = 0;
  if (PoolSeat* const seat = pool_->longest_idle(since_us)) pool_->post(*seat, [](PoolShard& shard) { shard.evict_idle(); });
  return false;
}

asio::awaitable<Lease> PoolShard::open_apart(StartupParameters parameters, Microseconds query_wait_timeout, std::int64_t deadline_us,
                                             SqlError& error) {
  const Microseconds query_timeout = config_->query_timeout_of(pool_user());
  const std::int64_t began_us = now();
  const OpeningPlace place = apart_.emplace(apart_.end());
  Alarm alarm(home_.io);
  while (!take_permits_apart(*place)) {
    error = dropped_ ? no_such_database(*database_) : end_of_wait(now() - began_us, query_timeout, query_wait_timeout);
    if (deadline_us != 0 && now() >= deadline_us) error = login_timeout();
    if (!error.message.empty()) {
      apart_.erase(place);
      co_return Lease();
    }
    co_await alarm.wait(now() + look_again_us);
  }
  prepare_login(*place);
  place->request.parameters = std::move(parameters);
  const bool ok = co_await log_in_to_server(home_, place->request, place->result);
  Opening opening = std::move(*place);
  apart_.erase(place);
  if (!ok || !opening.result.server) {
    error = opening.result.error;
    error.severity = protocol::Severity::fatal;
    if (!opening.result.refused) error.sqlstate = protocol::sqlstate::cannot_connect_now;
    co_return Lease();
  }
  ServerConn& server = own(std::move(opening.result.server));
  server.permits_ = std::move(opening.permits);
  server.status_ = ServerStatus::active;  // for as long as it lives
  server.close_needed = opening.unwanted;
  log(server, "new connection to server");
  co_return Lease(server);
}

}  // namespace pgswitch
