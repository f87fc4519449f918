#include "proxy/side_thread.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <thread>

namespace pgswitch {

namespace asio = boost::asio;

namespace {

/// Logins may take half of the machine: the other half keeps on relaying.
std::size_t thread_count() { return std::clamp<std::size_t>(std::thread::hardware_concurrency() / 2, 1, 4); }

}  // namespace

SideThread::SideThread() : threads_(thread_count()) {}

asio::awaitable<void> SideThread::run(asio::io_context& io, std::function<void()> work) {
  const auto wake = std::make_shared<asio::steady_timer>(io, asio::steady_timer::time_point::max());
  asio::post(threads_, [wake, &io, job = std::move(work)] {
    job();
    asio::post(io, [wake] { wake->expires_at(asio::steady_timer::time_point::min()); });
  });
  boost::system::error_code ignored;
  co_await wake->async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

void SideThread::stop() {
  threads_.stop();
  threads_.join();
}

}  // namespace pgswitch
