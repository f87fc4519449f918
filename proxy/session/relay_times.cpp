// Relay's bookkeeping: how long things take, what is counted, and what has taken too long.
#include <algorithm>

#include "protocol/writer.hpp"
#include "proxy/client_session.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/worker.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

using protocol::SqlError;
namespace sqlstate = protocol::sqlstate;

namespace {

/// A client that does not take its last bytes is given up after this.
constexpr std::int64_t linger_us = 5'000'000;
/// A session without requests for so long is idle.
constexpr std::int64_t cooling_us = 1'000'000;

SqlError fatal_error(std::string_view code, std::string message) {
  SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = code;
  error.message = std::move(message);
  return error;
}

}  // namespace

/// What happened since the last time, booked to the pool and the route of `server`.
void Relay::count(const ServerConn& server) {
  CoreCounters& counters = core_.counters;
  PoolStats& stats = server.shard->stats;
  stats.query_count += counters.queries;
  stats.xact_count += counters.transactions;
  stats.client_parse_count += counters.client_parses;
  stats.server_parse_count += counters.server_parses;
  stats.bind_count += counters.binds;
  stats.received += std::exchange(received_, 0);
  stats.sent += std::exchange(sent_, 0);
  stats.query_time += std::exchange(query_time_, 0);
  stats.xact_time += std::exchange(xact_time_, 0);
  RouterStats& router = worker_.stats();
  router.route_conflicts += counters.route_conflicts;
  router.batches_refused += counters.batches_refused;
  router.deferred_begins += counters.deferred_begins;
  router.inserted_parses += counters.inserted_parses;
  router.settings_replayed += counters.settings_replayed;
  router.pins += counters.pins;
  RouteStats& route = worker_.route_stats(server.route);
  route.hits += counters.queries;
  route.refusals += counters.batches_refused;
  route.pins += counters.pins;
  route.conflicts += counters.route_conflicts;
  route.fallbacks += counters.fallbacks;
  if (counters.fallbacks > 0)
    log_line(LogLevel::info, session_.log_prefix() + "the leader node of Redshift refused " + std::to_string(counters.fallbacks) + " statements, which went to fallback_route");
  if (counters.copies) {
    route.copies += counters.copies->count;
    route.copied_rows += counters.copies->rows;
    route.copied_bytes += counters.copies->bytes;
  }
  counters = {};
}

/// The log says when a session begins to hold a server, and why.
void Relay::tell_pins() {
  const Pins now = core_.pins() & ~bit(Pin::session_mode);
  for (const Held& held : held_) {
    const Pins pins = core_.pins(held.route) & ~bit(Pin::session_mode);
    if (pins & ~told_pins_)
      log_line(LogLevel::info, session_.log_prefix() + "pinned to route \"" + rules::route_name(held.route) + "\": " + describe_pins(pins));
  }
  told_pins_ = now;
}

/// Between frames only: what comes behind it is the rest of no message.
void Relay::tell_wait() {
  if (told_wait_ || !core_.at_frame_boundary()) return;
  told_wait_ = true;
  SqlError notice;
  notice.severity = protocol::Severity::notice;
  notice.sqlstate = "00000";
  notice.message = "No server connection available in postgres backend, client being queued";
  std::string bytes;
  protocol::write_notice(bytes, notice);
  core_.to_client().append(bytes);
  drive();
}

bool Relay::holds_outdated_server() const {
  return std::any_of(held_.begin(), held_.end(), [](const Held& held) { return held.lease->close_needed; });
}

/// The one that the session's servers are used as: a database may force another than the client's.
const User* Relay::pool_user() const {
  const Config& config = worker_.config();
  if (const ServerConn* const current = server()) return config.find_user(current->shard->user());
  const Database* const own = config.database_entry(core_.facts().database);
  return config.find_user(own && !own->user.empty() ? own->user : credentials_->user);
}

