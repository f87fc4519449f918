// Portals: what Bind makes, what becomes of it, where it lives; and Close.
#include <algorithm>
#include <charconv>

#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/route_names.hpp"
#include "rules/tokens.hpp"

namespace pgswitch {

namespace frontend = protocol::frontend;
using protocol::ByteView;
using protocol::FrameHeader;
using protocol::SqlError;
using rules::Decision;
using rules::Kind;
using rules::ScriptItem;

namespace {

bool is_control(Kind kind) { return kind >= Kind::begin && kind <= Kind::prepare_transaction; }

/// The SQL that a Close stands for.
rules::StatementPtr closing(Kind kind, rules::Effect effect, std::string_view object) {
  auto statement = std::make_shared<rules::Statement>();
  statement->kind = kind;
  statement->effects = rules::bit(effect);
  statement->object = object;
  return statement;
}

/// How many parameters PostgreSQL finds in a statement; nullopt: where that is not in its text.
std::optional<std::size_t> parameters_wanted(const PreparedStatement& prepared) {
  const Kind kind = prepared.item().statement->kind;
  const bool counted = kind == Kind::select || (kind >= Kind::insert && kind <= Kind::merge);
  std::size_t wanted = prepared.parameter_types.size() / 4;
  rules::TokenReader reader(prepared.sent_text, {prepared.conforming_strings});
  for (rules::Token token = reader.next(); token.type != rules::TokenType::end; token = reader.next()) {
    if (token.type != rules::TokenType::parameter) continue;
    const std::string_view number = reader.text(token).substr(1);
    std::size_t one = 0;
    if (!counted || std::from_chars(number.data(), number.data() + number.size(), one).ec != std::errc()) return std::nullopt;
    wanted = std::max(wanted, one);
  }
  return prepared.by_sql ? std::nullopt : std::optional(wanted);
}

/// Of objects_.
std::string cursor_key(std::string_view name) { return "cursor:" + std::string(name.substr(0, longest_name)); }

}  // namespace

/// What a portal means that has run a statement without rows. Others that are gone have its script, and a text that says why.
const PreparedStatementPtr& SessionCore::spent() {
  static const PreparedStatementPtr portal = [] {
    auto script = std::make_shared<rules::Script>();
    script->items.push_back({std::make_shared<rules::Statement>(), std::make_shared<Decision>()});
    auto prepared = std::make_shared<PreparedStatement>();
    prepared->script = std::move(script);
    return prepared;
  }();
  return portal;
}

/// Execute, or Describe, of a portal that has_ended(). 0: it waits.
std::size_t SessionCore::refuse_ended(const PreparedStatement& portal, std::string_view name, std::size_t size) {
  if (waits_for_failure(Kind::select)) return await_replies(), 0;
  const SqlError error = portal.text.empty() ? spent_portal(name) : lost_portal(name, portal.text);
  fail_batch(status() == 'E' ? transaction_failed() : error);
  return size;
}

/// The batch goes on by another route: behind the Sync that this takes, its portals are no more on the server where they were.
void SessionCore::lose_portals() {
  const auto is_there = [this](const PreparedStatementPtr& portal) { return portal && !is_local(*portal); };
  std::shared_ptr<PreparedStatement> lost;
  const auto lose = [&](std::string_view name, PreparedStatementPtr& portal) {
    if (!is_there(portal) || find_spooled(name)) return;
    if (!lost) {
      lost = std::make_shared<PreparedStatement>(*spent());
      lost->text = "It was bound on route \"" + rules::route_name(active_->route) + "\", and the batch has gone on elsewhere.";
    }
    portal = lost;
  };
  lose({}, unnamed_portal_);
  for (auto& [name, portal] : portals_) lose(name, portal);
}

std::size_t SessionCore::on_bind(const FrameHeader& header, ByteView in) {
  // The names are enough: parameters of any size stream through behind them, and it is the server that finds fault with them.
  const bool whole = header.frame_size() <= in.size();
  const ByteView prefix = in.substr(protocol::frame_header_size, whole ? header.body_size : ByteView::npos);
  if (skip_until_sync_) return skip_frame(header, in);
  if (!small_is_whole(header, in)) return 0;
  const auto names = frontend::read_bind_names(prefix);
  if (!names) {
    constexpr std::size_t names_at_most = 4096;
    if (!whole && in.size() < names_at_most) {
      client_needed_ = std::min(header.frame_size(), names_at_most);
      return 0;
    }
    return fail_batch(malformed_message(frontend::fault(header.type, prefix))), skip_frame(header, in);
  }
  if (const auto used = bind_plainly(header, in, *names)) return *used;
  work_->bound = nullptr;
  if (!is_valid_name(names->portal) || !is_valid_name(names->statement)) return fail_batch(*refusal_), skip_frame(header, in);

  if (spooled_ && names->portal.empty()) spooled_->close({});
  if (find_spooled(names->portal)) return fail_batch(duplicate_portal(names->portal)), skip_frame(header, in);

  bool server_tells = false;
  if (!means_or_server_tells(names->statement, server_tells)) return 0;
  const bool unnamed = names->statement.empty();
  const PreparedStatementPtr& named = find_prepared(names->statement);
  if (!named) return fail_batch(unknown_prepared_statement(names->statement)), skip_frame(header, in);
  if (named->by_sql)
    if (const auto refused = refuse_prepared(*named, facts_now())) return fail_batch(*refused), skip_frame(header, in);
  const PreparedStatementPtr& decided = current(named);
  server_tells = server_tells && decided->key == named->key;
  const ScriptItem& item = decided->item();
  if (item.decision->verb == Decision::Verb::reject) return fail_batch(to_error(item.decision->refusal)), skip_frame(header, in);
  if (is_local(*decided)) return bind_locally(header, in, *names, decided);
  // In a failed transaction; what is wrong with the parameters comes first.
  const auto fail_bind = [&](const PreparedStatement& statement) -> std::size_t {
    const auto wanted = parameters_wanted(statement);
    if (wanted && !complete(header, in)) return 0;
    const std::string fault = wanted ? frontend::bind_fault(body_of(header, in), *wanted) : std::string();
    return fail_batch(fault.empty() ? transaction_failed() : malformed_message(fault)), skip_frame(header, in);
  };
  if (fails_in_transaction(*decided)) return fail_bind(*decided);

  if (!server_tells && !prepared_known(*decided, unnamed)) return 0;
  Link* link = link_for(*decided);
  if (!link) return refusal_ ? (fail_batch(*refusal_), skip_frame(header, in)) : 0;
  if (asks_watch(*link, item)) return 0;
  const PreparedStatementPtr& prepared = known_to(*link, decided, unnamed);
  if (refusal_) return fail_batch(*refusal_), skip_frame(header, in);
  if (!server_tells && !prepared_known(*prepared, unnamed)) return 0;
  if (predicted_ != 'I' && (!unnamed || link->status == 'E') && !prepared->by_sql && !surely_prepared(*link, *prepared, unnamed)) {
    // It could not be prepared there in a failed transaction.
    if (may_have_failed(*link)) return await_replies(), 0;
    if (link->status == 'E' && work_->ledger.empty()) return fail_bind(*prepared);
  }
  // A cursor WITH HOLD of that name on another server: it is one set of names.
  if (is_held_cursor(names->portal) && objects_.at(cursor_key(names->portal)) != link->route)
    return fail_batch(duplicate_portal(names->portal)), skip_frame(header, in);
  ++counters.binds;
  // A portal's name that has been given to what needs no server: what PostgreSQL finds fault with before it looks at the name comes
  // first, so the server is asked to bind it, and made to fail if it can.
  const PreparedStatementPtr before = names->portal.empty() ? nullptr : find_portal(names->portal);
  const bool taken = before && is_local(*before);
  if (taken && (!surely_portal(names->portal) || !complete(header, in))) return 0;
  if (prepared->skipped > 0 && !complete(header, in)) return 0;
  ensure_prepared(*link, *prepared, unnamed);
  batch_open_ = true;
  const std::size_t used = prepared->skipped > 0 ? CoreCursors(*this).bind_query(header, in, *names, *prepared) : send_bind(header, in, *names, *prepared);
  if (taken) {
    std::string error;
    protocol::write_error(error, duplicate_portal(names->portal));
    work_->ledger.push_substitute(Expect::bind, error, *prepared);
  } else if (names->portal.empty() && (prepared->is_plain() || prepared->item().statement->prepared.empty())) {
    push_named(Expect::bind, *prepared, names->statement, server_tells);
    if (unnamed_portal_ != prepared) unnamed_portal_ = prepared;  // often the same: spares two atomic counts
    if (!server_tells && link->state->kind == ServerKind::postgres) note_bound(names->statement, *unnamed_portal_);
  } else {
    Note note;
    if (server_tells) note.client_name = names->statement;
    rename_portal(names->portal, prepared, note);
    work_->ledger.push(Expect::bind, Reply::forward, *prepared, std::move(note));
  }
  if (taken) fail_batch(duplicate_portal(names->portal));
  return used;
}

/// The same message with the server's name for the statement: the parameters stay where they are.
std::size_t SessionCore::send_bind(const FrameHeader& header, ByteView in, const frontend::BindNames& names,
                                   const PreparedStatement& prepared) {
  if (names.statement.empty() || prepared.by_sql) return stream_to_server(header, in);
  work_->to_server.compose([&](std::string& out) {
    protocol::write_bind_names(out, header.body_size - names.names_size, names.portal, as_view(prepared.name));
  });
  const std::size_t head = protocol::frame_header_size + names.names_size;
  const std::size_t here = std::min(header.frame_size(), in.size());
  work_->to_server.add(in.substr(head, here - head));
  client_rest_ = header.frame_size() - here;
  client_rest_forward_ = true;
  return here;
}

/// Bind of a statement that needs no server: what is wrong with it has to be found here.
std::size_t SessionCore::bind_locally(const FrameHeader& header, ByteView in, const frontend::BindNames& names,
                                      const PreparedStatementPtr& prepared) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  const ByteView body = body_of(header, in);
  const std::string fault = frontend::bind_fault(body, prepared->parameter_types.size() / 4);
  if (!fault.empty()) return fail_batch(malformed_message(fault)), size;
  if (waits_for_failure(prepared->item().statement->kind)) return await_replies(), 0;
  if (fails_in_transaction(*prepared)) return fail_batch(transaction_failed()), size;
  const bool taken = !names.portal.empty() && find_portal(names.portal);
  if (taken && !surely_portal(names.portal)) return 0;
  if (taken && work_->ledger.ready_expected() > 0) return await_replies(), 0;  // the end of its transaction may be among them
  if (taken || is_held_cursor(names.portal)) return fail_batch(duplicate_portal(names.portal)), size;
  const Decision& decision = *prepared->item().decision;
  const auto columns = decision.verb == Decision::Verb::answer ? std::optional(decision.answer.columns.size()) : std::nullopt;
  if (const std::string wrong = frontend::bind_values_fault(body, columns); !wrong.empty()) return fail_batch(malformed_message(wrong)), size;
  PreparedStatementPtr portal = prepared;
  if (const auto error = prepared->item().statement->kind == Kind::fetch ? CoreCursors(*this).bind_fetch(body, portal) : std::nullopt)
    return fail_batch(*error), size;
  ++counters.binds;
  Note note;
  if (work_->ledger.empty())
    set_portal(names.portal, std::move(portal));
  else
    rename_portal(names.portal, std::move(portal), note);
  local_reply(std::string_view("2\0\0\0\4", 5), std::move(note));
  return size;
}

