#pragma once
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"
#include "rules/decision.hpp"
#include "rules/statement.hpp"

namespace pgswitch {

/// Bytes of answers that need no server. Pure functions.

/// RowDescription of a rule's answer{}.
void write_answer_description(std::string& out, const rules::Answer& answer);
/// Its rows and CommandComplete.
void write_answer_rows(std::string& out, const rules::Answer& answer);
/// What a client is told of a refusal.
protocol::SqlError to_error(const rules::Refusal& refusal);
/// COMMIT AND CHAIN, ROLLBACK AND CHAIN: the transaction goes on.
bool has_chain(std::string_view text);
/// DISCARD ALL, DEALLOCATE ALL: every prepared statement is gone after it.
bool forgets_names(const rules::Statement& statement);
/// Characters (not bytes) of UTF-8 text: error positions count them.
std::uint32_t utf8_length(std::string_view text);
/// PostgreSQL's answers to misuse, worded as it does.
protocol::SqlError aborted_transaction();
protocol::SqlError malformed_message(std::string_view detail);
protocol::SqlError unknown_prepared_statement(std::string_view name);
protocol::SqlError unknown_portal(std::string_view name);
/// BEGIN in statement pooling (pgbouncer's text).
protocol::SqlError no_transaction_blocks();

}  // namespace pgswitch
