#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/redshift/cursor_spool.hpp"
#include "proxy/redshift/cursor_text.hpp"
#include "proxy/redshift/row_formats.hpp"

namespace pgswitch::redshift {

/// A cursor, or a portal that was suspended, whose rows the session keeps: Redshift has one cursor at a time, reads it forward
/// only, and ignores the row limit of an unnamed portal (Database Developer Guide, DECLARE, FETCH).
struct Cursor {
  explicit Cursor(SpoolStorage& storage) : rows(storage) {}
  std::string name;
  CursorSpool rows;
  std::string description;      ///< RowDescription; "": of a portal, which its server describes
  /// 0: before the first row, rows() + 1: behind the last.
  std::uint64_t position = 0;
  bool portal = false;          ///< of the protocol: it goes forward, and the rows that its client has had are not kept
  bool hold = false;
  bool no_scroll = false;
  bool binary = false;          ///< a FETCH of the simple protocol gives its rows in binary format
  bool committed = false;       ///< WITH HOLD, and its transaction has been
  bool closed = false;
  std::uint32_t serial = 0;     ///< later ones have higher numbers
  // While its query runs:
  bool complete = false;        ///< all rows have come
  std::uint64_t due = 0;        ///< rows that the client waits for
  std::uint64_t given = 0;      ///< rows that the client has had by the Execute that runs, or that ran last
  bool suspended = false;       ///< it has had what it had asked for
};
using CursorPtr = std::shared_ptr<Cursor>;

/// Rows that are being sent to the client, `left` of them from number `next` (0, 1, ...) on.
struct Sending {
  CursorPtr cursor;
  std::uint64_t next = 0;
  std::uint64_t left = 0;
  bool backward = false;
  std::uint64_t count = 0;      ///< rows in all, as the tag says
  std::string verb;             ///< of the tag
  RowFormats formats;
  bool suspends = false;        ///< PortalSuspended stands behind them instead of a tag
  std::uint64_t due = 0;        ///< so many more as they come from the server
  std::uint64_t sent = 0;
  std::optional<protocol::SqlError> forbidden;  ///< what a rule says of the rows behind them
};

/// FETCH or MOVE: moves the cursor, and says which rows that gives. nullopt: `error`.
std::optional<Sending> run_fetch(const CursorPtr& cursor, const Fetch& fetch, protocol::SqlError& error);

/// The cursors of one session.
class Cursors {
 public:
  /// Good until the cursor is closed; nullptr: there is none.
  Cursor* find(std::string_view name) const;
  CursorPtr get(std::string_view name) const;
  void add(CursorPtr cursor);
  void close(std::string_view name);
  void close_all();
  bool empty() const { return cursors_.empty(); }
  /// By name.
  const std::map<std::string, CursorPtr, std::less<>>& all() const { return cursors_; }

  void savepoint(std::string_view name) { savepoints_.push_back({std::string(name), last_serial_}); }
  void release(std::string_view savepoint);
  /// What was declared behind it is closed. One that is not known is older than all cursors of its transaction.
  void roll_back_to(std::string_view savepoint);
  /// The transaction is over, or will be: those that do not outlive it are closed.
  void close_unheld();
  /// It has ended: what was declared WITH HOLD in it stays, or not.
  void end_transaction(bool committed);

  std::optional<Sending> sending;
  std::uint64_t sent = 0;  ///< rows of the last one, if PortalSuspended stood behind them

 private:
  template <class Test>
  void close_if(Test test);
  struct Savepoint {
    std::string name;
    std::uint32_t serial;
  };
  std::size_t find_savepoint(std::string_view name) const;

  std::map<std::string, CursorPtr, std::less<>> cursors_;
  std::vector<Savepoint> savepoints_;
  std::uint32_t last_serial_ = 0;
};

}  // namespace pgswitch::redshift
