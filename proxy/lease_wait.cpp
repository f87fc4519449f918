#include "proxy/lease_wait.hpp"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>

namespace pgswitch {

namespace asio = boost::asio;

namespace {

/// Sleeps in a coroutine until the shard calls.
class CoroutineWaiter final : public LeaseWaiter {
 public:
  explicit CoroutineWaiter(asio::io_context& io) : timer(io) {}
  void on_lease(Lease granted) override {
    lease = std::move(granted);
    wake();
  }
  void on_lease_failed(const protocol::SqlError& reason) override {
    error = reason;
    wake();
  }

  asio::steady_timer timer;
  Lease lease;
  protocol::SqlError error;
  bool woken = false;

 private:
  void wake() {
    woken = true;
    timer.cancel();
  }
};

}  // namespace

asio::awaitable<Lease> wait_for_lease(asio::io_context& io, PoolShard& shard, std::int64_t deadline_us,
                                      protocol::SqlError& error) {
  CoroutineWaiter waiter(io);
  Lease lease = shard.acquire(waiter);
  if (lease) co_return lease;
  using Clock = std::chrono::steady_clock;
  waiter.timer.expires_at(deadline_us > 0 ? Clock::time_point(std::chrono::microseconds(deadline_us))
                                          : Clock::time_point::max());
  boost::system::error_code ignored;
  co_await waiter.timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (!waiter.woken) {
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
