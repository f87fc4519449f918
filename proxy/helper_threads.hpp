#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

namespace pgswitch {

/// Threads for work that must not hold up a worker: Proxy::cpu_threads() for milliseconds of computing, Proxy::login_threads() for what a
/// login asks of others, who may take as long as they like, Proxy::disk_threads() for files. Made at first use; any thread may use them.
class HelperThreads {
 public:
  explicit HelperThreads(std::size_t count) : count_(count) {}

  /// Runs `work` on one of the threads while the calling coroutine, which lives on `io`, waits. False when `deadline_us`
  /// (steady clock, 0 = none) passes first: `work` then runs to its end all the same, or, if it has not begun, not at all.
  /// So `work` must own what it refers to, where there is a deadline. `io` must outlive it.
  boost::asio::awaitable<bool> run(boost::asio::io_context& io, std::int64_t deadline_us, std::function<void()> work);
  /// Runs `work` on one of the threads; nobody waits. What has not begun when this object ends is dropped.
  void post(std::function<void()> work);

  /// Waits for what is running; what has not begun never will. Nothing may be run any more.
  void join();

 private:
  boost::asio::thread_pool& threads();

  std::size_t count_;
  std::mutex mutex_;
  std::unique_ptr<boost::asio::thread_pool> threads_;
};

}  // namespace pgswitch
