#include <algorithm>
#include <boost/asio/co_spawn.hpp>

#include "proxy/client_address.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/redshift/face.hpp"

// PoolShard's way to new connections: when, how many at once, and what a failure means for those who wait.
namespace pgswitch {

namespace asio = boost::asio;
using protocol::SqlError;

namespace {

/// pgbouncer opens one at a time, so that a slow login holds up all that wait. After a failure it is one here too.
constexpr std::size_t most_openings = 8;
constexpr Microseconds shortest_retry = 100'000;

// The server lives and will take the client later.
bool is_temporary(const SqlError& error) {
  return error.sqlstate == protocol::sqlstate::cannot_connect_now || error.sqlstate == protocol::sqlstate::admin_shutdown ||
         error.sqlstate == protocol::sqlstate::crash_shutdown || error.sqlstate == protocol::sqlstate::too_many_connections;
}

}  // namespace

Microseconds retry_wait(std::uint32_t failures, std::size_t spread_by, Microseconds most) {
  const Microseconds wait = std::min(shortest_retry << std::min<std::uint32_t>(failures, 16), most);
  const std::uint64_t mixed = static_cast<std::uint64_t>(spread_by) * 0x9e3779b97f4a7c15ull >> 32;
  return wait - static_cast<Microseconds>(mixed % static_cast<std::uint64_t>(wait / 4 + 1));
}

std::size_t PoolShard::allowed_openings() const {
  if (failing_since_us_ == 0) return most_openings;
  return now() >= retry_us_ ? 1 : 0;
}

void PoolShard::open_for_waiters() {
  if (paused_ || dropped_) return;
  while (openings_.size() + checks_ < waiters_.size() && openings_.size() < allowed_openings()) {
    if (!open_one(false)) break;
  }
}

// The pool's own limit first: only a connection that this pool may have is worth another one's life.
bool PoolShard::take_permits(std::array<Permit, 3>& permits, bool use_reserve) {
  permits[0] = Permit::try_take(pool_->size, use_reserve ? reserve_size() : 0);
  if (!permits[0]) return false;
  permits[1] = Permit::try_take(pool_->database);
  if (!permits[1]) {
    limits_.evict_for(pool_, seat_, pool_->database);
    return false;
  }
  permits[2] = Permit::try_take(pool_->user);
  if (!permits[2]) limits_.evict_for(pool_, seat_, pool_->user);
  return static_cast<bool>(permits[2]);
}

bool PoolShard::open_one(bool use_reserve) {
  std::array<Permit, 3> permits;
  if (!take_permits(permits, use_reserve)) return false;
  Opening& opening = openings_.emplace_back();
  opening.permits = std::move(permits);
  prepare_login(opening);
  const OpeningPlace place = std::prev(openings_.end());
  asio::co_spawn(home_.io, log_in_to_server(home_, opening.request, opening.result),
                 [this, place](std::exception_ptr failure, bool ok) { on_login_end(place, !failure && ok); });
  return true;
}

void PoolShard::prepare_login(Opening& opening) {
  opening.request.config = config_;
  opening.request.database = database_;
  opening.request.user = user();
  opening.request.credentials = credentials_;
  opening.request.first_host = next_host_;
  const Microseconds timeout = config_->server_connect_timeout;
  opening.request.deadline_us = timeout > 0 ? now() + timeout : 0;
  if (database_->load_balance_hosts == LoadBalanceHosts::round_robin) ++next_host_;
}

void PoolShard::on_login_end(OpeningPlace place, bool ok) {
  Opening opening = std::move(*place);
  openings_.erase(place);
  if (ok && opening.result.server) {
    on_opened(std::move(opening));
    return;
  }
  opening.result.server.reset();
  for (Permit& permit : opening.permits) permit.reset();
  on_open_failed(opening.result);
}

void PoolShard::on_opened(Opening opening) {
  failing_since_us_ = 0;
  failures_ = 0;
  login_refused_ = false;
  if (database_->load_balance_hosts == LoadBalanceHosts::disable) next_host_ = opening.result.host;
  ServerConn& server = own(std::move(opening.result.server));
  server.permits_ = std::move(opening.permits);
  server.status_ = ServerStatus::active;  // it is on no list
  server.close_needed = opening.unwanted;
  const bool is_redshift = server.state.kind == ServerKind::redshift;
  if (database_->kind == ServerKind::automatic) limits_.note_kind(route(), server.state.kind);
  pool_->set_parameters(is_redshift ? redshift::face_of(server.parameters, config_->redshift_server_version) : server.parameters);
  server.end_coroutine();
  log(server, "new connection to server (from " + address_here(server.stream.fd(), server.port).to_string() + ")");
  make_available(server);
  if (!waiters_.empty()) serve_waiters();
}

// What cannot be cured by waiting is told to those who wait at once, with the server's own code; an unreachable server only
// when it has been so for server_login_retry, so that its restart goes unnoticed.
void PoolShard::on_open_failed(const LoginResult& result) {
  login_error_ = result.error;
  if (failing_since_us_ == 0) failing_since_us_ = now();
  login_refused_ = result.refused && !is_temporary(result.error);
  server_answered_ = result.refused;
  if (!server_answered_) login_error_.sqlstate = protocol::sqlstate::cannot_connect_now;
  login_error_.severity = protocol::Severity::fatal;
  const Microseconds most = std::max<Microseconds>(config_->server_login_retry, shortest_retry);
  if (now() >= retry_us_) {  // of attempts that fail together the first counts
    const std::size_t place = reinterpret_cast<std::uintptr_t>(this);  // differs from pool to pool, and from process to process
    retry_us_ = now() + retry_wait(failures_, place + failures_, most);
    ++failures_;
  }
  if (login_refused_) retry_us_ = now() + most;
  log_line(LogLevel::warning, "server login failed: " + login_error_.sqlstate + " " + login_error_.message);
  if (!servers_.empty()) return;
  if (login_refused_) {
    fail_waiters(login_error_);
  } else if (!server_answered_ && now() - failing_since_us_ >= most) {
    fail_waiters(cached_error());
  }
}

bool PoolShard::fails_fast() const {
  if (failing_since_us_ == 0 || now() >= retry_us_ || !servers_.empty()) return false;
  return login_refused_ || (!server_answered_ && now() - failing_since_us_ >= config_->server_login_retry);
}

SqlError PoolShard::cached_error() const {
  SqlError error = login_error_;
  error.message = "server login has been failing, cached error: " + login_error_.message + " (server_login_retry)";
  return error;
}

}  // namespace pgswitch
