#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "proxy/alarm.hpp"
#include "proxy/stats.hpp"
#include "rules/decision.hpp"

namespace pgswitch {
class Proxy;
class Worker;
}  // namespace pgswitch

namespace pgswitch::admin {

/// Counters of each database: the sum of its pools.
using DatabaseStats = std::map<rules::RouteId, PoolStats>;
/// On the worker's thread.
DatabaseStats stats_of(Worker& worker);
void add(DatabaseStats& sum, const DatabaseStats& part);
PoolStats sum_of(const DatabaseStats& databases);

/// What happened between two snapshots. Nothing is ever negative, even when pools have gone meanwhile.
DatabaseStats difference(const DatabaseStats& newer, const DatabaseStats& older);
/// Per second (counts, bytes) or per event (times), as pgbouncer has it; `sum` covers `period_us`.
PoolStats average(const PoolStats& sum, std::int64_t period_us);
/// pgbouncer's "stats: ..." log line.
std::string stats_line(const PoolStats& averages);

/// Takes a snapshot of all workers every stats_period and keeps the averages of the last full one; writes them to the log
/// with log_stats. One per process; start() belongs to worker 0, averages() to any thread.
class StatsHistory {
 public:
  StatsHistory(Proxy& proxy, Worker& first);
  void start();
  /// Empty until the first period is over.
  DatabaseStats averages() const;

 private:
  void arm();
  void collect();
  void take(const DatabaseStats& newest, std::int64_t now_us);

  Proxy& proxy_;
  Worker& first_;
  Alarm alarm_;
  DatabaseStats last_;
  std::int64_t last_us_ = 0;
  mutable std::mutex mutex_;  ///< averages_
  DatabaseStats averages_;
};

}  // namespace pgswitch::admin
