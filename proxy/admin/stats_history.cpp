#include "proxy/admin/stats_history.hpp"

#include <algorithm>
#include <vector>

#include "proxy/log.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/proxy.hpp"
#include "proxy/router.hpp"
#include "proxy/service_manager.hpp"
#include "proxy/worker.hpp"

namespace pgswitch::admin {
namespace {

using Member = std::uint64_t PoolStats::*;
constexpr Member counts[] = {&PoolStats::server_assignment_count, &PoolStats::xact_count, &PoolStats::query_count,
                             &PoolStats::received, &PoolStats::sent, &PoolStats::client_parse_count,
                             &PoolStats::server_parse_count, &PoolStats::bind_count, &PoolStats::client_login_count};
/// Each with what it is the time of.
constexpr std::pair<Member, Member> times[] = {{&PoolStats::xact_time, &PoolStats::xact_count},
                                               {&PoolStats::query_time, &PoolStats::query_count},
                                               {&PoolStats::wait_time, &PoolStats::server_assignment_count}};

PoolStats minus(const PoolStats& newer, const PoolStats& older) {
  PoolStats result;
  const auto subtract = [&](Member member) { result.*member = newer.*member - std::min(newer.*member, older.*member); };
  for (const Member count : counts) subtract(count);
  for (const auto& time : times) subtract(time.first);
  return result;
}

}  // namespace

DatabaseStats stats_of(Worker& worker) {
  DatabaseStats stats;
  for (const auto& [key, shard] : worker.router().shards()) stats[key.first] += shard->stats;
  return stats;
}

void add(DatabaseStats& sum, const DatabaseStats& part) {
  for (const auto& [route, stats] : part) sum[route] += stats;
}

PoolStats sum_of(const DatabaseStats& databases) {
  PoolStats sum;
  for (const auto& [route, stats] : databases) sum += stats;
  return sum;
}

DatabaseStats difference(const DatabaseStats& newer, const DatabaseStats& older) {
  DatabaseStats result;
  for (const auto& [route, stats] : newer) {
    const auto before = older.find(route);
    result[route] = before == older.end() ? stats : minus(stats, before->second);
  }
  return result;
}

PoolStats average(const PoolStats& sum, std::int64_t period_us) {
  PoolStats result;
  const auto period = static_cast<double>(std::max<std::int64_t>(period_us, 1));
  for (const Member count : counts) result.*count = static_cast<std::uint64_t>(static_cast<double>(sum.*count) * 1e6 / period);
  for (const auto& [time, events] : times) result.*time = sum.*events > 0 ? sum.*time / sum.*events : 0;
  return result;
}

std::string stats_line(const PoolStats& averages) {
  const auto text = [](std::uint64_t value) { return std::to_string(value); };
  return "stats: " + text(averages.xact_count) + " xacts/s, " + text(averages.query_count) + " queries/s, " +
         text(averages.client_parse_count) + " client parses/s, " + text(averages.server_parse_count) + " server parses/s, " +
         text(averages.bind_count) + " binds/s, " + text(averages.client_login_count) + " client logins/s, in " +
         text(averages.received) + " B/s, out " + text(averages.sent) + " B/s, xact " + text(averages.xact_time) + " us, query " +
         text(averages.query_time) + " us, wait " + text(averages.wait_time) + " us";
}

StatsHistory::StatsHistory(Proxy& proxy, Worker& first) : proxy_(proxy), first_(first), alarm_(first.io()) {}

void StatsHistory::start() {
  last_us_ = first_.now_us();
  arm();
}

DatabaseStats StatsHistory::averages() const {
  const std::lock_guard lock(mutex_);
  return averages_;
}

void StatsHistory::arm() {
  alarm_.call_after(std::max(first_.config().stats_period, 1) * one_second, [this] { collect(); });
}

void StatsHistory::collect() {
  const auto parts = std::make_shared<std::vector<DatabaseStats>>(proxy_.worker_count());
  const auto step = [parts](Worker& worker) { (*parts)[worker.index()] = stats_of(worker); };
  proxy_.on_each_worker(first_, step, [this, parts] {
    DatabaseStats newest;
    for (const DatabaseStats& part : *parts) add(newest, part);
    take(newest, first_.now_us());
    arm();
  });
}

void StatsHistory::take(const DatabaseStats& newest, std::int64_t now_us) {
  const std::int64_t period_us = now_us - std::exchange(last_us_, now_us);
  DatabaseStats averages = difference(newest, last_);
  const PoolStats total = average(sum_of(averages), period_us);
  for (auto& [route, stats] : averages) stats = average(stats, period_us);
  last_ = newest;
  const std::string line = stats_line(total);
  if (first_.config().log_stats != 0) log_line(LogLevel::info, line);
  proxy_.tell_service_manager(service_manager::status(line));
  const std::lock_guard lock(mutex_);
  averages_ = std::move(averages);
}

}  // namespace pgswitch::admin
