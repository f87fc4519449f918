// Execute, and the statements that run without a server or by messages of ours.
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
using protocol::SqlError;
using rules::Decision;
using rules::Kind;
using rules::ScriptItem;

namespace {

/// What EXECUTE runs, and a single lock, are done with the first rows of a portal: when it goes on they do not count again.
bool is_done_at_once(const rules::Statement& statement) {
  constexpr rules::Effects locks = rules::bit(rules::Effect::advisory_lock) | rules::bit(rules::Effect::advisory_unlock);
  return statement.kind == Kind::execute || ((statement.effects & locks) != 0 && (statement.effects & ~locks) == 0);
}

}  // namespace

std::size_t SessionCore::on_execute(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return size;
  const auto execute = frontend::read_execute(body_of(header, in));
  if (!execute) return fail_batch(malformed_message(frontend::fault(header.type, body_of(header, in)))), size;
  if (!is_valid_name(execute->portal)) return fail_batch(*refusal_), size;
  const PreparedStatementPtr& found = find_portal(execute->portal);
  const PreparedStatement* const portal = found.get();
  if (portal && portal->script) last_route_.note(*portal->script);

  const bool plain = portal && portal->is_plain() && !spooled_;
  const PreparedStatementPtr kept = plain && !redshift_ ? nullptr : found;  // others may take its name from it, or drop it
  Limited limited;
  if (!plain) {
    work_->bound = nullptr;
    if (const auto used = execute_by_proxy(*execute, kept, size, limited)) return *used;
  } else if (local_abort_ && fails_in_transaction(*portal)) {
    return fail_batch(transaction_failed()), size;
  }
  const Link* const link = link_of_portal(execute->portal);
  if (!link) {
    if (refusal_) return fail_batch(*refusal_), size;
    return stall_ == Stall::none ? (fail_batch(unknown_portal(execute->portal)), size) : 0;
  }
  if (link->state->kind == ServerKind::redshift && !(portal && CoreLoad::is_in_any_encoding(*portal->item().statement)))
    if (const auto objects = CoreLoad::object_to_encoding(*this)) return fail_batch(*objects), size;
  if (portal && !may_run(*active_, *portal)) return fail_batch(*refusal_), size;
  ++counters.queries;
  last_route_.sent_to(link->route);
  const bool as_it_is = portal && !(portal->sent && portal->sent->is_translated) && portal->item().statement->kind != Kind::copy_in;
  const bool spools = as_it_is && link->state->kind == ServerKind::redshift && (portal->skipped > 0 || execute->max_rows > 0);
  if (!spools) work_->to_server.add(in.substr(0, size));
  batch_open_ = true;
  const bool translated = link->state->kind != ServerKind::postgres || (portal && portal->sent);
  if (!portal) {
    work_->ledger.push(Expect::execute);
    if (translated) work_->ledger.mark_translated();
    return size;
  }
  note_executed(*portal);
  const rules::Statement& statement = *portal->item().statement;
  const bool at_once = !plain && is_done_at_once(statement);
  const bool goes_on = at_once && portal->answered > 0;
  if (at_once && !limited.decision) note_answered(*portal, execute->portal, portal->answered + std::max<std::size_t>(execute->max_rows, 1));
  if (spools) {
    Note note;
    note.statement = portal->item().statement;
    CoreCursors(*this).execute_query(*execute, *portal, std::move(note));
  } else if (!translated && (portal->script->plain || goes_on || (statement.effects == 0 && statement.prepared.empty()))) {
    work_->ledger.push(Expect::execute, Reply::forward, *portal);
  } else {
    Note note;
    note.statement = portal->item().statement;
    note.sent = portal->sent;
    if (at_once && !limited.decision) note.portal = portal_change(execute->portal, kept, find_portal(execute->portal));
    if (has(statement.effects, rules::Effect::close_all_cursors)) close_all_portals(execute->portal, note);
    work_->ledger.push(Expect::execute, Reply::forward, *portal, std::move(note));
    if (translated) work_->ledger.mark_translated();
  }
  if (limited.decision) run_limited(std::move(limited));
  else if (spools) await_replies();
  return size;
}

