// What the client asks of the cursors whose rows the session keeps: DECLARE, FETCH, MOVE, CLOSE, and Execute with a row limit.
#include "proxy/session/core_cursors.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/redshift/bind_formats.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/rewrite.hpp"

namespace pgswitch {

namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::Severity;
using protocol::SqlError;
using redshift::CursorPtr;
using redshift::Sending;
using rules::Effect;
using rules::Kind;
using rules::ScriptItem;
using rules::Statement;

namespace {

SqlError refused(std::string message, std::string hint) {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported), std::move(message), "", std::move(hint), 0};
}

bool closes_all(const Statement& statement) { return has(statement.effects, Effect::close_all_cursors); }

}  // namespace

redshift::Cursors& CoreCursors::cursors() {
  if (!core_.spooled_) core_.spooled_ = redshift::Cursors();
  return *core_.spooled_;
}

bool SessionCore::is_cursor_command(const ScriptItem& item) const {
  const Statement& statement = *item.statement;
  if (!spooled_ || item.decision->verb != rules::Decision::Verb::route) return false;
  const bool closes = statement.kind == Kind::close_cursor;
  if (statement.kind == Kind::fetch || (closes && !closes_all(statement))) {
    const redshift::Cursor* const cursor = spooled_->find(statement.object);
    return cursor && (!cursor->portal || statement.command == "MOVE");  // what columns a portal has is known to its server
  }
  if (!closes) return false;
  return objects_.empty() && (!active_ || status() == 'I' || active_->state->kind == ServerKind::redshift);
}

std::size_t CoreCursors::run_end(rules::ScriptItems items, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i)
    if (items[i].statement->kind == Kind::declare_cursor) return std::max(i, begin + 1);
  return end;
}

std::optional<SqlError> CoreCursors::refuse(const Statement& statement, std::string_view text) const {
  if (!core_.spooled_) return std::nullopt;
  if (statement.kind == Kind::declare_cursor && core_.spooled_->find(statement.object)) return duplicate_portal(statement.object);
  const bool changes = statement.kind == Kind::update || statement.kind == Kind::delete_;
  if (changes && redshift::uses_current_of(text, conforming())) return refused("WHERE CURRENT OF is not supported with a cursor of Redshift", "Name the row by its columns.");
  return std::nullopt;
}

std::optional<SqlError> CoreCursors::refuse_declare(const Statement& statement, std::string_view text, bool in_block) const {
  const auto declaration = redshift::read_declaration(text, conforming());
  if (!declaration) return refused("this form of DECLARE is not supported with Redshift", "Write DECLARE name [[NO] SCROLL] CURSOR [WITH HOLD] FOR query.");
  if (!declaration->hold && !in_block)
    return SqlError{Severity::error, "25P01", "DECLARE CURSOR can only be used in transaction blocks", "", "", 0};
  return refuse(statement, text);
}

CursorPtr CoreCursors::make(std::string_view name, std::string_view declared) const {
  auto cursor = std::make_shared<redshift::Cursor>(*core_.storage_);
  cursor->name = name;
  const auto declaration = declared.empty() ? std::nullopt : redshift::read_declaration(declared, conforming());
  cursor->portal = !declaration;
  cursor->no_scroll = !declaration || declaration->no_scroll;
  cursor->hold = declaration && declaration->hold;
  cursor->binary = declaration && declaration->binary;
  return cursor;
}

bool CoreCursors::declare(const Statement& statement, std::string_view& text, bool in_block, Note& note) {
  if (auto why = refuse_declare(statement, text, in_block)) return core_.refusal_ = std::move(*why), false;
  note.cursor = make(statement.object, text);
  const std::size_t query = redshift::read_declaration(text, conforming())->query;
  note.position_shift += static_cast<std::int32_t>(rules::characters(text.substr(0, query)));
  note.no_positions |= note.rewritten;
  text.remove_prefix(query);
  return true;
}

void CoreCursors::keep_query(PreparedStatement& prepared) const {
  if (prepared.item().statement->kind != Kind::declare_cursor) return;
  const auto declaration = redshift::read_declaration(prepared.sent_text, prepared.conforming_strings);
  if (!declaration) return;
  prepared.skipped = rules::characters(std::string_view(prepared.sent_text).substr(0, declaration->query));
  prepared.sent_text.erase(0, declaration->query);
}

std::size_t CoreCursors::bind_query(const FrameHeader& header, ByteView in, const frontend::BindNames& names, const PreparedStatement& prepared) {
  const ByteView body = body_of(header, in);
  const auto formats = redshift::result_formats(body);
  if (!formats) return core_.send_bind(header, in, names, prepared);
  core_.work_->to_server.compose([&](std::string& out) {
    protocol::MessageWriter(out, frontend::bind)
        .string(names.portal)
        .string(names.statement.empty() ? std::string_view{} : as_view(prepared.name))
        .bytes(body.substr(names.names_size, *formats - names.names_size))
        .int16(0);
  });
  return header.frame_size();
}

