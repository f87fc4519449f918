// Router: auth_query.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "proxy/alarm.hpp"
#include "proxy/clock.hpp"
#include "proxy/lease_wait.hpp"
#include "proxy/router.hpp"
#include "proxy/server_recovery.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {

namespace asio = boost::asio;

namespace {

constexpr std::int64_t cancel_time_us = 10 * one_second;
/// How long a server may take to end a query that was cancelled, until its connection is closed.
constexpr std::int64_t grace_us = one_second;

/// Has a session left settings there that would be replaced only when the next session needs others?
bool has_settings(const ServerConn& server, const ParameterList& fresh) {
  if (!server.state.settings.empty()) return true;
  const TrackedValues start = tracked_of(fresh);
  return start != *server.state.reported;
}

protocol::SqlError make_error(std::string_view what, std::string_view sqlstate) {
  protocol::SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = sqlstate;
  error.message = what;
  return error;
}

}  // namespace

asio::awaitable<bool> Router::make_clean(PoolShard& shard, ServerConn& server, std::int64_t deadline_us) {
  const ParametersPtr fresh = shard.parameters();
  if (!has_settings(server, *fresh)) co_return true;
  RecoveryPlan plan;
  plan.reset_query = "DISCARD ALL";
  plan.deadline_us = deadline_us != 0 ? deadline_us : worker_.now_us() + cancel_time_us;
  const Leftover nothing;
  std::string_view reason;
  const bool ok = co_await recover(home_, server, nothing, plan, reason);
  if (!ok) server.stream.close();
  co_return ok;
}

// Twice: an idle connection may turn out to be dead only when it is used.
asio::awaitable<bool> Router::look_up_user(const AuthQuery& query, std::int64_t login_deadline_us, std::optional<FoundUser>& found,
                                           protocol::SqlError& error) {
  auto known = std::make_shared<Credentials>();
  known->user = query.auth_user;
  const CredentialsPtr credentials = std::move(known);
  for (int attempt = 0; attempt < 2; ++attempt) {
    const DatabasePtr database = config_->find_database(query.database->route);  // a reload may have come
    error = no_such_database(*query.database);
    if (!database) co_return false;
    PoolShard& shard = shard_of(database, query.auth_user, credentials);
    Lease lease = co_await wait_for_lease(worker_.io(), shard, query.auth_user, login_deadline_us, error);
    if (!lease) co_return false;
    error = make_error("server conn crashed?", protocol::sqlstate::connection_failure);
    const std::int64_t begun_us = worker_.now_us();
    const Microseconds limit = config_->query_timeout;
    const bool limited = limit > 0 && (login_deadline_us == 0 || begun_us + limit < login_deadline_us);
    const std::int64_t deadline_us = limited ? begun_us + limit : login_deadline_us;
    bool too_late = false;
    Alarm alarm(worker_.io());
    const auto cancel = [this, &too_late, &server = *lease] {
      too_late = true;
      if (home_.cancel && server.stream.is_open())
        asio::co_spawn(home_.io, home_.cancel(server, worker_.now_us() + cancel_time_us), asio::detached);
    };
    if (deadline_us != 0) alarm.call_after(deadline_us - steady_us(), cancel);
    const std::int64_t end_us = deadline_us == 0 ? 0 : deadline_us + grace_us;
    lease->begin_coroutine();
    bool ok = co_await make_clean(shard, *lease, end_us);
    if (ok) ok = co_await run_auth_query(*lease, query.query, query.user, end_us, found, error);
    alarm.wake();
    lease->end_coroutine();
    const bool is_open = lease->stream.is_open();
    const Leftover nothing;
    if (is_open) lease.give_back(nothing);
    else lease.close(too_late ? "query timeout" : "server conn crashed?");
    if (too_late) {
      error = limited ? make_error("query_timeout", protocol::sqlstate::query_canceled)
                      : make_error("client_login_timeout", protocol::sqlstate::protocol_violation);
      co_return false;
    }
    if (is_open) co_return ok;
  }
  co_return false;
}

}  // namespace pgswitch
