#include <gtest/gtest.h>

#include "tests/proxy/pool_fixture.hpp"

namespace pgswitch::pool_test {
namespace {

TEST_F(PoolTest, opens_a_connection_for_a_waiter_and_calls_it_by_post_once) {
  PoolShard& shard = make();
  Waiter waiter;
  EXPECT_FALSE(shard.acquire(waiter));
  EXPECT_EQ(waiter.calls, 0);
  EXPECT_EQ(permits(), 1u) << "a connecting socket holds its permit";
  wait_for(waiter);
  EXPECT_TRUE(waiter.got());
  EXPECT_EQ(waiter.lease->process_id, 77u);
  EXPECT_EQ(waiter.lease->state.reported[static_cast<std::size_t>(Tracked::date_style)], "ISO, MDY");
  loop.settle();
  EXPECT_EQ(waiter.calls, 1);
  EXPECT_EQ(shard.counts().active, 1u);
}

TEST_F(PoolTest, startup_packet_names_user_database_and_the_databases_own_settings) {
  settings.database.timezone = "UTC";
  Lease held = lease(make());
  const std::string expected = std::string("\0\3\0\0user\0alice\0database\0", 24) + settings.database.name +
                               std::string("\0timezone\0UTC\0\0", 15);
  EXPECT_EQ(server.backend(0).startup, expected);
}

TEST_F(PoolTest, reuses_the_connection_returned_last) {
  PoolShard& shard = make();
  Lease first = lease(shard);
  Lease second = lease(shard);
  const std::uint64_t last = second->id;
  first.give_back(Leftover());
  second.give_back(Leftover());
  EXPECT_EQ(lease(shard)->id, last);
}

TEST_F(PoolTest, round_robin_reuses_the_connection_returned_first) {
  settings.config.server_round_robin = 1;
  PoolShard& shard = make();
  Lease first = lease(shard);
  Lease second = lease(shard);
  const std::uint64_t oldest = first->id;
  first.give_back(Leftover());
  second.give_back(Leftover());
  EXPECT_EQ(lease(shard)->id, oldest);
}

TEST_F(PoolTest, serves_waiters_in_the_order_they_came) {
  settings.database.pool_size = 1;
  PoolShard& shard = make();
  Lease held = lease(shard);
  Waiter first, second;
  shard.acquire(first);
  shard.acquire(second);
  held.give_back(Leftover());
  EXPECT_EQ(first.calls, 0) << "never from inside give_back()";
  wait_for(first);
  EXPECT_EQ(second.calls, 0);
  first.lease.give_back(Leftover());
  wait_for(second);
  EXPECT_TRUE(second.got());
  EXPECT_EQ(server.backends.size(), 1u);
}

TEST_F(PoolTest, a_waiter_that_gave_up_is_not_called_even_when_its_lease_was_on_the_way) {
  settings.database.pool_size = 1;
  PoolShard& shard = make();
  Lease held = lease(shard);
  Waiter first, second;
  shard.acquire(first);
  shard.acquire(second);
  held.give_back(Leftover());
  shard.cancel_wait(first);
  wait_for(second);
  EXPECT_EQ(first.calls, 0);
  EXPECT_FALSE(first.is_waiting());
  EXPECT_TRUE(second.got());
}

TEST_F(PoolTest, never_opens_more_than_pool_size) {
  settings.database.pool_size = 2;
  PoolShard& shard = make();
  std::list<Waiter> waiters(5);
  for (Waiter& waiter : waiters) shard.acquire(waiter);
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().active == 2; }));
  loop.settle();
  EXPECT_EQ(server.backends.size(), 2u);
  EXPECT_EQ(permits(), 2u);
  EXPECT_EQ(shard.counts().waiting, 3u);
  for (Waiter& waiter : waiters) shard.cancel_wait(waiter);
}

TEST_F(PoolTest, closes_a_lease_that_was_not_given_back_and_frees_its_permit_at_once) {
  PoolShard& shard = make();
  { Lease held = lease(shard); }
  EXPECT_EQ(permits(), 0u);
  EXPECT_TRUE(shard.is_empty());
  EXPECT_TRUE(loop.run_until([&] { return server.open_backends() == 0; }));
}

TEST_F(PoolTest, takes_the_reserve_only_after_its_timeout) {
  settings.database.pool_size = 1;
  settings.database.reserve_pool_size = 1;
  PoolShard& shard = make();
  Lease held = lease(shard);
  Waiter waiter;
  shard.acquire(waiter);
  shard.tick();
  loop.settle();
  EXPECT_EQ(permits(), 1u);
  loop.skew_us += settings.config.reserve_pool_timeout;
  shard.tick();
  wait_for(waiter);
  EXPECT_TRUE(waiter.got());
  EXPECT_EQ(permits(), 2u);
}

