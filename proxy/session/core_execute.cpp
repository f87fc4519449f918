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

std::size_t SessionCore::on_execute(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return size;
  const auto execute = frontend::read_execute(body_of(header, in));
  if (!execute) return fail_batch(malformed_message("invalid Execute message")), size;
  const auto named = portals_.find(execute->portal);
  const PreparedStatementPtr portal = execute->portal.empty() ? unnamed_portal_ : named == portals_.end() ? nullptr : named->second;

  if (portal && is_local(*portal)) {
    ++counters.queries;
    if (execute_locally(portal->item(), portal->text)) return size;
    if (refusal_) return fail_batch(*refusal_), size;
    return stall_ == Stall::none ? size : 0;
  }
  if (!active_) return fail_batch(unknown_portal(execute->portal)), size;
  ++counters.queries;
  to_server_.add(in.substr(0, size));
  batch_open_ = true;
  if (!portal) return ledger_.push(Expect::execute), size;
  const rules::Statement& statement = *portal->item().statement;
  batch_wrote_ |= !statement.read_only;
  names_in_doubt_ |= forgets_names(statement);
  if (portal->script->plain || statement.effects == 0) {
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
  Note done;
  if (local_transaction_control(statement, text, tag) || local_deallocate(statement, tag, done)) {
    protocol::write_command_complete(bytes, tag);
    local_reply(bytes, std::move(done));
    return true;
  }
  if (local_abort_ && statement.kind != Kind::rollback && statement.kind != Kind::commit && statement.kind != Kind::rollback_to) {
    refusal_ = transaction_failed();
    return false;
  }
  if (item.decision->verb == Decision::Verb::answer) {
    write_answer_rows(bytes, item.decision->answer);
    local_reply(bytes);
    return true;
  }
  Link* link = need_link(route_of(item));
  if (!link) return false;
  const bool commits_failed = local_abort_ && statement.kind == Kind::commit;
  Note note;
  note.statement = item.statement;
  names_in_doubt_ |= forgets_names(statement);
  execute_internally(*link, commits_failed ? std::string_view("ROLLBACK") : text, Reply::forward, std::move(note));
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

/// Closing a statement never needs a server: what it holds is shared, and goes by its own LRU.
std::size_t SessionCore::on_close(const FrameHeader& header, ByteView in) {
  if (!complete(header, in)) return 0;
  const std::size_t size = header.frame_size();
  if (skip_until_sync_) return size;
  const auto target = frontend::read_close(body_of(header, in));
  if (!target) return fail_batch(malformed_message("invalid Close message")), size;
  if (target->target == 'P' && active_) {
    to_server_.add(in.substr(0, size));
    ledger_.push(Expect::close);
    batch_open_ = true;
    return size;
  }
  Note note;
  if (target->target == 'S') rename(target->name, nullptr, note);
  local_reply(std::string_view("3\0\0\0\4", 5), std::move(note));
  return size;
}

}  // namespace pgswitch
