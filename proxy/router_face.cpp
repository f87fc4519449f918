// Router: what clients are told at login whose own database is a Redshift.
#include <algorithm>

#include "proxy/log.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/router.hpp"
#include "proxy/worker.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

namespace asio = boost::asio;

namespace {

/// A PostgreSQL that is down must not keep Redshift's clients out.
constexpr std::int64_t longest_wait_us = 5 * one_second;

/// PostgreSQL's error for a wrong value, an unknown name, or one that may not be set now: the client's own settings are what is wrong.
bool is_about_settings(const protocol::SqlError& error) {
  const std::string error_class = error.sqlstate.substr(0, 2);
  return error_class == "22" || error_class == "42" || error_class == "55";
}

}  // namespace

bool Router::is_redshift(const PoolShard& shard) const { return limits_.kind_of(shard.database()) == ServerKind::redshift; }

/// The shard whose servers are asked instead; nullptr: `own` speaks for itself.
PoolShard* Router::face_shard(PoolShard& own, const CredentialsPtr& credentials) {
  if (!is_redshift(own)) return nullptr;
  const DatabasePtr face = config_->face_of(own.database());
  protocol::SqlError unused;
  return face && face->route != own.route() ? find_shard(face->route, credentials, unused) : nullptr;
}

/// Another user's servers of the same route say the same but of the user.
ParametersPtr Router::face_of_others(rules::RouteId face, const std::string& user) const {
  ParametersPtr found;
  each_of(face, [&](PoolShard& shard) {
    if (!found && !shard.parameters()->empty()) found = shard.parameters();
  });
  if (!found) return nullptr;
  auto parameters = std::make_shared<ParameterList>(*found);
  set_parameter(*parameters, "session_authorization", user);
  set_parameter(*parameters, "is_superuser", "off");
  return parameters;
}

/// nullptr with an error: the client's settings are refused. nullptr without one: nobody there can be asked.
asio::awaitable<ParametersPtr> Router::ask_face(PoolShard& face, const std::string& login_user, const StartupSettings& settings,
                                                std::int64_t deadline_us, protocol::SqlError& error) {
  const std::int64_t end_us = worker_.now_us() + longest_wait_us;
  const std::string cache_key = WelcomeCache::key(face.key(), settings);
  const rules::RouteId route = face.route();
  ParameterList told;
  const std::int64_t until_us = deadline_us == 0 ? end_us : std::min(end_us, deadline_us);
  const bool ok = co_await ask_server(face, login_user, settings, until_us, told, nullptr, error);
  if (ok) {
    const auto parameters = std::make_shared<const ParameterList>(std::move(told));
    if (!settings.empty()) welcomes_.insert(cache_key, parameters);
    co_return parameters;
  }
  if (is_about_settings(error)) co_return nullptr;
  static LogThrottle throttle(60 * one_second);
  log_throttled(throttle, worker_.now_us(), LogLevel::warning,
                "face_database \"" + rules::route_name(route) + "\" cannot be asked on behalf of user \"" + login_user + "\": " + error.message);
  error = {};
  co_return face_of_others(route, login_user);
}

}  // namespace pgswitch
