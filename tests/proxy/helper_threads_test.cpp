#include "proxy/helper_threads.hpp"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "proxy/clock.hpp"
#include "proxy/poller.hpp"

namespace pgswitch {
namespace {

namespace asio = boost::asio;

struct Waiting {
  asio::io_context io{1};
  Poller poller{io};
  HelperThreads threads{1};
  int ended = 0;
  bool done = false;

  void start(std::int64_t deadline_us, std::function<void()> work) {
    asio::co_spawn(io, wait(deadline_us, std::move(work)), asio::detached);
  }
  asio::awaitable<void> wait(std::int64_t deadline_us, std::function<void()> work) {
    done = co_await threads.run(io, deadline_us, std::move(work));
    ++ended;
  }
  void run_until(int count) {
    const std::int64_t end = steady_us() + 10'000'000;
    while (ended < count && steady_us() < end) poller.turn(1);
    ASSERT_EQ(ended, count);
  }
};

TEST(HelperThreads, do_the_work_elsewhere_and_wake_who_waits) {
  Waiting waiting;
  std::thread::id worker;
  waiting.start(0, [&worker] { worker = std::this_thread::get_id(); });
  waiting.run_until(1);
  EXPECT_TRUE(waiting.done);
  EXPECT_NE(worker, std::this_thread::get_id());
  EXPECT_NE(worker, std::thread::id());
}

TEST(HelperThreads, whoever_waits_too_long_goes_on_and_work_not_begun_is_dropped) {
  Waiting waiting;
  std::promise<void> release;
  const std::shared_future<void> gate = release.get_future().share();
  std::atomic<bool> begun{false}, first_ended{false}, second_ran{false};
  int tries = 0;
  do {  // until the thread is quick enough
    waiting.start(steady_us() + 20'000, [&begun, &first_ended, gate] {
      begun = true;
      gate.wait();
      first_ended = true;
    });
    waiting.run_until(++tries);
  } while (!begun);
  EXPECT_FALSE(waiting.done);
  waiting.start(steady_us() + 1000, [&second_ran] { second_ran = true; });
  waiting.run_until(tries + 1);
  EXPECT_FALSE(waiting.done);
  EXPECT_FALSE(first_ended);
  release.set_value();
  waiting.start(0, [] {});
  waiting.run_until(tries + 2);
  EXPECT_TRUE(waiting.done);
  EXPECT_TRUE(first_ended) << "what has begun runs to its end";
  EXPECT_FALSE(second_ran);
}

}  // namespace
}  // namespace pgswitch
