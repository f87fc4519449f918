#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <gtest/gtest.h>
#include <list>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "protocol/writer.hpp"
#include "proxy/clock.hpp"
#include "proxy/dns.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/pool_shard.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::pool_test {

namespace asio = boost::asio;

/// A loop with what connections need of a worker. `skew_us` moves its clock.
struct Loop {
  asio::io_context io{1};
  Poller poller{io};
  protocol::BufferSlab slab{16384};
  DnsCache dns{io};
  std::int64_t skew_us = 0;
  ServerHome home{.io = io,
                  .poller = poller,
                  .slab = slab,
                  .dns = dns,
                  .now_us = [this] { return steady_us() + skew_us; },
                  .tls = nullptr,
                  .cancel = nullptr};

  /// Runs until `done`; false when it has not come true in 10 s.
  template <class Done>
  bool run_until(Done done) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      poller.turn(1);  // the fake servers are Asio's, which has a set of its own
    }
    return true;
  }
  /// Runs what is ready now.
  void settle() {
    for (int i = 0; i < 20; ++i) poller.turn(0);
  }
};

inline std::string ready(char status = 'I') {
  std::string out;
  protocol::write_ready_for_query(out, status);
  return out;
}
inline std::string complete(std::string_view tag, char status = 'I') {
  std::string out;
  protocol::write_command_complete(out, tag);
  return out + ready(status);
}
inline std::string sql_error(std::string_view sqlstate, std::string_view message) {
  protocol::SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = sqlstate;
  error.message = message;
  std::string out;
  protocol::write_error(out, error);
  return out;
}
inline std::string parameter(std::string_view name, std::string_view value) {
  std::string out;
  protocol::write_parameter_status(out, name, value);
  return out;
}

/// One side of a conversation with ServerConn, by script: frames are noted in `seen` ("Q ROLLBACK", "S", "f") and answered
/// by `reply`. An empty answer means silence, close() the end.
class FakeBackend {
 public:
  using Socket = asio::generic::stream_protocol::socket;
  using Reply = std::function<std::string(const std::string& frame)>;
  explicit FakeBackend(Socket socket, Reply reply) : socket_(std::move(socket)), reply_(std::move(reply)) {}

  /// `greeting`: sent for the start-up packet.
  asio::awaitable<void> run(bool expects_startup, std::string greeting) {
    boost::system::error_code error;
    if (expects_startup) {
      const std::string size = co_await read(4, error);
      if (error) co_return end();
      startup = co_await read(number(size) - 4, error);
      send(greeting);
    }
    while (!error) {
      const std::string header = co_await read(5, error);
      if (error) break;
      std::string body = co_await read(number(header.substr(1)) - 4, error);
      if (error) break;
      if (header[0] == 'Q') body.pop_back();
      std::string frame(1, header[0]);
      if (header[0] == 'Q') frame += " " + body;
      seen.push_back(frame);
      send(reply_ ? reply_(frame) : std::string());
    }
    end();
  }
  void send(std::string_view bytes) {
    boost::system::error_code ignored;
    if (!bytes.empty()) asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  void close() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }

  std::vector<std::string> seen;
  std::string startup;
  bool ended = false;

