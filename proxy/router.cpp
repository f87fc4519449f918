#include "proxy/router.hpp"

#include "proxy/cancel.hpp"
#include "proxy/client_login.hpp"
#include "proxy/client_session.hpp"
#include "proxy/lease_wait.hpp"
#include "proxy/proxy.hpp"
#include "proxy/redshift/face.hpp"
#include "proxy/server_query.hpp"
#include "proxy/worker.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

namespace asio = boost::asio;
using protocol::SqlError;

namespace {

bool same_server_tls(const Config& left, const Config& right) {
  return left.server_tls_sslmode == right.server_tls_sslmode && left.server_tls_ca_file == right.server_tls_ca_file &&
         left.server_tls_cert_file == right.server_tls_cert_file &&
         left.server_tls_key_file == right.server_tls_key_file &&
         left.server_tls_ciphers == right.server_tls_ciphers &&
         left.server_tls13_ciphers == right.server_tls13_ciphers &&
         left.server_tls_protocols == right.server_tls_protocols;
}

ServerHome make_home(Worker& worker, DnsCache& dns) {
  return ServerHome{.io = worker.io(),
                    .poller = worker.poller(),
                    .slab = worker.slab(),
                    .dns = dns,
                    .now_us = [&worker] { return worker.now_us(); },
                    .tls = [&worker] { return worker.server_tls(); },
                    .cancel = [&worker](const ServerConn& server, std::int64_t deadline_us) {
                      return send_cancel(worker, server, deadline_us);
                    },
                    .scram_keys = &worker.proxy().scram_keys(),
                    .run_aside = [&worker](std::function<void()> work) {
                      return worker.proxy().cpu_threads().run(worker.io(), 0, std::move(work));
                    },
                    .password_commands = &worker.proxy().password_commands()};
}

/// application_name is not asked of a server: each application has its own, and what becomes of it is known.
struct Asked {
  StartupSettings others;
  const std::string* application_name = nullptr;
};

Asked split_application_name(const StartupSettings& settings) {
  Asked asked;
  for (const auto& setting : settings) {
    if (find_tracked(setting.first) == Tracked::application_name) {
      asked.application_name = &setting.second;
    } else {
      asked.others.push_back(setting);
    }
  }
  return asked;
}

/// What was reported at the server's login, with the values that sessions have given to the tracked settings since.
ParameterList reported_now(const ServerConn& server) {
  ParameterList parameters = server.parameters;
  for (std::size_t i = 0; i < tracked_count; ++i) {
    const std::string& value = server.state.reported[i];
    if (!value.empty()) set_parameter(parameters, to_string(static_cast<Tracked>(i)), value);
  }
  return parameters;
}

/// A verifier is good for nobody who does not know the password.
bool is_usable(std::string_view secret) { return !secret.empty() && !protocol::parse_scram_secret(secret); }

bool can_log_in(const Config& config, const Credentials& credentials) {
  if (!credentials.password.empty() || !credentials.client_key.empty() || is_usable(credentials.secret)) return true;
  const User* const user = config.find_user(credentials.user);
  return user && user->secret && is_usable(*user->secret);
}

/// What a login leaves behind that has shown no password (trust, peer, cert) does not replace what another has shown.
void renew_credentials(const Config& config, PoolShard& shard, const CredentialsPtr& credentials) {
  const CredentialsPtr& known = shard.credentials();
  if (known == credentials) return;
  if (!known || can_log_in(config, *credentials) || !can_log_in(config, *known)) shard.set_credentials(credentials);
}

bool sets_untracked(const StartupSettings& settings) {
  for (const auto& setting : settings) {
    if (find_tracked(setting.first) == Tracked::count) return true;
  }
  return false;
}

}  // namespace

Router::Router(Worker& worker)
    : worker_(worker),
      limits_(PoolLimits::of_process()),
      dns_(worker.io()),
      home_(make_home(worker, dns_)),
      config_(worker.config_ptr()) {
  dns_.on_change([this](const std::string& host, const std::vector<std::string>& addresses) {
    for (const auto& entry : shards_) entry.second->on_host_changed(host, addresses);
  });
}

Router::~Router() = default;

