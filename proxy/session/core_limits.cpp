// Statements that a rule limits: made to wait, cancelled when they take too long, refused when they have too many rows. One is under
// way at a time, and nothing behind it is looked at before it has been answered.
#include "proxy/session/core.hpp"

namespace pgswitch {

using protocol::SqlError;

/// Of the items that one message carries.
Limited SessionCore::limits_of(std::size_t begin, std::size_t end) const {
  Limited all;
  for (std::size_t i = begin; i < end; ++i) all.add(work_->head.script->items[i].decision);
  return all;
}

/// Whether a statement with these limits has to wait before it is sent; once it has, it need not again.
bool SessionCore::has_to_wait(const Limited& what) {
  if (limited_ || !what.has_to_wait()) return false;
  limited_ = what;
  limited_->phase = LimitPhase::delayed;
  stall(Stall::limits);
  return true;
}

/// It has been sent: nothing follows until it has been answered.
void SessionCore::run_limited(Limited what) {
  what.phase = LimitPhase::running;
  limited_ = std::move(what);
  await_replies();
}

void SessionCore::on_limit_passed() {
  if (limited_->phase == LimitPhase::delayed) {
    limited_->phase = LimitPhase::waited;
    if (stall_ == Stall::limits) stall(Stall::none);
  } else if (limited_->phase == LimitPhase::running) {
    limited_->timed_out = true;
    cancel_limited();
  }
}

void SessionCore::cancel_delay(const SqlError& error) {
  refusal_ = error;
  on_limit_passed();
}

void SessionCore::cancel_limited() {
  limited_->phase = LimitPhase::cancelled;
  cancel_due_ = active_ != nullptr;
}

void SessionCore::on_cancel_ended() {
  cancelling_ = false;
  if (stall_ == Stall::limits && !limited_) stall(Stall::none);
}

/// False: the client must not see it, for it has had as many rows as it may.
bool SessionCore::is_within_limits(char type) {
  const bool before = limited_->exceeded;
  const bool passes = limited_->lets_through(type);
  if (limited_->exceeded && !before) cancel_limited();
  return passes;
}

/// The server has answered all of it, or `suspended` the portal. Where it was done before the cancel request came the client is told
/// the error here, and a transaction has failed although the server does not know.
void SessionCore::end_limited(bool extended, bool suspended) {
  if (!limited_) return;
  const Limited ended = *limited_;
  forget_limited();
  if (suspended)
    if (const PreparedStatementPtr portal = find_portal(ended.portal)) note_answered(*portal, ended.portal, ended.rows);
  if (!ended.exceeded || failed_) return;
  if (extended) return fail_batch(ended.too_many_rows()), end_wait();
  write_local_error(ended.too_many_rows());
  failed_ = true;
  local_abort_ |= active_->status == 'T';
}

void SessionCore::forget_limited() {
  limited_.reset();
  cancel_due_ = false;
}

}  // namespace pgswitch
