#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>

namespace pgswitch {

/// Threads of the process for work of milliseconds that needs nothing but the CPU (PBKDF2) and must not hold up a worker.
/// Owned by the Proxy; any thread may use it.
class SideThread {
 public:
  SideThread();

  /// Runs `work` on another thread while the calling coroutine, which lives on `io`, waits for its end. What `work` refers
  /// to must not be touched meanwhile, and `io` must outlive it.
  boost::asio::awaitable<void> run(boost::asio::io_context& io, std::function<void()> work);
  /// Waits for what runs; what is queued is dropped and those who wait for it are never woken.
  void stop();

 private:
  boost::asio::thread_pool threads_;
};

}  // namespace pgswitch
