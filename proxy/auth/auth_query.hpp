#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"
#include "proxy/config.hpp"
#include "proxy/server_conn.hpp"

namespace pgswitch {

/// What auth_query says of a user.
struct FoundUser {
  std::string name;    ///< as the query returned it: who the client is from then on, as in pgbouncer
  std::string secret;  ///< see protocol::parse_credential(); empty for NULL: no password is right
};

/// One lookup: `query` is run with $1 = `user`, in `database`, by `auth_user`, also where that database forces another user.
struct AuthQuery {
  DatabasePtr database;
  std::string auth_user;
  std::string query;
  std::string user;
};

/// Runs it on a connection that nobody else uses (begin_coroutine()), by the extended protocol, and reads to ReadyForQuery.
/// True: `found` is the user, or nullopt when there was no row. False with the stream open: the answer is of no use, `error`
/// is what pgbouncer tells the client. False with the stream closed: lost, too late or out of step (08006).
boost::asio::awaitable<bool> run_auth_query(ServerConn& server, std::string_view query, std::string_view user,
                                            std::int64_t deadline_us, std::optional<FoundUser>& found, protocol::SqlError& error);

/// Parse, Bind, Describe, Execute, Sync of the unnamed statement with one text parameter.
void write_auth_query(std::string& out, std::string_view query, std::string_view user);

/// Reads the answer frame by frame. Text of errors: pgbouncer's.
class AuthQueryAnswer {
 public:
  enum class Step : std::uint8_t { more, done, out_of_step };

  Step on_frame(const protocol::Frame& frame);
  /// After `done`: empty when the answer is good.
  const std::string& fault() const { return fault_; }
  std::optional<FoundUser>& found() { return found_; }
  /// The server's own error, for the log; empty message: there was none.
  const protocol::SqlError& server_error() const { return server_error_; }

 private:
  void expect_two_columns(std::uint16_t columns);
  bool read_row(protocol::ByteView body);
  void fail(std::string fault);

  std::optional<FoundUser> found_;
  std::string fault_;
  protocol::SqlError server_error_;
  bool completed_ = false;
};

}  // namespace pgswitch
