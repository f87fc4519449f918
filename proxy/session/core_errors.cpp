// Errors of servers: what they skip, and how they are told in the words of the client, with the names and positions of the text
// that it sent.
#include <charconv>

#include "protocol/backend.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/redshift/errors.hpp"
#include "proxy/session/copy_syncs.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
using protocol::ByteView;
using rules::Statement;

namespace {

constexpr std::string_view name_begin = "\"pgs_";

/// Where a place of an edited text is in the client's; "": nowhere.
std::string position_in(const SentPiece& piece, std::uint32_t position) {
  if (piece.decision->rewritten && !piece.decision->edits) return {};
  return std::to_string(piece.client + piece.decision->positions.original(position - piece.sent));
}
std::string position_in(const std::vector<SentPiece>& pieces, std::uint32_t position) {
  const auto behind = std::find_if(pieces.begin(), pieces.end(), [&](const SentPiece& one) { return one.sent >= position; });
  return position_in(*(behind - (behind == pieces.begin() ? 0 : 1)), position);
}

/// Where that is in the client's text; "": nowhere.
std::string client_position(const Note& note, std::string_view text) {
  std::uint32_t position = 0;
  std::from_chars(text.data(), text.data() + text.size(), position);
  if (position == 0) return {};
  if (note.sent && note.sent->is_spelled) position = note.sent->positions.original(position);
  if (!note.pieces.empty()) return position_in(note.pieces, position);
  if (note.rewritten && note.script && !note.no_positions) return position_in({0, 0, note.script->items.front().decision}, position);
  if (note.rewritten || note.no_positions) return {};
  if (position > note.shift_from) position += static_cast<std::uint32_t>(note.position_shift);
  return std::to_string(position);
}

bool is_fatal(ByteView body) {
  const std::string_view severity = backend::error_field(body, 'V').empty() ? backend::error_field(body, 'S') : backend::error_field(body, 'V');
  return severity == "FATAL" || severity == "PANIC";
}

/// Of a Bind: PostgreSQL finds its statement, counts its parameters and looks at the transaction before it makes the portal. What they are
/// it reads behind that.
bool comes_before_portals(std::string_view sqlstate) { return sqlstate == "26000" || sqlstate == "08P01" || sqlstate == "25P02"; }

/// A server has the buffers for temporary tables that somebody has made it have, whatever is reset: another may do.
bool has_other_buffers(const protocol::SqlError& error) { return error.sqlstate == "22023" && error.message.find("\"temp_buffers\"") != std::string::npos; }

}  // namespace