TEST_F(PoolTest, query_wait_timeout_is_fatal_53300_and_each_waiter_has_its_own) {
  settings.database.pool_size = 1;
  PoolShard& shard = make();
  Lease held = lease(shard);
  Waiter patient, hasty;
  hasty.wait_timeout_us = 1000;
  shard.acquire(patient);
  shard.acquire(hasty);
  loop.skew_us += 2000;
  shard.tick();
  wait_for(hasty);
  EXPECT_EQ(hasty.error.message, "query_wait_timeout");
  EXPECT_EQ(hasty.error.sqlstate, "53300");
  EXPECT_EQ(patient.calls, 0);
  loop.skew_us += settings.config.query_wait_timeout;
  shard.tick();
  wait_for(patient);
  EXPECT_EQ(patient.error.message, "query_wait_timeout");
}

TEST_F(PoolTest, query_timeout_holds_for_waiters_too_as_57014) {
  settings.database.pool_size = 1;
  settings.config.query_timeout = one_second;
  settings.config.query_wait_timeout = 0;
  PoolShard& shard = make();
  Lease held = lease(shard);
  Waiter waiter;
  shard.acquire(waiter);
  shard.tick();
  EXPECT_EQ(waiter.calls, 0);
  loop.skew_us += one_second;
  shard.tick();
  wait_for(waiter);
  EXPECT_EQ(waiter.error.message, "query_timeout");
  EXPECT_EQ(waiter.error.sqlstate, "57014");
}

TEST_F(PoolTest, evicts_the_idle_connection_of_another_user_when_the_database_is_full) {
  settings.database.max_db_connections = 1;
  PoolShard& alice = make("alice");
  PoolShard& bob = make("bob");
  lease(alice).give_back(Leftover());
  EXPECT_EQ(alice.counts().idle, 1u);
  Lease held = lease(bob);
  EXPECT_TRUE(held);
  EXPECT_EQ(alice.counts().servers(), 0u);
  EXPECT_EQ(permits(), 1u);
}

TEST_F(PoolTest, a_connection_that_dies_while_idle_disappears) {
  PoolShard& shard = make();
  lease(shard).give_back(Leftover());
  server.backend(0).close();
  EXPECT_TRUE(loop.run_until([&] { return shard.is_empty(); }));
  EXPECT_EQ(permits(), 0u);
}

TEST_F(PoolTest, notes_a_parameter_that_changes_while_idle_and_closes_on_anything_else) {
  PoolShard& shard = make();
  lease(shard).give_back(Leftover());
  server.backend(0).send(parameter("DateStyle", "German, DMY"));
  std::string date_style;
  EXPECT_TRUE(loop.run_until([&] {
    shard.each([&](const ServerConn& c) { date_style = c.state.reported[static_cast<std::size_t>(Tracked::date_style)]; });
    return date_style == "German, DMY";
  }));
  EXPECT_EQ(shard.counts().idle, 1u);
  server.backend(0).send(complete("SELECT 1"));
  EXPECT_TRUE(loop.run_until([&] { return shard.is_empty(); }));
}

TEST_F(PoolTest, checks_a_connection_that_was_idle_for_long_before_it_is_reused) {
  PoolShard& shard = make();
  lease(shard).give_back(Leftover());
  loop.skew_us += settings.config.server_check_delay;
  EXPECT_EQ(shard.counts().used, 1u);
  Lease held = lease(shard);
  EXPECT_TRUE(held);
  EXPECT_EQ(server.backend(0).seen, std::vector<std::string>{"Q "});
  EXPECT_EQ(server.backends.size(), 1u);
}

TEST_F(PoolTest, a_failed_check_costs_the_waiter_only_time) {
  server.reply = [](const std::string&) { return sql_error("57P01", "terminating connection") ; };
  PoolShard& shard = make();
  lease(shard).give_back(Leftover());
  loop.skew_us += settings.config.server_check_delay;
  server.backend(0).close();
  EXPECT_TRUE(lease(shard));
  EXPECT_EQ(server.backends.size(), 2u);
}

