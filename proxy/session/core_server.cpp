// Frames of the servers: checked off the ledger, which says what the client sees of them.
#include <algorithm>
#include <array>
#include <initializer_list>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::HeaderStatus;
using protocol::SqlError;
using rules::Effect;
using rules::Kind;

namespace {

/// Only these may be large, and nothing in them is needed: they stream through.
bool may_stream(char type) {
  switch (type) {
    case backend::data_row:
    case backend::copy_data:
    case backend::row_description:
    case backend::parameter_description:
    case backend::function_call_response: return true;
    default: return false;
  }
}

/// A bit for each Expect.
using Expects = std::uint16_t;
constexpr Expects bit(Expect expect) { return static_cast<Expects>(1u << static_cast<unsigned>(expect)); }

/// What each type of message may answer.
constexpr std::array<Expects, 256> answered_by = [] {
  std::array<Expects, 256> asked{};
  const auto answer = [&](Expects expects, std::initializer_list<char> types) {
    for (const char type : types) asked[static_cast<unsigned char>(type)] = expects;
  };
  answer(bit(Expect::parse), {backend::parse_complete});
  answer(bit(Expect::bind), {backend::bind_complete});
  answer(bit(Expect::close), {backend::close_complete});
  answer(bit(Expect::describe), {backend::no_data, backend::parameter_description});
  answer(bit(Expect::describe) | bit(Expect::query), {backend::row_description});
  answer(bit(Expect::execute), {backend::portal_suspended});
  answer(bit(Expect::function_call), {backend::function_call_response});
  answer(bit(Expect::query) | bit(Expect::execute), {backend::data_row, backend::copy_data, backend::copy_done, backend::copy_out_response,
                                                     backend::copy_in_response, backend::command_complete, backend::empty_query_response});
  return asked;
}();

/// Whether a server may send `type` in answer to what it was asked. Nothing of ours wants data.
bool answers(char type, const Entry& asked) {
  return (answered_by[static_cast<unsigned char>(type)] & bit(asked.expect)) != 0 && (type != backend::copy_in_response || asked.reply == Reply::forward);
}

/// Bytes of the longest message that may not stream.
constexpr std::size_t longest(char type) {
  return type == backend::error_response || type == backend::notice_response ? longest_report : std::size_t{1} << 20;
}

/// What a server says that answers nothing.
bool is_report(char type) {
  return type == backend::parameter_status || type == backend::notice_response || type == backend::notification_response;
}

}  // namespace

std::size_t SessionCore::on_server_bytes(rules::RouteId route, ByteView in) {
  begin_work();
  std::size_t used = 0;
  server_needed_ = 0;
  holds_replies_ = false;
  while (used < in.size()) {
    Link* link = find_link(route);
    if (closing_) return in.size();
    if (!link) return used;  // given back meanwhile: a connection with unread input is closed by whoever gets it
    const ByteView rest = in.substr(used);
    if (link == active_ && server_rest_ > 0) {
      const std::size_t part = std::min<std::size_t>(server_rest_, rest.size());
      if (server_rest_forward_) work_->to_client.add(rest.substr(0, part));
      if (server_rest_spools_) CoreCursors(*this).on_row_rest(rest.substr(0, part));
      server_rest_ -= static_cast<std::uint32_t>(part);
      used += part;
      if (server_rest_ == 0) settle(server_rest_type_, {});
      if (work_->ledger.empty()) end_wait();
      continue;
    }
    if (link == active_ && !limited_) {
      const std::size_t passed = pass_plain(rest);
      if (passed > 0 && work_->ledger.empty()) end_wait();
      used += passed;
      if (passed > 0) continue;
    }
    FrameHeader header;
    const HeaderStatus status = read_header(rest, options_.max_frame_size, header);
    if (status == HeaderStatus::need_more) break;
    if (status == HeaderStatus::malformed || (!may_stream(header.type) && header.frame_size() > longest(header.type))) {
      desynchronised(header.type);
      return in.size();
    }
    if (link != active_) {
      if (header.frame_size() > rest.size()) return server_needed_ = header.frame_size(), used;
      on_parked_bytes(*link, header.type, rest.substr(0, header.frame_size()), rest.substr(5, header.body_size));
      used += header.frame_size();
      continue;
    }
    const std::size_t taken = on_server_frame(header, rest);
    if (taken == 0) break;
    used += taken;
    if (work_->ledger.empty()) end_wait();
  }
  return used;
}

