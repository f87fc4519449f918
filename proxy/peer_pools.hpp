#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <utility>

namespace pgswitch {

/// CancelRequests on their way to one peer: a row of SHOW PEER_POOLS.
struct PeerPool {
  std::uint32_t waiting = 0;     ///< for one of the peer's pool_size turns
  std::uint32_t active = 0;      ///< have their turn
  std::uint32_t connecting = 0;  ///< of these: the connection is not made yet
};

/// All of them, by peer id. Owned by the Proxy; any thread.
class PeerPools {
 public:
  /// Runs `step` on the pool of that peer while nobody else looks; returns what it does.
  template <class Step>
  auto update(int peer, Step step) {
    const std::lock_guard lock(mutex_);
    return step(pools_[peer]);
  }
  PeerPool pool(int peer) {
    return update(peer, [](const PeerPool& pool) { return pool; });
  }

 private:
  std::mutex mutex_;
  std::map<int, PeerPool> pools_;
};

}  // namespace pgswitch
