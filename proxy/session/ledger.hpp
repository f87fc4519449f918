#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/redshift/cursors.hpp"
#include "proxy/session/gather.hpp"
#include "proxy/session/prepared_statement.hpp"
#include "proxy/session/ring.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

/// Whose reply an entry waits for. Two wait for none: insert is bytes of ours, copy_end stands where CopyDone or CopyFail was
/// sent before the server had said that it wants data.
enum class Expect : std::uint8_t { query, function_call, parse, bind, describe, execute, close, sync, insert, copy_end };

/// What becomes of the reply: the client sees it (partial: all but its ReadyForQuery), does not see it, or (substitute)
/// sees an error of ours instead of the server's, which we provoked to fail the transaction.
enum class Reply : std::uint8_t { forward, partial, swallow, substitute };

/// A portal's name has got another meaning, or none; or all are closed.
struct PortalChange {
  std::uint32_t transaction = 0;      ///< the transaction's number: the portals of one that has ended do not come back
  std::string name;
  PreparedStatementPtr before, now;
  std::shared_ptr<PreparedNames> all; ///< CLOSE ALL: all names before
};

/// A run of a sent text, in characters from 0, and where it stands in the client's.
struct SentPiece {
  std::uint32_t sent = 0, client = 0;
  rules::DecisionPtr decision;  ///< that made it: by edits, as a whole, or not at all
};

/// What an entry's reply changes; only for entries that change something.
struct Note {
  // query: the items of the script that this message runs, in order
  rules::ScriptPtr script;
  std::uint32_t next_item = 0;
  std::int32_t position_shift = 0;   ///< characters by which the client's text differs from the sent one
  std::uint32_t shift_from = 0;      ///< behind this position of the sent text
  bool rewritten = false;            ///< by a rule
  std::vector<SentPiece> pieces;     ///< of a text that a rule edited, in their order
  bool no_positions = false;         ///< error positions mean nothing to the client
  // execute
  rules::StatementPtr statement;
  // parse, bind, close and inserts in their place: done in advance, taken back when an error skips the message
  PreparedKey key;                   ///< added to the server's set
  bool unnamed = false;              ///< it became the server's unnamed statement,
  PreparedKey replaced;              ///< in the place of this one
  bool closes = false;               ///< it was removed from the set instead
  bool names_client_statement = false;
  std::string client_name;
  PreparedStatementPtr previous;     ///< what the name meant before
  std::shared_ptr<PreparedNames> all_previous;  ///< what all names meant before
  std::shared_ptr<PortalChange> portal;
  redshift::CursorPtr cursor;        ///< query, describe, execute: the cursor that the answer makes
  std::shared_ptr<const redshift::Sent> sent;   ///< how what was sent differs from what the client said
};

/// Notes how the text that servers get of the statement differs from the client's `text`.
void note_text(const PreparedStatement& prepared, std::string_view text, Note& note);

/// One line of the ledger.
struct Entry {
  Expect expect = Expect::insert;
  Reply reply = Reply::forward;
  bool has_note = false;
  bool translated : 1 = false;    ///< query and execute: the answer is not quite what PostgreSQL would say
  bool spools : 1 = false;        ///< its rows are a cursor's, which the session keeps (core_cursors.cpp)
  bool in_transaction : 1 = false;  ///< sync: a transaction is expected to be open behind it
  std::uint32_t insert_size = 0;  ///< insert and substitute: bytes in the ledger's insert text
  std::uint32_t statement = 0;    ///< bind, describe, execute: the lowest bits of the PreparedKey, 0 = none
  std::uint32_t serial = 0;       ///< the same: of the PreparedStatement
  /// The client gets the answer as it is, and nothing else becomes of it.
  bool is_plain() const { return reply == Reply::forward && !has_note && !translated && !spools; }
};

/// The replies still owed to the client on one server connection, in the order in which they will come, and what to do
/// with each. Owned by SessionCore; pure bookkeeping.
class Ledger {
 public:
  bool empty() const { return entries_.empty(); }
  std::size_t size() const { return entries_.size(); }
  const Entry& head() const { return entries_.front(); }
  Note& head_note() { return notes_.front(); }
  const Note& head_note() const { return notes_.front(); }

  void push(Expect expect, Reply reply = Reply::forward);
  void push(Expect expect, Reply reply, const PreparedStatement& statement) {
    entries_.push({.expect = expect, .reply = reply, .statement = static_cast<std::uint32_t>(statement.key.low), .serial = statement.serial});
  }
  void push(Expect expect, Reply reply, Note&& note);
  void push(Expect expect, Reply reply, const PreparedStatement& statement, Note&& note);
  /// The entry that was pushed last is one whose rows are a cursor's.
  void mark_spooling() { entries_.back().spools = true; }
  /// The same: a Sync that a transaction is expected to outlive.
  void mark_in_transaction() { entries_.back().in_transaction = true; }
  /// The answer to the head is for the client, or not any more.
  void set_head_reply(Reply reply) { entries_.front().reply = reply; }
  /// Bytes for the client that go out when everything before them has. `note`: what they promise, for take-back only.
  void push_insert(std::string_view bytes);
  void push_insert(std::string_view bytes, Note&& note);
  /// Expects an error, and shows the client `error` instead; of a Sync, in front of its ReadyForQuery.
  void push_substitute(Expect expect, std::string_view error);
  void push_substitute(Expect expect, std::string_view error, const PreparedStatement& statement);
  /// Of the newest entry.
  void mark_translated() { entries_.back().translated = true; }

