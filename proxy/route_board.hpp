#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "proxy/request_times.hpp"
#include "rules/decision.hpp"
#include "rules/route_state.hpp"

namespace pgswitch {

class Worker;

/// What the workers tell each other of the routes, for rules that ask. Nothing is written before the first of them does. One for
/// the process; any thread.
class RouteBoard {
 public:
  /// What one worker knows of a route.
  struct Share {
    std::uint32_t active = 0;
    std::uint32_t waiting = 0;
    bool failing = false;  ///< the last login to a server failed, and none is there
    Histogram times;
  };
  using Shares = std::map<rules::RouteId, Share>;

  bool is_wanted() const { return wanted_.load(std::memory_order_relaxed); }
  void want() { wanted_.store(true, std::memory_order_relaxed); }
  void publish(unsigned worker, Shares shares);
  /// All of them added up.
  Shares sum() const;

 private:
  std::atomic<bool> wanted_{false};
  mutable std::mutex mutex_;
  std::vector<Shares> workers_;
};

/// One worker's view of the board. Its thread only.
class RouteView {
 public:
  explicit RouteView(Worker& worker) : worker_(worker) {}
  /// For rules; at most a tick old. nullptr: no such route.
  const rules::RouteState* state(rules::RouteId route);
  /// The worker's tick: tells the others.
  void tick();
  void note_request(rules::RouteId route, std::int64_t time_us) {
    if (route >= times_.size()) times_.resize(route + 1);
    times_[route].add(time_us);
  }
  /// Of this worker.
  Histogram times(rules::RouteId route) const { return route < times_.size() ? times_[route].all() : Histogram(); }

 private:
  RouteBoard::Shares shares() const;
  void look();

  Worker& worker_;
  std::vector<RecentTimes> times_;  ///< by RouteId
  std::map<rules::RouteId, rules::RouteState> states_;
  std::int64_t looked_us_ = 0;
};

}  // namespace pgswitch
