#include "proxy/redshift/transaction.hpp"

#include <algorithm>

#include "proxy/redshift/settings.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::redshift {

using protocol::SqlError;
using rules::Effect;
using rules::Kind;
using rules::Statement;

namespace {

SqlError error(std::string_view sqlstate, std::string message, std::string detail = {}, std::string hint = {}) {
  SqlError made;
  made.sqlstate = sqlstate;
  made.message = std::move(message);
  made.detail = std::move(detail);
  made.hint = std::move(hint);
  return made;
}

/// The words of a text in lower case; what a literal says is a word.
std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  rules::TokenReader reader(text);
  for (rules::Token token = reader.next(); token.type != rules::TokenType::end; token = reader.next()) {
    const bool quoted = token.type == rules::TokenType::string && token.size >= 2;
    if (token.type != rules::TokenType::word && token.type != rules::TokenType::integer && !quoted) continue;
    std::string word(quoted ? reader.text(token).substr(1, token.size - 2) : reader.text(token));
    for (char& c : word)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    words.push_back(std::move(word));
  }
  return words;
}

/// SET transaction_read_only = on and its like.
bool read_setting(const std::vector<std::string>& words, std::size_t at, TransactionModes& modes) {
  const std::string& name = words[at];
  std::size_t value = at + 1;
  if (value < words.size() && words[value] == "to") ++value;
  if (name != "transaction_isolation" && name != "transaction_read_only" && name != "transaction_deferrable") return false;
  if (value >= words.size()) return true;
  if (name == "transaction_isolation")
    modes.isolation = words[value] + (words[value].find(' ') == std::string::npos && value + 1 < words.size() ? " " + words[value + 1] : std::string());
  else
    (name == "transaction_read_only" ? modes.read_only : modes.deferrable) = truth_of(words[value]);
  return true;
}

/// Redshift's own SELECT, which PostgreSQL's grammar refuses: its functions cannot write, so INTO alone makes a table.
bool is_unparsed_read(const Statement& statement) {
  constexpr std::size_t most_words = 256;
  const auto& words = statement.words;
  if (words.empty() || words.size() >= most_words) return false;
  const std::string& verb = words.front();
  if (verb == "show" || verb == "desc") return true;
  return (verb == "select" || verb == "with") && std::find(words.begin(), words.end(), "into") == words.end();
}

}  // namespace

TransactionModes read_modes(std::string_view text) {
  const std::vector<std::string> words = words_of(text);
  const auto at = [&](std::size_t i) { return i < words.size() ? std::string_view(words[i]) : std::string_view(); };
  TransactionModes modes;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (read_setting(words, i, modes)) break;
    if (at(i) == "snapshot") modes.snapshot = true;
    if (at(i) == "level") modes.isolation = at(i + 1) == "serializable" ? "serializable" : std::string(at(i + 1)) + " " + std::string(at(i + 2));
    if (at(i) == "read" && at(i + 1) == "only") modes.read_only = true;
    if (at(i) == "read" && at(i + 1) == "write") modes.read_only = false;
    if (at(i) == "deferrable") modes.deferrable = i == 0 || words[i - 1] != "not";
  }
  return modes;
}

std::string TransactionModes::begin_text(bool start_transaction) const {
  std::string text = start_transaction ? "START TRANSACTION" : "BEGIN";
  if (!isolation.empty()) text += " ISOLATION LEVEL " + isolation;
  if (read_only) text += *read_only ? " READ ONLY" : " READ WRITE";
  return text;
}

Touch touch_of(const Statement& statement) {
  if (statement.read_only) return Touch::nothing;
  switch (statement.kind) {
    case Kind::set:
    case Kind::reset:
    case Kind::discard:
    case Kind::lock: return Touch::session;
    case Kind::empty:
    case Kind::show:
    case Kind::prepare:  // no rollback takes its name back
    case Kind::set_transaction:
    case Kind::fetch:
    case Kind::close_cursor:
    case Kind::deallocate:
    case Kind::unlisten: return Touch::nothing;
    case Kind::unparsed: return is_unparsed_read(statement) ? Touch::nothing : Touch::data;
    case Kind::select:
    case Kind::declare_cursor:
    case Kind::explain: return statement.writes.empty() && !statement.modifying_cte && statement.functions.empty() ? Touch::nothing : Touch::data;
    default: return statement.is_transaction_control() ? Touch::nothing : Touch::data;
  }
}

