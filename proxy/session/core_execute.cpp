// Execute and Close, and the statements that run without a server or by messages of ours.
#include "protocol/frontend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core.hpp"
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

bool is_control(Kind kind) { return kind >= Kind::begin && kind <= Kind::prepare_transaction; }

/// The SQL that a Close stands for.
rules::StatementPtr closing(Kind kind, rules::Effect effect, std::string_view object) {
  auto statement = std::make_shared<rules::Statement>();
  statement->kind = kind;
  statement->effects = rules::bit(effect);
  statement->object = object;
  return statement;
}

/// What a portal means that has run a statement without rows.
const PreparedStatementPtr& spent() {
  static const PreparedStatementPtr portal = [] {
    auto script = std::make_shared<rules::Script>();
    script->items.push_back({std::make_shared<rules::Statement>(), std::make_shared<Decision>()});
    auto prepared = std::make_shared<PreparedStatement>();
    prepared->script = std::move(script);
    return prepared;
  }();
  return portal;
}

}  // namespace

std::size_t SessionCore::on_execute(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return size;
  const auto execute = frontend::read_execute(body_of(header, in));
  if (!execute) return fail_batch(malformed_message(frontend::fault(header.type, body_of(header, in)))), size;
  if (const auto wrong = wrong_name(execute->portal)) return fail_batch(*wrong), size;
  const PreparedStatementPtr portal = find_portal(execute->portal);

  if (portal && is_local(*portal)) {
    if (portal == spent()) return fail_batch(spent_portal(execute->portal)), size;
    const Kind kind = portal->item().statement->kind;
    if (execute_locally(portal->item(), portal->text)) return ++counters.queries, spend_portal(execute->portal, kind), size;
    if (refusal_) return fail_batch(*refusal_), size;
    return stall_ == Stall::none ? size : 0;
  }
  if (portal && portal->item().statement->kind == Kind::prepare && status() != 'E') {
    if (!names_known()) return 0;
    const PreparedStatementPtr named = find_prepared(portal->item().statement->prepared);
    if (named && !named->by_sql) return fail_batch(duplicate_prepared_statement(portal->item().statement->prepared)), size;
  }
  if (!link_of_portal(execute->portal)) {
    if (refusal_) return fail_batch(*refusal_), size;
    return stall_ == Stall::none ? (fail_batch(unknown_portal(execute->portal)), size) : 0;
  }
  ++counters.queries;
  to_server_.add(in.substr(0, size));
  batch_open_ = true;
  if (!portal) return ledger_.push(Expect::execute), size;
  const rules::Statement& statement = *portal->item().statement;
  batch_wrote_ |= !statement.read_only;
  copy_expected_ |= statement.kind == Kind::copy_in;
  names_in_doubt_ |= changes_names(statement);
  if (portal->script->plain || (statement.effects == 0 && statement.prepared.empty())) {
    ledger_.push(Expect::execute, Reply::forward, portal->key.low);
  } else {
    Note note;
    note.statement = portal->item().statement;
    ledger_.push(Expect::execute, Reply::forward, std::move(note));
  }
  return size;
}

/// Execute of a statement that is_local(). True: answered, or sent in a form of ours. False: it waits, or refusal_ is set.
bool SessionCore::execute_locally(const ScriptItem& item, std::string_view text) {
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
  if (statement.kind == Kind::deallocate) {
    // Whether it is run depends on whether what came before has failed.
    if (predicted_ != 'I' && !ledger_.empty()) return await_replies(), false;
    if (!names_known()) return false;
  }
  Note done;
  if (local_transaction_control(item.statement, text, tag) || local_deallocate(statement, tag, done)) {
    protocol::write_command_complete(bytes, tag);
    local_reply(bytes, std::move(done));
    return true;
  }
  if (local_abort_ && !refusal_ && !ends_failed_transaction(statement.kind)) refusal_ = transaction_failed();
  if (refusal_) return false;
  if (item.decision->verb == Decision::Verb::answer) {
    write_answer_rows(bytes, item.decision->answer);
    local_reply(bytes);
    return true;
  }
  Link* link = need_link(route_of(item));
  if (!link) return false;
  const std::string ending = local_abort_ ? ending_failed(statement, text) : std::string();
  Note note;
  note.statement = item.statement;
  names_in_doubt_ |= changes_names(statement);
  execute_internally(*link, local_abort_ ? std::string_view(ending) : text, Reply::forward, std::move(note));
  predict(statement.kind);
  return true;
}

/// Runs a statement without parameters and results by Bind and Execute; only its CommandComplete (by `reply`) can be seen.
void SessionCore::execute_internally(Link& link, std::string_view text, Reply reply, Note note) {
  PreparedStatement prepared;
  prepared.sent_text = text;
  prepared.key = prepared_key(text, {});
  ensure_prepared(link, prepared, false);
  const ServerName name = server_name(prepared.key);
  to_server_.compose([&](std::string& out) {
    protocol::MessageWriter(out, frontend::bind).string({}).string(as_view(name)).int16(0).int16(0).int16(0).finish();
    protocol::MessageWriter(out, frontend::execute).string({}).int32(0).finish();
  });
  ledger_.push(Expect::bind, Reply::swallow, prepared.key.low);
  if (note.statement)
    ledger_.push(Expect::execute, reply, std::move(note));
  else
    ledger_.push(Expect::execute, reply, prepared.key.low);
  batch_open_ = true;
}

/// A statement without rows cannot be run again; the end of a transaction has dropped its portals.
void SessionCore::spend_portal(std::string_view name, Kind kind) {
  if (kind == Kind::commit || kind == Kind::rollback || kind == Kind::prepare_transaction) portals_.clear();
  const bool dropped = ends_failed_transaction(kind);
  const bool spends = dropped || is_control(kind) || kind == Kind::set_transaction || kind == Kind::deallocate;
  if (!spends) return;
  if (name.empty())
    unnamed_portal_ = dropped ? nullptr : spent();
  else if (dropped)
    portals_.erase(std::string(name));
  else
    portals_[std::string(name)] = spent();
}

/// Closing a statement of the protocol never needs a server: what it holds is shared, and goes by its own LRU.
std::size_t SessionCore::on_close(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return size;
  const auto target = frontend::read_close(body_of(header, in));
  if (!target) return fail_batch(malformed_message(frontend::fault(header.type, body_of(header, in)))), size;
  if (const auto wrong = wrong_name(target->name)) return fail_batch(*wrong), size;
  if (target->target == 'P') return close_portal(target->name, in.substr(0, size));
  if (!names_known()) return 0;
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
  to_server_.add(in.substr(0, size));
  ledger_.push(Expect::close, Reply::forward, std::move(note));
  batch_open_ = true;
  return size;
}

std::size_t SessionCore::close_portal(std::string_view name, ByteView frame) {
  const bool held = is_held_cursor(name);
  if (held && local_abort_) return fail_batch(transaction_failed()), frame.size();
  if (!link_of_portal(name)) {
    if (refusal_) return fail_batch(*refusal_), frame.size();
    if (stall_ != Stall::none) return 0;
    local_reply(std::string_view("3\0\0\0\4", 5));
    return frame.size();
  }
  to_server_.add(frame);
  batch_open_ = true;
  if (!held) return ledger_.push(Expect::close), frame.size();
  Note note;
  note.statement = closing(Kind::close_cursor, rules::Effect::close_cursor, name);
  ledger_.push(Expect::close, Reply::forward, std::move(note));
  return frame.size();
}

}  // namespace pgswitch