bool SessionCore::swallowing() const {
  return !work_->ledger.empty() && (work_->ledger.head().reply == Reply::swallow || work_->ledger.head().reply == Reply::substitute);
}

std::size_t SessionCore::on_server_frame(const FrameHeader& header, ByteView in) {
  const std::size_t size = header.frame_size();
  if (work_->load && !is_report(header.type) && !work_->ledger.empty() && work_->ledger.head().expect == Expect::query)
    return work_->load->on_server_frame(header, in);
  if (size > in.size()) {
    if (!may_stream(header.type)) return server_needed_ = size, 0;
    if (work_->ledger.empty() || !answers(header.type, work_->ledger.head())) return desynchronised(header.type), in.size();
    if (work_->ledger.head().spools && header.type == backend::row_description) return server_needed_ = size, 0;
    if (is_watched() && header.type != backend::data_row && !redshift_->watch.shown) return server_needed_ = size, 0;
    holds(header.type, {});
    if (work_->ledger.head().spools && header.type == backend::data_row) {
      CoreCursors(*this).on_row(in, size);
    } else {
      server_rest_forward_ = !swallowing() && (!limited_ || is_within_limits(header.type));
      if (server_rest_forward_) work_->to_client.add(in);
    }
    if (work_->ledger.head().translated && header.type == backend::data_row) ++side().rows;
    server_rest_ = static_cast<std::uint32_t>(size - in.size());
    server_rest_type_ = header.type;
    return in.size();
  }
  const ByteView frame = in.substr(0, size);
  const ByteView body = in.substr(protocol::frame_header_size, header.body_size);
  switch (header.type) {
    case backend::parameter_status: on_parameter_status(frame, body); return size;
    case backend::notice_response:
      warned_ = true;
      if (!swallowing() && !holds(header.type, frame)) forward_report(header.type, frame, body);
      return size;
    case backend::notification_response: work_->to_client.add(frame); return size;
    case backend::error_response: return on_error(frame, body) ? size : in.size();
    case backend::ready_for_query: return on_ready(frame) ? size : in.size();
    default: break;
  }
  if (work_->ledger.empty() || !answers(header.type, work_->ledger.head())) return desynchronised(header.type), in.size();
  const Entry& head = work_->ledger.head();
  if (head.translated) return on_translated(header.type, frame, body), size;
  const bool forward = head.reply == Reply::forward || head.reply == Reply::partial;
  if (forward && !head.spools && !limited_ && (header.type == backend::data_row || header.type == backend::copy_data)) {
    const std::size_t rows = protocol::run_of(header.type, in, options_.max_frame_size);  // as this one, so those behind it
    work_->to_client.add(in.substr(0, rows));
    return rows;
  }
  if (head.spools && header.type == backend::data_row)
    CoreCursors(*this).on_row(frame, size);
  else if (!(head.spools && CoreCursors(*this).on_frame(header.type, frame)) && forward && (!limited_ || is_within_limits(header.type)))
    work_->to_client.add(frame);
  settle(header.type, body);
  return size;
}

/// A frame that answers the head has passed: checks it off, if it is the last one of the answer.
void SessionCore::settle(char type, ByteView body) {
  const Expect expect = work_->ledger.head().expect;
  if (work_->ledger.head().reply == Reply::substitute &&
      (type == backend::command_complete || type == backend::empty_query_response || type == backend::portal_suspended)) {
    holds(backend::error_response, {});
    work_->to_client.append(work_->ledger.substitute());  // it should have failed
  }
  switch (type) {
    case backend::command_complete:
    case backend::empty_query_response: return on_command_complete(body);
    case backend::copy_in_response:
      if (is_watched()) return desynchronised(type);  // of a query, the data of which stands behind what has not been taken
      active_->copy_in = work_->ledger.begin_copy();
      copy_expected_ = false;
      copy_syncs_ = 0;
      if (active_->copy_in) end_wait();
      batch_open_ |= expect == Expect::execute && work_->ledger.ready_expected() == 0;
      return;
    case backend::row_description:
      if (expect == Expect::query) return;
      break;
    case backend::data_row:
      if (work_->ledger.head().spools) CoreCursors(*this).row_passed();
      return;
    case backend::portal_suspended:  // what it does it has done with its first rows: set_config(), locks
    case backend::close_complete:
      if (work_->ledger.head().has_note && work_->ledger.head_note().statement) apply(*rules::StatementPtr(work_->ledger.head_note().statement), *active_, false);
      break;
    case backend::parse_complete:
    case backend::bind_complete:
    case backend::no_data: break;
    default: return;
  }
  work_->ledger.pop();
  work_->ledger.emit_inserts(work_->to_client);
  if (type == backend::portal_suspended) end_limited(true, true);
}