bool SessionCore::is_held_cursor(std::string_view name) const {
  return !objects_.empty() && objects_.contains(cursor_key(name));
}

/// Where the portal lives; nullptr when there is no such link, or when it must be waited for, or with refusal_.
Link* SessionCore::link_of_portal(std::string_view name) {
  // While BEGIN is deferred no server has a portal of the client's.
  if (!is_held_cursor(name)) return work_->deferred.empty() ? active_ : nullptr;
  if (local_abort_) refusal_ = transaction_failed();
  return need_link(objects_.at(cursor_key(name)));
}

/// Good until a portal is bound, run or closed.
const PreparedStatementPtr& SessionCore::find_portal(std::string_view name) const {
  static const PreparedStatementPtr none;
  if (name.empty()) return unnamed_portal_;
  const auto found = portals_.find(name.substr(0, longest_name));
  return found == portals_.end() ? none : found->second;
}

/// Whether it is certain what the name of a portal means that only the session knows. False: waits.
bool SessionCore::surely_portal(std::string_view name) {
  const bool doubtful = work_->ledger.doubts_portal(name.substr(0, longest_name));
  if (doubtful) await_replies();
  return !doubtful;
}

void SessionCore::set_portal(std::string_view name, PreparedStatementPtr portal) {
  name = name.substr(0, longest_name);
  if (name.empty())
    unnamed_portal_ = std::move(portal);
  else if (portal)
    portals_[std::string(name)] = std::move(portal);
  else
    portals_.erase(std::string(name));
}

