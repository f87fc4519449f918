#include <atomic>
#include <boost/asio/post.hpp>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "tests/proxy/pool_fixture.hpp"

// Two shards of one Pool, the only place where connections and permits cross: on one thread, and on two.
namespace pgswitch::pool_test {
namespace {

/// Two shards that may have three servers together. Their clock stands still unless the test moves it.
struct TwoShards : PoolTest {
  PoolShard& make_one() {
    loop.home.now_us = [this] { return now_us; };
    settings.database.pool_size = 3;
    return make();
  }
  static void give_back(Lease& lease) { lease.give_back(Leftover()); }
  void pass(std::int64_t us) { now_us += us; }

  std::int64_t now_us = steady_us();
  PoolShard& first = make_one();
  PoolShard& second = make_one();
};

constexpr std::int64_t long_wait_us = 5'000;

TEST_F(TwoShards, who_waits_gets_a_server_of_the_own_shard_that_comes_back_soon) {
  Lease own = lease(first);
  Lease other = lease(second);
  Lease third = lease(second);
  const std::uint64_t id = own->id;
  Waiter waiter;
  first.acquire(waiter);
  give_back(other);
  loop.settle();
  EXPECT_EQ(waiter.calls, 0);
  EXPECT_EQ(second.counts().idle, 1u) << "it stays where it is";
  give_back(own);
  wait_for(waiter);
  EXPECT_EQ(waiter.lease->id, id);
  EXPECT_EQ(second.counts().servers(), 2u);
}

TEST_F(TwoShards, those_who_have_waited_a_while_get_what_is_idle_elsewhere) {
  Lease own = lease(first);
  Lease other = lease(second);
  Lease third = lease(second);
  give_back(other);
  give_back(third);
  Waiter one, two;
  first.acquire(one);
  first.acquire(two);
  pass(long_wait_us);
  wait_for(one);
  wait_for(two);
  EXPECT_TRUE(one.got());
  EXPECT_TRUE(two.got());
  EXPECT_EQ(first.counts().servers(), 3u);
  EXPECT_EQ(server.backends.size(), 3u);
}

TEST_F(TwoShards, those_who_have_waited_a_while_get_what_comes_back_elsewhere) {
  Lease own = lease(first);
  Lease other = lease(second);
  Lease third = lease(second);
  Waiter waiter;
  first.acquire(waiter);
  pass(long_wait_us);
  first.tick();
  EXPECT_EQ(waiter.calls, 0);
  const std::uint64_t id = other->id;
  give_back(other);
  wait_for(waiter);
  EXPECT_EQ(waiter.lease->id, id);
}

TEST_F(TwoShards, a_shard_without_servers_asks_at_once) {
  Lease other = lease(second);
  Lease third = lease(second);
  Lease fourth = lease(second);
  give_back(other);
  give_back(third);
  Waiter one, two;
  first.acquire(one);
  first.acquire(two);
  wait_for(one);
  wait_for(two);
  EXPECT_EQ(first.counts().servers(), 2u);
}

TEST_F(TwoShards, idle_servers_go_bit_by_bit_where_clients_wait) {
  Lease own = lease(first);
  Lease other = lease(second);
  Lease third = lease(second);
  give_back(other);
  Waiter waiter;
  first.acquire(waiter);
  second.tick();
  wait_for(waiter);
  EXPECT_EQ(first.counts().servers(), 2u);
}

TEST_F(TwoShards, who_waits_opens_a_server_when_another_shard_has_closed_one) {
  Lease own = lease(first);
  Lease other = lease(second);
  Lease third = lease(second);
  Waiter waiter;
  first.acquire(waiter);
  third.close("server lifetime over");
  wait_for(waiter);
  EXPECT_TRUE(waiter.got());
  EXPECT_EQ(server.backends.size(), 4u);
  EXPECT_EQ(permits(), 3u);
}

TEST_F(TwoShards, a_paused_shard_asks_nobody_until_it_goes_on) {
  Lease own = lease(first);
  Lease other = lease(second);
  Lease third = lease(second);
  give_back(other);
  first.pause();
  Waiter waiter;
  first.acquire(waiter);
  pass(long_wait_us);
  first.tick();
  second.tick();
  loop.settle();
  EXPECT_EQ(waiter.calls, 0);
  EXPECT_EQ(second.counts().idle, 1u);
  first.resume();
  wait_for(waiter);
  EXPECT_EQ(second.counts().servers(), 1u);
}

/// Waits that last, one after the other, are not forgotten when those before them were short.
TEST_F(TwoShards, a_later_waiter_is_looked_at_too) {
  Lease own = lease(first);
  Lease other = lease(second);
  Lease third = lease(second);
  Waiter soon;
  first.acquire(soon);
  give_back(own);
  wait_for(soon);
  give_back(other);
  Waiter late;
  first.acquire(late);
  pass(long_wait_us);
  wait_for(late);
  EXPECT_EQ(first.counts().servers(), 2u);
}

/// A loop with a shard, on a thread of its own. The loop outlives the thread: whoever posts rings its bell afterwards.
class Runner {
 public:
  Runner(PoolLimits& limits, const Settings& settings) {
    thread_ = std::thread([this, &limits, settings] {
      const std::unique_ptr<PoolShard> made = make_shard(loop_, limits, settings);
      shard_ = made.get();
      Alarm alarm(loop_.io);
      tick(alarm);
      started_.set_value();
      loop_.poller.run();
    });
    started_.get_future().wait();
  }
  ~Runner() {
    post_to(loop_.io, [this] { loop_.poller.stop(); });
    thread_.join();
  }
  asio::io_context& io() { return loop_.io; }
  /// `step` runs there later.
  template <class Step>
  void post(Step step) {
    post_to(loop_.io, [this, step] { step(*shard_); });
  }

