#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/server_login.hpp"
#include "proxy/session/server_state.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

class Worker;

/// ParameterStatus set for a client that begins a session.
struct Welcome {
  std::vector<std::pair<std::string, std::string>> parameters;  ///< as the server reported them, in its order
  TrackedValues tracked;                                        ///< the tracked ones among them
};

/// Route name -> PoolShard, on one worker.
class Router {
 public:
  explicit Router(Worker& worker);
  ~Router();

  /// The shard for (route, pool user); made on first use. nullptr and `error` (3D000) when the configuration has no such
  /// database. Stays valid while sessions or connections refer to it.
  PoolShard* shard(rules::RouteId route, const CredentialsPtr& credentials, protocol::SqlError& error);

  /// Start-up values for a client: the route's ParameterStatus with the client's own start-up settings applied, canonical as
  /// the server spells them. Known combinations are answered from memory; others ask a server (which also proves that the
  /// settings are valid: its ErrorResponse is the error). `settings`: name and value, tracked ones and others.
  boost::asio::awaitable<bool> welcome(rules::RouteId route, CredentialsPtr credentials,
                                       const std::vector<std::pair<std::string, std::string>>& settings,
                                       std::int64_t deadline_us, Welcome& welcome, protocol::SqlError& error);

  const std::map<std::pair<rules::RouteId, std::string>, std::unique_ptr<PoolShard>>& shards() const { return shards_; }
  /// Called by the worker's tick (100 ms): idle, lifetime, check, wait and connect deadlines, min_pool_size.
  void tick();
  /// After a reload: limits, changed or vanished databases.
  void adopt_config();

 private:
  Worker& worker_;
  std::map<std::pair<rules::RouteId, std::string>, std::unique_ptr<PoolShard>> shards_;
};

}  // namespace pgswitch
