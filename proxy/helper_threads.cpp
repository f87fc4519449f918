#include "proxy/helper_threads.hpp"

#include <atomic>
#include <boost/asio/post.hpp>

#include "proxy/alarm.hpp"

namespace pgswitch {

namespace asio = boost::asio;

namespace {

/// Shared by the two threads; dies on the loop's.
struct Wait {
  explicit Wait(asio::io_context& io) : alarm(io) {}
  Alarm alarm;
  std::atomic<bool> given_up{false};
};

}  // namespace

asio::thread_pool& HelperThreads::threads() {
  const std::lock_guard lock(mutex_);
  if (!threads_) threads_ = std::make_unique<asio::thread_pool>(count_);
  return *threads_;
}

void HelperThreads::post(std::function<void()> work) { asio::post(threads(), std::move(work)); }
void HelperThreads::join() {
  const std::lock_guard lock(mutex_);
  threads_.reset();
}

asio::awaitable<bool> HelperThreads::run(asio::io_context& io, std::int64_t deadline_us, std::function<void()> work) {
  auto wait = std::make_shared<Wait>(io);
  asio::post(threads(), [wait, &io, work = std::move(work)]() mutable {
    if (!wait->given_up.load()) work();
    work = nullptr;
    post_to(io, [wait = std::move(wait)] { wait->alarm.wake(); });
  });
  const bool done = co_await wait->alarm.wait(deadline_us);
  if (!done) wait->given_up.store(true);
  co_return done;
}

}  // namespace pgswitch
