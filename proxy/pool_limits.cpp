#include "proxy/pool_limits.hpp"

#include <algorithm>

#include "proxy/pool_shard.hpp"

namespace pgswitch {

namespace {

std::uint32_t limit_of(int configured) { return static_cast<std::uint32_t>(std::max(configured, 0)); }

template <class Key>
BudgetPtr find_or_make(std::map<Key, std::weak_ptr<Budget>>& budgets, const Key& key, int limit) {
  BudgetPtr budget = budgets[key].lock();
  if (!budget) {
    budget = std::make_shared<Budget>(limit_of(limit));
    budgets[key] = budget;
  }
  return budget;
}

template <class Key>
std::uint32_t used(const std::map<Key, std::weak_ptr<Budget>>& budgets, const Key& key) {
  const auto found = budgets.find(key);
  const BudgetPtr budget = found == budgets.end() ? nullptr : found->second.lock();
  return budget ? budget->used() : 0;
}

}  // namespace

PoolLimits& PoolLimits::of_process() {
  static PoolLimits limits;
  return limits;
}

PoolPtr PoolLimits::pool(const PoolKey& key, const Config& config, const Database& database) {
  const User* user = config.find_user(key.user);
  const std::lock_guard lock(mutex_);
  if (PoolPtr pool = pools_[key].lock()) return pool;
  const BudgetPtr of_database = find_or_make(databases_, key.route, config.max_db_connections_of(database));
  const BudgetPtr of_user = find_or_make(users_, key.user, config.max_user_connections_of(user));
  const BudgetPtr size = std::make_shared<Budget>(limit_of(config.pool_size_of(database, user)));
  PoolPtr pool = std::make_shared<Pool>(key, size, of_database, of_user);
  pools_[key] = pool;
  return pool;
}

void PoolLimits::sweep() {
  const std::lock_guard lock(mutex_);
  std::erase_if(pools_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(databases_, [](const auto& entry) { return entry.second.expired(); });
  std::erase_if(users_, [](const auto& entry) { return entry.second.expired(); });
}

void PoolLimits::adopt(const Config& config) {
  sweep();
  const std::lock_guard lock(mutex_);
  for (const auto& [key, weak] : pools_) {
    const PoolPtr pool = weak.lock();
    const DatabasePtr database = config.find_database(key.route);
    if (!pool || !database) continue;
    const User* user = config.find_user(key.user);
    pool->size->set_limit(limit_of(config.pool_size_of(*database, user)));
    pool->database->set_limit(limit_of(config.max_db_connections_of(*database)));
    pool->user->set_limit(limit_of(config.max_user_connections_of(user)));
  }
}

void PoolLimits::evict_for(const PoolPtr& pool, PoolSeat& seat, const BudgetPtr& full) {
  PoolPtr victim;
  PoolSeat* victim_seat = nullptr;
  std::int64_t oldest = 0;
  const std::lock_guard lock(mutex_);
  for (const auto& entry : pools_) {
    PoolPtr candidate = entry.second.lock();
    if (!candidate || (candidate->database != full && candidate->user != full)) continue;
    std::int64_t since = 0;
    PoolSeat* idle = candidate->longest_idle(since);
    if (!idle || (victim && since >= oldest)) continue;
    victim = std::move(candidate);
    victim_seat = idle;
    oldest = since;
  }
  if (!victim) return;
  victim->post(*victim_seat, [pool, &seat](PoolShard& shard) {
    if (shard.evict_idle()) pool->post(seat, [](PoolShard& waiting) { waiting.on_poke(); });
  });
}

std::uint32_t PoolLimits::database_connections(rules::RouteId route) const {
  const std::lock_guard lock(mutex_);
  return used(databases_, route);
}

std::uint32_t PoolLimits::user_connections(const std::string& pool_user) const {
  const std::lock_guard lock(mutex_);
  return used(users_, pool_user);
}

void PoolLimits::set_disabled(rules::RouteId route, bool disabled) {
  const std::lock_guard lock(mutex_);
  if (disabled) {
    disabled_.insert(route);
  } else {
    disabled_.erase(route);
  }
}

void PoolLimits::note_kind(rules::RouteId route, ServerKind kind) {
  const std::lock_guard lock(mutex_);
  kinds_[route] = kind;
}

ServerKind PoolLimits::kind_of(const Database& database) const {
  if (database.kind != ServerKind::automatic) return database.kind;
  const std::lock_guard lock(mutex_);
  const auto found = kinds_.find(database.route);
  return found == kinds_.end() ? ServerKind::automatic : found->second;
}

bool PoolLimits::is_disabled(rules::RouteId route) const {
  const std::lock_guard lock(mutex_);
  return disabled_.contains(route);
}

}  // namespace pgswitch
