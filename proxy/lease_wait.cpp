#include "proxy/lease_wait.hpp"

#include "proxy/alarm.hpp"

namespace pgswitch {

namespace asio = boost::asio;

namespace {

/// Sleeps in a coroutine until the shard calls.
class CoroutineWaiter final : public LeaseWaiter {
 public:
  explicit CoroutineWaiter(asio::io_context& io) : alarm(io) {}
  void on_lease(Lease granted) override {
    lease = std::move(granted);
    alarm.wake();
  }
  void on_lease_failed(const protocol::SqlError& reason) override {
    error = reason;
    alarm.wake();
  }

  Alarm alarm;
  Lease lease;
  protocol::SqlError error;
};

}  // namespace

asio::awaitable<Lease> wait_for_lease(asio::io_context& io, PoolShard& shard, const std::string& login_user, std::int64_t deadline_us,
                                      protocol::SqlError& error) {
  CoroutineWaiter waiter(io);
  waiter.wait_timeout_us = shard.query_wait_timeout_of(login_user);
  Lease lease = shard.acquire(waiter);
  if (lease) co_return lease;
  const bool woken = co_await waiter.alarm.wait(deadline_us);
  if (!woken) {
    shard.cancel_wait(waiter);
    error = {};
    error.severity = protocol::Severity::fatal;
    error.sqlstate = protocol::sqlstate::cannot_connect_now;
    error.message = "client_login_timeout (server down)";
    co_return Lease();
  }
  error = waiter.error;
  co_return std::move(waiter.lease);
}

}  // namespace pgswitch