/// What Execute means beyond its message: what needs no server, or must not reach one, and what a rule limits. How much of the
/// client's bytes that took; nullopt: its server runs it, within `limited`.
std::optional<std::size_t> SessionCore::execute_by_proxy(const frontend::Execute& execute, const PreparedStatementPtr& portal, std::size_t size,
                                                         Limited& limited) {
  const auto failed = [&](const SqlError& error) { return fail_batch(error), size; };
  if (spooled_)
    if (const auto used = CoreCursors(*this).execute(execute, portal, size)) return *used;
  if (portal && is_local(*portal)) {
    if (!surely_portal(execute.portal)) return 0;
    if (has_ended(*portal)) return refuse_ended(*portal, execute.portal, size);
    const Kind kind = portal->item().statement->kind;
    if (execute_locally(*portal, execute)) return ++counters.queries, spend_portal(execute.portal, kind), size;
    if (refusal_) return failed(*refusal_);
    return stall_ == Stall::none ? size : 0;
  }
  if (portal && portal->item().statement->kind == Kind::prepare && status() != 'E') {
    if (!names_known()) return 0;
    const PreparedStatementPtr named = find_prepared(portal->item().statement->prepared);
    if (named && !named->by_sql && !surely_portal(execute.portal)) return 0;
    if (named && !named->by_sql) return failed(duplicate_prepared_statement(portal->item().statement->prepared));
  }
  if (portal && local_abort_) return failed(transaction_failed());
  if (portal && portal->script) {
    const rules::Statement& statement = *portal->item().statement;
    if (const auto refused = refuse_execute(statement, {}, {})) return failed(*refused);
    if (portal->skipped > 0) {
      if (const auto refused = CoreCursors(*this).refuse_declare(statement, portal->text, predicted_ != 'I')) return failed(*refused);
    } else if (spooled_) {
      if (const auto refused = CoreCursors(*this).refuse(statement, portal->text)) return failed(*refused);
    }
    add_limits(limited, portal->item(), {});
  } else if (const auto cursor = limited_cursors_.find(execute.portal); cursor != limited_cursors_.end()) {
    limited.add(cursor->second.decision, true), limited.rows = cursor->second.rows, limited.cursor = cursor->first;
  }
  if (!limited.decision) return std::nullopt;
  if (!work_->ledger.empty()) return await_replies(), 0;
  limited.portal = execute.portal;
  if (portal) limited.rows = std::max<std::uint64_t>(limited.rows, portal->answered);
  if (has_to_wait(limited)) return 0;
  if (refusal_) return failed(*refusal_);
  return std::nullopt;
}

/// The statement of a portal is being sent.
void SessionCore::note_executed(const PreparedStatement& portal) {
  const rules::Statement& statement = *portal.item().statement;
  batch_wrote_ |= !statement.read_only;
  if (!statement.read_only) note_write(statement);
  copy_expected_ |= statement.kind == Kind::copy_in;
  note_sent(statement, *active_);
  if (portal.is_plain()) return;
  note_preparing(portal.item(), portal.text);
  note_cursor(portal.item());
  if (has(statement.effects, rules::Effect::discard_all)) drop_portals();
  names_in_doubt_ |= puts_in_doubt(statement);
}

