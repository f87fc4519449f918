#pragma once
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "protocol/buffer.hpp"
#include "proxy/config.hpp"
#include "proxy/poller.hpp"
#include "proxy/stats.hpp"
#include "rules/engine.hpp"

namespace pgswitch {

class ClientSession;
class Proxy;
class Router;

/// A thread with everything it needs for itself: event loop, sessions, pool shards, rules, statement cache, counters.
/// Worker 0 runs on the main thread. Nothing here is touched by another thread; others post() to it.
class Worker {
 public:
  Worker(Proxy& proxy, unsigned index, ConfigPtr config, std::unique_ptr<rules::Engine> engine);
  ~Worker();

  unsigned index() const { return index_; }
  boost::asio::io_context& io() { return io_; }
  Poller& poller() { return poller_; }
  Proxy& proxy() { return proxy_; }
  Router& router() { return *router_; }
  rules::Engine& engine() { return *engine_; }
  protocol::BufferSlab& slab() { return slab_; }
  RouterStats& stats() { return stats_; }
  const Config& config() const { return *config_; }
  const ConfigPtr& config_ptr() const { return config_; }

  /// Steady clock in µs, read once per turn of the loop.
  std::int64_t now_us() const { return now_us_; }

  /// Takes over a configuration and its rules (posted by Proxy::reload).
  void adopt(ConfigPtr config, std::unique_ptr<rules::Engine> engine);

  /// Sessions of this worker, addressed by slot (cancel keys hold the slot). Slots are reused.
  std::uint32_t add_session(std::unique_ptr<ClientSession> session);
  void remove_session(std::uint32_t slot);
  ClientSession* session(std::uint32_t slot);
  const std::vector<std::unique_ptr<ClientSession>>& sessions() const { return sessions_; }

  void start();  ///< worker 0: prepares only; others: start their thread (16 MB stack: the SQL parser recurses)
  void run();    ///< the loop, until stop()
  void stop();
  void join();

 private:
  void tick();  ///< every 100 ms: deadlines of sessions and servers
  // (remaining members are net's business)
  Proxy& proxy_;
  unsigned index_;
  boost::asio::io_context io_{1};
  Poller poller_{io_};
  ConfigPtr config_;
  std::unique_ptr<rules::Engine> engine_;
  std::unique_ptr<Router> router_;
  protocol::BufferSlab slab_;
  RouterStats stats_;
  std::int64_t now_us_ = 0;
  std::vector<std::unique_ptr<ClientSession>> sessions_;
  std::vector<std::uint32_t> free_slots_;
};

}  // namespace pgswitch
