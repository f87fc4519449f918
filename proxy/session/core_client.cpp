// Frames of the client: the dispatch, and the messages that need no decision.
#include <algorithm>

#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::HeaderStatus;
using protocol::SqlError;

namespace {

SqlError unseen_call() {
  return to_error({"0A000", "a function cannot be called by the protocol where a rule is strict", "No rule sees the call.", "Call it in a statement."});
}

SqlError no_room(std::size_t size) {
  return {protocol::Severity::error, std::string(protocol::sqlstate::out_of_memory), "too much memory for the long messages of all clients",
          "The message has " + std::to_string(size) + " bytes; those that are coming have query_total_bytes together.", "Try again later, or raise query_total_bytes.", 0};
}

}  // namespace

bool SessionCore::owes_answers() const {
  if (stall_ != Stall::none || (spooled_ && spooled_->sending)) return true;
  const bool waits_for_client = client_rest_ > 0 || (active_ && active_->copy_in) || is_paused();
  return work_ && !waits_for_client && (work_->load || work_->ledger.ready_expected() > 0);
}

void SessionCore::repeat_setting() {
  if (!at_frame_boundary() || !to_client().empty()) return;
  const auto what = Tracked::client_encoding;
  work_->to_client.compose([&](std::string& out) { protocol::write_parameter_status(out, to_string(what), settings_.told()[static_cast<std::size_t>(what)]); });
}

std::size_t SessionCore::on_client_bytes(ByteView in) {
  begin_work().bound = nullptr;
  std::size_t used = 0;
  client_needed_ = 0;
  while (wants_client() && used < in.size()) {
    const ByteView rest = in.substr(used);
    if (client_rest_ > 0) {
      const std::size_t part = std::min<std::size_t>(client_rest_, rest.size());
      if (client_rest_forward_) work_->to_server.add(rest.substr(0, part));
      client_rest_ -= static_cast<std::uint32_t>(part);
      if (work_->load && !client_rest_forward_) work_->load->on_client_data(rest.substr(0, part));
      used += part;
      if (client_rest_ == 0) maybe_release();
      continue;
    }
    const bool copies = in_copy();
    if (!copies && (work_->ledger.size() >= Work::most_owed || work_->ledger.insert_bytes() >= Work::most_unread)) {
      await_replies();
      break;
    }
    if (is_watched()) {
      bool stops = false;
      used += go_on_watched(rest, stops);
      if (stops) break;
      if (is_watched() && redshift_->watch.phase != redshift::Watch::Phase::refused) continue;
      if (used == in.size()) break;
      if (!is_watched()) continue;
    }
    FrameHeader header;
    const HeaderStatus status = read_header(rest, options_.max_frame_size, header);
    if (status == HeaderStatus::need_more) break;
    if (!frontend::is_known(rest[0]) && !copies && !copy_expected_) {
      give_up("invalid frontend message type " + std::to_string(static_cast<unsigned char>(rest[0])));
      break;
    }
    if (status == HeaderStatus::malformed || header.body_size + 4 > frontend::longest(header.type)) {
      give_up("invalid message length");
      break;
    }
    work_->parsed = false;
    std::size_t taken = on_client_frame(header, rest);
    if (work_->parsed) taken += follow_parsed(rest.substr(taken));
    if (taken > 0 && work_->bound && client_rest_ == 0 && !copy_expected_) taken += follow_bound(rest.substr(taken));
    if (taken == 0 && is_watched() && redshift_->watch.phase == redshift::Watch::Phase::asked) continue;
    if (taken == 0) break;
    if (is_watched()) redshift_->watch = {};
    used += taken;
  }
  return used;
}

/// The client's stream cannot be read on. What it has asked for before is answered first, but a COPY that waits for its data.
void SessionCore::give_up(std::string why) {
  if (!work_->ledger.empty() && !in_copy()) return await_replies();
  fatal({protocol::Severity::fatal, std::string(protocol::sqlstate::protocol_violation), std::move(why), "", "", 0});
}

/// A Bind has been given what was decided for it, or the batch goes on: what depends on the moment is asked again.
std::size_t SessionCore::end_moment(std::size_t used) {
  if (used > 0 && momentary_) momentary_.reset();
  return used;
}

std::size_t SessionCore::on_client_frame(const FrameHeader& header, ByteView in) {
  if (has_no_room_) return refuse_frame(header, in);
  if (active_ && active_->copy_in) return on_copy_frame(header, in);
  if (work_->load) return work_->load->on_client_frame(header, in);
  copy_expected_ = copy_expected_ && !work_->ledger.empty();
  if (copy_expected_ && !may_follow_copy(header)) return await_replies(), 0;
  if (head_spools() && CoreCursors(*this).drains(header, in)) return 0;
  if (header.type != frontend::bind && header.type != frontend::describe && header.type != frontend::execute) work_->bound = nullptr;
  switch (header.type) {
    case frontend::query:
      if (options_.disable_pqexec) return give_up("PQexec disallowed"), 0;
      return end_moment(on_query(header, in));
    case frontend::parse: return on_parse(header, in);
    case frontend::bind: return end_moment(on_bind(header, in));
    case frontend::describe: return on_describe(header, in);
    case frontend::execute: return end_moment(on_execute(header, in));
    case frontend::close: return on_close(header, in);
    case frontend::sync: return end_moment(on_sync(header, in));
    case frontend::flush: return on_flush(header, in);
    case frontend::function_call: return on_function_call(header, in);
    case frontend::copy_data:
    case frontend::copy_done:
    case frontend::copy_fail: return on_early_copy_frame(header, in);
    case frontend::terminate:
      // What was sent before it still counts: a pipeline may end with Terminate without having read its replies.
      if (!work_->ledger.empty() && !is_paused()) return await_replies(), 0;
      closing_ = true;
      return header.frame_size() <= in.size() ? header.frame_size() : in.size();
    default:
      give_up("invalid frontend message type " + std::to_string(static_cast<unsigned char>(header.type)));
      return 0;
  }
}

