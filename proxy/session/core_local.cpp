// What the session answers without a server: deferred BEGIN and its end, failed transactions, DEALLOCATE, rows of a rule.
#include <algorithm>

#include "protocol/writer.hpp"
#include "proxy/session/core.hpp"
#include "proxy/session/local_answer.hpp"

namespace pgswitch {

using rules::Kind;

/// At once when nothing is owed before it, else in its place; `note` says what is to be taken back when it is skipped.
void SessionCore::local_reply(std::string_view bytes, Note note) {
  if (ledger_.empty()) {
    to_client_.append(bytes);
    holds_replies_ = true;
  } else if (note.names_client_statement || note.all_previous) {
    ledger_.push_insert(bytes, std::move(note));
  } else {
    ledger_.push_insert(bytes);
  }
}

void SessionCore::write_local_ready() {
  to_client_.compose([this](std::string& out) { protocol::write_ready_for_query(out, status()); });
  holds_replies_ = false;
}

/// Transaction control that needs no server: `tag` gets its command tag. Only when nothing is in flight.
bool SessionCore::local_transaction_control(const rules::Statement& statement, std::string_view text, std::string& tag) {
  const bool server_idle = !active_ || (ledger_.empty() && !batch_open_ && active_->status == 'I');
  if (!server_idle) return false;
  switch (statement.kind) {
    case Kind::begin:
      if (!options_.defer_begin || options_.mode == CoreOptions::Mode::statement || !deferred_.empty() || local_abort_) return false;
      deferred_.emplace_back(text);
      ++counters.deferred_begins;
      tag = statement.command == "START TRANSACTION" ? "START TRANSACTION" : "BEGIN";
      return true;
    case Kind::set_transaction:
      if (deferred_.empty() || statement.command != "SET TRANSACTION") return false;
      deferred_.emplace_back(text);
      tag = "SET";
      return true;
    case Kind::commit:
    case Kind::rollback:
      if ((deferred_.empty() && !local_abort_) || has_chain(text)) return false;
      tag = statement.kind == Kind::rollback || local_abort_ ? "ROLLBACK" : "COMMIT";
      deferred_.clear();
      local_abort_ = false;
      lost_in_transaction_.reset();
      settings_.rollback_lost();
      return true;
    default:
      return false;
  }
}

/// DEALLOCATE of what only the session knows: its protocol-level names are not those of the servers.
bool SessionCore::local_deallocate(const rules::Statement& statement, std::string& tag, Note& note) {
  if (statement.kind != Kind::deallocate || local_abort_) return false;
  if (has(statement.effects, rules::Effect::deallocate_all)) {
    if (has(pins(), Pin::sql_prepare)) return false;
    note.all_previous = std::make_shared<PreparedNames>(std::exchange(prepared_, {}));
    tag = "DEALLOCATE ALL";
    return true;
  }
  if (!prepared_.contains(statement.object)) return false;
  rename(statement.object, nullptr, note);
  tag = "DEALLOCATE";
  return true;
}

}  // namespace pgswitch