/// Execute of a statement that is_local(). True: answered, or sent in a form of ours. False: it waits, or refusal_ is set.
bool SessionCore::execute_locally(const PreparedStatement& portal, const frontend::Execute& execute) {
  const ScriptItem& item = portal.item();
  const std::string& text = portal.text;
  const rules::Statement& statement = *item.statement;
  std::string tag;
  std::string bytes;
  if (statement.kind == Kind::empty) {
    local_reply(std::string_view("I\0\0\0\4", 5));
    return true;
  }
  if (options_.mode == CoreOptions::Mode::statement && statement.kind == Kind::begin) {
    refusal_ = no_transaction_blocks();
    return false;
  }
  if (portal.client_copy) {
    if (!work_->ledger.empty() && !batch_open_) return await_replies(), false;
    Link* const link = local_abort_ ? nullptr : need_link(route_of(item));
    if (local_abort_) refusal_ = transaction_failed();
    if (!link) return false;
    const CoreLoad::Begun begun = CoreLoad::begin(*this, *link, portal.sent_text, item, true);
    if (begun == CoreLoad::Begun::not_ours) refusal_ = to_error({"0A000", "COPY was prepared for another server", "", "Prepare it again."});
    return begun == CoreLoad::Begun::yes;
  }
  if (waits_for_failure(statement.kind)) return await_replies(), false;
  // The first statement behind it says where the transaction belongs.
  const bool begins = statement.kind == Kind::begin && options_.defer_begin && predicted_ == 'I' && !batch_open_;
  if (begins && !work_->ledger.empty()) return await_replies(), false;
  if (statement.kind == Kind::deallocate && !(statement.prepared.empty() ? names_known() : surely_means(statement.prepared))) return false;
  Note done;
  if (local_transaction_control(item.statement, text, tag) || local_deallocate(statement, tag, done)) {
    protocol::write_command_complete(bytes, tag);
    local_reply(bytes, std::move(done));
    return true;
  }
  if (local_abort_ && !refusal_ && !ends_failed_transaction(statement.kind)) refusal_ = transaction_failed();
  if (refusal_) return false;
  if (item.decision->verb == Decision::Verb::answer) {
    const std::size_t end = write_answer_rows(bytes, item.decision->answer, portal.answered, static_cast<std::size_t>(std::max(execute.max_rows, 0)));
    note_answered(portal, execute.portal, end);
    local_reply(bytes);
    return true;
  }
  const std::string sent = local_abort_ ? ending_failed(statement, text) : std::string(text);
  if (work_->ledger.doubts_key(prepared_key(sent, {}, *parsed_with()))) return await_replies(), false;
  Link* link = need_link(route_of(item));
  if (!link) return false;
  // Whether its savepoint can be gone back to is known when everything before it has been answered.
  if (link->state->kind != ServerKind::postgres && statement.kind == Kind::rollback_to && !work_->ledger.empty()) return await_replies(), false;
  Note note;
  note.statement = item.statement;
  // Its portal is there still if it fails (see on_batch_error()), or is skipped.
  if (statement.kind == Kind::rollback_to) note.portal = portal_change(execute.portal, find_portal(execute.portal), nullptr);
  if (!execute_translated(*link, item.statement, sent, Reply::forward, std::move(note))) return false;
  last_route_.sent_to(link->route);
  names_in_doubt_ |= puts_in_doubt(statement);
  if (predicted_ != 'I' && ends_transaction(statement.kind) && has_chain(text))
    predicted_ = 'T';
  else
    predict(statement.kind);
  if (local_abort_ && predicted_ != 'I') await_replies();  // whether it is mended is known then
  return true;
}

/// Runs a statement without parameters and results by Bind and Execute; only its CommandComplete (by `reply`) can be seen.
void SessionCore::execute_internally(Link& link, const redshift::ServerText& text, Reply reply, Note note) {
  const bool first = !batch_open_ && work_->ledger.empty() && link.status == 'I';
  PreparedStatement prepared;
  prepared.sent_text = text.view();
  prepared.kind = text.kind();
  prepared.set_key(*parsed_with());
  ensure_prepared(link, prepared, false);
  // The unnamed portal is the client's, but for what ends the transaction and all portals with it.
  const bool ends = note.statement && ends_transaction(note.statement->kind);
  const std::string_view portal = ends ? "" : "pgswitch";
  const bool left = !ends && !first;  // by one that failed, whose Close was skipped
  work_->to_server.compose([&](std::string& out) {
    if (left) protocol::write_close(out, 'P', portal);
    protocol::MessageWriter(out, frontend::bind).string(portal).string(as_view(prepared.name)).int16(0).int16(0).int16(0).finish();
    protocol::MessageWriter(out, frontend::execute).string(portal).int32(0).finish();
    if (!ends) protocol::write_close(out, 'P', portal);
  });
  if (left) work_->ledger.push(Expect::close, Reply::swallow);
  work_->ledger.push(Expect::bind, Reply::swallow, prepared);
  if (note.statement)
    work_->ledger.push(Expect::execute, reply, std::move(note));
  else
    work_->ledger.push(Expect::execute, reply, prepared);
  if (link.state->kind != ServerKind::postgres) work_->ledger.mark_translated();
  if (!ends) work_->ledger.push(Expect::close, Reply::swallow);
  batch_open_ = true;
}

}  // namespace pgswitch
