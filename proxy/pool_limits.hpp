#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "proxy/config.hpp"
#include "proxy/pool.hpp"

namespace pgswitch {

/// What the shards of all workers have in common: the Pools, the Budgets per database and per pool user, and which databases
/// are disabled. One for the process (tests make their own). Any thread; locked, so never on the path of a query.
class PoolLimits {
 public:
  static PoolLimits& of_process();

  /// The Pool of a key, made on first use, with the limits of `config`.
  PoolPtr pool(const PoolKey& key, const Config& config, const Database& database);
  /// Forgets what no shard uses any more.
  void sweep();
  /// After a reload: new limits for every Pool and Budget that exists.
  void adopt(const Config& config);

  /// `full` lets `pool` open no connection: has the longest idle connection under the same Budget closed, on whatever
  /// worker, and then pokes `seat`.
  void evict_for(const PoolPtr& pool, PoolSeat& seat, const BudgetPtr& full);

  /// Server connections, those logging in included.
  std::uint32_t database_connections(rules::RouteId route) const;
  std::uint32_t user_connections(const std::string& pool_user) const;

  /// DISABLE, ENABLE: new logins to a disabled database are refused.
  void set_disabled(rules::RouteId route, bool disabled);
  bool is_disabled(rules::RouteId route) const;

  /// What a new connection of the route has found behind it.
  void note_kind(rules::RouteId route, ServerKind kind);
  /// What is behind `database`, as far as is known: with kind = auto what was found last, automatic before anything was.
  ServerKind kind_of(const Database& database) const;

 private:
  template <class Key>
  using Budgets = std::map<Key, std::weak_ptr<Budget>>;

  mutable std::mutex mutex_;
  std::map<PoolKey, std::weak_ptr<Pool>> pools_;
  Budgets<rules::RouteId> databases_;
  Budgets<std::string> users_;
  std::set<rules::RouteId> disabled_;
  std::map<rules::RouteId, ServerKind> kinds_;
};

}  // namespace pgswitch
