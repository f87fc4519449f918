#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/buffer.hpp"
#include "protocol/scram_keys.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/config.hpp"
#include "proxy/server_conn.hpp"
#include "proxy/tls.hpp"

namespace pgswitch {

class DnsCache;
class PasswordCommands;

/// With what a session's servers are logged in to: the client's user and what its login left behind. What password_command prints
/// comes before all of it. The password or keys of a forced user (`user=` in the [databases] line) come first, then these in their order, then the userlist's secret of the user.
struct Credentials {
  std::string user;
  std::string password;    ///< plaintext, when the client sent it so
  std::string client_key;  ///< SCRAM keys for pass-through (32 raw bytes), when the client logged in with SCRAM
  std::string server_key;  ///< 32 raw bytes
  std::string secret;      ///< as auth_query told it
  bool operator==(const Credentials&) const = default;
};
using CredentialsPtr = std::shared_ptr<const Credentials>;

/// What server connections need of their worker. Owned by the Router; a test makes its own on a bare io_context.
struct ServerHome {
  boost::asio::io_context& io;
  Poller& poller;
  protocol::BufferSlab& slab;
  DnsCache& dns;
  std::function<std::int64_t()> now_us;
  /// The context for server_tls_*; null: TLS is not configured or cannot be used.
  std::function<TlsContextPtr()> tls;
  /// Sends a CancelRequest for the connection's running query and waits until the server has taken it. The connection may
  /// be closed once the call has returned.
  std::function<boost::asio::awaitable<void>(const ServerConn& server, std::int64_t deadline_us)> cancel;
  protocol::ScramKeyCache* scram_keys = nullptr;  ///< null: nothing is remembered
  /// Runs work of milliseconds on another thread; null: it is done here.
  std::function<boost::asio::awaitable<bool>(std::function<void()> work)> run_aside = {};
  PasswordCommands* password_commands = nullptr;  ///< null: a login that needs one fails
};

using StartupParameters = std::vector<std::pair<std::string, std::string>>;

/// Everything one login needs, by value: it outlives reloads. `first_host`: which of the hosts is tried first.
struct LoginRequest {
  ConfigPtr config;
  DatabasePtr database;
  std::string user;
  CredentialsPtr credentials;
  std::size_t first_host = 0;
  StartupParameters parameters;  ///< of the StartupMessage, behind the database's; for replication alone
  std::int64_t deadline_us = 0;
};

/// What became of it. `refused`: a server answered with an ErrorResponse (its code and text are in `error`); otherwise no
/// server was reached. Owned by the shard, so that nothing of the connection dies with a coroutine's frame.
struct LoginResult {
  std::unique_ptr<ServerConn> server;
  protocol::SqlError error;
  bool refused = false;
  std::size_t host = 0;  ///< index of the host that answered
};

/// Why no server could be reached, or be logged in to: FATAL 08001.
protocol::SqlError unreachable(std::string message);

/// Connects to one of the hosts, speaks TLS if it has to, logs in and runs connect_query. True: result.server is idle,
/// clean and has its parameters; no owner is set on its stream's socket. Addresses are tried in turn until the deadline.
boost::asio::awaitable<bool> log_in_to_server(const ServerHome& home, const LoginRequest& request, LoginResult& result);

}  // namespace pgswitch
