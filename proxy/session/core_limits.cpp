// Statements that a rule limits: made to wait, cancelled when they take too long, refused when they have too many rows. One is under
// way at a time, and nothing behind it is looked at before it has been answered.
#include <algorithm>

#include "proxy/session/core.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;
using rules::Kind;
using rules::ScriptItem;
using rules::ScriptItems;
using rules::Statement;

namespace {

/// The rows of these are not those of their query.
bool answers_its_rows(const Statement& statement) {
  return statement.kind != Kind::explain && statement.kind != Kind::prepare && statement.kind != Kind::declare_cursor;
}

bool names_another(const Statement& statement) {
  return statement.kind == Kind::fetch || (!statement.prepared.empty() && statement.kind != Kind::prepare && statement.kind != Kind::deallocate);
}

SqlError limited_write() {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported),
          "a statement whose rows a rule limits must not write outside of a transaction", "Its rows are counted when it has been committed.",
          "Run it in a transaction, or by the extended protocol.", 0};
}

SqlError limited_beside_writes() {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported),
          "a statement whose rows a rule limits must not stand in one query string with one that writes", "",
          "Send them as separate queries, or in a transaction.", 0};
}

}  // namespace

/// What the statement runs by its name: that which PREPARE, Parse or DECLARE has made of it, `before` it in its query string or
/// earlier. Without a decision: nothing that is known.
ScriptItem SessionCore::named_by(const Statement& statement, ScriptItems before) const {
  if (!names_another(statement)) return {};
  const bool fetches = statement.kind == Kind::fetch;
  const std::string& name = fetches ? statement.object : statement.prepared;
  const Kind maker = fetches ? Kind::declare_cursor : Kind::prepare;
  const auto made = std::find_if(before.rbegin(), before.rend(), [&](const ScriptItem& item) {
    return item.statement->kind == maker && item.statement->object == name;
  });
  if (made != before.rend()) return *made;
  if (fetches)
    if (const auto cursor = limited_cursors_.find(name); cursor != limited_cursors_.end()) return {nullptr, cursor->second.decision};
  const PreparedStatementPtr named = fetches ? find_portal(name) : find_prepared(name);
  return named && named->script ? named->item() : ScriptItem{};
}

/// Those of the rules for the statement, and for what it names.
void SessionCore::add_limits(Limited& all, const ScriptItem& item, ScriptItems before) const {
  const bool counts = answers_its_rows(*item.statement);
  all.add(item.decision, counts);
  const ScriptItem named = named_by(*item.statement, before);
  if (!named.decision || !named.decision->limits.any()) return;
  all.add(named.decision, counts);
  if (item.statement->kind != Kind::fetch) return;
  all.cursor = item.statement->object;
  if (const auto cursor = limited_cursors_.find(all.cursor); cursor != limited_cursors_.end())
    all.rows = cursor->second.rows;
  else if (const PreparedStatementPtr portal = find_portal(all.cursor))
    all.rows = portal->answered;
}

/// Of the items that one message carries.
Limited SessionCore::limits_of(ScriptItems items, std::size_t begin, std::size_t end) const {
  Limited all;
  for (std::size_t i = begin; i < end; ++i) add_limits(all, items[i], items.first(i));
  return all;
}

/// Rows are counted of one statement at a time.
bool SessionCore::counts_rows(ScriptItems items, std::size_t i) const {
  if (items[i].decision->limits.max_rows == 0 && !names_another(*items[i].statement)) return false;
  return limits_of(items, i, i + 1).limits.max_rows != 0;
}

/// What the item runs, where that is known.
bool SessionCore::writes(ScriptItems items, std::size_t i) const {
  const ScriptItem named = named_by(*items[i].statement, items.first(i));
  return !(named.statement ? *named.statement : *items[i].statement).read_only;
}

/// Why rows cannot be counted outside of a transaction in a string that has `wrote` and `counted` up to item `i`: by the time that there
/// are too many, what it wrote would be committed.
std::optional<SqlError> SessionCore::refuse_counting(ScriptItems items, std::size_t i, bool wrote, bool counted) const {
  if (!wrote || !counted) return std::nullopt;
  const ScriptItem named = named_by(*items[i].statement, items.first(i));
  const Statement& statement = named.statement ? *named.statement : *items[i].statement;
  const bool answers = statement.returning || statement.kind == Kind::select || statement.kind == Kind::prepare;
  if (counts_rows(items, i) && !statement.read_only && answers) return limited_write();
  return items.size() > 1 ? std::optional(limited_beside_writes()) : std::nullopt;
}

/// DECLARE is being sent: what limits its query has, each FETCH has.
void SessionCore::note_cursor(const ScriptItem& item) {
  if (item.statement->kind != Kind::declare_cursor) return;
  if (item.decision->limits.any())
    limited_cursors_[item.statement->object] = {item.decision, 0, has(item.statement->effects, rules::Effect::hold_cursor)};
  else
    limited_cursors_.erase(item.statement->object);
}

/// Whether a statement with these limits has to wait before it is sent; once it has, it need not again.
bool SessionCore::has_to_wait(const Limited& what) {
  if (limited_ || !what.has_to_wait()) return false;
  limited_ = what;
  limited_->phase = LimitPhase::delayed;
  limited_->since_us = now_us_;
  stall(Stall::limits);
  return true;
}

/// It has been sent: nothing follows until it has been answered.
void SessionCore::run_limited(Limited what) {
  what.phase = LimitPhase::running;
  what.since_us = now_us_;
  limited_ = std::move(what);
  await_replies();
}

void SessionCore::on_limit_passed() {
  if (limited_->phase == LimitPhase::delayed) {
    limited_->phase = LimitPhase::waited;
    if (stall_ == Stall::limits) stall(Stall::none);
  } else if (limited_->phase == LimitPhase::running) {
    limited_->timed_out = true;
    const bool loads = work_ && work_->load;
    if (!loads || !work_->load->on_timeout()) cancel_limited();
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
  if (const auto cursor = limited_cursors_.find(ended.cursor); cursor != limited_cursors_.end())
    cursor->second.rows = ended.rows;
  else if (const PreparedStatementPtr portal = ended.cursor.empty() ? nullptr : find_portal(ended.cursor))
    note_answered(*portal, ended.cursor, ended.rows);
  if (!ended.exceeded || failed_) return;
  if (extended) return fail_batch(ended.too_many_rows()), end_wait();
  write_local_error(ended.too_many_rows());
  failed_ = true;
  local_abort_ |= active_->status == 'T';
}

void SessionCore::forget_limited() {
  limited_.reset();
  cancel_due_ = false;
  if (spooled_) spooled_->sending.reset();
}

}  // namespace pgswitch