 private:
  void tick(Alarm& alarm) {
    alarm.call_after(100'000, [this, &alarm] {
      shard_->tick();
      tick(alarm);
    });
  }

  Loop loop_;
  PoolShard* shard_ = nullptr;
  std::promise<void> started_;
  std::thread thread_;
};

/// Server of both, on a third thread.
class ServerThread {
 public:
  ServerThread() : server_(std::make_unique<FakeServer>(io_)), port(server_->port()) {
    thread_ = std::thread([this] { io_.run(); });
  }
  ~ServerThread() {
    io_.stop();
    thread_.join();
  }
  std::size_t backends() {
    std::promise<std::size_t> count;
    asio::post(io_, [&] { count.set_value(server_->backends.size()); });
    return count.get_future().get();
  }

 private:
  asio::io_context io_{1};
  std::unique_ptr<FakeServer> server_;
  std::thread thread_;

 public:
  const std::uint16_t port;
};

/// Acquires and gives back `rounds` times, then says how often; 0 when somebody else held the only connection meanwhile.
class Client final : public LeaseWaiter {
 public:
  Client(int rounds, std::atomic<int>& holders) : rounds_(rounds), holders_(holders) {}
  void start(asio::io_context& io, PoolShard& shard) {
    io_ = &io;
    shard_ = &shard;
    next();
  }
  int served() { return done_.get_future().get(); }
  void on_lease(Lease lease) override {
    if (holders_.fetch_add(1) != 0) alone_ = false;
    holders_.fetch_sub(1);
    lease.give_back(Leftover());
    if (++served_ < rounds_) {
      asio::post(*io_, [this] { next(); });
    } else {
      done_.set_value(alone_ ? served_ : 0);
    }
  }
  void on_lease_failed(const protocol::SqlError&) override { done_.set_value(0); }

 private:
  void next() {
    if (Lease lease = shard_->acquire(*this)) on_lease(std::move(lease));
  }

  int rounds_;
  std::atomic<int>& holders_;
  int served_ = 0;
  bool alone_ = true;
  asio::io_context* io_ = nullptr;
  PoolShard* shard_ = nullptr;
  std::promise<int> done_;
};

TEST(PoolDonation, an_idle_connection_goes_to_the_worker_whose_client_waits) {
  ServerThread server;
  PoolLimits limits;
  Settings settings(server.port);
  settings.database.pool_size = 1;
  Runner first(limits, settings);
  Runner second(limits, settings);
  const auto use_once = [](Runner& runner) {
    std::promise<std::uint64_t> id;
    struct Once final : LeaseWaiter {
      std::promise<std::uint64_t>* id = nullptr;
      void on_lease(Lease lease) override {
        const std::uint64_t value = lease->id;
        lease.give_back(Leftover());
        id->set_value(value);
      }
      void on_lease_failed(const protocol::SqlError&) override { id->set_value(0); }
    } waiter;
    waiter.id = &id;
    runner.post([&](PoolShard& shard) {
      if (Lease lease = shard.acquire(waiter)) waiter.on_lease(std::move(lease));
    });
    return id.get_future().get();
  };
  const std::uint64_t id = use_once(first);
  EXPECT_NE(id, 0u);
  EXPECT_EQ(use_once(second), id) << "the same connection, moved";
  EXPECT_EQ(use_once(first), id);
  EXPECT_EQ(server.backends(), 1u);
  EXPECT_EQ(limits.database_connections(settings.database.route), 1u);
}

TEST(PoolDonation, clients_of_two_workers_share_one_connection_without_loss) {
  constexpr int rounds = 300;
  ServerThread server;
  PoolLimits limits;
  Settings settings(server.port);
  settings.database.pool_size = 1;
  std::atomic<int> holders{0};
  std::list<Client> clients;
  {
    Runner first(limits, settings);
    Runner second(limits, settings);
    for (Runner* runner : {&first, &second, &first, &second}) {
      Client& client = clients.emplace_back(rounds, holders);
      runner->post([&client, runner](PoolShard& shard) { client.start(runner->io(), shard); });
    }
    for (Client& client : clients) EXPECT_EQ(client.served(), rounds);
    EXPECT_EQ(server.backends(), 1u);
    EXPECT_EQ(limits.database_connections(settings.database.route), 1u);
  }
  EXPECT_EQ(limits.database_connections(settings.database.route), 0u);
}

}  // namespace
}  // namespace pgswitch::pool_test
