#include "proxy/side_thread.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <memory>
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
  const auto alarm = std::make_shared<Alarm>(io);
  asio::post(threads_, [alarm, &io, job = std::move(work)] {
    job();
    post_to(io, [alarm] { alarm->wake(); });
  });
  co_await alarm->wait(0);
}

void SideThread::stop() {
  threads_.stop();
  threads_.join();
}

}  // namespace pgswitch
