#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/frontend.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch {

/// What a session does itself about cursors of servers of kind redshift: DECLARE and Execute with a row limit are sent as the query
/// alone, its rows are kept (redshift::Cursor), and FETCH, MOVE, CLOSE and further Executes need no server. The part of a SessionCore that
/// knows of it; a view of the core, made where it is needed.
class CoreCursors {
 public:
  explicit CoreCursors(SessionCore& core) : core_(core) {}

  // core_cursors.cpp: what the client asks.
  /// Runs a statement that is_cursor_command(), with an empty ledger: rows, if there are any, and its tag. By the extended protocol `portal`
  /// runs it, and `most` rows at once (0: all). False: refusal_, or it goes on when the client has taken what there is.
  bool run(const rules::ScriptItem& item, std::string_view text, bool extended = false, std::uint64_t most = 0, const PreparedStatement* portal = nullptr);
  /// Execute of such a portal, or of one that was suspended. nullopt: it is something else. Else the bytes used.
  std::optional<std::size_t> execute(const protocol::frontend::Execute& execute, const PreparedStatementPtr& portal, std::size_t size);
  /// Bind of a FETCH of kept rows: where it asks for another format than text, `prepared` becomes one that knows. The result is what is
  /// wrong with that.
  std::optional<protocol::SqlError> bind_fetch(protocol::ByteView body, PreparedStatementPtr& prepared) const;
  void describe(std::string& out, const PreparedStatement& prepared) const;
  /// Why the statement must not run; whatever server it is for.
  std::optional<protocol::SqlError> refuse(const rules::Statement& statement, std::string_view text) const;
  /// The same of a DECLARE for Redshift. `in_block`: it is in a transaction, or in a string of several.
  std::optional<protocol::SqlError> refuse_declare(const rules::Statement& statement, std::string_view text, bool in_block) const;
  /// The end of the items from `begin` that one message can carry to a server of kind redshift: DECLARE is alone.
  static std::size_t run_end(rules::ScriptItems items, std::size_t begin, std::size_t end);
  /// DECLARE is being sent to Redshift: `text` becomes that of the query, `note` gets the cursor. False: refusal_.
  bool declare(const rules::Statement& statement, std::string_view& text, bool in_block, Note& note);
  /// What Redshift gets of a DECLARE by the extended protocol: the query alone.
  void keep_query(PreparedStatement& prepared) const;
  /// Bind of such a query, which is here as a whole: its rows come as text.
  std::size_t bind_query(const protocol::FrameHeader& header, protocol::ByteView in, const protocol::frontend::BindNames& names,
                         const PreparedStatement& prepared);
  /// Execute, on Redshift, of a DECLARE or with a row limit.
  void execute_query(const protocol::frontend::Execute& execute, const PreparedStatement& portal, Note note);
  /// The transaction has ended.
  void end_transaction(bool committed);

  // core_spool.cpp: what the server answers, and what may happen meanwhile.
  /// Whether the message must wait because it is none of the suspended portal's, whose rows have to be kept first.
  bool drains(const protocol::FrameHeader& header, protocol::ByteView in);
  /// Sync while a portal is suspended whose rows come. True: it is answered. Outside of a transaction it ends the portal.
  bool sync_paused();
  /// A row, or its beginning, or the rest of it: for the client, or to be kept.
  void on_row(protocol::ByteView piece, std::size_t size);
  void on_row_rest(protocol::ByteView piece);
  /// All of a row has come.
  void row_passed();
  /// Another message. False: it is the client's as it is.
  bool on_frame(char type, protocol::ByteView frame);
  /// The command is done and off the ledger.
  void completed(const redshift::Cursor& cursor, bool extended);
  /// The server's error is told, or kept for later (`late`). False: the client sees it as it is.
  bool on_error(protocol::ByteView body, bool& late);

 private:
  redshift::CursorPtr make(std::string_view name, std::string_view declared) const;
  bool begin(const rules::ScriptItem& item, std::string_view text, std::uint64_t most, const PreparedStatement* portal);
  void limit(const Limited& limited);
  bool send();
  void end_sending();
  void go_on(redshift::Cursor& cursor, const redshift::Sending& done);
  void hand_on_unfinished(redshift::Cursor& cursor);
  bool resume(const protocol::frontend::Execute& execute, const redshift::CursorPtr& cursor, const PreparedStatementPtr& portal);
  const redshift::Cursor* fetched(const PreparedStatement& prepared) const;
  redshift::CursorPtr head_cursor() const;
  void keep(const redshift::CursorPtr& cursor);
  std::optional<bool> rolls_back(protocol::ByteView in) const;
  void abandon();
  bool is_abandoned() const;
  bool conforming() const { return core_.settings_.facts().conforming_strings; }
  redshift::Cursors& cursors();

  SessionCore& core_;
};

}  // namespace pgswitch
