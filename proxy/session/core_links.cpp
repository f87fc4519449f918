// Leases: which link a statement runs on, and when a link ends.
#include <algorithm>

#include "protocol/writer.hpp"
#include "proxy/session/core.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/misreading.hpp"
#include "rules/route_names.hpp"
#include "rules/setting_value.hpp"

namespace pgswitch {

using protocol::SqlError;
using rules::Kind;
using rules::RouteId;

namespace {

bool may_be_temporary(const rules::TableName& table) { return table.schema.empty() || table.schema.starts_with("pg_temp"); }

}  // namespace

Link* SessionCore::find_link(RouteId route) const {
  if (active_ && active_->route == route) return active_;
  for (const auto& link : links_)
    if (link->route == route) return link.get();
  return nullptr;
}

void SessionCore::remove_link(Link* link) {
  if (active_ == link) active_ = nullptr;
  if (redshift_ && link->state->kind == ServerKind::redshift) redshift_->transaction.end();
  for (auto object = objects_.begin(); object != objects_.end();)
    object = object->second == link->route ? objects_.erase(object) : std::next(object);
  const auto place = std::find_if(links_.begin(), links_.end(), [&](const auto& held) { return held.get() == link; });
  work_->spare_link = std::move(*place);
  *work_->spare_link = Link();
  links_.erase(place);
}

bool SessionCore::is_neutral(const rules::ScriptItem& item) const {
  if (!rules::goes_anywhere(item.statement->kind) || home_of(*item.statement) != rules::no_route) return false;
  return item.decision->route == rules::no_route || rules::sets_route(*item.statement);
}

/// Where statements go that any server can take: where the transaction or the batch is, or what they may be about (pins), else
/// where the statement wishes to be, or to the client's own database: which server was used last must make no difference.
RouteId SessionCore::neutral_route(RouteId wish) const {
  const RouteId otherwise = wish != rules::no_route ? wish : options_.default_route;
  if (active_ && (predicted_ != 'I' || active_->status != 'I' || batch_open_)) return active_->route;
  if (!work_->deferred.empty()) return otherwise;
  for (const auto& link : links_)
    if (link->pins & ~bit(Pin::session_mode)) return link->route;
  return otherwise;
}

/// Where what the statement names is: a temporary table, a held cursor, a prepared statement. no_route: nowhere in particular.
RouteId SessionCore::home_of(const rules::Statement& statement) const {
  if (!objects_.empty()) {
    const auto lives = [&](std::string_view kind, const std::string& name) {
      const auto found = objects_.find(std::string(kind) + name);
      return found == objects_.end() ? rules::no_route : found->second;
    };
    for (const auto* tables : {&statement.reads, &statement.writes})
      for (const rules::TableName& table : *tables)
        if (const RouteId route = may_be_temporary(table) ? lives("table:", table.name) : rules::no_route; route != rules::no_route) return route;
    if (statement.kind == Kind::fetch || statement.kind == Kind::close_cursor)
      if (const RouteId route = lives("cursor:", statement.object); route != rules::no_route) return route;
  }
  if (const std::string& name = statement.prepared; !name.empty()) {
    const auto named = prepared_.find(name);
    const bool anywhere = statement.kind == Kind::deallocate && named != prepared_.end() && !named->second->by_sql;
    if (named != prepared_.end() && !anywhere && named->second->item().statement->prepared.empty()) return route_of(named->second->item());
  }
  return rules::no_route;
}

RouteId SessionCore::route_of(const rules::ScriptItem& item) const {
  if (redshift_ && redshift_->watch.route != rules::no_route) return redshift_->watch.route;
  if (const RouteId home = home_of(*item.statement); home != rules::no_route) return home;
  if (is_neutral(item)) return neutral_route(item.decision->route);
  return item.decision->route != rules::no_route ? item.decision->route : options_.default_route;
}

/// The link to run the next statement on; nullptr: it must wait (stall), or it cannot run (refusal_).
Link* SessionCore::need_link(RouteId route) {
  if (refusal_) return nullptr;
  if (active_ && active_->route != route) {
    if (predicted_ != 'I') {
      // What begins the transaction may have failed, before a Sync: then it has no route.
      if (active_->status == 'I' && work_->ledger.ready_expected() > 0) return await_replies(), nullptr;
      ++counters.route_conflicts;
      if (options_.conflict_is_error) {
        refusal_ = SqlError{protocol::Severity::error, std::string(protocol::sqlstate::active_sql_transaction),
                            "statement belongs to another route than its transaction",
                            "The transaction runs on \"" + rules::route_name(active_->route) + "\", the statement on \"" +
                                rules::route_name(route) + "\".",
                            "Run it in a transaction of its own, or set transaction_route_conflict = pin."};
        return nullptr;
      }
      return set_up(*active_);
    }
    if (!work_->ledger.empty() || batch_open_) {
      end_segment();
      return nullptr;
    }
    leave_active();
  }
  if (!active_) {
    active_ = find_link(route);
    if (active_) active_->unchecked = Unchecked::everything;
  }
  if (active_ || has_lease_now(route)) return set_up(*active_);
  wanted_route_ = route;
  stall(Stall::lease);
  return nullptr;
}

/// Not while something is to be given back, or written, for the link before: that comes first.
bool SessionCore::has_lease_now(RouteId route) {
  if (!leases_ || !work_->releases.empty() || !work_->to_server.empty()) return false;
  ServerState* const state = leases_->lease_now(route);
  if (state) on_acquired(route, *state);
  return state != nullptr;
}

/// The running segment ends here: waits for its replies, after a Sync of ours if it was extended. What it wrote is
/// committed by that, so a batch that wrote may not go on elsewhere.
void SessionCore::end_segment() {
  if (batch_open_ && batch_wrote_) {
    ++counters.batches_refused;
    refusal_ = SqlError{protocol::Severity::error, std::string(protocol::sqlstate::feature_not_supported),
                        "statements of one implicit transaction route to different servers",
                        "The batch has written on \"" + rules::route_name(active_->route) +
                            "\" and goes on elsewhere, which would make the transaction two.",
                        "Send a Sync between them, or use a transaction."};
    return;
  }
  if (batch_open_) {
    work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
    work_->ledger.push(Expect::sync, Reply::swallow);
    batch_open_ = false;
    lose_portals();
  }
  stall(Stall::replies);
}

/// Makes the link's settings those of the session and sends a deferred BEGIN; nullptr while that takes a round trip. In a failed
/// transaction nothing can be set, and its end takes back what made the difference.
Link* SessionCore::set_up(Link& link) {
  if (link.unchecked != Unchecked::nothing && link.status != 'E' && work_->ledger.empty() && !batch_open_) {
    if (replay_settings(link)) return nullptr;
    link.unchecked = Unchecked::nothing;
  }
  if (!work_->deferred.empty()) send_deferred(link);
  if (refusal_) return nullptr;
  if (settings_.facts().temporary_path) {
    link.pins |= bit(Pin::temp_table);
    link.state->session_state = true;
  }
  return &link;
}

/// Sends what makes settings of the link right; false when they are. What stays unchecked then is looked at when the
/// answer has come. What was set in another client_encoding may be another text in this one: refusal_.
bool SessionCore::replay_settings(Link& link) {
  if (settings_.are_shared(*link.state)) return false;
  std::string statements;
  if (link.state->kind != ServerKind::postgres)
    if (auto objects = settings_.objection(*link.state)) return refusal_ = std::move(*objects), true;
  if (link.unchecked == Unchecked::everything && settings_.replay_encoding(*link.state, statements))
    link.unchecked = Unchecked::all_but_encoding;
  else if (settings_.replay(*link.state, statements))
    link.unchecked = Unchecked::nothing;
  else
    return settings_.share(*link.state), false;
  if (may_be_misread(statements, link.state->reported[static_cast<std::size_t>(Tracked::standard_conforming_strings)] != "off"))
    return link.unchecked = Unchecked::everything, refusal_ = to_error(rules::misreading_refusal()), true;
  const auto text = server_text(link, statements);
  if (!text) return link.unchecked = Unchecked::everything, true;
  ++counters.settings_replayed;
  send_query(link, *text);
  work_->ledger.push(Expect::query, Reply::swallow);
  setting_up_ = true;
  stall(Stall::replies);
  return true;
}

/// BEGIN goes out as Bind and Execute without a Sync: should it fail, the server skips the statement behind it instead of
/// running it outside the transaction.
void SessionCore::send_deferred(Link& link) {
  for (DeferredStatement& deferred : work_->deferred) {
    const rules::StatementPtr statement = std::move(deferred.statement);
    Note note;
    if (statement->kind == Kind::savepoint) note.statement = statement;
    if (!execute_translated(link, statement, deferred.text, Reply::swallow, std::move(note))) break;
    predict(statement->kind);
  }
  work_->deferred.clear();
  opening_ = true;
  predicted_ = 'T';
}

void SessionCore::predict(Kind kind) {
  if (kind == Kind::begin)
    predicted_ = 'T';
  else if (kind == Kind::commit || kind == Kind::rollback || kind == Kind::prepare_transaction)
    predicted_ = 'I';
  else if (kind == Kind::rollback_to && predicted_ == 'E')
    predicted_ = 'T';
}

/// The active link is done with for this statement: parked when pinned, else given back.
void SessionCore::leave_active() {
  Link* link = active_;
  active_ = nullptr;
  predicted_ = 'I';
  if (!link->pins) release(*link, true);
}

void SessionCore::release(Link& link, bool clean) {
  Action action{Action::Kind::release, link.route, {}};
  action.leftover = leftover(link.route);
  if (!clean) action.leftover.unusable = true;
  work_->releases.push_back(action);
  remove_link(&link);
}

void SessionCore::maybe_release() {
  if (client_rest_ > 0 && client_rest_forward_) return;  // half a message: the server waits for the rest of it
  if (release_due_ = !work_->to_server.empty(); release_due_) return;
  if (!active_ || work_->load || !work_->ledger.empty() || batch_open_ || active_->status != 'I' || active_->copy_in) return;
  if (active_->spent) return predicted_ = 'I', release(*active_, false);
  if (has(active_->pins, Pin::session_mode)) return;
  leave_active();
}

}  // namespace pgswitch