void Relay::update_times() {
  const std::int64_t now = worker_.now_us();
  const bool busy = core_.is_busy() || waiting_ || !core_.wants_client() || core_.has_open_batch();
  if (xact_us_ == 0) xact_us_ = request_us_;
  if (xact_us_ != 0 && !busy && !core_.in_transaction()) xact_time_ += static_cast<std::uint64_t>(now - std::exchange(xact_us_, 0));
  if (core_.has_open_batch()) quiet_us_ = now;
  if (!busy && request_us_ != 0) {
    query_time_ += static_cast<std::uint64_t>(now - request_us_);
    if (const ServerConn* const ran_on = server()) worker_.route_view().note_request(ran_on->route, now - request_us_);
    request_us_ = 0;
    quiet_us_ = now;
  }
  if (!core_.in_transaction())
    transaction_us_ = 0;
  else if (transaction_us_ == 0)
    transaction_us_ = now;
}

/// A rule has limited the statement under way. A cancel request that has been delivered hits nothing that is sent from then on.
void Relay::check_limits(std::int64_t now) {
  if (core_.is_cancelling()) {
    const Held* const held = find(core_.active_route());
    if (held && held->lease->cancels_in_flight > 0) return;
    core_.on_cancel_ended();
    return drive();
  }
  const std::int64_t deadline = core_.limit_deadline_us();
  if (deadline == 0 || now < deadline) return;
  core_.on_limit_passed();
  drive();
}

/// Idle for a while: what is kept so that a busy session allocates nothing goes back.
void Relay::shrink() {
  warm_ = false;
  worker_.note_freed();
  core_.shrink();
  held_.shrink_to_fit();
  shards_.clear();  // looked up again
  shards_.shrink_to_fit();
}

void Relay::tick(std::int64_t now) {
  if (finished_) return;
  const Config& config = worker_.config();
  const auto over = [now](std::int64_t since, std::int64_t limit) { return limit > 0 && since != 0 && now - since > limit; };
  // A lease may last for days: what it did so far is booked meanwhile.
  if (const ServerConn* const current = core_.counters.queries > 0 ? server() : nullptr) count(*current);
  if (warm_ && core_.is_idle() && core_.to_client().empty() && over(quiet_us_, cooling_us)) shrink();
  if (over(closing_us_, linger_us)) return finish("client does not read");
  if (client_done_ && !client_left_) look_for_client();
  if (finished_) return;
  if (core_.limit_deadline_us() != 0 || core_.is_cancelling()) check_limits(now);
  if (finished_) return;
  if (waiting_ && over(waiting_since_us, config.query_wait_notify * one_second)) tell_wait();
  if (finished_) return;
  if (config.server_fast_close != 0 && core_.is_idle() && request_us_ == 0 && holds_outdated_server())
    return end_session(fatal_error(sqlstate::admin_shutdown, "database configuration changed"));
  if (core_.is_idle() && request_us_ == 0) {
    const User* const login_user = config.find_user(credentials_->user);
    if (over(quiet_us_, config.client_idle_timeout_of(login_user)))
      end_session(fatal_error(sqlstate::idle_session_timeout, "client_idle_timeout"));
    return;
  }
  const User* const user = pool_user();
  if ((core_.is_busy() || core_.has_open_batch()) && over(request_us_, config.query_timeout_of(user)))
    return end_session(fatal_error(sqlstate::query_canceled, waiting_ ? "query_timeout" : "query timeout"));
  if (over(transaction_us_, config.transaction_timeout_of(user)))
    return end_session(fatal_error(sqlstate::transaction_timeout, "transaction timeout"));
  const bool between_requests = !core_.is_busy() && (request_us_ == 0 || core_.has_open_batch());
  if ((core_.in_transaction() || core_.has_open_batch()) && between_requests && over(quiet_us_, config.idle_transaction_timeout_of(user)))
    return end_session(fatal_error(sqlstate::idle_in_transaction_timeout, "idle transaction timeout"));
}

}  // namespace pgswitch