 private:
  static std::size_t number(const std::string& bytes) {
    std::size_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  asio::awaitable<std::string> read(std::size_t size, boost::system::error_code& error) {
    std::string bytes(size, '\0');
    co_await asio::async_read(socket_, asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    co_return bytes;
  }
  void end() {
    ended = true;
    close();
  }

  Socket socket_;
  Reply reply_;
};

/// A server on 127.0.0.1 whose backends all behave alike.
class FakeServer {
 public:
  explicit FakeServer(asio::io_context& io)
      : io_(io), acceptor_(io, asio::ip::tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {
    protocol::write_authentication(greeting, 0);
    greeting += parameter("server_version", "15.0") + parameter("DateStyle", "ISO, MDY") +
                parameter("application_name", "");
    protocol::write_backend_key_data(greeting, 77, "abcd");
    greeting += ready();
    reply = [](const std::string& frame) { return frame[0] == 'Q' ? complete("OK") : std::string(); };
    asio::co_spawn(io_, accept(), asio::detached);
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  void stop() { acceptor_.close(); }
  FakeBackend& backend(std::size_t index) {
    auto place = backends.begin();
    std::advance(place, index);
    return *place;
  }
  std::size_t open_backends() const {
    std::size_t count = 0;
    for (const FakeBackend& backend : backends) count += backend.ended ? 0 : 1;
    return count;
  }

  std::string greeting;
  FakeBackend::Reply reply;
  std::list<FakeBackend> backends;

 private:
  asio::awaitable<void> accept() {
    for (;;) {
      boost::system::error_code error;
      asio::ip::tcp::socket socket(io_);
      co_await acceptor_.async_accept(socket, asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return;
      FakeBackend& backend = backends.emplace_back(std::move(socket), reply);
      asio::co_spawn(io_, backend.run(true, greeting), asio::detached);
    }
  }
  asio::io_context& io_;
  asio::ip::tcp::acceptor acceptor_;
};

/// A waiter that keeps what it is told.
struct Waiter final : LeaseWaiter {
  void on_lease(Lease granted) override {
    lease = std::move(granted);
    ++calls;
  }
  void on_lease_failed(const protocol::SqlError& reason) override {
    error = reason;
    ++calls;
  }
  bool got() const { return static_cast<bool>(lease); }
  Lease lease;
  protocol::SqlError error;
  int calls = 0;
};

/// A configuration with one database at `port`; a fresh route for each, since Pools live as long as the process.
struct Settings {
  Config config;
  Database database;

  explicit Settings(std::uint16_t port, const std::string& name = fresh_name()) {
    config.server_tls_sslmode = SslMode::disable;
    config.server_reset_query = "";
    config.pool_mode = PoolMode::transaction;
    config.log_disconnections = 0;
    database.name = name;
    database.dbname = name;
    database.route = rules::intern_route(name);
    database.hosts = {"127.0.0.1"};
    database.port = port;
  }
  static std::string fresh_name() {
    static int count = 0;
    return "pool_test_" + std::to_string(++count);
  }
};

/// A shard on a loop.
inline std::unique_ptr<PoolShard> make_shard(Loop& loop, PoolLimits& limits, const Settings& settings,
                                             const std::string& user = "alice") {
  auto config = std::make_shared<Config>(settings.config);
  auto database = std::make_shared<const Database>(settings.database);
  config->databases[database->name] = database;
  auto credentials = std::make_shared<Credentials>();
  credentials->user = user;
  PoolKey key;
  key.route = database->route;
  key.user = user;
  const PoolPtr pool = limits.pool(key, *config, *database);
  return std::make_unique<PoolShard>(pool, loop.home, limits, database, config, credentials);
}

/// A loop, a fake server and the shards of a test.
class PoolTest : public testing::Test {
 protected:
  PoolShard& make(const std::string& user = "alice") {
    shards.push_back(make_shard(loop, limits, settings, user));
    return *shards.back();
  }
  void wait_for(Waiter& waiter) {
    ASSERT_TRUE(loop.run_until([&] { return waiter.calls > 0; }));
  }
  /// A connection to work with, opened if need be.
  Lease lease(PoolShard& shard) {
    Waiter waiter;
    Lease now = shard.acquire(waiter);
    if (now) return now;
    EXPECT_TRUE(loop.run_until([&] { return waiter.calls > 0; }));
    EXPECT_EQ(waiter.error.message, "");
    return std::move(waiter.lease);
  }
  std::uint32_t permits() { return limits.database_connections(settings.database.route); }

  Loop loop;
  PoolLimits limits;
  FakeServer server{loop.io};
  Settings settings{server.port()};
  std::vector<std::unique_ptr<PoolShard>> shards;
};

}  // namespace pgswitch::pool_test