/// What takes it back that the name of a portal means `now` another one.
std::shared_ptr<PortalChange> SessionCore::portal_change(std::string_view name, PreparedStatementPtr before, PreparedStatementPtr now) const {
  return std::make_shared<PortalChange>(PortalChange{transactions_, std::string(name.substr(0, longest_name)), std::move(before), std::move(now), nullptr});
}

/// What the name means from now on (nullptr: nothing); `note` gets what takes it back.
void SessionCore::rename_portal(std::string_view name, PreparedStatementPtr portal, Note& note) {
  note.portal = portal_change(name, find_portal(name), portal);
  set_portal(name, std::move(portal));
}

/// CLOSE ALL, run by `portal`, which stays.
void SessionCore::close_all_portals(std::string_view portal, Note& note) {
  PreparedStatementPtr running = find_portal(portal);
  note.portal = std::make_shared<PortalChange>(PortalChange{transactions_, {}, nullptr, nullptr, std::make_shared<PreparedNames>(portals_)});
  portals_.clear();
  unnamed_portal_.reset();
  set_portal(portal, std::move(running));
}

/// Not where the name has been given to another portal since.
void SessionCore::take_back_portal(const PortalChange& change) {
  if (change.transaction != transactions_) return;
  if (change.all) {
    portals_ = *change.all;
    return;
  }
  const PreparedStatementPtr portal = find_portal(change.name);
  if (portal == change.now || (portal && has_ended(*portal))) set_portal(change.name, change.before);
}