/// Whether the whole frame lies in `in`; if not, says how many bytes it needs. Ends the session when it is too large, also
/// when it happens to be here in one piece: what a client may send must not depend on how the network cuts it.
bool SessionCore::complete(const FrameHeader& header, ByteView in) {
  if (header.frame_size() > options_.query_max_bytes) {
    if (!work_->ledger.empty() && !in_copy()) return await_replies(), false;
    fatal({protocol::Severity::fatal, std::string(protocol::sqlstate::program_limit_exceeded), "message is too large",
           "The message has " + std::to_string(header.frame_size()) + " bytes, query_max_bytes is " +
               std::to_string(options_.query_max_bytes) + ".",
           "Raise query_max_bytes, or send the data by COPY or as parameters.", 0});
    return false;
  }
  if (header.frame_size() <= in.size()) return true;
  client_needed_ = header.frame_size();
  return false;
}

/// The rest of it is skipped as it comes, and the session goes on.
std::size_t SessionCore::refuse_frame(const FrameHeader& header, ByteView in) {
  SqlError error = no_room(header.frame_size());
  const bool query = header.type == frontend::query && !skip_until_sync_;
  if (in_copy()) error.severity = protocol::Severity::fatal;
  if (error.severity == protocol::Severity::fatal) return fatal(error), 0;
  if (query && !fail_query(error)) return 0;
  has_no_room_ = false;
  if (!query && !skip_until_sync_) fail_batch(error);
  return skip_frame(header, in);
}

/// What is small is not begun before it is whole: a client that leaves in the middle of it would cost a connection.
bool SessionCore::small_is_whole(const FrameHeader& header, ByteView in) {
  constexpr std::size_t small = 4096;
  if (header.frame_size() <= in.size() || header.frame_size() > small) return true;
  client_needed_ = header.frame_size();
  return false;
}

std::size_t SessionCore::stream_to_server(const FrameHeader& header, ByteView in) {
  const std::size_t here = std::min(header.frame_size(), in.size());
  work_->to_server.add(in.substr(0, here));
  client_rest_ = header.frame_size() - here;
  client_rest_forward_ = true;
  return here;
}

std::size_t SessionCore::skip_frame(const FrameHeader& header, ByteView in) {
  const std::size_t here = std::min(header.frame_size(), in.size());
  client_rest_ = header.frame_size() - here;
  client_rest_forward_ = false;
  return here;
}

/// No rule sees a FunctionCall: it runs where the session is, unless a rule denies what it does not see.
std::size_t SessionCore::on_function_call(const FrameHeader& header, ByteView in) {
  if (skip_until_sync_) return skip_frame(header, in);
  if (!small_is_whole(header, in)) return 0;
  if (engine_->is_strict() && !refusal_) refusal_ = unseen_call();
  if (local_abort_ || refusal_) {
    if (!work_->ledger.empty()) return await_replies(), 0;
    write_local_error(refusal_ ? *refusal_ : transaction_failed());
    refusal_.reset();
    work_->head = {};
    abort_locally();
    write_local_ready();
    return skip_frame(header, in);
  }
  Link* link = need_link(neutral_route());
  if (link && link->state->kind == ServerKind::redshift)
    if (auto objects = CoreLoad::object_to_encoding(*this)) refusal_ = std::move(*objects);
  if (!link || refusal_) return refusal_ ? on_function_call(header, in) : 0;
  work_->head = {};
  work_->ledger.push(Expect::function_call);
  batch_open_ = batch_wrote_ = false;
  link->state->unknown_settings = true;
  return stream_to_server(header, in);
}

std::size_t SessionCore::on_sync(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const bool wrong = header.body_size != 0;
  skip_until_sync_ = false;
  refusal_.reset();  // of a message that was skipped
  if (head_spools() && !wrong && CoreCursors(*this).sync_paused()) return header.frame_size();
  batch_wrote_ = false;
  if (active_ && (batch_open_ || !work_->ledger.empty() || (wrong && active_->status != 'I'))) {
    work_->to_server.add(in.substr(0, header.frame_size()));
    work_->ledger.push(Expect::sync);
    batch_open_ = false;
    if (predicted_ == 'I')
      drop_portals();
    else
      work_->ledger.mark_in_transaction();
    if (names_in_doubt_) stall(Stall::replies);
  } else {
    if (wrong) {
      write_local_error(malformed_message("invalid message format"));
      abort_locally();
    }
    write_local_ready();
    maybe_release();
  }
  return header.frame_size();
}

std::size_t SessionCore::on_flush(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  holds_replies_ = false;
  if (header.body_size != 0 && !skip_until_sync_) return fail_batch(malformed_message("invalid message format")), header.frame_size();
  if (active_ && !work_->ledger.empty() && !skip_until_sync_) work_->to_server.add(in.substr(0, header.frame_size()));
  return header.frame_size();
}

}  // namespace pgswitch