/// True when the rest of the bytes can be looked at.
bool SessionCore::on_error(ByteView frame, ByteView body) {
  if (is_fatal(body)) {
    // The server closes next: what the client is told depends on what is lost then.
    fatal_from_server_ = std::string(frame);
    return true;
  }
  if (work_->ledger.empty()) return desynchronised(backend::error_response), false;
  failed_ = true;
  if (redshift_) redshift_->rows = redshift_->part = 0;
  const bool copy_ended = !std::exchange(active_->copy_in, false) && !copy_broken_;
  if (copy_syncs_ > 0 && !leaves_syncs(backend::error_field(body, 'C'), copy_ended)) copy_syncs_ = 0;
  // The client was told that its transaction had begun: it must not go on without one.
  const bool opening = std::exchange(opening_, false);
  local_abort_ |= opening;
  // What opens a transaction whose first statement is refused anyway.
  const bool refused = refusal_ && work_->head.waits && !shows_any(work_->ledger);
  if (refused) refusal_ = backend::read_error(body), refusal_->position = 0;
  // What opens a transaction for a query that is not sent before it has: the query is told, and is not skipped.
  const bool waited_for = opening && !refused && work_->head.waits && !shows_any(work_->ledger);
  if (waited_for) lost_in_transaction_ = backend::read_error(body), lost_in_transaction_->position = 0;
  const Entry head = work_->ledger.head();
  if (setting_up_) {
    refusal_ = backend::read_error(body);
    refusal_->position = 0;
    refusal_->detail = "While applying the session's settings on \"" + rules::route_name(active_->route) + "\"" +
                       (refusal_->detail.empty() ? "." : ": " + refusal_->detail);
    if (has_other_buffers(*refusal_) && (active_->pins & ~bit(Pin::session_mode)) == 0) active_->spent = true;
    return true;
  }
  const bool broken_copy = on_broken_copy(body);
  bool late = false;
  const bool retry = is_watched() && redshift_->watch.fallback != rules::no_route && !redshift_->watch.shown && redshift::is_leader_node_refusal(body);
  if (retry)
    redshift_->watch.retry = true;
  else
    holds(backend::error_response, {});
  if (head.reply == Reply::substitute && !(head.expect == Expect::bind && comes_before_portals(backend::error_field(body, 'C'))))
    work_->to_client.append(work_->ledger.substitute());
  else if (const auto limit = limited_ ? limited_->error_instead(backend::error_field(body, 'C')) : std::nullopt)
    write_local_error(*limit);
  else if (head.spools && CoreCursors(*this).on_error(body, late)) {
  } else if (const auto failure = active_->state->kind == ServerKind::redshift ? redshift::as_serialization_failure(body) : std::nullopt)
    write_local_error(*failure);
  else if (!broken_copy && !retry && !refused && !waited_for)
    forward_report(backend::error_response, frame, body);
  if (head.expect == Expect::execute) forget_limited();
  if (head.expect != Expect::query && head.expect != Expect::function_call) on_batch_error(frame, backend::error_field(body, 'C'), opening);
  skip_until_sync_ &= !refused && !waited_for && !late;
  end_failed_copy();
  if (broken_copy) fatal(synchronization_lost());
  return !broken_copy;
}

/// An error in an extended batch: the server skips to the next Sync.
void SessionCore::on_batch_error(ByteView frame, std::string_view code, bool opening) {
  // The plan of a prepared statement no longer fits its tables, or the statement is not there, or not the one that it names:
  // forget it, so that the client's next Parse really prepares it.
  const std::uint32_t statement = work_->ledger.head().statement;
  if (statement != 0 && (code == "0A000" || code == "26000")) {
    PreparedSet& there = active_->state->prepared;
    if (static_cast<std::uint32_t>(there.unnamed.low) == statement) there.unnamed = {};
    if (const auto key = there.find(statement)) {
      there.stale.push_back(*key);
      there.erase(*key);
    }
  }
  // ROLLBACK TO has failed itself: its portal cannot be run again.
  if (const Entry& head = work_->ledger.head(); head.has_note && head.expect == Expect::execute) {
    const Note& note = work_->ledger.head_note();
    if (note.portal && note.statement && note.statement->kind == rules::Kind::rollback_to) note.portal->before = spent();
  }
  // Behind a message of ours (a BEGIN, the Parse of what EXECUTE names): queries of the client, then perhaps a batch. A query that it put behind a batch of its own is
  // skipped by PostgreSQL too.
  const bool ours = opening || work_->ledger.head().reply == Reply::swallow;
  std::size_t queries = 0;
  Reply last = Reply::forward;
  bool batch_behind = false;
  for (std::size_t i = 0; ours && i < work_->ledger.size() && work_->ledger[i].expect != Expect::sync && !batch_behind; ++i) {
    const Entry& entry = work_->ledger[i];
    const bool query = entry.expect == Expect::query || entry.expect == Expect::function_call;
    batch_behind = !query && entry.reply != Reply::swallow && entry.expect != Expect::copy_end;
    if (!query) continue;
    ++queries;
    last = entry.reply;
  }
  if (work_->ledger.head().expect == Expect::parse) work_->ledger.lose_unnamed(unnamed_, active_->state->prepared.unnamed);
  const bool sync_follows = work_->ledger.drop_to_sync([this](Note& note, Note* later) { take_back(note, later); });
  if (queries > 0) return on_queries_skipped(frame, queries, last, batch_behind, sync_follows);
  if (!sync_follows || work_->ledger.head().reply == Reply::swallow) skip_until_sync_ = true;
  if (!sync_follows) batch_open_ = true;  // also where a query, skipped with it, stood behind the batch
}