  /// The head's reply has come: removes it, and its note, if it has one.
  void pop();
  /// Bytes of inserts and substitutes that wait for their turn.
  std::size_t insert_bytes() const { return inserts_.size() - inserts_begin_; }
  /// Whether an insert or a copy_end is at the head: no reply comes for it.
  bool has_insert_at_head() const { return !empty() && (head().expect == Expect::insert || head().expect == Expect::copy_end); }
  /// Moves the inserts now at the head to the client; forgets a copy_end there.
  void emit_inserts(Gather& to_client);
  /// Bytes of the head's substitute.
  std::string_view substitute() const { return std::string_view(inserts_).substr(inserts_begin_, head().insert_size); }

  // A message behind a Sync is not skipped when something before that Sync fails: whoever sent it could not know either.
  /// Whether what the client's name means is known only when a reply to something before a Sync has come.
  bool doubts_name(std::string_view name) const;
  /// The same of a portal's name.
  bool doubts_portal(std::string_view name) const;
  /// The same of the statement's being on the server.
  bool doubts_key(const PreparedKey& key) const;
  /// Whether one and the same Parse, sent to the server, makes the name and the statement: the server will tell then.
  bool server_tells(std::string_view name, const PreparedKey& key) const;
  /// The first of the changes of a portal's name that are owed; nullptr: there is none.
  PortalChange* oldest_change(std::string_view portal) const;
  /// What the client called the statement, if it has given the name to another meanwhile; "" when that is not known.
  std::string_view former_name(std::uint32_t serial) const;
  /// A simple query has dropped the unnamed statement, the session's and the server's: taking back what was owed before it brings none back.
  void forget_unnamed();
  /// The head, a Parse, has failed. If it is of the unnamed statement the one before is gone: the session's is `named`, the server's `there`, or what
  /// the first note about it would bring back.
  void lose_unnamed(PreparedStatementPtr& named, PreparedKey& there);

  /// An error: the server skips to the next Sync, so what stands before it will never be answered. Calls
  /// `dropped(Note&, Note* later)` for the notes of what is removed, newest first; `later` is the next note that stays and
  /// is about the same name. True when a Sync was found: it is now the head.
  template <class Dropped>
  bool drop_to_sync(Dropped dropped);
  /// The connection is gone: removes everything, newest note first. Calls `dropped(Note&)`.
  template <class Dropped>
  void drop_all(Dropped dropped);
  /// COPY FROM STDIN has begun for the head: the server ignores Syncs until the end of the data (manual, 55.2.6), so those
  /// that were sent behind the head are removed, and so is the end of the data. False: the end was sent already.
  bool begin_copy();

  /// Whether a reply that is owed changes what is on the server: its settings, statements, locks, ...
  bool changes_server() const;
  /// How many ReadyForQuery are still to come.
  std::uint32_t ready_expected() const { return ready_expected_; }
  const Entry& operator[](std::size_t i) const { return entries_[i]; }

 private:
  Note* next_about(std::string_view name, std::size_t from);
  void hand_on(std::shared_ptr<PortalChange>& dropped, std::size_t from), hand_on_unnamed(Note& dropped, std::size_t from);
  template <class About>
  std::size_t newest(About about) const;

  Ring<Entry> entries_;
  Ring<Note> notes_;
  std::uint32_t ready_expected_ = 0;
  std::size_t doubtful_ = 0;  ///< so many of the notes stand before a Sync
  std::string inserts_;
  std::size_t inserts_begin_ = 0;
};

template <class Dropped>
bool Ledger::drop_to_sync(Dropped dropped) {
  std::size_t sync = 0;
  while (sync < entries_.size() && entries_[sync].expect != Expect::sync) ++sync;
  std::size_t notes = 0;
  for (std::size_t i = 0; i < sync; ++i) notes += entries_[i].has_note;
  for (std::size_t i = notes; i-- > 0;) {
    hand_on(notes_[i].portal, notes);
    hand_on_unnamed(notes_[i], notes);
    dropped(notes_[i], next_about(notes_[i].client_name, notes));
  }
  for (std::size_t i = 0; i < sync; ++i) pop();
  return !entries_.empty();
}

template <class Dropped>
void Ledger::drop_all(Dropped dropped) {
  for (std::size_t i = notes_.size(); i-- > 0;) dropped(notes_[i]);
  while (!entries_.empty()) pop();
}

}  // namespace pgswitch
