#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/auth/auth_query.hpp"
#include "proxy/dns.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/server_login.hpp"
#include "proxy/session/server_state.hpp"
#include "proxy/welcome.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

class Worker;

/// Route name -> PoolShard, on one worker.
class Router {
 public:
  explicit Router(Worker& worker);
  ~Router();

  /// The shard for (route, pool user); made on first use. nullptr and `error` (3D000) when the configuration has no such
  /// database. Stays valid while sessions or connections refer to it.
  PoolShard* shard(rules::RouteId route, const CredentialsPtr& credentials, protocol::SqlError& error);

  /// Start-up values for a client: the route's ParameterStatus with the client's own start-up settings applied, canonical as
  /// the server spells them. `settings`: name and value, tracked ones and others. Known combinations are in memory; false: this
  /// one is not. Where the route's servers are Redshift, those of Config::face_of() are the face that clients are shown.
  bool recall_welcome(rules::RouteId route, const CredentialsPtr& credentials, const StartupSettings& settings, Welcome& welcome);
  /// Asks a server, which also proves that the settings are valid: its ErrorResponse is the error. `keep`, unless nullptr,
  /// receives that server, for the client to go on with.
  boost::asio::awaitable<bool> ask_welcome(rules::RouteId route, CredentialsPtr credentials, const StartupSettings& settings,
                                           std::int64_t deadline_us, Welcome& welcome, Lease* keep, protocol::SqlError& error);

  /// Asks a server of (query.database, query.auth_user) who query.user is, with nothing in its session that a client has set.
  /// True: `found` is the user, or nullopt. False: `error` is for the client; `query_timeout` and the deadline have passed or
  /// the answer is of no use.
  boost::asio::awaitable<bool> look_up_user(const AuthQuery& query, std::int64_t deadline_us, std::optional<FoundUser>& found,
                                            protocol::SqlError& error);

  const std::map<std::pair<rules::RouteId, std::string>, std::unique_ptr<PoolShard>>& shards() const { return shards_; }
  /// The addresses of server hosts (SHOW DNS_HOSTS).
  const DnsCache& dns() const { return dns_; }
  DnsCache& dns() { return dns_; }
  /// Called by the worker's tick (100 ms): idle, lifetime, check, wait and connect deadlines, min_pool_size.
  void tick();
  /// The console's commands on this worker. no_route: every database, those that come later included. PAUSE is complete when
  /// no shard of any worker counts a server.
  void pause(rules::RouteId route);
  void resume(rules::RouteId route);
  bool is_paused(rules::RouteId route) const { return paused_.contains(route) || paused_.contains(rules::no_route); }
  const std::set<rules::RouteId>& paused() const { return paused_; }
  void kill(rules::RouteId route, const protocol::SqlError& error);
  void reconnect(rules::RouteId route);
  /// Sum over the shards of a route, or all.
  ShardCounts counts(rules::RouteId route) const;

  /// After a reload: limits, changed or vanished databases. The sessions of a vanished one are ended ("database removed").
  void adopt_config();

 private:
  boost::asio::awaitable<bool> ask_server(PoolShard& shard, const std::string& login_user, const StartupSettings& settings,
                                          std::int64_t deadline_us, ParameterList& parameters, Lease* keep, protocol::SqlError& error);
  template <class Step>
  void each_of(rules::RouteId route, Step step) const {
    for (const auto& [key, shard] : shards_) {
      if (route == rules::no_route || key.first == route) step(*shard);
    }
  }

  // router_face.cpp: what clients of a Redshift are told at login
  bool is_redshift(const PoolShard& shard) const;
  PoolShard* face_shard(PoolShard& own, const CredentialsPtr& credentials);
  ParametersPtr face_of_others(rules::RouteId face, const std::string& user) const;
  boost::asio::awaitable<ParametersPtr> ask_face(PoolShard& face, const std::string& login_user, const StartupSettings& settings,
                                                 std::int64_t deadline_us, protocol::SqlError& error);

  PoolShard* find_shard(rules::RouteId route, const CredentialsPtr& credentials, protocol::SqlError& error);
  PoolShard& shard_of(const DatabasePtr& database, const std::string& pool_user, const CredentialsPtr& credentials);
  boost::asio::awaitable<bool> make_clean(PoolShard& shard, ServerConn& server, std::int64_t deadline_us);
  bool can_go(PoolShard& shard);
  void end_sessions_of_removed(const Config& before);

  Worker& worker_;
  PoolLimits& limits_;
  DnsCache dns_;
  ServerHome home_;
  ConfigPtr config_;
  WelcomeCache welcomes_;
  std::int64_t next_sweep_us_ = 0;  ///< when superfluous shards are looked for again
  WelcomeMaker maker_;
  /// The shard that was asked for last: mostly it is again.
  struct Recent {
    PoolShard* shard = nullptr;
    rules::RouteId route = rules::no_route;
    std::string user;  ///< of the credentials
  };
  Recent recent_;
  std::set<rules::RouteId> paused_;
  std::map<std::pair<rules::RouteId, std::string>, std::unique_ptr<PoolShard>> shards_;
};

}  // namespace pgswitch