TEST_F(PoolTest, runs_the_reset_query_in_session_pooling_and_never_lends_meanwhile) {
  settings.config.pool_mode = PoolMode::session;
  settings.config.server_reset_query = "DISCARD ALL";
  settings.database.pool_size = 1;
  PoolShard& shard = make();
  lease(shard).give_back(Leftover());
  EXPECT_EQ(shard.counts().tested, 1u);
  EXPECT_TRUE(lease(shard));
  EXPECT_EQ(server.backend(0).seen, std::vector<std::string>{"Q DISCARD ALL"});
}

TEST_F(PoolTest, unknown_settings_are_reset_in_transaction_pooling) {
  PoolShard& shard = make();
  Lease held = lease(shard);
  held->state.unknown_settings = true;
  held.give_back(Leftover());
  ASSERT_TRUE(loop.run_until([&] { return shard.counts().idle == 1; }));
  EXPECT_EQ(server.backend(0).seen, std::vector<std::string>{"Q DISCARD ALL"});
}

TEST_F(PoolTest, closes_the_idle_after_server_idle_timeout_but_keeps_the_minimum) {
  settings.database.min_pool_size = 1;
  PoolShard& shard = make();
  Lease first = lease(shard);
  Lease second = lease(shard);
  first.give_back(Leftover());
  second.give_back(Leftover());
  loop.skew_us += settings.config.server_idle_timeout;
  shard.tick();
  EXPECT_EQ(shard.counts().servers(), 1u);
}

TEST_F(PoolTest, opens_the_minimum_while_it_has_clients) {
  settings.database.min_pool_size = 3;
  PoolShard& shard = make();
  shard.tick();
  EXPECT_EQ(permits(), 0u) << "nobody has come yet";
  Lease held = lease(shard);
  shard.tick();
  EXPECT_TRUE(loop.run_until([&] { return shard.counts().idle == 2; }));
}

TEST_F(PoolTest, closes_connections_that_reach_their_lifetime_not_all_at_once) {
  settings.config.server_idle_timeout = 0;
  PoolShard& shard = make();
  std::list<Lease> leases;
  for (int i = 0; i < 10; ++i) leases.push_back(lease(shard));
  for (Lease& held : leases) held.give_back(Leftover());
  bool spread = false;
  for (int step = 0; step < 40; ++step) {
    loop.skew_us += settings.config.server_lifetime / 40;
    shard.tick();
    const std::uint32_t rest = shard.counts().servers();
    spread |= rest > 0 && rest < 10;
  }
  EXPECT_TRUE(spread);
  EXPECT_EQ(shard.counts().servers(), 0u);
}

TEST_F(PoolTest, lifetime_zero_uses_a_connection_once) {
  settings.config.server_lifetime = 0;
  PoolShard& shard = make();
  lease(shard).give_back(Leftover());
  EXPECT_TRUE(shard.is_empty());
}

TEST_F(PoolTest, paused_lends_nothing_and_closes_what_comes_back) {
  PoolShard& shard = make();
  Lease held = lease(shard);
  lease(shard).give_back(Leftover());
  shard.pause();
  EXPECT_EQ(shard.counts().servers(), 1u);
  Waiter waiter;
  EXPECT_FALSE(shard.acquire(waiter));
  held.give_back(Leftover());
  loop.settle();
  EXPECT_EQ(shard.counts().servers(), 0u);
  EXPECT_EQ(waiter.calls, 0);
  shard.resume();
  wait_for(waiter);
  EXPECT_TRUE(waiter.got());
}

TEST_F(PoolTest, reconnect_closes_the_idle_now_and_the_leased_when_they_come_back) {
  PoolShard& shard = make();
  Lease held = lease(shard);
  lease(shard).give_back(Leftover());
  shard.reconnect("close_needed");
  EXPECT_EQ(shard.counts().servers(), 1u);
  EXPECT_EQ(shard.counts().close_needed, 1u);
  held.give_back(Leftover());
  EXPECT_TRUE(shard.is_empty());
}

TEST_F(PoolTest, a_dropped_database_fails_its_waiters_with_3D000) {
  settings.database.pool_size = 1;
  PoolShard& shard = make();
  Lease held = lease(shard);
  Waiter waiter, late;
  shard.acquire(waiter);
  shard.adopt(std::make_shared<Config>(settings.config), nullptr);
  wait_for(waiter);
  EXPECT_EQ(waiter.error.sqlstate, "3D000");
  shard.acquire(late);
  wait_for(late);
  EXPECT_EQ(late.error.sqlstate, "3D000");
  held.give_back(Leftover());
  EXPECT_TRUE(shard.is_empty());
}

}  // namespace
}  // namespace pgswitch::pool_test
