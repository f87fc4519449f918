#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "tests/redshift/backend.hpp"
#include "tests/redshift/cancels.hpp"
#include "tests/redshift/channel.hpp"
#include "tests/redshift/load_command.hpp"
#include "tests/redshift/options.hpp"
#include "tests/redshift/translate.hpp"

namespace pgswitch::stand_in {

/// One client, from its first byte to its last, with a backend connection of its own.
class Session {
 public:
  Session(Channel client, const Options& options);
  /// Returns when the client has left. Throws nothing.
  void run();

 private:
  /// What a statement is, from the text to its translation.
  struct Prepared {
    std::string text;
    Statement statement;
    Translation translation;
    bool is_empty = false;
  };
  struct Portal {
    Prepared prepared;
    bool suspended = false;
  };

  // session_start.cpp
  bool start();
  bool read_startup_packets(std::string& packet);
  void begin_session(const std::string& user, const std::string& database,
                     const std::vector<std::pair<std::string, std::string>>& parameters);
  void fail(protocol::SqlError error);  ///< FATAL; closes

  // session.cpp: simple queries
  void serve();
  void on_frame(const protocol::Frame& frame);
  void on_query(std::string_view text);
  bool run_statement(const Prepared& prepared);
  bool ends_implicit_block(const Prepared& prepared);

  // session_checks.cpp: what is refused by its meaning and the state of the session
  static void check_size(std::string_view text);
  Prepared prepare(std::string_view text, const Statement& statement);
  void check(const Prepared& prepared, bool extended);
  void check_cursor(const Prepared& prepared, bool extended);
  void after(const Prepared& prepared);
  bool in_transaction() const { return (backend_->status() != 'I' && !implicit_block_) || batch_began_; }

  // session_extended.cpp
  void on_parse(const protocol::Frame& frame);
  void on_bind(const protocol::Frame& frame);
  void on_describe(const protocol::Frame& frame);
  void on_execute(const protocol::Frame& frame);
  void on_close(const protocol::Frame& frame);
  void on_sync();
  /// Ends the batch at the backend, as Sync does, because what follows needs a query of its own.
  void end_batch();
  /// Hands the frame on and relays what comes back, up to one of `answers`.
  char hand_on(const protocol::Frame& frame, std::string_view answers);
  void drop_named_portals();

  // session_answers.cpp
  void relay(const protocol::Frame& frame, const Prepared* prepared);
  void relay_columns(protocol::ByteView body, const Prepared* prepared);
  void relay_parameters();
  void tell_error(protocol::SqlError error);
  void notice(protocol::Severity severity, std::string message);
  /// The transaction of the backend fails, because a statement that it never saw did.
  void break_transaction();
  std::vector<std::string> column_origin(std::uint32_t table, std::uint16_t column);

  // session_load.cpp: COPY and UNLOAD
  bool run_load(const Prepared& prepared);
  void load(const LoadCommand& command);
  void unload_query(const LoadCommand& command);
  Backend& catalog();  ///< a connection of our own, for what must not be part of the client's transaction

  Channel client_;
  const Options& options_;
  std::unique_ptr<Backend> backend_, catalog_;
  std::unique_ptr<Cancellation> cancellation_;
  std::string user_, database_;
  bool client_set_encoding_ = false, left_ = false;
  unsigned protocol_version_ = 0;
  TranslateOptions translate_options_;

  std::string cursor_;                 ///< the one that is open
  bool skipping_ = false;              ///< up to Sync, behind an error
  bool implicit_block_ = false;        ///< the statements of a query string, which have a transaction of their own
  bool batch_in_transaction_ = false;  ///< the backend has seen a part of a batch, and no Sync
  bool batch_began_ = false;           ///< BEGIN was in it
  bool portal_suspended_ = false;
  std::map<std::string, Prepared, std::less<>> statements_;
  std::map<std::string, Portal, std::less<>> portals_;
  std::map<std::uint64_t, std::vector<std::string>> column_origins_;
  std::uint64_t query_id_ = 0;
};

}  // namespace pgswitch::stand_in
