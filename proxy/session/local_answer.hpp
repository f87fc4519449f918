#pragma once
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"
#include "rules/decision.hpp"
#include "rules/statement.hpp"

namespace pgswitch {

class Ledger;

/// Bytes of answers that need no server. Pure functions.

/// The text of an item of a query string.
std::string_view text_of(const rules::ScriptItem& item, std::string_view text);
/// RowDescription of a rule's answer{}.
void write_answer_description(std::string& out, const rules::Answer& answer);
/// Its rows from `first` on, at most `most` (0: all), and PortalSuspended when there were so many, else CommandComplete. The result is
/// where the next ones begin.
std::size_t write_answer_rows(std::string& out, const rules::Answer& answer, std::size_t first = 0, std::size_t most = 0);
/// What a client is told of a refusal.
protocol::SqlError to_error(const rules::Refusal& refusal);
/// COMMIT AND CHAIN, ROLLBACK AND CHAIN: the transaction goes on.
bool has_chain(std::string_view text);
/// SET TRANSACTION SNAPSHOT, which only its server can tell to be right.
bool imports_snapshot(const rules::Statement& statement, std::string_view text);
/// `text` as it must be sent where the client's transaction has failed and the server's has not: COMMIT and PREPARE
/// TRANSACTION roll back.
std::string ending_failed(const rules::Statement& statement, std::string_view text);
/// DISCARD ALL, DEALLOCATE ALL: no prepared statement is left behind it.
bool frees_all_names(const rules::Statement& statement);
/// PREPARE, DEALLOCATE, DISCARD ALL: what names of prepared statements mean is another thing after it.
bool changes_names(const rules::Statement& statement);
/// EXECUTE and its like: what they do is what the prepared statement does that they name.
bool runs_another(const rules::Statement& statement);
/// What PostgreSQL runs in a failed transaction.
bool ends_failed_transaction(rules::Kind kind);
/// COMMIT, ROLLBACK, PREPARE TRANSACTION.
bool ends_transaction(rules::Kind kind);
/// Transaction status behind a statement of this kind, if all goes well.
char status_after(rules::Kind kind, char before);
/// Whether the client sees an answer to anything that is owed.
bool shows_any(const Ledger& ledger);
/// PostgreSQL's answers to misuse, worded as it does.
protocol::SqlError aborted_transaction();
protocol::SqlError malformed_message(std::string_view detail);
protocol::SqlError unknown_prepared_statement(std::string_view name);
protocol::SqlError duplicate_prepared_statement(std::string_view name);
protocol::SqlError several_commands();
protocol::SqlError unknown_savepoint(std::string_view name);
protocol::SqlError duplicate_portal(std::string_view name);
protocol::SqlError unknown_portal(std::string_view name);
/// The end of a session that sent something else than data during COPY.
protocol::SqlError synchronization_lost();
/// Execute of a portal that has run a statement without rows.
protocol::SqlError spent_portal(std::string_view name);
/// NOTICE 42622 for each identifier in `text` that is too long: what the server would say that parses it.
std::string cut_name_notices(std::string_view text, bool conforming_strings);
/// Of a portal that has ended where its batch went on to another route; `why` tells so.
protocol::SqlError lost_portal(std::string_view name, std::string_view why);
/// BEGIN in statement pooling (pgbouncer's text).
protocol::SqlError no_transaction_blocks();

}  // namespace pgswitch
