#include "proxy/alarm.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>

#include "proxy/poller.hpp"

namespace pgswitch {
namespace {

namespace asio = boost::asio;

/// A loop whose clock the test sets.
struct AlarmTest : testing::Test {
  AlarmTest() {
    poller.set_clock([](void* self) { return static_cast<AlarmTest*>(self)->now_us; }, this);
  }
  void turn() {
    poller.turn(0);
    poller.turn(0);
  }
  /// A coroutine that sleeps in `alarm` and then says how it was woken.
  void sleep_in(Alarm& alarm, std::int64_t deadline_us) {
    asio::co_spawn(io, sleeper(alarm, deadline_us), asio::detached);
    turn();
  }
  asio::awaitable<void> sleeper(Alarm& alarm, std::int64_t deadline_us) {
    const bool woken = co_await alarm.wait(deadline_us);
    log += woken ? "woken " : "late ";
  }

  std::int64_t now_us = 1;
  asio::io_context io{1};
  Poller poller{io};
  std::string log;
};

TEST_F(AlarmTest, a_sleeper_goes_on_when_its_time_has_come_and_not_before) {
  Alarm alarm(io);
  sleep_in(alarm, 1000);
  now_us = 999;
  turn();
  EXPECT_EQ(log, "");
  now_us = 1000;
  turn();
  EXPECT_EQ(log, "late ");
}

TEST_F(AlarmTest, wake_ends_the_sleep_whatever_the_time) {
  Alarm alarm(io);
  sleep_in(alarm, 0);
  alarm.wake();
  EXPECT_EQ(log, "") << "from the loop, never from inside wake()";
  turn();
  EXPECT_EQ(log, "woken ");
}

TEST_F(AlarmTest, wake_before_the_sleep_is_remembered_once) {
  Alarm alarm(io);
  alarm.wake();
  sleep_in(alarm, 1000);
  EXPECT_EQ(log, "woken ");
  sleep_in(alarm, 1000);
  EXPECT_EQ(log, "woken ");
}

TEST_F(AlarmTest, the_earliest_goes_first) {
  Alarm late(io), early(io);
  sleep_in(late, 3000);
  sleep_in(early, 2000);
  EXPECT_EQ(AlarmClock::of(io).next_us(), 2000);
  now_us = 2500;
  turn();
  EXPECT_EQ(log, "late ");
  EXPECT_EQ(AlarmClock::of(io).next_us(), 3000);
}

TEST_F(AlarmTest, an_alarm_that_dies_takes_its_sleeper_along) {
  auto alarm = std::make_unique<Alarm>(io);
  sleep_in(*alarm, 1000);
  alarm.reset();
  now_us = 2000;
  turn();
  EXPECT_EQ(log, "");
  EXPECT_EQ(AlarmClock::of(io).next_us(), AlarmClock::never);
}

TEST_F(AlarmTest, a_call_is_made_once_and_wake_forgets_it) {
  Alarm alarm(io);
  alarm.call_after(0, [this] { log += "called "; });
  now_us = INT64_MAX - 1;
  turn();
  turn();
  EXPECT_EQ(log, "called ");
  alarm.call_after(0, [this] { log += "again "; });
  alarm.wake();
  turn();
  EXPECT_EQ(log, "called ");
}

TEST(Poller, a_post_of_another_thread_ends_its_wait) {
  asio::io_context io{1};
  Poller poller{io};
  std::thread other([&] {
    post_to(io, [&] { poller.stop(); });
  });
  poller.run();
  other.join();
}

TEST(AlarmClock, what_still_sleeps_is_destroyed_with_its_loop) {
  const auto held = std::make_shared<int>(0);
  {
    asio::io_context io{1};
    Poller poller{io};
    const auto sleep = [](asio::io_context& loop, std::shared_ptr<int> kept) -> asio::awaitable<void> {
      Alarm alarm(loop);
      co_await alarm.wait(0);
      kept.reset();
    };
    asio::co_spawn(io, sleep(io, held), asio::detached);
    poller.turn(0);
    EXPECT_GT(held.use_count(), 1);
  }
  EXPECT_EQ(held.use_count(), 1);
}

}  // namespace
}  // namespace pgswitch
