#include "proxy/route_board.hpp"

#include "proxy/pool_limits.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/proxy.hpp"
#include "proxy/router.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {

namespace {

constexpr std::int64_t look_period_us = 100'000;

}  // namespace

void RouteBoard::publish(unsigned worker, Shares shares) {
  const std::lock_guard lock(mutex_);
  if (worker >= workers_.size()) workers_.resize(worker + 1);
  workers_[worker] = std::move(shares);
}

RouteBoard::Shares RouteBoard::sum() const {
  const std::lock_guard lock(mutex_);
  Shares all;
  for (const Shares& shares : workers_) {
    for (const auto& [route, share] : shares) {
      Share& total = all[route];
      total.active += share.active;
      total.waiting += share.waiting;
      total.failing |= share.failing;
      total.times += share.times;
    }
  }
  return all;
}

RouteBoard::Shares RouteView::shares() const {
  RouteBoard::Shares mine;
  for (const auto& [name, route] : worker_.config().routes()) mine[route].times = times(route);
  for (const auto& [key, shard] : worker_.router().shards()) {
    const auto found = mine.find(shard->route());
    if (found == mine.end()) continue;
    const ShardCounts counts = shard->counts();
    found->second.active += counts.active;
    found->second.waiting += counts.waiting;
    found->second.failing |= shard->is_failing();
  }
  return mine;
}

void RouteView::tick() {
  for (RecentTimes& times : times_) times.move_on(worker_.now_us());
  if (worker_.proxy().route_board().is_wanted()) worker_.proxy().route_board().publish(worker_.index(), shares());
}

void RouteView::look() {
  RouteBoard& board = worker_.proxy().route_board();
  board.want();
  board.publish(worker_.index(), shares());
  const RouteBoard::Shares all = board.sum();
  const Config& config = worker_.config();
  states_.clear();
  for (const auto& [name, route] : config.routes()) {
    const DatabasePtr database = config.find_database(route);
    if (!database) continue;
    rules::RouteState& state = states_[route];
    state.kind = to_string(PoolLimits::of_process().kind_of(*database));
    state.pool_size = static_cast<std::uint32_t>(config.pool_size_of(*database, nullptr));
    const auto share = all.find(route);
    if (share != all.end()) {
      state.active = share->second.active;
      state.waiting = share->second.waiting;
      state.median_us = share->second.times.quantile_us(50);
      state.p99_us = share->second.times.quantile_us(99);
    }
    const bool stands_still = worker_.router().is_paused(route) || PoolLimits::of_process().is_disabled(route);
    state.healthy = !stands_still && (share == all.end() || !share->second.failing);
  }
}

const rules::RouteState* RouteView::state(rules::RouteId route) {
  const std::int64_t now = worker_.now_us();
  if (looked_us_ == 0 || now - looked_us_ >= look_period_us) {
    look();
    looked_us_ = now;
  }
  const auto found = states_.find(route);
  return found == states_.end() ? nullptr : &found->second;
}

}  // namespace pgswitch