void Transaction::begin(const TransactionModes& modes, const TransactionModes& defaults) {
  open_ = true;
  if (!modes.isolation.empty() || modes_.isolation.empty()) modes_.isolation = modes.isolation.empty() ? defaults.isolation : modes.isolation;
  modes_.read_only = modes.read_only ? modes.read_only : modes_.read_only ? modes_.read_only : defaults.read_only;
  modes_.deferrable = modes.deferrable ? modes.deferrable : modes_.deferrable ? modes_.deferrable : defaults.deferrable;
}

std::optional<SqlError> Transaction::set(const TransactionModes& modes) {
  if (modes.snapshot)
    return error("0A000", "SET TRANSACTION SNAPSHOT is not there on Redshift", "Redshift exports no snapshots.", "Send it to a route of PostgreSQL.");
  const bool writes_again = modes.read_only == false && modes_.read_only == true;
  if (writes_again && (queried_ || !savepoints_.empty()))
    return error("25001", savepoints_.empty() ? "transaction read-write mode must be set before any query"
                                              : "cannot set transaction read-write mode inside a read-only transaction");
  const bool other_level = !modes.isolation.empty() && modes.isolation != modes_.isolation;
  if (other_level && queried_) return error("25001", "SET TRANSACTION ISOLATION LEVEL must be called before any query");
  if (!modes.isolation.empty()) modes_.isolation = modes.isolation;
  if (modes.read_only) modes_.read_only = modes.read_only;
  if (modes.deferrable) modes_.deferrable = modes.deferrable;
  return std::nullopt;
}

void Transaction::sent(const Statement& statement) {
  const bool about_itself = statement.is_transaction_control() || statement.kind == Kind::set_transaction || statement.kind == Kind::set ||
                            statement.kind == Kind::show || statement.kind == Kind::reset;
  queried_ |= !about_itself;
  const Touch touch = touch_of(statement);
  for (Savepoint& savepoint : savepoints_) savepoint.touched = std::max(savepoint.touched, touch);
}

std::vector<Transaction::Savepoint>::iterator Transaction::find(std::string_view name) {
  for (auto one = savepoints_.end(); one != savepoints_.begin();)
    if ((--one)->name == name) return one;
  return savepoints_.end();
}

void Transaction::savepoint(std::string_view name) { savepoints_.push_back({std::string(name), Touch::nothing, modes_}); }

std::optional<SqlError> Transaction::release(std::string_view name) {
  const auto found = find(name);
  if (found == savepoints_.end()) return unknown_savepoint(name);
  savepoints_.erase(found, savepoints_.end());
  return std::nullopt;
}

std::optional<SqlError> Transaction::roll_back_to(std::string_view name, bool failed) {
  const auto found = find(name);
  if (found == savepoints_.end()) return unknown_savepoint(name);
  if (failed || found->touched != Touch::nothing) {
    const std::string since = failed ? "a statement has failed" : found->touched == Touch::data ? "something may have been written" : "settings have changed, or locks were taken";
    return error("0A000", "ROLLBACK TO SAVEPOINT \"" + std::string(name) + "\" is impossible on Redshift",
                 "Redshift has no savepoints. Since this one " + since + ", which only a rollback of the whole transaction takes back.",
                 "ROLLBACK, and run the transaction again.");
  }
  modes_ = found->modes;
  savepoints_.erase(found + 1, savepoints_.end());
  return std::nullopt;
}

SqlError read_only_transaction(const Statement& statement) {
  return error("25006", "cannot execute " + (statement.command.empty() ? std::string("this statement") : statement.command) + " in a read-only transaction",
               statement.command.empty() ? "pgswitch cannot prove that it writes nothing." : "");
}

SqlError no_transaction(std::string_view what) { return error("25P01", std::string(what) + " can only be used in transaction blocks"); }

}  // namespace pgswitch::redshift
