#include "proxy/session/local_answer.hpp"

#include <algorithm>
#include <vector>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/ledger.hpp"
#include "rules/cut_names.hpp"
#include "rules/tokens.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;

namespace {

/// `word` in lower case.
bool contains_word(std::string_view text, std::string_view word) {
  const auto same = [](char a, char b) { return (a | 0x20) == b; };
  return std::search(text.begin(), text.end(), word.begin(), word.end(), same) != text.end();
}

}  // namespace

std::string_view text_of(const rules::ScriptItem& item, std::string_view text) {
  return item.begin >= text.size() ? std::string_view{} : text.substr(item.begin, item.size);
}

void write_answer_description(std::string& out, const rules::Answer& answer) {
  std::vector<protocol::Column> columns;
  for (const std::string& name : answer.columns) columns.push_back({name});
  protocol::write_row_description(out, columns);
}

std::size_t write_answer_rows(std::string& out, const rules::Answer& answer, std::size_t first, std::size_t most) {
  const std::size_t left = answer.rows.size() - first;
  const bool suspended = most > 0 && most <= left;
  const std::size_t end = first + (suspended ? most : left);
  for (std::size_t i = first; i < end; ++i) protocol::write_data_row(out, answer.rows[i]);
  if (suspended)
    protocol::write_empty(out, protocol::backend::portal_suspended);
  else
    protocol::write_command_complete(out, "SELECT " + std::to_string(left));
  return end;
}

SqlError to_error(const rules::Refusal& refusal) {
  SqlError error;
  error.sqlstate = refusal.sqlstate;
  error.message = refusal.message;
  error.detail = refusal.detail;
  error.hint = refusal.hint;
  error.position = refusal.position;
  return error;
}

bool has_chain(std::string_view text) { return contains_word(text, "chain"); }

bool imports_snapshot(const rules::Statement& statement, std::string_view text) {
  return statement.kind == rules::Kind::set_transaction && contains_word(text, "snapshot");
}

std::string ending_failed(const rules::Statement& statement, std::string_view text) {
  if (statement.kind == rules::Kind::prepare_transaction) return "ROLLBACK";
  if (statement.kind != rules::Kind::commit) return std::string(text);
  rules::TokenReader reader(text);
  rules::Token verb = reader.next();
  while (verb.type == rules::TokenType::comment) verb = reader.next();
  return "ROLLBACK" + std::string(text.substr(verb.begin + std::size_t{verb.size}));
}

bool frees_all_names(const rules::Statement& statement) {
  return has(statement.effects, rules::Effect::discard_all) || has(statement.effects, rules::Effect::deallocate_all);
}

bool changes_names(const rules::Statement& statement) {
  return frees_all_names(statement) || has(statement.effects, rules::Effect::prepare) || has(statement.effects, rules::Effect::deallocate);
}

bool runs_another(const rules::Statement& statement) {
  const bool only_plans = statement.kind == rules::Kind::explain && statement.read_only;
  return !statement.prepared.empty() && statement.kind != rules::Kind::prepare && statement.kind != rules::Kind::deallocate && !only_plans;
}

bool shows_any(const Ledger& ledger) {
  for (std::size_t i = 0; i < ledger.size(); ++i)
    if (ledger[i].reply != Reply::swallow) return true;
  return false;
}

bool ends_transaction(rules::Kind kind) {
  return kind == rules::Kind::commit || kind == rules::Kind::rollback || kind == rules::Kind::prepare_transaction;
}

char status_after(rules::Kind kind, char before) {
  if (kind == rules::Kind::begin) return 'T';
  return kind == rules::Kind::commit || kind == rules::Kind::rollback || kind == rules::Kind::prepare_transaction ? 'I' : before;
}

bool ends_failed_transaction(rules::Kind kind) { return ends_transaction(kind) || kind == rules::Kind::rollback_to; }

SqlError aborted_transaction() {
  return {Severity::error, std::string(protocol::sqlstate::in_failed_sql_transaction),
          "current transaction is aborted, commands ignored until end of transaction block", "", "", 0};
}

SqlError malformed_message(std::string_view detail) {
  return {Severity::error, std::string(protocol::sqlstate::protocol_violation), std::string(detail), "", "", 0};
}

SqlError unknown_prepared_statement(std::string_view name) {
  return {Severity::error, std::string(protocol::sqlstate::invalid_statement_name),
          name.empty() ? "unnamed prepared statement does not exist"
                       : "prepared statement \"" + std::string(name) + "\" does not exist",
          "", "", 0};
}

SqlError duplicate_prepared_statement(std::string_view name) {
  return {Severity::error, std::string(protocol::sqlstate::duplicate_prepared_statement),
          "prepared statement \"" + std::string(name) + "\" already exists", "", "", 0};
}

SqlError several_commands() {
  return {Severity::error, "42601", "cannot insert multiple commands into a prepared statement", "", "", 0};
}

SqlError synchronization_lost() {
  return {Severity::fatal, std::string(protocol::sqlstate::protocol_violation),
          "terminating connection because protocol synchronization was lost", "", "", 0};
}

SqlError unknown_savepoint(std::string_view name) {
  return {Severity::error, "3B001", "savepoint \"" + std::string(name) + "\" does not exist", "", "", 0};
}

SqlError spent_portal(std::string_view name) {
  return {Severity::error, "55000", "portal \"" + std::string(name) + "\" cannot be run", "", "", 0};
}

std::string cut_name_notices(std::string_view text, bool conforming_strings) {
  std::string frames;
  for (const rules::CutName& name : rules::cut_names(text, {conforming_strings})) {
    SqlError notice;
    notice.severity = Severity::notice;
    notice.sqlstate = "42622";
    notice.message = "identifier \"" + name.whole + "\" will be truncated to \"" + name.cut + '"';
    protocol::write_notice(frames, notice);
  }
  return frames;
}

SqlError lost_portal(std::string_view name, std::string_view why) {
  SqlError error = unknown_portal(name);
  error.detail = why;
  error.hint = "Execute it before the batch goes on elsewhere, or use a transaction.";
  return error;
}

SqlError duplicate_portal(std::string_view name) {
  return {Severity::error, "42P03", "cursor \"" + std::string(name) + "\" already exists", "", "", 0};
}

SqlError unknown_portal(std::string_view name) {
  return {Severity::error, std::string(protocol::sqlstate::invalid_cursor_name),
          "portal \"" + std::string(name) + "\" does not exist", "", "", 0};
}

SqlError no_transaction_blocks() {
  return {Severity::error, std::string(protocol::sqlstate::feature_not_supported),
          "transaction blocks not allowed in statement pooling mode", "", "Use pool_mode = transaction or session.", 0};
}

}  // namespace pgswitch