void SessionCore::on_command_complete(ByteView body) {
  const Entry& head = work_->ledger.head();
  // COMMIT of a failed transaction says ROLLBACK.
  const bool rolled_back = backend::read_command_complete(body).value_or("") == "ROLLBACK";
  active_->copy_in = false;
  copy_syncs_ = 0;
  const redshift::CursorPtr cursor = head.spools ? work_->ledger.head_note().cursor : nullptr;
  if (head.expect == Expect::query) {
    if (!head.has_note || !work_->ledger.head_note().script) return;
    Note& note = work_->ledger.head_note();
    const auto& items = note.script->items;
    if (note.next_item < items.size()) apply(*rules::StatementPtr(items[note.next_item++].statement), *active_, rolled_back);
    warned_ = false;
    if (cursor) CoreCursors(*this).completed(*cursor, false);
    return;
  }
  if (head.reply == Reply::swallow) opening_ = false;
  if (head.has_note && work_->ledger.head_note().statement) apply(*rules::StatementPtr(work_->ledger.head_note().statement), *active_, rolled_back);
  warned_ = false;
  const bool shown = head.reply == Reply::forward;
  work_->ledger.pop();
  work_->ledger.emit_inserts(work_->to_client);
  if (shown) end_limited(true);
  if (cursor) CoreCursors(*this).completed(*cursor, true);
}

bool SessionCore::on_ready(ByteView frame) {
  const auto status = backend::read_ready_for_query(frame.substr(protocol::frame_header_size));
  const Expect expect = work_->ledger.empty() ? Expect::insert : work_->ledger.head().expect;
  if (!status || (expect != Expect::query && expect != Expect::sync && expect != Expect::function_call))
    return desynchronised(backend::ready_for_query), false;
  const Reply reply = work_->ledger.head().reply;
  if (expect == Expect::query && work_->ledger.head().translated && !failed_ && !is_all_answered()) return desynchronised(backend::ready_for_query), false;
  Link& link = *active_;
  link.status = *status;
  link.copy_in = false;
  copy_broken_ = false;
  if (reply == Reply::forward || reply == Reply::partial) end_limited(false);
  if (*status == 'I') {
    if (writes_ && writes_->is_open()) writes_->end(now_us_);
    if (failed_)
      roll_back(link);
    else
      settings_.commit();
    if (spooled_) CoreCursors(*this).end_transaction(!failed_);
    link.new_pins = link.ended_pins = 0;
    link.new_objects.clear();
    for (const std::string& object : std::exchange(link.dropped_objects, {})) objects_.erase(object);
  }
  const bool retry = is_watched() && redshift_->watch.retry;
  const bool shown = !retry && (reply == Reply::forward || reply == Reply::substitute);
  settings_.end_cycle();
  const bool failed = std::exchange(failed_, false);
  if (shown) holds(backend::ready_for_query, {}), end_string(failed);
  if (shown && settings_.is_untold() && *status != 'E') tell_settings();  // what failed has reset nothing
  warned_ = false;
  const bool set_up = std::exchange(setting_up_, false);
  if (set_up && !failed && link.unchecked == Unchecked::nothing) settings_.replayed(*link.state);
  if (reply == Reply::partial && failed) work_->head.failed = true;
  if (reply == Reply::substitute && !failed) work_->to_client.append(work_->ledger.substitute());
  if (shown) {
    if (local_abort_)
      work_->to_client.compose([&](std::string& out) { protocol::write_ready_for_query(out, 'E'); });
    else
      work_->to_client.add(frame);
    counters.transactions += *status == 'I';
  }
  const bool unexpected = *status == 'I' && work_->ledger.head().in_transaction;
  const bool last = work_->ledger.size() == 1;  // nothing of the client's stands behind it
  if (redshift_) {
    redshift_->rows = redshift_->part = 0;
    if (last && *status == 'I' && reply != Reply::partial) redshift_->transaction.end();
  }
  work_->ledger.pop();
  if (unexpected) drop_earlier_portals();
  work_->ledger.emit_inserts(work_->to_client);
  if (!work_->ledger.empty()) return true;
  if (*status != 'I' && options_.mode == CoreOptions::Mode::statement) {
    release(link, true);
    fatal(no_transaction_blocks());
    return false;
  }
  if (last && *status == 'I' && predicted_ != 'I') drop_portals();
  predicted_ = *status;
  names_in_doubt_ = false;
  work_->preparing.clear();
  if (!set_up || failed) link.unchecked = Unchecked::everything;
  const bool waited_for = stall_ == Stall::replies;
  end_wait();
  if (shown || !waited_for) maybe_release();
  return true;
}