/// A transaction has ended.
void SessionCore::drop_portals() {
  ++transactions_;
  unnamed_portal_.reset();
  if (!portals_.empty()) portals_.clear();
  if (!limited_cursors_.empty()) erase_if(limited_cursors_, [](const auto& cursor) { return !cursor.second.holds; });
  if (!spooled_) return;
  spooled_->close_unheld();
  if (spooled_->empty()) spooled_.reset();
}

/// What should have begun a transaction has failed: what was bound before it ended is gone. Behind that, others may have the names. What
/// the session does not answer itself its server tells.
void SessionCore::drop_earlier_portals() {
  const auto dropped = [this](std::string_view name, PreparedStatementPtr& portal) {
    PortalChange* const later = work_->ledger.oldest_change(name);
    PreparedStatementPtr& then = later ? later->before : portal;
    if (then && is_local(*then)) then.reset();
    return !portal;
  };
  dropped({}, unnamed_portal_);
  for (auto named = portals_.begin(); named != portals_.end();) named = dropped(named->first, named->second) ? portals_.erase(named) : std::next(named);
}

/// A statement without rows cannot be run again; the end of a transaction has dropped its portals.
void SessionCore::spend_portal(std::string_view name, Kind kind) {
  if (kind == Kind::commit || kind == Kind::rollback || kind == Kind::prepare_transaction) drop_portals();
  const bool dropped = ends_failed_transaction(kind);
  const bool spends = dropped || is_control(kind) || kind == Kind::set_transaction || kind == Kind::deallocate;
  if (!spends) return;
  set_portal(name, dropped ? nullptr : spent());
}

