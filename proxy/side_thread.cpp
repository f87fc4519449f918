#include "proxy/side_thread.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <thread>

#include "proxy/alarm.hpp"

namespace pgswitch {

namespace asio = boost::asio;

namespace {

/// Logins may take half of the machine: the other half keeps on relaying.
std::size_t thread_count() { return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 4); }

}  // namespace

SideThread::SideThread() : threads_(thread_count()) {}

asio::awaitable<void> SideThread::run(asio::io_context& io, std::function<void()> work) {
  return sleep_until_told(io, [this, job = std::move(work)](std::function<void()> tell) {
    asio::post(threads_, [job, tell = std::move(tell)] {
      job();
      tell();
    });
  });
}

void SideThread::stop() {
  threads_.stop();
  threads_.join();
}

}  // namespace pgswitch
