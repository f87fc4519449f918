// What a statement that succeeded leaves behind: settings, pins, objects, the state of the transaction.
#include <algorithm>
#include <utility>

#include "proxy/session/core.hpp"

namespace pgswitch {

using rules::Effect;
using rules::Effects;
using rules::Kind;
using rules::Statement;

namespace {

bool calls_set_config(const Statement& statement) {
  return std::any_of(statement.functions.begin(), statement.functions.end(),
                     [](const std::string& name) { return name == "set_config" || name == "pg_catalog.set_config"; });
}

}  // namespace

void SessionCore::apply(const Statement& statement, Link& link, bool rolled_back) {
  switch (statement.kind) {
    case Kind::commit:
    case Kind::rollback:
      if (rolled_back)
        roll_back(link);
      else
        settings_.commit();
      failed_ = false;
      local_abort_ = false;
      break;
    case Kind::savepoint: settings_.savepoint(statement.object, *link.state); break;
    case Kind::release: settings_.release_savepoint(statement.object); break;
    case Kind::rollback_to:
      settings_.rollback_to(statement.object, *link.state);
      failed_ = false;
      local_abort_ = false;
      break;
    default: break;
  }
  if (statement.effects == 0) return;
  settings_.apply(statement, *link.state);
  apply_pins(statement, link);
  if (has(statement.effects, Effect::discard_all) || has(statement.effects, Effect::deallocate_all)) {
    prepared_.clear();
    unnamed_.reset();
    link.state->prepared.clear();
  }
}

/// What the transaction set and made is gone. Locks, SQL PREPARE and currval() are not transactional.
void SessionCore::roll_back(Link& link) {
  constexpr Pins transactional = bit(Pin::temp_table) | bit(Pin::listen) | bit(Pin::hold_cursor);
  settings_.rollback(*link.state);
  link.pins &= ~(link.new_pins & transactional);
  link.new_pins = 0;
  for (const std::string& object : std::exchange(link.new_objects, {})) objects_.erase(object);
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
  pin(Effect::hold_cursor, Pin::hold_cursor, "cursor:");
  pin(Effect::prepare, Pin::sql_prepare, "prepared:");
  pin(Effect::sequence_state, Pin::sequence_state, "");
  if (calls_set_config(statement)) pin(Effect::unknown_settings, Pin::set_config, "");
  if (has(effects, Effect::advisory_lock)) {
    pin(Effect::advisory_lock, Pin::advisory_lock, "");
    // Locks taken row by row cannot be counted: such a pin ends with pg_advisory_unlock_all() only.
    link.advisory_locks = statement.reads.empty() ? link.advisory_locks + 1 : 1 << 30;
  }
  if (has(effects, Effect::advisory_unlock) && link.advisory_locks < 1 << 30 && --link.advisory_locks <= 0)
    link.pins &= ~bit(Pin::advisory_lock);
  if (has(effects, Effect::advisory_unlock_all)) link.advisory_locks = 0;

  unpin(Effect::unlisten_all, Pin::listen);
  unpin(Effect::advisory_unlock_all, Pin::advisory_lock);
  unpin(Effect::close_all_cursors, Pin::hold_cursor);
  unpin(Effect::deallocate_all, Pin::sql_prepare);
  unpin(Effect::discard_temp, Pin::temp_table);
  unpin(Effect::reset_all, Pin::set_config);
  if (has(effects, Effect::discard_all)) {
    link.pins &= bit(Pin::session_mode);
    link.advisory_locks = 0;
    link.state->session_state = false;
    link.state->unknown_settings = false;
    std::erase_if(objects_, [&](const auto& object) { return object.second == link.route; });
  }
  if (link.pins & ~before) ++counters.pins;
}

}  // namespace pgswitch