PoolShard* Router::shard(rules::RouteId route, const CredentialsPtr& credentials, SqlError& error) {
  if (recent_.shard && credentials && recent_.route == route && recent_.user == credentials->user) {
    renew_credentials(*config_, *recent_.shard, credentials);
    return recent_.shard;
  }
  PoolShard* const found = find_shard(route, credentials, error);
  if (found && credentials) recent_ = {found, route, credentials->user};
  return found;
}

PoolShard* Router::find_shard(rules::RouteId route, const CredentialsPtr& credentials, SqlError& error) {
  const DatabasePtr database = config_->find_database(route);
  if (!database) {
    error = {};
    error.severity = protocol::Severity::fatal;
    error.sqlstate = protocol::sqlstate::undefined_database;
    error.message = "no such database: " + rules::route_name(route);
    return nullptr;
  }
  const std::string& user = credentials && database->user.empty() ? credentials->user : database->user;
  PoolShard& shard = shard_of(database, user, credentials);
  if (credentials) renew_credentials(*config_, shard, credentials);
  return &shard;
}

PoolShard& Router::shard_of(const DatabasePtr& database, const std::string& pool_user, const CredentialsPtr& credentials) {
  PoolKey key;
  key.route = database->route;
  key.user = pool_user;
  std::unique_ptr<PoolShard>& shard = shards_[{key.route, key.user}];
  if (shard) return *shard;
  shard = std::make_unique<PoolShard>(limits_.pool(key, *config_, *database), home_, limits_, database, config_, credentials);
  if (is_paused(key.route)) shard->pause();
  return *shard;
}

bool Router::recall_welcome(rules::RouteId route, const CredentialsPtr& credentials, const StartupSettings& settings, Welcome& welcome) {
  SqlError unused;
  PoolShard* where = shard(route, credentials, unused);
  if (!where || limits_.kind_of(where->database()) == ServerKind::automatic) return false;
  if (PoolShard* const face = face_shard(*where, credentials)) where = face;
  const Asked asked = split_application_name(settings);
  const ParametersPtr known = asked.others.empty() ? where->parameters() : welcomes_.find(WelcomeCache::key(where->key(), asked.others));
  if (!known || known->empty()) return false;
  welcome = maker_.make(known, asked.application_name);
  return true;
}

asio::awaitable<bool> Router::ask_welcome(rules::RouteId route, CredentialsPtr credentials, const StartupSettings& settings,
                                          std::int64_t deadline_us, Welcome& welcome, Lease* keep, SqlError& error) {
  PoolShard* where = shard(route, credentials, error);
  if (!where) co_return false;
  const Asked asked = split_application_name(settings);
  ParameterList told;
  if (limits_.kind_of(where->database()) == ServerKind::automatic) {
    const StartupSettings none;
    const bool met = co_await ask_server(*where, credentials->user, none, deadline_us, told, keep, error);
    if (!met) co_return false;
    where = shard(route, credentials, error);
    if (!where) co_return false;
    if (asked.others.empty() && !face_shard(*where, credentials)) {
      welcome = maker_.make(std::make_shared<const ParameterList>(std::move(told)), asked.application_name);
      co_return true;
    }
    const Leftover nothing;
    if (keep && *keep) keep->give_back(nothing);
  }
  if (PoolShard* const face = face_shard(*where, credentials)) {
    const ParametersPtr shown = co_await ask_face(*face, credentials->user, asked.others, deadline_us, error);
    if (!shown && !error.message.empty()) co_return false;
    if (shown) {
      welcome = maker_.make(shown, asked.application_name);
      co_return true;
    }
    where = shard(route, credentials, error);
    if (!where) co_return false;
  }
  const PoolKey key = where->key();
  const StartupSettings askable = is_redshift(*where) ? redshift::askable(asked.others) : asked.others;
  const bool ok = co_await ask_server(*where, credentials->user, askable, deadline_us, told, keep, error);
  if (!ok) co_return false;
  const auto parameters = std::make_shared<const ParameterList>(std::move(told));
  if (!asked.others.empty()) welcomes_.insert(WelcomeCache::key(key, asked.others), parameters);
  welcome = maker_.make(parameters, asked.application_name);
  co_return true;
}