void SessionCore::on_parameter_status(ByteView frame, ByteView body) {
  const auto status = backend::read_parameter_status(body);
  if (!status) return desynchronised(backend::parameter_status);
  const bool own = swallowing() && work_->ledger.head().expect != Expect::sync;  // of what the client sent before a Sync of ours
  if (active_->state->kind == ServerKind::redshift) return on_redshift_parameter(status->name, status->value, own);
  if (settings_.on_parameter_status(*active_->state, status->name, status->value, own)) {
    const std::string_view seen = settings_.told_value(status->name, status->value);
    if (seen == status->value)
      work_->to_client.add(frame);
    else
      work_->to_client.compose([&](std::string& out) { protocol::write_parameter_status(out, status->name, seen); });
  }
  if (find_tracked(status->name) == Tracked::application_name && !own) note_application_name(status->value);
  if (!work_->ledger.empty() || active_->status != 'I') return;
  settings_.commit();  // news of the server's own, no part of any transaction
  settings_.end_cycle();
}

/// What PostgreSQL reports too, spelled as it does; the rest is no business of a client that was shown PostgreSQL's face.
void SessionCore::on_redshift_parameter(std::string_view reported, std::string_view reported_value, bool own) {
  const Tracked tracked = find_tracked(reported);
  if (tracked == Tracked::count) return;
  const std::string_view name = to_string(tracked);
  const std::string value = usual_value(tracked, reported_value);
  if (settings_.on_parameter_status(*active_->state, name, value, own))
    work_->to_client.compose([&](std::string& out) { protocol::write_parameter_status(out, name, settings_.told_value(name, value)); });
  if (tracked == Tracked::application_name && !own) note_application_name(value);
  if (!work_->ledger.empty() || active_->status != 'I') return;
  settings_.commit();
  settings_.end_cycle();
}

void SessionCore::note_application_name(std::string_view name) {
  if (facts_.application_name == name) return;
  facts_.application_name = name;
  facts_.identity = rules::next_identity();
}

/// A pinned connection speaks although it is not its turn: notifications for a LISTEN, or its end.
void SessionCore::on_parked_bytes(Link& link, char type, ByteView frame, ByteView body) {
  switch (type) {
    case backend::notification_response:
    case backend::notice_response: work_->to_client.append(frame); return;
    case backend::parameter_status:
      if (const auto status = backend::read_parameter_status(body)) {
        const Tracked tracked = find_tracked(status->name);
        if (tracked != Tracked::count) link.state->reported.set(static_cast<std::size_t>(tracked), usual_value(tracked, status->value));
      }
      return;
    case backend::error_response: fatal_from_server_ = std::string(frame); return;
    default: desynchronised(type);
  }
}

/// The server said what nobody asked for: its connection cannot be trusted any more, nor what the client was told.
void SessionCore::desynchronised(char type) {
  // Appended to: of operator+ g++ 12.2 warns that it reads too much, in some places.
  std::string detail = "Message type '";
  detail += type;
  detail += "' does not answer anything that was sent.";
  const SqlError error{protocol::Severity::fatal, std::string(protocol::sqlstate::protocol_violation), "unexpected message from the server",
                       std::move(detail), "", 0};
  if (active_) release(*active_, false);
  fatal(error);
}

}  // namespace pgswitch
