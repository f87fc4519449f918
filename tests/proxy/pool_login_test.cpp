#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/proxy/pool_fixture.hpp"

namespace pgswitch::pool_test {
namespace {

TEST_F(PoolTest, a_refused_login_kills_waiters_with_the_servers_code_and_is_remembered) {
  server.greeting = sql_error("28P01", "password authentication failed");
  PoolShard& shard = make();
  Waiter waiter, late;
  shard.acquire(waiter);
  wait_for(waiter);
  EXPECT_EQ(waiter.error.sqlstate, "28P01");
  EXPECT_EQ(waiter.error.message, "password authentication failed");
  shard.acquire(late);
  EXPECT_EQ(late.calls, 0);
  wait_for(late);
  EXPECT_EQ(late.error.message,
            "server login has been failing, cached error: password authentication failed (server_login_retry)");
  EXPECT_EQ(server.backends.size(), 1u) << "no second attempt";
  EXPECT_EQ(permits(), 0u);
}

TEST_F(PoolTest, a_server_that_is_starting_up_or_full_keeps_waiters_queued) {
  const std::string good = server.greeting;
  for (const char* code : {"57P03", "53300"}) {
    server.greeting = sql_error(code, "not now");
    PoolShard& shard = make(code);
    Waiter waiter;
    shard.acquire(waiter);
    ASSERT_TRUE(loop.run_until([&] { return shard.counts().login == 0; }));
    EXPECT_EQ(waiter.calls, 0);
    server.greeting = good;
    loop.skew_us += 1'000'000;
    shard.tick();
    wait_for(waiter);
    EXPECT_TRUE(waiter.got());
  }
}

TEST_F(PoolTest, an_unreachable_server_is_reported_only_after_server_login_retry) {
  server.stop();
  PoolShard& shard = make();
  Waiter waiter;
  shard.acquire(waiter);
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().login == 0; }));
  EXPECT_EQ(waiter.calls, 0);
  loop.skew_us += settings.config.server_login_retry;
  shard.tick();
  wait_for(waiter);
  EXPECT_EQ(waiter.error.sqlstate, "57P03");
  EXPECT_NE(waiter.error.message.find("cached error: cannot connect: Connection refused"), std::string::npos)
      << waiter.error.message;
}

TEST_F(PoolTest, logins_that_fail_together_count_as_one_failure) {
  const std::string good = server.greeting;
  server.greeting = sql_error("57P03", "starting up");
  PoolShard& shard = make();
  std::list<Waiter> waiters(8);
  for (Waiter& waiter : waiters) shard.acquire(waiter);
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().login == 0; }));
  EXPECT_EQ(server.backends.size(), 8u);
  server.greeting = good;
  loop.skew_us += 200'000;
  shard.tick();
  wait_for(waiters.front());
  EXPECT_TRUE(waiters.front().got()) << "the second attempt comes after the shortest wait";
  for (Waiter& waiter : waiters) shard.cancel_wait(waiter);
}

// After an outage the pools of all workers and processes would come in step otherwise.
TEST(RetryWait, grows_to_its_limit_and_differs_from_pool_to_pool) {
  constexpr Microseconds most = 15 * one_second;
  std::set<Microseconds> all;
  for (std::size_t pool = 0; pool < 100; ++pool) {
    for (std::uint32_t failures = 0; failures < 100; ++failures) {
      const Microseconds longest = std::min<Microseconds>(100'000ll << std::min(failures, 16u), most);
      const Microseconds wait = retry_wait(failures, pool * sizeof(PoolShard) + failures, most);
      EXPECT_LE(wait, longest);
      EXPECT_GE(wait, longest - longest / 4);
      if (failures == 3) all.insert(wait / 10'000);
    }
  }
  EXPECT_GT(all.size(), 15u) << "of the 20 hundredths of a second that there are";
}

TEST_F(PoolTest, a_connection_that_logs_in_is_shown) {
  server.greeting.clear();
  PoolShard& shard = make();
  Waiter waiter;
  shard.acquire(waiter);
  ASSERT_TRUE(loop.run_until([&] { return server.backends.size() == 1; }));
  std::vector<std::string_view> states;
  shard.each([&](const ServerConn& connection) { states.push_back(to_string(connection.status())); });
  EXPECT_EQ(states, std::vector<std::string_view>{"new"});
  shard.cancel_wait(waiter);
}

TEST_F(PoolTest, tries_the_next_host_when_one_refuses) {
  settings.database.hosts = {"127.0.0.2", "127.0.0.1"};
  PoolShard& shard = make();
  EXPECT_EQ(lease(shard)->address, "127.0.0.1");
}

struct HostileServer {
  const char* name;
  std::string greeting;
};
class HostileLogin : public PoolTest, public testing::WithParamInterface<HostileServer> {};

TEST_P(HostileLogin, ends_the_attempt_and_leaks_nothing) {
  server.greeting = GetParam().greeting;
  PoolShard& shard = make();
  Waiter waiter;
  shard.acquire(waiter);
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().login == 0; }));
  EXPECT_EQ(permits(), 0u);
  EXPECT_FALSE(waiter.got());
  shard.cancel_wait(waiter);
}

std::string ok_then(const std::string& rest) {
  std::string out;
  protocol::write_authentication(out, 0);
  return out + rest;
}
INSTANTIATE_TEST_SUITE_P(
    Greetings, HostileLogin,
    testing::Values(HostileServer{"ready_before_authentication", ready()}, HostileServer{"http", "HTTP/1.1 400 Bad Request"},
                    HostileServer{"huge_frame", std::string("R\x7f\xff\xff\xff", 5)},
                    HostileServer{"in_a_transaction", ok_then(ready('T'))},
                    HostileServer{"unknown_frame", ok_then(std::string("!\0\0\0\4", 5))},
                    HostileServer{"broken_parameter", ok_then(std::string("S\0\0\0\5x", 6))},
                    HostileServer{"unknown_authentication", std::string("R\0\0\0\x08\0\0\0\x63", 9)}),
    [](const auto& row_info) { return std::string(row_info.param.name); });

}  // namespace
}  // namespace pgswitch::pool_test