void CoreCursors::execute_query(const frontend::Execute& execute, const PreparedStatement& portal, Note note) {
  Ledger& ledger = core_.work_->ledger;
  const bool declares = portal.skipped > 0;
  note.cursor = declares ? make(portal.item().statement->object, portal.text) : make(execute.portal, {});
  if (!declares) note.cursor->due = static_cast<std::uint64_t>(execute.max_rows);
  core_.work_->to_server.compose([&](std::string& out) {
    if (declares) protocol::MessageWriter(out, frontend::describe).byte('P').string(execute.portal).finish();
    protocol::MessageWriter(out, frontend::execute).string(execute.portal).int32(0).finish();
  });
  if (declares) {
    Note description;
    description.cursor = note.cursor;
    ledger.push(Expect::describe, Reply::swallow, portal, std::move(description));
    ledger.mark_spooling();
  }
  ledger.push(Expect::execute, Reply::forward, portal, std::move(note));
  ledger.mark_spooling();
}

/// The rows that FETCH or MOVE gives, at most `most` of them; by the extended protocol `portal` runs it. False: refusal_.
bool CoreCursors::begin(const ScriptItem& item, std::string_view text, std::uint64_t most, const PreparedStatement* portal) {
  const std::uint64_t answered = portal ? portal->answered : 0;  // it has given before
  const CursorPtr cursor = cursors().get(item.statement->object);
  using Direction = redshift::Fetch::Direction;
  auto fetch = redshift::read_fetch(text, conforming());
  const bool steps = fetch && (fetch->direction == Direction::forward || fetch->direction == Direction::backward);
  // The rows that the client of a portal has had are not kept, nor counted.
  if (!fetch || (cursor->portal && !steps)) return core_.refusal_ = refused("this form of FETCH or MOVE is not supported with Redshift", "Write a direction of PostgreSQL's, such as FORWARD 100 or ALL, in front of FROM name."), false;
  if (const SqlError* const fault = cursor->rows.fault()) return core_.refusal_ = *fault, false;
  const bool ended = answered > 0 && (!steps || static_cast<std::uint64_t>(std::abs(fetch->count)) <= answered);
  const bool negative = fetch->count < 0;
  if (steps && !fetch->moves && !ended && (answered > 0 || (most > 0 && fetch->count != 0))) {
    std::uint64_t count = static_cast<std::uint64_t>(std::abs(fetch->count)) - (fetch->count == redshift::Fetch::all ? 0 : answered);
    if (most > 0) count = std::min(count, most);
    fetch->count = negative ? -static_cast<std::int64_t>(count) : static_cast<std::int64_t>(count);
  }
  Sending sending;
  if (ended) {
    sending.cursor = cursor;
    sending.verb = "FETCH";
  } else {
    SqlError error;
    auto run = redshift::run_fetch(cursor, *fetch, error);
    if (!run) return core_.refusal_ = error, false;
    sending = std::move(*run);
  }
  const std::string_view formats = portal ? (portal->result_formats ? std::string_view(*portal->result_formats) : std::string_view())
                                          : cursor->binary ? redshift::RowFormats::all_binary : std::string_view();
  if (!fetch->moves && !formats.empty()) {
    SqlError error;
    auto made = redshift::RowFormats::of(cursor->description, formats, error);
    if (!made) return core_.refusal_ = error, false;
    sending.formats = std::move(*made);
  }
  sending.suspends = most > 0 && !fetch->moves && sending.left == most;
  sending.count += answered;
  cursors().sending = std::move(sending);
  return true;
}

/// A rule allows no more rows than these.
void CoreCursors::limit(const Limited& limited) {
  Sending& sending = *cursors().sending;
  if (limited.limits.max_rows == 0) return;
  const std::uint64_t allowed = limited.limits.max_rows - std::min(limited.limits.max_rows, limited.rows);
  if (sending.left <= allowed) return;
  sending.left = allowed;
  sending.due = 0;
  sending.forbidden = limited.too_many_rows();
}

