// What the session answers without a server: deferred BEGIN and its end, failed transactions, DEALLOCATE, rows of a rule.
#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/core_cursors.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

using rules::Decision;
using rules::Kind;

namespace {

/// PostgreSQL's output buffer (PQ_SEND_BUFFER_SIZE): what does not fit goes out.
constexpr std::size_t most_held = 8192;

/// Behind SAVEPOINT a mode of the transaction may be refused (25001).
bool has_savepoint(const std::vector<DeferredStatement>& deferred) {
  return std::any_of(deferred.begin(), deferred.end(), [](const DeferredStatement& one) { return one.statement->kind == Kind::savepoint; });
}

}  // namespace

/// At once when nothing is owed before it, else in its place; `note` says what is to be taken back when it is skipped.
void SessionCore::local_reply(std::string_view bytes, Note note) {
  if (work_->ledger.empty()) {
    work_->to_client.append(bytes);
    holds_replies_ = work_->to_client.size() < most_held;
  } else if (note.names_client_statement || note.all_previous || note.portal) {
    work_->ledger.push_insert(bytes, std::move(note));
  } else {
    work_->ledger.push_insert(bytes);
  }
}

void SessionCore::write_local_ready() {
  // What a batch has begun or ended, its server says behind a Sync.
  const char now = batch_open_ && active_ && !local_abort_ && work_->ledger.empty() ? predicted_ : status();
  work_->to_client.compose([now](std::string& out) { protocol::write_ready_for_query(out, now); });
  holds_replies_ = false;
  if (now == 'I') drop_portals();
  if (!batch_open_ || !active_ || !work_->ledger.empty()) return;
  // A query that needed no server has ended the batch before it, as one that runs on the server does.
  work_->to_server.compose([](std::string& out) { protocol::write_sync(out); });
  work_->ledger.push(Expect::sync, Reply::swallow);
  batch_open_ = batch_wrote_ = false;
}

/// Transaction control that needs no server: `tag` gets its command tag. Only when nothing is in flight. False: it needs one,
/// or refusal_ says why it cannot be.
bool SessionCore::local_transaction_control(const rules::StatementPtr& statement, std::string_view text, std::string& tag) {
  constexpr std::size_t most_deferred = 8;
  const bool server_idle = !active_ || (work_->ledger.empty() && !batch_open_ && active_->status == 'I');
  if (!server_idle) return false;
  const bool may_defer = !work_->deferred.empty() && !local_abort_ && work_->deferred.size() < most_deferred;
  switch (statement->kind) {
    case Kind::begin:
      if (!options_.defer_begin || options_.mode == CoreOptions::Mode::statement || !work_->deferred.empty() || local_abort_) return false;
      ++counters.deferred_begins;
      tag = statement->command == "START TRANSACTION" ? "START TRANSACTION" : "BEGIN";
      break;
    case Kind::set_transaction:
      if (!may_defer || statement->command != "SET TRANSACTION" || imports_snapshot(*statement, text) || has_savepoint(work_->deferred)) return false;
      tag = "SET";
      break;
    case Kind::savepoint:
      if (!may_defer) return false;
      tag = "SAVEPOINT";
      break;
    case Kind::rollback_to:
      tag = "ROLLBACK";
      return roll_back_deferred(statement->object);
    case Kind::prepare_transaction:
      if (!local_abort_) return false;
      [[fallthrough]];
    case Kind::commit:
    case Kind::rollback:
      if (lost_in_transaction_ && statement->kind != Kind::rollback) {
        // Not what a COMMIT may pass over in silence.
        refusal_ = transaction_failed();
        local_abort_ = false;
        settings_.rollback_lost();
        return false;
      }
      if (has_chain(text)) {
        if (work_->deferred.empty() || !local_abort_) return false;
        begin_again();
        tag = "ROLLBACK";
        return true;
      }
      if (work_->deferred.empty() && !local_abort_) return false;
      tag = statement->kind == Kind::rollback || local_abort_ ? "ROLLBACK" : "COMMIT";
      work_->deferred.clear();
      local_abort_ = false;
      lost_in_transaction_.reset();
      settings_.rollback_lost();
      return true;
    default:
      return false;
  }
  work_->deferred.push_back({std::string(text), statement});
  return true;
}

/// AND CHAIN of a failed transaction that no server has seen: PostgreSQL has forgotten its modes by then.
void SessionCore::begin_again() {
  auto statement = std::make_shared<rules::Statement>();
  statement->kind = Kind::begin;
  work_->deferred.clear();
  work_->deferred.push_back({"BEGIN", std::move(statement)});
  local_abort_ = false;
}

/// ROLLBACK TO in a transaction that no server has seen.
bool SessionCore::roll_back_deferred(std::string_view savepoint) {
  std::size_t kept = work_->deferred.size();
  while (kept > 0 && !(work_->deferred[kept - 1].statement->kind == Kind::savepoint && work_->deferred[kept - 1].statement->object == savepoint)) --kept;
  if (kept == 0) {
    if (local_abort_) refusal_ = lost_in_transaction_ ? transaction_failed() : unknown_savepoint(savepoint);
    return false;
  }
  work_->deferred.resize(kept);
  local_abort_ = false;
  return true;
}

/// DEALLOCATE of what only the session knows: its protocol-level names are not those of the servers.
bool SessionCore::local_deallocate(const rules::Statement& statement, std::string& tag, Note& note) {
  if (statement.kind != Kind::deallocate || status() == 'E') return false;
  if (has(statement.effects, rules::Effect::deallocate_all)) {
    if (has(pins(), Pin::sql_prepare)) return false;
    note.all_previous = std::make_shared<PreparedNames>(std::exchange(prepared_, {}));
    tag = "DEALLOCATE ALL";
    return true;
  }
  if (auto refused = refuse_execute(statement, {}, {})) return refusal_ = std::move(*refused), false;
  if (!named_in_sql(statement)) return false;
  rename(statement.prepared, nullptr, note);
  tag = "DEALLOCATE";
  return true;
}

void SessionCore::describe_locally(const PreparedStatement& prepared, bool statement) {
  std::string bytes;
  if (statement) {
    protocol::MessageWriter description(bytes, protocol::backend::parameter_description);
    description.int16(static_cast<std::uint16_t>(prepared.parameter_types.size() / 4)).bytes(prepared.parameter_types);
  }
  const Decision& decision = *prepared.item().decision;
  if (decision.verb == Decision::Verb::answer)
    write_answer_description(bytes, decision.answer);
  else if (is_cursor_command(prepared.item()))
    CoreCursors(*this).describe(bytes, prepared);
  else
    protocol::write_empty(bytes, 'n');
  local_reply(bytes);
}

}  // namespace pgswitch
