// Server connections that end while nobody looks, and those that are ended while they work.
#include <gtest/gtest.h>

#include "tests/proxy/pool_fixture.hpp"

namespace pgswitch::pool_test {
namespace {

struct PoolLossTest : PoolTest {
  PoolLossTest() {
    loop.home.cancel = [this](const ServerConn& connection, std::int64_t) {
      EXPECT_TRUE(connection.stream.is_open()) << "a CancelRequest goes where the connection went";
      cancelled.push_back(connection.process_id);
      return nothing();
    };
  }
  static asio::awaitable<void> nothing() { co_return; }
  static Leftover left(std::uint32_t ready_expected, bool unusable) {
    Leftover leftover;
    leftover.ready_expected = ready_expected;
    leftover.unusable = unusable;
    return leftover;
  }
  /// What a killed server says; the loop does not run meanwhile, so the pool cannot have seen it.
  void kill(std::size_t backend) {
    server.backend(backend).send(sql_error("57P01", "terminating connection due to administrator command"));
    server.backend(backend).close();
  }
  std::vector<std::uint32_t> cancelled;
};

TEST_F(PoolLossTest, after_one_connection_has_ended_the_others_are_looked_at_before_they_are_lent) {
  PoolShard& shard = make();
  Lease first = lease(shard);
  Lease second = lease(shard);
  Lease third = lease(shard);
  const std::uint64_t living = second->id;
  second.give_back(Leftover());
  third.give_back(Leftover());
  kill(0);
  kill(2);
  first.close("server conn crashed?");
  Waiter waiter;
  Lease next = shard.acquire(waiter);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->id, living);
  EXPECT_EQ(permits(), 1u);
}

TEST_F(PoolLossTest, a_waiter_is_not_given_a_connection_that_has_ended) {
  settings.database.pool_size = 2;
  PoolShard& shard = make();
  Lease first = lease(shard);
  Lease second = lease(shard);
  const std::uint64_t dead = second->id;
  Waiter waiter;
  shard.acquire(waiter);
  first.close("server conn crashed?");
  second.give_back(Leftover());
  kill(1);
  wait_for(waiter);
  ASSERT_TRUE(waiter.got());
  EXPECT_NE(waiter.lease->id, dead);
}

TEST_F(PoolLossTest, what_a_server_runs_is_cancelled_when_its_connection_is_closed) {
  settings.database.pool_size = 1;
  PoolShard& shard = make();
  Lease held = lease(shard);
  held.give_back(left(0, true));
  EXPECT_EQ(cancelled, std::vector<std::uint32_t>{77}) << "half a message was sent";
  held = lease(shard);
  shard.reconnect("close_needed");
  held.give_back(left(1, false));
  EXPECT_EQ(cancelled.size(), 2u) << "a query ran";
  held = lease(shard);
  shard.reconnect("close_needed");
  held.give_back(Leftover());
  EXPECT_EQ(cancelled.size(), 2u) << "nothing ran";
  EXPECT_EQ(permits(), 0u);
}

TEST_F(PoolLossTest, a_server_that_has_gone_is_not_asked_to_cancel) {
  Lease held = lease(make());
  held->stream.close();
  held.give_back(left(1, true));
  EXPECT_TRUE(cancelled.empty());
}

}  // namespace
}  // namespace pgswitch::pool_test