/// The portal goes on behind the rows that its client has.
void SessionCore::note_answered(const PreparedStatement& portal, std::string_view name, std::size_t rows) {
  if (portal.answered == rows) return;
  auto rest = std::make_shared<PreparedStatement>(portal);
  rest->answered = static_cast<std::uint32_t>(rows);
  if (name.empty())
    unnamed_portal_ = std::move(rest);
  else
    portals_[std::string(name.substr(0, longest_name))] = std::move(rest);
}

/// Closing a statement of the protocol never needs a server: what it holds is shared, and goes by its own LRU.
std::size_t SessionCore::on_close(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return size;
  const auto target = frontend::read_close(body_of(header, in));
  if (!target) return fail_batch(malformed_message(frontend::fault(header.type, body_of(header, in)))), size;
  if (!is_valid_name(target->name)) return fail_batch(*refusal_), size;
  if (target->target == 'P') return close_portal(target->name, in.substr(0, size));
  if (!surely_means(target->name)) return 0;
  const PreparedStatementPtr prepared = find_prepared(target->name);
  Note note;
  if (!prepared || !prepared->by_sql) {
    rename(target->name, nullptr, note);
    local_reply(std::string_view("3\0\0\0\4", 5), std::move(note));
    return size;
  }
  if (!link_for(*prepared)) return refusal_ ? (fail_batch(*refusal_), size) : 0;
  rename(target->name, nullptr, note);
  note.statement = closing(Kind::deallocate, rules::Effect::deallocate, {});
  work_->to_server.add(in.substr(0, size));
  work_->ledger.push(Expect::close, Reply::forward, std::move(note));
  batch_open_ = true;
  return size;
}

std::size_t SessionCore::close_portal(std::string_view name, ByteView frame) {
  // Close succeeds in a failed transaction: what stands behind it would not be skipped with it.
  if (waits_for_failure(Kind::close_cursor)) return await_replies(), 0;
  if (const redshift::Cursor* const cursor = find_spooled(name)) {
    const bool on_server = cursor->portal;
    spooled_->close(name);
    if (!on_server) return local_reply(std::string_view("3\0\0\0\4", 5)), frame.size();
  }
  const bool held = is_held_cursor(name);
  if (held && local_abort_) return fail_batch(transaction_failed()), frame.size();
  Link* link = link_of_portal(name);
  if (!link && refusal_) return fail_batch(*refusal_), frame.size();
  if (!link && stall_ != Stall::none) return 0;
  Note note;
  if (find_portal(name)) rename_portal(name, nullptr, note);
  if (held) note.statement = closing(Kind::close_cursor, rules::Effect::close_cursor, name.substr(0, longest_name));
  if (!link) {
    local_reply(std::string_view("3\0\0\0\4", 5), std::move(note));
    return frame.size();
  }
  work_->to_server.add(frame);
  batch_open_ = true;
  if (note.portal || note.statement)
    work_->ledger.push(Expect::close, Reply::forward, std::move(note));
  else
    work_->ledger.push(Expect::close);
  return frame.size();
}

}  // namespace pgswitch
