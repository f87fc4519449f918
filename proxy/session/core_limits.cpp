// Statements that a rule limits: made to wait, cancelled when they take too long, refused when they have too many rows. One is under
// way at a time, and nothing behind it is looked at before it has been answered.
#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
using protocol::SqlError;
using rules::ScriptItem;
using rules::StatementLimits;
using Phase = LimitPhase;

namespace {

std::string milliseconds(std::int64_t us) { return std::to_string((us + 999) / 1000) + " ms"; }

SqlError too_slow(const rules::Decision& decision, const StatementLimits& limits) {
  return {protocol::Severity::error, std::string(protocol::sqlstate::query_canceled), "canceling statement due to the timeout of a rule",
          "Rule \"" + decision.rule + "\" lets it run for " + milliseconds(limits.timeout_us) + ".", "", 0};
}

SqlError too_many_rows(const rules::Decision& decision, const StatementLimits& limits) {
  return {protocol::Severity::error, std::string(protocol::sqlstate::program_limit_exceeded),
          "the result has more than " + std::to_string(limits.max_rows) + (limits.max_rows == 1 ? " row" : " rows"),
          "Rule \"" + decision.rule + "\" allows no more.", "Ask for less, or by LIMIT for a part.", 0};
}

bool is_row(char type) { return type == backend::data_row || type == backend::copy_data; }

}  // namespace

/// The limits of the items that one message carries: the tightest of each.
SessionCore::Limited SessionCore::limits_of(std::size_t begin, std::size_t end) const {
  Limited all;
  const auto tighter = [](auto one, auto other) { return one == 0 || (other != 0 && other < one) ? other : one; };
  for (std::size_t i = begin; i < end; ++i) {
    const rules::DecisionPtr& decision = work_->head.script->items[i].decision;
    const StatementLimits& more = decision->limits;
    if (!more.any()) continue;
    if (!all.decision) all.decision = decision;
    all.limits.delay_us = std::max(all.limits.delay_us, more.delay_us);
    all.limits.timeout_us = tighter(all.limits.timeout_us, more.timeout_us);
    all.limits.max_rows = tighter(all.limits.max_rows, more.max_rows);
  }
  return all;
}

/// Whether a statement with these limits has to wait before it is sent; once it has, it need not again.
bool SessionCore::has_to_wait(const Limited& what) {
  if (limited_ || what.limits.delay_us == 0) return false;
  limited_ = what;
  limited_->phase = Phase::delayed;
  stall(Stall::limits);
  return true;
}

/// It has been sent: nothing follows until it has been answered.
void SessionCore::run_limited(Limited what) {
  what.phase = Phase::running;
  limited_ = std::move(what);
  await_replies();
}

LimitPhase SessionCore::limit_phase() const {
  return limited_ ? limited_->phase : LimitPhase::none;
}

std::int64_t SessionCore::limit_us() const {
  if (!limited_) return 0;
  return limited_->phase == Phase::delayed ? limited_->limits.delay_us : limited_->limits.timeout_us;
}

void SessionCore::on_limit_passed() {
  if (limited_->phase == Phase::delayed) {
    limited_->phase = Phase::waited;
    if (stall_ == Stall::limits) stall(Stall::none);
  } else if (limited_->phase == Phase::running) {
    limited_->timed_out = true;
    cancel_limited();
  }
}

void SessionCore::cancel_delay(const SqlError& error) {
  refusal_ = error;
  on_limit_passed();
}

void SessionCore::cancel_limited() {
  limited_->phase = Phase::cancelled;
  cancel_due_ = active_ != nullptr;
}

void SessionCore::on_cancel_ended() {
  cancelling_ = false;
  if (stall_ == Stall::limits && !limited_) stall(Stall::none);
}

/// False: the client must not see it, for it has had as many rows as it may.
bool SessionCore::is_within_limits(char type) {
  if (!is_row(type)) return !limited_->exceeded;
  if (limited_->exceeded) return false;
  if (limited_->limits.max_rows == 0 || ++limited_->rows <= limited_->limits.max_rows) return true;
  limited_->exceeded = true;
  cancel_limited();
  return false;
}

/// What the client is told in place of an error that a cancel request of ours has caused; nullopt: the server's own.
std::optional<SqlError> SessionCore::limit_error(std::string_view code) const {
  if (!limited_) return std::nullopt;
  if (limited_->exceeded) return too_many_rows(*limited_->decision, limited_->limits);
  if (limited_->timed_out && code == protocol::sqlstate::query_canceled) return too_slow(*limited_->decision, limited_->limits);
  return std::nullopt;
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
  const SqlError error = too_many_rows(*ended.decision, ended.limits);
  if (extended) return fail_batch(error), end_wait();
  write_local_error(error);
  failed_ = true;
  local_abort_ |= active_->status == 'T';
}

void SessionCore::forget_limited() {
  limited_.reset();
  cancel_due_ = false;
}

}  // namespace pgswitch
