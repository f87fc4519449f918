// How the rows of cursors come from a server of kind redshift: to the client that waits for them, else to the session, which keeps them.
#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/redshift/tags.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/tokens.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;
using redshift::Cursor;
using redshift::CursorPtr;

namespace {

bool is_word(std::string_view text, std::string_view word) {
  return text.size() == word.size() && std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return (a | 0x20) == b; });
}

bool is_rollback(std::string_view text) {
  rules::TokenReader reader(text);
  rules::Token token = reader.next();
  const auto is = [&](std::string_view word) { return token.type == rules::TokenType::word && is_word(reader.text(token), word); };
  if (!is("rollback") && !is("abort")) return false;
  token = reader.next();
  if (is("work") || is("transaction")) token = reader.next();
  if (token.type == rules::TokenType::semicolon) token = reader.next();
  return token.type == rules::TokenType::end;
}

}  // namespace

bool SessionCore::is_idle() const {
  const bool answered = !work_ || (work_->ledger.empty() && !work_->load);
  const bool sending = spooled_ && spooled_->sending;
  return answered && !sending && stall_ == Stall::none && status() == 'I' && !batch_open_ && client_rest_ == 0;
}

/// A portal is suspended whose rows come: the server is not read, the client may go on.
bool SessionCore::is_head_paused() const {
  if (!head_spools() || stall_ != Stall::none || !work_->ledger.head().has_note) return false;
  const CursorPtr& cursor = work_->ledger.head_note().cursor;
  return cursor && cursor->suspended && !cursor->closed;
}

bool SessionCore::wants_server() const {
  if (!head_spools()) return true;
  if (is_paused()) return false;
  const bool full = work_->ledger.head().has_note && work_->ledger.head_note().cursor && work_->ledger.head_note().cursor->rows.is_full();
  return !full;
}

CursorPtr CoreCursors::head_cursor() const {
  const Ledger& ledger = core_.work_->ledger;
  return ledger.head().has_note ? ledger.head_note().cursor : nullptr;
}

bool CoreCursors::drains(const FrameHeader& header, ByteView in) {
  if (!core_.is_paused()) return false;
  if (header.type == frontend::sync || header.type == frontend::flush || header.type == frontend::execute || header.type == frontend::terminate) return false;
  core_.work_->head.waits |= header.type == frontend::query || header.type == frontend::function_call;
  const std::optional<bool> rollback = core_.batch_open_ ? false : rolls_back(in);
  if (!rollback) return true;
  if (*rollback) {
    abandon();
    return core_.cancel_due_ = head_cursor()->complete = true;
  }
  if (header.type == frontend::close && header.frame_size() <= in.size()) {
    const auto target = frontend::read_close(body_of(header, in));
    if (target && target->target == 'P' && target->name == head_cursor()->name) cursors().close(target->name);
  }
  core_.await_replies();
  return true;
}

/// Whether the client sends ROLLBACK, perhaps behind messages that close portals. nullopt: that is seen when more of it has come.
std::optional<bool> CoreCursors::rolls_back(ByteView in) const {
  constexpr std::size_t longest = 1000;
  for (std::size_t at = 0; at < longest;) {
    FrameHeader header;
    const ByteView rest = in.substr(at);
    const protocol::HeaderStatus status = protocol::read_header(rest, longest, header);
    if (status == protocol::HeaderStatus::malformed) return false;
    const std::size_t size = status == protocol::HeaderStatus::complete ? header.frame_size() : protocol::frame_header_size;
    if (rest.size() < size) return core_.client_needed_ = at + size, std::nullopt;
    const ByteView body = body_of(header, rest);
    at += size;
    if (header.type == frontend::close) continue;
    if (header.type == frontend::query) {
      const auto query = frontend::read_query(body);
      return query && is_rollback(query->text);
    }
    if (header.type == frontend::parse) {
      const auto parse = frontend::read_parse(body);
      return parse && is_rollback(parse->text);
    }
    if (header.type != frontend::bind) return false;
    const auto names = frontend::read_bind_names(body);
    const PreparedStatementPtr prepared = names ? core_.find_prepared(names->statement) : nullptr;
    return prepared && prepared->script && is_rollback(prepared->text);
  }
  return false;
}

/// Nobody can ask for its other rows, nor for how it ends. That it is nobody's statement any more tells on_error().
void CoreCursors::abandon() {
  cursors().close(head_cursor()->name);
  core_.work_->ledger.head_note().statement.reset();
  core_.stall(SessionCore::Stall::replies);
}

bool CoreCursors::is_abandoned() const { return head_cursor()->suspended && !core_.work_->ledger.head_note().statement; }

/// Where the transaction goes on the portal does, and the Sync that the server gets is ours.
bool CoreCursors::sync_paused() {
  if (!core_.is_paused()) return false;
  if (core_.predicted_ != 'T') {
    if (!core_.batch_wrote_) abandon();
    return false;
  }
  if (core_.batch_open_) {
    core_.work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
    core_.work_->ledger.push(Expect::sync, Reply::swallow);
  }
  core_.batch_open_ = core_.batch_wrote_ = core_.holds_replies_ = false;
  core_.work_->to_client.compose([](std::string& out) { protocol::write_ready_for_query(out, 'T'); });
  return true;
}

