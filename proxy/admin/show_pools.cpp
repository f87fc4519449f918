// SHOW POOLS, DATABASES, USERS and LISTS.
#include <cstdio>
#include <map>
#include <set>

#include "proxy/admin/show.hpp"
#include "proxy/client_limits.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/router.hpp"
#include "proxy/session/relay.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::admin {
namespace {

using boost::asio::awaitable;
using Phase = ClientSession::Phase;

constexpr Type int4 = Type::int4;
constexpr Field of_pool[] = {
    {"database"}, {"user"}, {"cl_active", int4}, {"cl_waiting", int4}, {"cl_active_cancel_req", int4},
    {"cl_waiting_cancel_req", int4}, {"sv_active", int4}, {"sv_active_cancel", int4}, {"sv_being_canceled", int4},
    {"sv_idle", int4}, {"sv_used", int4}, {"sv_tested", int4}, {"sv_login", int4}, {"maxwait", int4}, {"maxwait_us", int4},
    {"pool_mode"}, {"load_balance_hosts"}};
constexpr Field of_database[] = {
    {"name"}, {"host"}, {"port", int4}, {"database"}, {"force_user"}, {"pool_size", int4}, {"min_pool_size", int4},
    {"reserve_pool_size", int4}, {"server_lifetime", int4}, {"pool_mode"}, {"load_balance_hosts"}, {"max_connections", int4},
    {"current_connections", int4}, {"max_client_connections", int4}, {"current_client_connections", int4}, {"paused", int4},
    {"disabled", int4}, {"reserve_pool", int4},  // the old name of reserve_pool_size
    {"kind"}};
constexpr Field of_user[] = {
    {"name"}, {"pool_size"}, {"reserve_pool_size"}, {"pool_mode"}, {"max_user_connections", int4},
    {"current_connections", int4}, {"max_user_client_connections", int4}, {"current_client_connections", int4}};
constexpr Field of_list[] = {{"list"}, {"items", int4}};

/// One pool, or what one worker has of it.
struct PoolCounts {
  ShardCounts servers;
  std::uint32_t clients = 0;         ///< not waiting
  std::uint32_t being_canceled = 0;
  PoolMode mode = PoolMode::session;
  bool has_shard = false;
};
using PoolMap = std::map<PoolKey, PoolCounts>;

struct Census {
  PoolMap pools;
  std::uint32_t consoles = 0;
  std::uint32_t logins = 0;
};

PoolKey key_of(const Config& config, const ClientSession& client) {
  PoolKey key;
  const DatabasePtr database = config.find_database(client.database());
  key.route = database ? database->route : rules::intern_route(client.database());
  key.user = database && !database->user.empty() ? database->user : client.user();
  return key;
}

void count_sessions(Worker& worker, Census& census) {
  for (const auto& session : worker.sessions()) {
    if (!session) continue;
    if (session->phase() == Phase::console) ++census.consoles;
    if (session->phase() == Phase::login) ++census.logins;
    if (session->replication() || (session->relay() && !session->relay()->is_waiting())) ++census.pools[key_of(worker.config(), *session)].clients;
  }
}

Census count_all(Worker& worker) {
  Census census;
  for (const auto& [key, shard] : worker.router().shards()) {
    PoolKey pool;
    pool.route = shard->route();
    pool.user = shard->user();
    PoolCounts& counts = census.pools[pool];
    counts.servers = shard->counts();
    counts.mode = shard->mode();
    counts.has_shard = true;
    shard->each([&](const ServerConn& server) { counts.being_canceled += server.cancels_in_flight > 0 ? 1 : 0; });
  }
  count_sessions(worker, census);
  return census;
}

awaitable<Census> take_census(Console& console) {
  auto round = gather(console, count_all);
  const std::vector<Census> parts = co_await std::move(round);
  Census sum;
  for (const Census& part : parts) {
    sum.consoles += part.consoles;
    sum.logins += part.logins;
    for (const auto& [key, counts] : part.pools) {
      PoolCounts& pool = sum.pools[key];
      pool.servers += counts.servers;
      pool.clients += counts.clients;
      pool.being_canceled += counts.being_canceled;
      if (!counts.has_shard) continue;
      pool.mode = counts.mode;
      pool.has_shard = true;
    }
  }
  co_return sum;
}

/// NULL without a list of hosts.
std::optional<std::string> balance_of(const Database* database) {
  if (!database || database->hosts.size() < 2) return std::nullopt;
  return std::string(to_string(database->load_balance_hosts));
}

Row pool_row(const Config& config, const PoolKey& key, const PoolCounts& pool) {
  const ShardCounts& servers = pool.servers;
  const DatabasePtr database = config.find_database(key.route);
  const PoolMode mode = pool.has_shard || !database ? pool.mode : config.pool_mode_of(*database, config.find_user(key.user));
  return Row{rules::route_name(key.route), key.user, number(pool.clients), number(servers.waiting), "0", "0",
             number(servers.active), "0", number(pool.being_canceled), number(servers.idle), number(servers.used),
             number(servers.tested), number(servers.login), number(servers.max_wait_us / one_second),
             number(servers.max_wait_us % one_second), std::string(to_string(mode)), balance_of(database.get())};
}

Row console_pool_row(std::uint32_t clients) {
  return Row{"pgbouncer", "pgbouncer", number(clients), "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "0", "statement",
             std::nullopt};
}

bool is_unix_host(const std::string& host) { return host.starts_with('/') || host.starts_with('@'); }

std::string join_hosts(const std::vector<std::string>& hosts) {
  std::string text;
  for (const std::string& host : hosts) text += (text.empty() ? "" : ",") + host;
  return text;
}

template <class Mode>
std::optional<std::string> mode_text(const std::optional<Mode>& mode) {
  return mode ? std::optional(std::string(to_string(*mode))) : std::nullopt;
}

std::optional<std::string> null_if_empty(const std::string& text) { return text.empty() ? std::nullopt : std::optional(text); }

Row database_row(Console& console, const Config& config, const Database& database) {
  Worker& worker = console.worker();
  const PoolLimits& limits = PoolLimits::of_process();
  const bool over_unix_socket = database.hosts.empty() || is_unix_host(database.hosts.front());
  return Row{database.name,
             over_unix_socket ? std::nullopt : std::optional(join_hosts(database.hosts)),
             number(database.port),
             database.dbname.empty() ? database.name : database.dbname,
             null_if_empty(database.user),
             number(config.pool_size_of(database, nullptr)),
             number(config.min_pool_size_of(database, nullptr)),
             number(config.reserve_pool_size_of(database, nullptr)),
             number(config.server_lifetime_of(database) / one_second),
             mode_text(database.pool_mode),
             balance_of(&database),
             number(config.max_db_connections_of(database)),
             number(limits.database_connections(database.route)),
             number(config.max_db_client_connections_of(database)),
             number(worker.proxy().client_limits().clients_of_database(database.name)),
             worker.router().paused().contains(database.route) ? "1" : "0",
             limits.is_disabled(database.route) ? "1" : "0",
             number(config.reserve_pool_size_of(database, nullptr)),
             std::string(to_string(limits.kind_of(database)))};
}

Row console_database_row(const Config& config) {
  return Row{"pgbouncer", std::nullopt, number(config.listen_port), "pgbouncer", "pgbouncer", "2", "0", "0",
             number(config.server_lifetime / one_second), "statement", std::nullopt, "0", "0", "0", "0", "0", "0", "0", std::nullopt};
}

/// Right-aligned in nine columns, as pgbouncer prints them; empty when not set.
std::string padded(const std::optional<int>& value) {
  if (!value) return {};
  char text[16];
  std::snprintf(text, sizeof text, "%9d", *value);
  return text;
}

Row user_row(Console& console, const Config& config, const User& user) {
  return Row{user.name,
             padded(user.pool_size),
             padded(user.reserve_pool_size),
             mode_text(user.pool_mode),
             number(config.max_user_connections_of(&user)),
             number(PoolLimits::of_process().user_connections(user.name)),
             number(config.max_user_client_connections_of(&user)),
             number(console.worker().proxy().client_limits().clients_of_user(user.name))};
}

/// Those of the file, and those made from its "*" entry that have pools.
std::map<std::string, DatabasePtr> databases_of(const Config& config, const Census& census) {
  std::map<std::string, DatabasePtr> databases;
  for (const auto& [name, database] : config.databases)
    if (name != "*") databases[name] = database;
  for (const auto& [key, pool] : census.pools)
    if (const DatabasePtr database = config.find_database(key.route)) databases[database->name] = database;
  return databases;
}

}  // namespace

