// SUSPEND: everything stands still, and goes on where it was.
#include "proxy/client_session.hpp"
#include "proxy/log.hpp"
#include "proxy/proxy.hpp"

namespace pgswitch {

void Proxy::suspend(bool suspended) {
  suspended_ = suspended;
  // Each takes what holds by then: posts of two threads, one that suspends and one that ends it, come in any order.
  workers_.front()->post([this] {
    for (const auto& listener : listeners_) listener->suspend(is_suspended());
  });
  for (const auto& worker : workers_) worker->post([this, target = worker.get()] { target->suspend(is_suspended()); });
}

void Worker::suspend(bool suspended) {
  suspended_ = suspended;
  for (std::size_t slot = 0; slot < sessions_.size(); ++slot) {
    if (sessions_[slot]) sessions_[slot]->suspension_changed();
  }
}

ConsolePresence::~ConsolePresence() {
  if (--proxy_.consoles_ > 0 || !proxy_.is_suspended()) return;
  log_line(LogLevel::info, "the last console has left, continuing from SUSPEND");
  proxy_.suspend(false);
}

}  // namespace pgswitch