bool CoreCursors::run(const ScriptItem& item, std::string_view text, bool extended, std::uint64_t most, const PreparedStatement* portal) {
  const Statement& statement = *item.statement;
  Gather& out = core_.work_->to_client;
  if (core_.local_abort_ || core_.status() == 'E') return core_.refusal_ = core_.transaction_failed(), false;
  if (statement.kind == Kind::close_cursor) {
    if (closes_all(statement)) cursors().close_all();
    else cursors().close(statement.object);
    erase_if(core_.limited_cursors_, [&](const auto& cursor) { return closes_all(statement) || cursor.first == statement.object; });
    out.compose([&](std::string& bytes) { protocol::write_command_complete(bytes, closes_all(statement) ? "CLOSE CURSOR ALL" : "CLOSE CURSOR"); });
    return true;
  }
  if (!cursors().sending) {
    Limited limited;
    core_.add_limits(limited, item, {});
    if (core_.has_to_wait(limited)) return false;
    core_.forget_limited();
    if (core_.refusal_ || !begin(item, text, most, portal)) return false;
    limit(limited);
    const Sending& sending = *cursors().sending;
    if (!extended && sending.verb == "FETCH") out.compose([&](std::string& bytes) { sending.formats.describe(bytes, sending.cursor->description); });
  }
  return send();
}

/// As many rows as the client takes. False: there are more, or refusal_.
bool CoreCursors::send() {
  constexpr std::size_t piece = 64 * 1024;
  Sending& sending = *cursors().sending;
  redshift::CursorSpool& rows = sending.cursor->rows;
  Gather& out = core_.work_->to_client;
  while (sending.left > 0) {
    core_.holds_replies_ = false;
    if (out.size() >= SessionWork::most_unread) return false;
    if (sending.cursor->closed) return core_.refusal_ = core_.transaction_failed(), false;
    const auto found = sending.backward ? rows.find(sending.next, 1, piece) : rows.find(sending.next, sending.left, piece);
    if (found.rows == 0 && rows.fault()) return core_.refusal_ = *rows.fault(), false;
    if (found.rows == 0) return false;  // it is being read
    if (sending.formats.are_text()) {
      out.append(found.messages);
    } else {
      std::string rows_as_wanted;
      SqlError error;
      if (!sending.formats.convert(rows_as_wanted, found.messages, error)) return core_.refusal_ = error, false;
      out.append(rows_as_wanted);
    }
    sending.left -= found.rows;
    sending.sent += found.rows;
    sending.next = sending.backward ? sending.next - 1 : sending.next + found.rows;
  }
  end_sending();
  return !core_.refusal_;
}

void CoreCursors::end_sending() {
  const Sending done = *std::exchange(cursors().sending, std::nullopt);
  cursors().sent = done.suspends ? done.sent : 0;
  redshift::Cursor& cursor = *done.cursor;
  if (const auto limited = core_.limited_cursors_.find(cursor.name); limited != core_.limited_cursors_.end()) limited->second.rows += done.sent;
  const PreparedStatementPtr portal = cursor.portal ? core_.find_portal(cursor.name) : nullptr;
  const bool limited = portal && portal->script && portal->item().decision->limits.any();
  if (limited) core_.note_answered(*portal, cursor.name, portal->answered + done.sent);
  if (cursor.portal) cursor.rows.forget_before(cursor.position);
  if (done.forbidden) return void(core_.refusal_ = *done.forbidden);
  if (done.due > 0) return go_on(cursor, done);
  core_.work_->to_client.compose([&](std::string& out) {
    if (done.suspends)
      protocol::write_empty(out, protocol::backend::portal_suspended);
    else
      protocol::write_command_complete(out, done.verb + ' ' + std::to_string(done.count));
  });
}

/// The client waits for more rows of a portal than have come.
void CoreCursors::go_on(redshift::Cursor& cursor, const Sending& done) {
  cursor.due = done.due;
  cursor.given = done.sent;
  cursor.suspended = false;
  core_.work_->ledger.set_head_reply(Reply::forward);
  Limited limited;
  if (const PreparedStatementPtr portal = core_.find_portal(cursor.name); portal && portal->script) {
    core_.add_limits(limited, portal->item(), {});
    limited.portal = cursor.name;
    limited.rows = std::max<std::uint64_t>(limited.rows, core_.find_portal(cursor.name)->answered);
  }
  if (limited.decision)
    core_.run_limited(std::move(limited));
  else
    core_.await_replies();
  hand_on_unfinished(cursor);
}

/// The server has begun to send the next row: the client waits for it now.
void CoreCursors::hand_on_unfinished(redshift::Cursor& cursor) {
  if (core_.server_rest_ == 0 || !core_.server_rest_spools_) return;
  core_.server_rest_spools_ = false;
  core_.server_rest_forward_ = !core_.limited_ || core_.is_within_limits(protocol::backend::data_row);
  const std::string begun = cursor.rows.take_unfinished();
  if (core_.server_rest_forward_) core_.work_->to_client.append(begun);
  --cursor.due;
  ++cursor.given;
}