// Twice: an idle connection may turn out to be dead only when it is used.
asio::awaitable<bool> Router::ask_server(PoolShard& shard, const std::string& login_user, const StartupSettings& settings,
                                         std::int64_t deadline_us, ParameterList& parameters, Lease* keep, SqlError& error) {
  for (int attempt = 0; attempt < 2; ++attempt) {
    Lease lease = co_await wait_for_lease(worker_.io(), shard, login_user, deadline_us, error);
    if (!lease) co_return false;
    const ParametersPtr base = shard.parameters();
    const ParameterList before = reported_now(*lease);
    const bool is_redshift = lease->state.kind == ServerKind::redshift;
    std::optional<std::string> wanted = std::string();
    if (!settings.empty() && is_redshift) wanted = redshift::settings_query(settings, *base, *lease->state.reported, error);
    else if (!settings.empty()) wanted = settings_query(settings, *base, *lease->state.reported);
    bool ok = wanted.has_value();
    const std::string sql = std::move(wanted).value_or(std::string());
    if (!sql.empty()) {
      lease->begin_coroutine();
      ok = co_await run_query(*lease, sql, deadline_us, error);
      lease->end_coroutine();
    }
    parameters = merge_parameters(*base, before, reported_now(*lease), settings);
    if (is_redshift) redshift::tell_encoding(settings, parameters);
    if (lease->stream.is_open()) {
      if (ok && sets_untracked(settings)) lease->state.unknown_settings = true;
      const Leftover nothing;
      if (ok && keep) *keep = std::move(lease);
      else lease.give_back(nothing);
      error.severity = protocol::Severity::fatal;
      co_return ok;
    }
    lease.close("server conn crashed?");
  }
  error.severity = protocol::Severity::fatal;
  co_return false;
}

void Router::tick() {
  for (const auto& entry : shards_) entry.second->tick();
  if (worker_.now_us() < next_sweep_us_) return;
  next_sweep_us_ = worker_.now_us() + one_second;
  recent_ = {};
  if (std::erase_if(shards_, [this](const auto& entry) { return can_go(*entry.second); }) > 0) limits_.sweep();
}

// Sessions remember the shards that they have asked.
bool Router::can_go(PoolShard& shard) {
  if (!shard.is_superfluous()) return false;
  for (const auto& session : worker_.sessions())
    if (session) session->forget(shard);
  return true;
}

void Router::pause(rules::RouteId route) {
  paused_.insert(route);
  each_of(route, [](PoolShard& shard) { shard.pause(); });
}

// RESUME of everything ends the pauses of single databases too.
void Router::resume(rules::RouteId route) {
  if (route == rules::no_route) {
    paused_.clear();
  } else {
    paused_.erase(route);
  }
  each_of(route, [this](PoolShard& shard) {
    if (!is_paused(shard.route())) shard.resume();
  });
}

void Router::kill(rules::RouteId route, const SqlError& error) {
  paused_.insert(route);
  each_of(route, [&](PoolShard& shard) { shard.kill(error); });
}

void Router::reconnect(rules::RouteId route) {
  each_of(route, [](PoolShard& shard) { shard.reconnect("close_needed"); });
}

ShardCounts Router::counts(rules::RouteId route) const {
  ShardCounts sum;
  each_of(route, [&](const PoolShard& shard) { sum += shard.counts(); });
  return sum;
}

void Router::adopt_config() {
  const ConfigPtr before = std::exchange(config_, worker_.config_ptr());
  limits_.adopt(*config_);
  recent_ = {};
  welcomes_.clear();
  const bool same_tls = same_server_tls(*before, *config_);
  for (const auto& [key, shard] : shards_) {
    shard->adopt(config_, config_->find_database(key.first));
    if (!same_tls) shard->reconnect("close_needed");
  }
  end_sessions_of_removed(*before);
}

// Whatever they are doing, as in pgbouncer. Who came to a removed route by rules only loses his connections there.
void Router::end_sessions_of_removed(const Config& before) {
  const SqlError removed = fatal(protocol::sqlstate::database_dropped, "database removed");
  for (std::size_t slot = 0; slot < worker_.sessions().size(); ++slot) {
    ClientSession* const session = worker_.session(static_cast<std::uint32_t>(slot));
    if (!session || session->phase() == ClientSession::Phase::closing || is_console(session->database())) continue;
    const std::string& name = session->database();
    if (!config_->find_database(name) && before.find_database(name)) session->kill(removed);
  }
}

}  // namespace pgswitch
