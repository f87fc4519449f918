#pragma once
#include <cstddef>

#include "proxy/pool.hpp"

namespace pgswitch {

/// Idle connections of a shard from newest to oldest. Links lie in the ServerConns; owns nothing.
class IdleList {
 public:
  void push(ServerConn& server);  ///< becomes the newest
  void remove(ServerConn& server);
  ServerConn* newest() const { return newest_; }
  ServerConn* oldest() const { return oldest_; }
  static ServerConn* newer(const ServerConn& server) { return server.newer_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  ServerConn* newest_ = nullptr;
  ServerConn* oldest_ = nullptr;
  std::size_t size_ = 0;
};

/// Waiters of a shard, first come, first served. Links lie in the waiters; owns nothing.
class WaiterQueue {
 public:
  void push(LeaseWaiter& waiter);
  void push_front(LeaseWaiter& waiter);  ///< it had its turn and got nothing
  void remove(LeaseWaiter& waiter);
  LeaseWaiter* front() const { return first_; }
  static LeaseWaiter* next(const LeaseWaiter& waiter) { return waiter.next_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  LeaseWaiter* first_ = nullptr;
  LeaseWaiter* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace pgswitch
