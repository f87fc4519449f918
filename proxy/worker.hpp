#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <pthread.h>
#include <utility>
#include <vector>

#include "protocol/buffer.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/client_address.hpp"
#include "proxy/config.hpp"
#include "proxy/object_slab.hpp"
#include "proxy/poller.hpp"
#include "proxy/route_board.hpp"
#include "proxy/spool_files.hpp"
#include "proxy/stats.hpp"
#include "proxy/tls.hpp"
#include "rules/engine.hpp"

namespace pgswitch {

class ClientSession;
class Proxy;
class Router;

/// A thread with everything it needs for itself: event loop, sessions, pool shards, rules, statement cache, counters.
/// Nothing here is touched by another thread; others post() to it. Worker 0 also accepts clients and has the signals.
class Worker {
 public:
  Worker(Proxy& proxy, unsigned index, ConfigPtr config, std::unique_ptr<rules::Engine> engine, TlsContexts tls = {});
  ~Worker();

  unsigned index() const { return index_; }
  boost::asio::io_context& io() { return io_; }
  Poller& poller() { return poller_; }
  Proxy& proxy() { return proxy_; }
  Router& router() { return *router_; }
  rules::Engine& engine() { return *engine_; }
  protocol::BufferSlab& slab() { return slab_; }
  const ObjectSlab& session_memory() const { return session_memory_; }
  ObjectSlab& relay_memory() { return relay_memory_; }
  SpoolFiles& spool_files() { return spool_files_; }
  RouterStats& stats() { return stats_; }
  /// Never no_route. Route numbers are small: they count the names seen.
  RouteStats& route_stats(rules::RouteId route) {
    if (route >= route_stats_.size()) route_stats_.resize(route + 1);
    return route_stats_[route];
  }
  /// By RouteId.
  const std::vector<RouteStats>& all_route_stats() const { return route_stats_; }
  RouteView& route_view() { return route_view_; }
  const Config& config() const { return *config_; }
  const ConfigPtr& config_ptr() const { return config_; }
  /// nullptr: TLS is off on that side. Keep a copy of the pointer over a co_await, a reload replaces it.
  const TlsContextPtr& client_tls() const { return tls_.client; }
  const TlsContextPtr& server_tls() const { return tls_.server; }

  /// Runs `step` on this worker's thread, later. Any thread.
  template <class Step>
  void post(Step&& step) {
    post_to(io_, std::forward<Step>(step));
  }

  /// Steady clock in µs, read once per turn of the loop and once per tick.
  std::int64_t now_us() const { return now_us_; }
  void refresh_clock();

  /// Takes over a configuration and its rules (posted by Proxy::reload).
  void adopt(ConfigPtr config, std::unique_ptr<rules::Engine> engine, TlsContexts tls);

  /// The same for rules alone.
  void adopt_rules(std::unique_ptr<rules::Engine> engine) { engine_ = std::move(engine); }

  /// Sessions of this worker, addressed by slot (cancel keys hold the slot). Slots are reused.
  /// A client's connected, non-blocking socket, announced by expect_session() before.
  void begin_session(int fd, ClientAddress address);
  std::uint32_t add_session(std::unique_ptr<ClientSession> session);
  void remove_session(std::uint32_t slot);
  ClientSession* session(std::uint32_t slot);
  /// Free slots are nullptr.
  const std::vector<std::unique_ptr<ClientSession>>& sessions() const { return sessions_; }
  /// Clients here and on their way here. Any thread.
  std::uint32_t session_count() const { return session_count_.load(std::memory_order_relaxed); }
  void expect_session() { session_count_.fetch_add(1, std::memory_order_relaxed); }
  /// Memory of a session has become free. When that was much, the heap is asked to give it back to the system.
  void note_freed() { ++freed_; }
  /// A client has begun to log in.
  void login_begins() { ++logins_; }
  /// What that took is free. With many others under way it lay in between theirs.
  void login_ends();
  void session_gone() { session_count_.fetch_sub(1, std::memory_order_relaxed); }

  /// Sessions are given no server any more, but for transactions that are open already.
  void stop_leasing();
  bool leases_end() const { return leases_end_; }
  /// Logins of clients who connect from now on are refused, except at the console.
  void begin_draining() { draining_since_us_ = now_us_; }
  /// Every session ends at its next transaction boundary with `reason`.
  void shut_down_sessions(const protocol::SqlError& reason);
  /// A client who connected then (own clock) came too late.
  bool refuses(std::int64_t connected_us) const { return draining_since_us_ != 0 && connected_us > draining_since_us_; }

  /// SUSPEND: sessions read from nobody, and their times stand still, until it is false again (proxy_suspend.cpp).
  void suspend(bool suspended);
  bool is_suspended() const { return suspended_; }

  /// CancelRequests being sent to servers by this worker (proxy/cancel.cpp).
  std::uint32_t cancels_in_flight = 0;

  void start();  ///< starts the thread (16 MB stack: the SQL parser recurses) that runs the loop until stop()
  void stop();   ///< any thread
  void join();   ///< from outside, after stop()

 private:
  static void* thread_main(void* self);
  void run();
  void arm_tick();
  void trim_memory();
  void tick();  ///< every 100 ms: deadlines of sessions and servers

  Proxy& proxy_;
  unsigned index_;
  boost::asio::io_context io_{1};
  Poller poller_{io_};
  Alarm tick_alarm_{io_};
  ConfigPtr config_;
  std::unique_ptr<rules::Engine> engine_;
  TlsContexts tls_;
  protocol::BufferSlab slab_;
  ObjectSlab session_memory_, relay_memory_;
  SpoolFiles spool_files_{*this};
  std::unique_ptr<Router> router_;
  RouterStats stats_;
  std::vector<RouteStats> route_stats_;
  RouteView route_view_{*this};
  std::int64_t now_us_ = 0;
  std::int64_t draining_since_us_ = 0;
  std::uint32_t ticks_ = 0;
  std::uint32_t logins_ = 0;  ///< under way
  std::uint32_t freed_ = 0;  ///< sessions that have given memory back since it was trimmed
  std::vector<std::unique_ptr<ClientSession>> sessions_;
  std::vector<std::uint32_t> free_slots_;
  std::atomic<std::uint32_t> session_count_{0};
  pthread_t thread_{};
  bool started_ = false;
  bool suspended_ = false;
  bool leases_end_ = false;
};

}  // namespace pgswitch