void CoreCursors::on_row(ByteView piece, std::size_t size) {
  const CursorPtr cursor = head_cursor();
  const bool waited_for = cursor && cursor->due > 0;
  core_.server_rest_spools_ = !waited_for;
  core_.server_rest_forward_ = waited_for && (!core_.limited_ || core_.is_within_limits(backend::data_row));
  if (core_.server_rest_forward_) core_.work_->to_client.add(piece);
  if (waited_for) {
    --cursor->due;
    ++cursor->given;
  } else if (cursor && !cursor->closed) {
    cursor->rows.add(piece, size);
  }
}

void CoreCursors::on_row_rest(ByteView piece) {
  const CursorPtr cursor = head_cursor();
  if (cursor && !cursor->closed) cursor->rows.add(piece, 0);
}

void CoreCursors::row_passed() {
  const CursorPtr cursor = head_cursor();
  core_.server_rest_spools_ = false;
  if (!cursor) return;
  if (!cursor->portal) {
    // Its rows are too many, or there is nowhere to put them: nobody wants the others.
    if (cursor->rows.fault() && !cursor->closed) core_.cancel_due_ = cursor->closed = true;
    return;
  }
  if (is_abandoned() && !cursor->complete) core_.cancel_due_ = cursor->complete = true;
  if (cursor->suspended || cursor->due > 0 || cursor->closed) return;
  if (core_.limited_ && core_.limited_->exceeded) return void(cursor->closed = true);
  cursor->suspended = true;
  core_.work_->to_client.compose([](std::string& out) { protocol::write_empty(out, backend::portal_suspended); });
  core_.work_->ledger.set_head_reply(Reply::swallow);
  keep(cursor);
  core_.end_limited(true, true);
  core_.end_wait();
}

void CoreCursors::keep(const CursorPtr& cursor) {
  if (cursors().find(cursor->name) != cursor.get()) cursors().add(cursor);
}

bool CoreCursors::on_frame(char type, ByteView frame) {
  const CursorPtr cursor = head_cursor();
  std::string tag;
  switch (type) {
    case backend::row_description:
      if (!cursor)  // the client's Describe of a DECLARE
        core_.work_->to_client.compose([](std::string& out) { protocol::write_empty(out, backend::no_data); });
      else
        cursor->description = frame;
      return true;
    case backend::no_data: return cursor != nullptr;
    case backend::command_complete: break;
    default: return false;
  }
  if (core_.limited_ && core_.limited_->exceeded) return true;
  if (cursor->portal && cursor->suspended) {
    core_.cancel_due_ &= !is_abandoned();
    return cursor->complete = true;
  }
  cursor->complete = true;
  if (!cursor->portal) {
    if (cursor->rows.fault()) return true;
    keep(cursor);
    tag = "DECLARE CURSOR";
  } else {
    cursor->position = cursor->rows.rows() + 1;
    const std::string_view said = backend::read_command_complete(frame.substr(protocol::frame_header_size)).value_or("");
    tag = redshift::client_tag(said, cursor->given, core_.work_->ledger.head_note().statement.get());
  }
  core_.work_->to_client.compose([&](std::string& out) { protocol::write_command_complete(out, tag); });
  return true;
}

/// It could not be kept, but the server does not know.
void CoreCursors::completed(const Cursor& cursor, bool extended) {
  if (cursor.portal || !cursor.rows.fault()) return;
  core_.cancel_due_ = false;
  if (extended) {
    core_.fail_batch(*cursor.rows.fault());
    return core_.end_wait();
  }
  core_.write_local_error(*cursor.rows.fault());
  core_.failed_ = true;
  core_.local_abort_ |= core_.predicted_ == 'T' || core_.active_->status == 'T';
}

bool CoreCursors::on_error(ByteView body, bool& late) {
  const CursorPtr cursor = head_cursor();
  if (!cursor) return false;
  core_.cancel_due_ &= cursor->portal && !cursor->closed;
  if (cursor->portal && is_abandoned() && core_.predicted_ != 'T') return true;
  if (cursor->rows.fault() && !cursor->portal) return core_.write_local_error(*cursor->rows.fault()), true;
  if (core_.spooled_ && cursor->suspended) core_.spooled_->close(cursor->name);
  // The client has been told that all is well so far, and learns of it by what it does next: also by a query in the same batch, which
  // no error of the batch skips that it has not been told of.
  const bool query_waits = core_.batch_open_ && core_.work_->head.waits;
  late = cursor->portal && core_.work_->ledger.head().reply == Reply::swallow && (query_waits || (!core_.batch_open_ && core_.predicted_ == 'T'));
  if (!late) return false;
  protocol::SqlError error = backend::read_error(body);
  error.position = 0;
  if (query_waits) {
    core_.work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
    core_.work_->ledger.push(Expect::sync, Reply::swallow);
    core_.batch_open_ = core_.batch_wrote_ = false;
  }
  if (core_.predicted_ == 'T')
    core_.lost_in_transaction_ = std::move(error), core_.local_abort_ = true;
  else
    core_.refusal_ = std::move(error);
  return true;
}

}  // namespace pgswitch