/// Execute of a portal, or of a cursor, that the session has rows of.
bool CoreCursors::resume(const frontend::Execute& execute, const CursorPtr& cursor, const PreparedStatementPtr& portal) {
  if (const SqlError* const fault = cursor->rows.fault()) return core_.refusal_ = *fault, false;
  const std::uint64_t most = execute.max_rows > 0 ? static_cast<std::uint64_t>(execute.max_rows) : UINT64_MAX;
  const std::uint64_t rows = cursor->rows.rows();
  Sending sending;
  sending.cursor = cursor;
  sending.next = cursor->position;
  sending.verb = "SELECT";
  sending.left = std::min(most, rows - std::min(rows, cursor->position));
  sending.count = sending.left;
  sending.suspends = sending.left == most;
  if (!sending.suspends && !cursor->complete) sending.due = most - sending.left;
  cursor->position = sending.suspends || !cursor->complete ? cursor->position + sending.left : rows + 1;
  cursors().sending = std::move(sending);
  Limited limited;
  if (portal && portal->script) core_.add_limits(limited, portal->item(), {}), limited.rows = std::max<std::uint64_t>(limited.rows, portal->answered);
  else if (const auto own = core_.limited_cursors_.find(cursor->name); own != core_.limited_cursors_.end()) limited.add(own->second.decision, true), limited.rows = own->second.rows;
  limit(limited);
  return send();
}

std::optional<std::size_t> CoreCursors::execute(const frontend::Execute& execute, const PreparedStatementPtr& portal, std::size_t size) {
  if (!core_.spooled_) return std::nullopt;
  const bool command = portal && portal->script && core_.is_cursor_command(portal->item());
  const CursorPtr cursor = cursors().get(execute.portal);
  const bool paused = core_.is_paused();
  if (!command && !cursor) return paused ? (core_.await_replies(), std::optional<std::size_t>(0)) : std::nullopt;
  if (paused ? core_.work_->ledger.head_note().cursor != cursor : !core_.work_->ledger.empty()) return core_.await_replies(), 0;
  bool done = false;
  if (core_.refusal_) {
  } else if (core_.local_abort_ || core_.status() == 'E') {
    core_.refusal_ = core_.transaction_failed();
  } else if (cursor) {
    done = cursors().sending ? send() : resume(execute, cursor, portal);
  } else {
    cursors().sent = 0;
    done = run(portal->item(), portal->text, true, static_cast<std::uint64_t>(std::max(execute.max_rows, 0)), &*portal);
  }
  if (core_.refusal_) {
    if (paused) cursors().close(execute.portal);
    return core_.fail_batch(*core_.refusal_), size;
  }
  if (!done) return 0;
  if (!cursor && cursors().sent > 0)
    core_.note_answered(*portal, execute.portal, portal->answered + cursors().sent);
  else if (!cursor)
    core_.set_portal(execute.portal, SessionCore::spent());
  ++core_.counters.queries;
  if (core_.work_->ledger.empty()) core_.holds_replies_ = core_.work_->to_client.size() < 8192;
  return size;
}

/// The cursor whose rows the statement fetches; nullptr: it is no FETCH of one, but MOVE perhaps.
const redshift::Cursor* CoreCursors::fetched(const PreparedStatement& prepared) const {
  const Statement& statement = *prepared.item().statement;
  const redshift::Cursor* const cursor = statement.kind == Kind::fetch ? core_.find_spooled(statement.object) : nullptr;
  const auto fetch = cursor ? redshift::read_fetch(prepared.text, conforming()) : std::nullopt;
  return fetch && !fetch->moves && !cursor->description.empty() ? cursor : nullptr;
}

std::optional<SqlError> CoreCursors::bind_fetch(ByteView body, PreparedStatementPtr& prepared) const {
  std::string formats = redshift::other_than_text(body);
  const redshift::Cursor* const cursor = fetched(*prepared);
  if (formats.empty() || !cursor) return std::nullopt;
  SqlError error;
  if (!redshift::RowFormats::of(cursor->description, formats, error)) return error;
  auto portal = std::make_shared<PreparedStatement>(*prepared);
  portal->result_formats = std::make_shared<const std::string>(std::move(formats));
  prepared = std::move(portal);
  return std::nullopt;
}

void CoreCursors::describe(std::string& out, const PreparedStatement& prepared) const {
  const redshift::Cursor* const cursor = fetched(prepared);
  if (!cursor) return protocol::write_empty(out, protocol::backend::no_data);
  SqlError error;
  const auto formats = prepared.result_formats ? redshift::RowFormats::of(cursor->description, *prepared.result_formats, error) : std::nullopt;
  formats.value_or(redshift::RowFormats()).describe(out, cursor->description);
}

void CoreCursors::end_transaction(bool committed) {
  core_.spooled_->end_transaction(committed);
  if (core_.spooled_->empty()) core_.spooled_.reset();
}

}  // namespace pgswitch
