#include "proxy/pool_queue.hpp"

namespace pgswitch {

void IdleList::push(ServerConn& server) {
  server.newer_ = nullptr;
  server.older_ = newest_;
  (newest_ ? newest_->newer_ : oldest_) = &server;
  newest_ = &server;
  ++size_;
}

void IdleList::remove(ServerConn& server) {
  (server.newer_ ? server.newer_->older_ : newest_) = server.older_;
  (server.older_ ? server.older_->newer_ : oldest_) = server.newer_;
  server.newer_ = server.older_ = nullptr;
  --size_;
}

void WaiterQueue::push(LeaseWaiter& waiter) {
  waiter.next_ = nullptr;
  waiter.previous_ = last_;
  (last_ ? last_->next_ : first_) = &waiter;
  last_ = &waiter;
  ++size_;
}

void WaiterQueue::push_front(LeaseWaiter& waiter) {
  waiter.previous_ = nullptr;
  waiter.next_ = first_;
  (first_ ? first_->previous_ : last_) = &waiter;
  first_ = &waiter;
  ++size_;
}

void WaiterQueue::remove(LeaseWaiter& waiter) {
  (waiter.previous_ ? waiter.previous_->next_ : first_) = waiter.next_;
  (waiter.next_ ? waiter.next_->previous_ : last_) = waiter.previous_;
  waiter.next_ = waiter.previous_ = nullptr;
  --size_;
}

}  // namespace pgswitch
