// What a statement that succeeded leaves behind: settings, pins, objects, the state of the transaction.
#include <algorithm>
#include <utility>

#include "proxy/session/core_cursors.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/setting_value.hpp"

namespace pgswitch {

using rules::Effect;
using rules::Effects;
using rules::Kind;
using rules::Statement;

void SessionCore::apply(const Statement& statement, Link& link, bool rolled_back) {
  // Outside of a block it warns, says ROLLBACK and commits.
  if (statement.kind == Kind::prepare_transaction && warned_) rolled_back = false;
  switch (statement.kind) {
    case Kind::commit:
    case Kind::prepare_transaction:
    case Kind::rollback:
      if (rolled_back)
        roll_back(link);
      else
        settings_.commit();
      if (spooled_) CoreCursors(*this).end_transaction(!rolled_back);
      failed_ = false;
      local_abort_ = false;
      if (link.status == 'E' && predicted_ != 'I') link.status = 'T';
      break;
    case Kind::begin:
      if (link.status == 'E') link.status = 'T';
      break;
    case Kind::savepoint:
      settings_.savepoint(statement.object, *link.state);
      if (spooled_) spooled_->savepoint(statement.object);
      break;
    case Kind::release:
      settings_.release_savepoint(statement.object);
      if (spooled_) spooled_->release(statement.object);
      break;
    case Kind::rollback_to:
      if (spooled_) spooled_->roll_back_to(statement.object);
      settings_.rollback_to(statement.object, *link.state);
      link.pins |= link.ended_pins & ~link.new_pins;  // at worst one that has ended before the savepoint
      failed_ = false;
      local_abort_ = false;
      if (link.status == 'E') link.status = 'T';
      break;
    default: break;
  }
  if (const rules::StatementPtr run = run_by(statement)) apply(*run, link, rolled_back);
  if (statement.effects == 0) return;
  settings_.apply(statement, *link.state);
  apply_pins(statement, link);
  if (frees_all_names(statement)) {
    prepared_.clear();
    if (link.state->kind == ServerKind::postgres) link.state->prepared.clear();
  }
  if (has(statement.effects, Effect::prepare)) prepared_by_sql(statement, link);
  if (has(statement.effects, Effect::deallocate)) deallocated_by_sql(statement, link);
}

/// What may stay although the statement fails: what code that nobody sees has committed, and a lock that it had got before.
void SessionCore::note_sent(const Statement& statement, Link& link) {
  if (statement.kind == Kind::do_ || statement.kind == Kind::call) link.state->unknown_settings = true;
  if (has(statement.effects, Effect::advisory_lock)) link.state->session_state = true;
  if (const rules::StatementPtr run = run_by(statement)) note_sent(*run, link);
}

/// The server has its own values, and gets the client's before it reads anything else.
void SessionCore::tell_settings() {
  note_application_name(settings_.wanted()[static_cast<std::size_t>(Tracked::application_name)]);
  work_->to_client.compose([this](std::string& out) { settings_.tell_wanted(out); });
}

/// What the transaction set and made is gone. Locks, SQL PREPARE and currval() are not transactional.
void SessionCore::roll_back(Link& link) {
  constexpr Pins transactional = bit(Pin::temp_table) | bit(Pin::listen) | bit(Pin::hold_cursor);
  settings_.rollback(*link.state);
  link.pins &= ~(link.new_pins & transactional);
  link.pins |= link.ended_pins & ~link.new_pins;
  link.new_pins = link.ended_pins = 0;
  for (const std::string& object : std::exchange(link.new_objects, {})) objects_.erase(object);
}

/// A lock that was not held is not given back: the server warns of it.
void SessionCore::apply_locks(const Statement& statement, Link& link) {
  const Effects effects = statement.effects;
  constexpr int uncounted = 1 << 30;  // such a pin ends with pg_advisory_unlock_all() only
  if (has(effects, Effect::advisory_lock)) {
    const bool counted = !has(effects, Effect::advisory_locks) && statement.parsed && link.advisory_locks < uncounted;
    link.advisory_locks = counted ? link.advisory_locks + 1 : uncounted;
  }
  if (has(effects, Effect::advisory_unlock) && !warned_ && link.advisory_locks < uncounted && --link.advisory_locks <= 0)
    link.pins &= ~bit(Pin::advisory_lock);
  if (has(effects, Effect::advisory_unlock_all)) link.advisory_locks = 0;
}

/// What pins the session to these links, and nothing else does, is gone: their pools reset them.
void SessionCore::leave_parked(Pins pins) {
  std::vector<Link*> left;
  for (const auto& link : links_)
    if (link.get() != active_ && (link->pins & pins) && !(link->pins & ~pins & ~bit(Pin::session_mode))) left.push_back(link.get());
  for (Link* link : left) release(*link, true);
}

void SessionCore::apply_pins(const Statement& statement, Link& link) {
  const Effects effects = statement.effects;
  const Pins before = link.pins;
  const auto pin = [&](Effect effect, Pin reason, std::string_view object_kind) {
    if (!has(effects, effect)) return;
    if (!has(link.pins, reason)) link.new_pins |= bit(reason);
    link.pins |= bit(reason);
    link.state->session_state = true;
    if (object_kind.empty() || statement.object.empty()) return;
    const std::string object = std::string(object_kind) + statement.object;
    objects_[object] = link.route;
    if (reason != Pin::sql_prepare) link.new_objects.push_back(object);
  };
  const auto unpin = [&](Effect effect, Pin reason) {
    if (has(effects, effect)) link.pins &= ~bit(reason);
  };
  pin(Effect::temp_table, Pin::temp_table, "table:");
  pin(Effect::listen, Pin::listen, "");
  if (link.state->kind != ServerKind::redshift) pin(Effect::hold_cursor, Pin::hold_cursor, "cursor:");
  pin(Effect::prepare, Pin::sql_prepare, "");
  pin(Effect::sequence_state, Pin::sequence_state, "");
  if (rules::calls_set_config(statement)) pin(Effect::unknown_settings, Pin::set_config, "");
  pin(Effect::advisory_lock, Pin::advisory_lock, "");
  apply_locks(statement, link);
  if (has(effects, Effect::dropped_on_commit)) {
    objects_["table:" + statement.object] = link.route;
    link.dropped_objects.push_back("table:" + statement.object);
  }
  if (has(effects, Effect::close_cursor)) closed_cursor(statement.object, link);
  if (has(effects, Effect::close_all_cursors)) closed_cursor("", link);

  link.ended_pins |= before & ((has(effects, Effect::unlisten_all) ? bit(Pin::listen) : 0) | (has(effects, Effect::discard_temp) ? bit(Pin::temp_table) : 0));
  unpin(Effect::unlisten_all, Pin::listen);
  unpin(Effect::advisory_unlock_all, Pin::advisory_lock);
  unpin(Effect::deallocate_all, Pin::sql_prepare);
  unpin(Effect::discard_temp, Pin::temp_table);
  unpin(Effect::reset_all, Pin::set_config);
  if (has(effects, Effect::discard_all)) {
    // There only the end of the connection drops temporary tables, and what PREPARE made.
    link.spent = link.state->kind == ServerKind::redshift && (before & (bit(Pin::temp_table) | bit(Pin::sql_prepare))) != 0;
    link.pins &= bit(Pin::session_mode);
    if (spooled_) spooled_->close_all();
    link.ended_pins = 0;
    link.advisory_locks = 0;
    link.state->session_state = false;
    link.state->unknown_settings = false;
    erase_if(objects_, [&](const auto& object) { return object.second == link.route; });
    leave_parked(~bit(Pin::session_mode));
  }
  if (has(effects, Effect::close_all_cursors)) leave_parked(bit(Pin::hold_cursor));
  if (has(effects, Effect::deallocate_all)) leave_parked(bit(Pin::sql_prepare));
  if (has(effects, Effect::discard_temp)) leave_parked(bit(Pin::temp_table));
  if (link.pins & ~before) ++counters.pins;
}

}  // namespace pgswitch