/// A BEGIN of ours failed, and the server skipped the simple queries behind it. Each gets its error and a ReadyForQuery: by a
/// Sync of its own if nothing else was sent behind it, else by us, for what comes behind must be answered behind it.
void SessionCore::on_queries_skipped(ByteView error, std::size_t queries, Reply last, bool batch_behind, bool sync_follows) {
  if (!sync_follows) batch_open_ = false;
  for (std::size_t i = 0; i < queries; ++i) {
    if (!batch_behind && !sync_follows) {
      work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
      if (i == 0)
        work_->ledger.push(Expect::sync, last);
      else
        work_->ledger.push_substitute(Expect::sync, error);
      continue;
    }
    write_local_ready();
    if (batch_behind || i + 1 < queries) work_->to_client.add(error);
  }
  if (!batch_behind) return;
  if (!sync_follows) {
    work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
    work_->ledger.push(Expect::sync, Reply::swallow);
    batch_open_ = false;
  }
  skip_until_sync_ |= work_->ledger.head().reply == Reply::swallow;  // the Sync is not the client's
}

/// An error or a notice.
void SessionCore::forward_report(char type, ByteView frame, ByteView body) {
  const Note* note = !work_->ledger.empty() && work_->ledger.head().has_note ? &work_->ledger.head_note() : nullptr;
  const bool moved = note && (note->rewritten || (note->sent && note->sent->is_spelled) || note->no_positions || note->position_shift != 0) && !backend::error_field(body, 'P').empty();
  if (!moved && body.find(name_begin) == ByteView::npos) {
    work_->to_client.add(frame);
    return;
  }
  const bool hint = type == backend::error_response && moved && note->rewritten && backend::error_field(body, 'H').empty();
  work_->to_client.compose([&](std::string& out) {
    protocol::MessageWriter message(out, type);
    protocol::BodyReader fields(body);
    while (const char field = static_cast<char>(fields.byte())) {
      std::string text(fields.string());
      if (moved && field == 'P') {
        if (hint) message.byte('H').string("The statement was rewritten by a rule of pgswitch.");
        text = client_position(*note, text);
      }
      if (field == 'M' || field == 'D') text = with_client_names(text);
      if (!text.empty()) message.byte(field).string(text);
    }
    message.byte('\0');
  });
}

/// What the client calls the statement that the ledger's head is about.
std::string SessionCore::client_name(std::string_view server) const {
  if (const Note* note = work_->ledger.empty() || !work_->ledger.head().has_note ? nullptr : &work_->ledger.head_note()) {
    const Statement* statement = note->statement.get();
    if (note->script && note->next_item < note->script->items.size()) statement = note->script->items[note->next_item].statement.get();
    if (statement && !statement->prepared.empty()) return statement->prepared;
    if (!note->client_name.empty()) return note->client_name;
  }
  const std::uint32_t serial = work_->ledger.empty() ? 0 : work_->ledger.head().serial;
  for (const auto& [name, prepared] : prepared_)
    if (serial != 0 && prepared->serial == serial) return name;
  if (const std::string_view former = serial == 0 ? std::string_view() : work_->ledger.former_name(serial); !former.empty()) return std::string(former);
  for (const auto& [name, prepared] : prepared_)
    if (!prepared->by_sql && server == as_view(prepared->name)) return name;
  return std::string(server);
}

/// The text of an error with the client's names in it.
std::string SessionCore::with_client_names(std::string_view text) const {
  std::string result;
  constexpr std::size_t size = std::tuple_size_v<ServerName>;
  for (std::size_t at; (at = text.find(name_begin)) != std::string_view::npos && text.size() > at + size + 1;) {
    result.append(text.substr(0, at + 1));
    const std::string_view name = text.substr(at + 1, size);
    result += text[at + 1 + size] == '"' ? client_name(name) : std::string(name);
    text.remove_prefix(at + 1 + size);
  }
  return result.append(text);
}

}  // namespace pgswitch
