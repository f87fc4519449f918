// What the leader node of Redshift refuses, because its compute nodes lack a function, another route is asked: the client's messages are
// looked at a second time, as long as nothing of an answer has been shown and nothing can have been done.
#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::HeaderStatus;
using redshift::Watch;
using Phase = redshift::Watch::Phase;

namespace {

constexpr std::size_t not_watched = ByteView::npos;

/// Bytes of the request that begins here: a Query, or what runs one statement up to its Sync. 0: it is not whole yet; not_watched: it is
/// something else, or too large to be kept.
std::size_t request_size(ByteView bytes, std::uint32_t max_frame_size) {
  constexpr std::size_t largest = 64 * 1024;
  FrameHeader header;
  std::size_t size = 0;
  int parses = 0, executes = 0;
  while (size < largest) {
    const HeaderStatus status = read_header(bytes.substr(size), max_frame_size, header);
    if (status == HeaderStatus::malformed) return not_watched;
    if (status == HeaderStatus::need_more || header.frame_size() > bytes.size() - size) {
      return status == HeaderStatus::complete && size + header.frame_size() > largest ? not_watched : 0;
    }
    const bool first = size == 0;
    size += header.frame_size();
    parses += header.type == frontend::parse;
    executes += header.type == frontend::execute;
    if (parses > 1 || executes > 1) return not_watched;
    if (header.type == frontend::execute) {
      // With a row limit the rows behind it are kept, and may come later.
      const auto execute = frontend::read_execute(bytes.substr(size - header.body_size, header.body_size));
      if (execute && execute->max_rows > 0) return not_watched;
    }
    switch (header.type) {
      case frontend::query: return first ? size : not_watched;
      case frontend::sync: return size;
      case frontend::parse:
      case frontend::bind:
      case frontend::describe:
      case frontend::execute: break;
      default: return not_watched;
    }
  }
  return not_watched;
}

}  // namespace

/// Whether the message at hand, of which nothing has been sent, begins a request to be watched: then it is looked at again.
bool SessionCore::asks_watch(const Link& link, const rules::ScriptItem& item) {
  if (link.state->kind != ServerKind::redshift) return false;
  const rules::RouteId fallback = item.decision->fallback.value_or(link.state->fallback);
  if (fallback == rules::no_route || fallback == link.route) return false;
  const bool alone = work_->ledger.empty() && !batch_open_ && predicted_ == 'I' && link.status == 'I' && objects_.empty() && !limited_;
  if (!alone || !item.statement->read_only || item.statement->kind != rules::Kind::select || item.decision->limits.any() || is_watched()) return false;
  side().watch = {};
  side().watch.phase = Phase::asked;
  side().watch.fallback = fallback;
  return true;
}

/// The messages of a request that is watched. The result is the size of it when it has been answered. `stops`: it has to wait.
std::size_t SessionCore::go_on_watched(ByteView rest, bool& stops) {
  Watch& watch = side().watch;
  if (watch.phase == Phase::asked) {
    watch.size = request_size(rest, options_.max_frame_size);
    if (watch.size == 0) return client_needed_ = rest.size() + 1, stops = true, 0;
    watch.phase = watch.size == not_watched ? Phase::refused : Phase::running;
  }
  if (watch.phase == Phase::refused) return 0;
  while (watch.phase == Phase::running && wants_client()) {
    FrameHeader header;
    read_header(rest.substr(watch.offset), options_.max_frame_size, header);
    if (work_->ledger.empty() && !watch.held.empty()) holds(backend::ready_for_query, {});
    const std::size_t before = work_->to_client.size() + work_->ledger.insert_bytes();
    const std::size_t owed = work_->ledger.size();
    const std::size_t taken = on_client_frame(header, rest.substr(watch.offset));
    if (work_->to_client.size() + work_->ledger.insert_bytes() > before) holds(backend::ready_for_query, {});  // an answer of ours
    if (work_->ledger.size() > owed && active_ && active_->state->kind == ServerKind::redshift) work_->ledger.mark_translated();
    watch.offset += taken;
    if (watch.offset == watch.size) watch.phase = Phase::waiting;
    if (taken == 0) return stops = true, 0;
  }
  if (watch.phase == Phase::running || closing_) return stops = true, 0;
  if (!work_->ledger.empty()) return await_replies(), stops = true, 0;
  if (watch.retry) {
    ++counters.fallbacks;
    Watch again;
    again.phase = Phase::running;
    again.size = watch.size;
    again.route = watch.fallback;
    again.shown = true;
    watch = std::move(again);
    return 0;
  }
  const std::size_t used = watch.size;
  watch = {};
  return used;
}

/// Whether the client has to wait for this frame of a server until it is known that the statement is not refused. What shows that, lets
/// go what was held.
bool SessionCore::holds(char type, ByteView frame) {
  if (!is_watched() || redshift_->watch.fallback == rules::no_route) return false;
  Watch& watch = redshift_->watch;
  const bool tells = type == backend::data_row || type == backend::command_complete || type == backend::empty_query_response ||
                     type == backend::portal_suspended || type == backend::error_response || type == backend::ready_for_query;
  if (!watch.shown && !tells) return watch.held.append(frame), true;
  watch.shown = true;
  if (!watch.held.empty()) work_->to_client.append(std::exchange(watch.held, {}));
  return false;
}

}  // namespace pgswitch