const std::span<const Field> pool_fields = of_pool;
const std::span<const Field> database_fields = of_database;
const std::span<const Field> user_fields = of_user;
const std::span<const Field> list_fields = of_list;

awaitable<Rows> pool_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  const Census census = co_await take_census(console);
  Rows rows;
  for (const auto& [key, pool] : census.pools) rows.push_back(pool_row(*config, key, pool));
  rows.push_back(console_pool_row(census.consoles));
  co_return rows;
}

awaitable<Rows> database_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  const Census census = co_await take_census(console);
  Rows rows;
  for (const auto& [name, database] : databases_of(*config, census)) rows.push_back(database_row(console, *config, *database));
  rows.push_back(console_database_row(*config));
  co_return rows;
}

awaitable<Rows> user_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  Rows rows;
  for (const auto& [name, user] : config->users) rows.push_back(user_row(console, *config, user));
  co_return rows;
}

awaitable<Rows> list_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  const Census census = co_await take_census(console);
  std::uint32_t clients = census.consoles;
  std::uint32_t servers = 0;
  for (const auto& [key, pool] : census.pools) {
    clients += pool.clients + pool.servers.waiting;
    servers += pool.servers.servers();
  }
  const auto row = [](const char* name, std::size_t items) { return Row{name, number(items)}; };
  Rows rows{row("databases", databases_of(*config, census).size() + 1), row("users", config->users.size()),
            row("peers", config->peers.size()), row("pools", census.pools.size() + 1), row("peer_pools", config->peers.size() - config->peers.count(config->peer_id)),
            row("free_clients", 0), row("used_clients", clients), row("login_clients", census.logins),
            row("free_servers", 0), row("used_servers", servers),
            row("dns_names", console.worker().router().dns().entries().size()), row("dns_zones", 0), row("dns_queries", 0),
            row("dns_pending", 0), row("refused_logins", console.worker().proxy().login_places().refused())};
  co_return rows;
}

}  // namespace pgswitch::admin
