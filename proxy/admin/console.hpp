#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/admin/commands.hpp"
#include "proxy/client_session.hpp"

namespace pgswitch::admin {

/// The parameters that a console reports when a client has logged in, as ParameterStatus messages. A number comes first in
/// server_version: drivers read it.
void write_parameters(std::string& out, const ClientInfo& client, ConsoleRights rights);

/// A logged-in client at the console database: reads its messages, simple and extended protocol, runs their commands one
/// after the other and answers. Lives in the coroutine of its ClientSession; the worker's thread only. Transactions do not
/// exist here: ReadyForQuery always says 'I'.
class Console {
 public:
  Console(ClientSession& session, std::string early) : session_(session), in_(std::move(early)) {}

  /// Until the client goes or a command ends the console.
  boost::asio::awaitable<void> run();

  ClientSession& session() { return session_; }
  Worker& worker() { return session_.worker(); }
  /// SHOW FDS has given the listening sockets to this client: they are ours again when it leaves before the process is told to end.
  void gave_listeners() { gave_listeners_ = true; }
  bool has_given_listeners() const { return gave_listeners_; }
  /// Waits 50 ms, for commands that wait for something; false: the client has gone.
  boost::asio::awaitable<bool> nap();

 private:
  using Step = boost::asio::awaitable<void>;
  struct Statement {
    bool empty = true;
    Plan plan;
  };
  struct Portal {
    Statement statement;
    Formats formats;
    std::optional<Reply> reply;  ///< once it has run
    std::size_t next_row = 0;
  };

  // console.cpp: bytes
  boost::asio::awaitable<bool> read_frame();
  boost::asio::awaitable<bool> read_more(std::int64_t deadline_us);
  boost::asio::awaitable<bool> flush();
  /// Sends what is to be sent, and `frame` together with a descriptor of ours (show_fds.cpp).
  boost::asio::awaitable<bool> send_descriptor(std::string frame, int descriptor);
  Step on_frame();
  void fail_connection(std::string message);

  // console_query.cpp: the two protocols
  Step on_query();
  void on_parse();
  void on_bind();
  void on_describe();
  Step on_execute();
  void on_close();
  void on_sync();
  void fail(const protocol::SqlError& error);
  void fail_query(const protocol::SqlError& error);
  std::optional<protocol::SqlError> read_statement(std::string_view text, Statement& statement);
  const Statement* find_statement(std::string_view name);
  Portal* find_portal(std::string_view name);
  void write_notices(const Reply& reply);
  void write_rows(Portal& portal, std::int32_t most);

  ClientSession& session_;
  std::string in_;    ///< read, not yet used
  char type_ = 0;     ///< of the frame at hand
  std::string body_;
  std::string out_;
  bool skipping_ = false;  ///< an extended message failed: nothing counts until Sync
  bool ended_ = false;
  bool gave_listeners_ = false;
  std::map<std::string, Statement, std::less<>> statements_;
  std::map<std::string, Portal, std::less<>> portals_;
};

/// Serves a client that has logged in to the console database, from its first message on.
boost::asio::awaitable<void> run_console(ClientSession& session, std::string early);

}  // namespace pgswitch::admin
