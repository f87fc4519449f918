#include "proxy/session/core.hpp"

#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

using protocol::SqlError;

SessionCore::SessionCore(CoreOptions options, rules::Facts facts, SessionSettings settings)
    : options_(options), facts_(std::move(facts)), settings_(std::move(settings)) {
  facts_.state = this;
}

SessionCore::~SessionCore() = default;

Action SessionCore::next() {
  if (release_due_) maybe_release();
  if (!begin_work().releases.empty()) {
    const Action action = work_->releases.front();
    work_->releases.erase(work_->releases.begin());
    holds_replies_ = false;  // a release waits for what is to be written
    return action;
  }
  if (closing_) return {Action::Kind::close, rules::no_route, {}};
  if (cancel_due_ && active_) {
    cancel_due_ = false;
    cancelling_ = true;
    return {Action::Kind::cancel, active_->route, {}};
  }
  if (work_->load && work_->load->wants_place()) return {Action::Kind::load, active_ ? active_->route : rules::no_route, {}};
  if (stall_ == Stall::lease && !asked_) {
    asked_ = true;
    return {Action::Kind::acquire, wanted_route_, {}};
  }
  return {};
}

void SessionCore::on_acquired(rules::RouteId route, ServerState& state) {
  std::unique_ptr<Link> link = begin_work().spare_link ? std::move(work_->spare_link) : std::make_unique<Link>();
  link->route = route;
  link->state = &state;
  if (options_.mode == CoreOptions::Mode::session) link->pins = bit(Pin::session_mode);
  active_ = link.get();
  links_.push_back(std::move(link));
  predicted_ = 'I';
  asked_ = false;
  stall(Stall::none);
}

void SessionCore::on_acquire_failed(const SqlError& error) {
  asked_ = false;
  stall(Stall::none);
  if (error.severity == protocol::Severity::fatal)
    fatal(error);
  else
    refusal_ = error;
}

void SessionCore::shrink() {
  work_.reset();
  links_.shrink_to_fit();
  prepared_.shrink();
  portals_.shrink();
  objects_.shrink();
}

void SessionCore::end(const SqlError& error) { fatal(error); }

void SessionCore::fatal(const SqlError& error) {
  SqlError last = error;
  last.severity = protocol::Severity::fatal;
  std::string frame;
  protocol::write_error(frame, last);
  fatal(frame);
}

/// The session ends; `frame` is the last that the client is told.
void SessionCore::fatal(protocol::ByteView frame) {
  if (closing_) return;
  closing_ = true;
  // In the middle of a frame nothing can be said any more.
  if (at_frame_boundary()) to_client().append(frame);
}

void SessionCore::write_local_error(const SqlError& error) {
  work_->to_client.compose([&](std::string& out) { protocol::write_error(out, error); });
}

const rules::ScriptPtr& SessionCore::decide(std::string_view text) {
  const rules::ScriptPtr& script = engine_->decide(text, facts_now());
  return script->plain || !LastRoute::asks_last_route(*script) ? script : last_route_.answer(*script, *engine_);
}

/// Waits for what is owed. A server keeps its replies to an open batch to itself until it is asked.
void SessionCore::await_replies() {
  if (batch_open_) work_->to_server.compose([](std::string& out) { protocol::MessageWriter(out, protocol::frontend::flush); });
  stall(Stall::replies);
}

/// The replies that were waited for have come.
void SessionCore::end_wait() {
  if (stall_ == Stall::replies) stall(cancelling_ ? Stall::limits : Stall::none);
}

/// Why nothing runs in the client's transaction any more: first what ended it unseen, then what PostgreSQL says.
SqlError SessionCore::transaction_failed() {
  if (!lost_in_transaction_) return aborted_transaction();
  SqlError error = std::move(*lost_in_transaction_);
  lost_in_transaction_.reset();
  return error;
}

char SessionCore::status() const {
  if (local_abort_) return 'E';
  if (work_ && !work_->deferred.empty()) return 'T';
  return active_ ? active_->status : 'I';
}

Pins SessionCore::pins() const {
  Pins all = 0;
  for (const auto& link : links_) all |= link->pins;
  return all;
}

Pins SessionCore::pins(rules::RouteId route) const {
  const Link* const link = find_link(route);
  return link ? link->pins : 0;
}

Leftover SessionCore::leftover(rules::RouteId route) const {
  const Link* link = find_link(route);
  Leftover left;
  if (!link) return left;
  left.in_transaction = link->status != 'I';
  left.reset_needed = link->pins != 0 || link->state->unknown_settings || link->state->session_state;
  if (link != active_ || !work_) return left;
  left.ready_expected = work_->ledger.ready_expected();
  left.state_unknown = setting_up_ || work_->ledger.changes_server() || (link->status != 'I' && settings_.changed_in_transaction());
  left.skip_bytes = server_rest_;
  left.copy_in = link->copy_in;
  left.sync_needed = batch_open_;
  if (batch_open_) ++left.ready_expected;
  left.in_transaction |= left.ready_expected > 0 && predicted_ != 'I';
  left.unusable = (client_rest_ > 0 && client_rest_forward_) || !work_->to_server.empty();
  return left;
}

}  // namespace pgswitch
