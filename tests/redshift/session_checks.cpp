#include <algorithm>
#include <cstdlib>

#include "protocol/writer.hpp"
#include "tests/redshift/refusals.hpp"
#include "tests/redshift/session.hpp"

/// What a statement may do here and now.
namespace pgswitch::stand_in {
namespace {

TextError error_at(const Statement& statement, std::string_view sqlstate, std::string message) {
  return text_error(sqlstate, std::move(message), statement.begin);
}

}  // namespace

/// Facts 1.5 "Statement text: at most 16 MB".
void Session::check_size(std::string_view text) {
  constexpr std::size_t limit = 16 * 1024 * 1024;
  if (text.size() > limit)
    throw text_error("54000", "Statement is too large. Statement Size: " + std::to_string(text.size()) +
                                  " bytes. Maximum Allowed: " + std::to_string(limit) + " bytes");
}

Session::Prepared Session::prepare(std::string_view text, const Statement& statement) {
  Prepared prepared{std::string(text), statement, {}, false};
  prepared.translation = translate(text, statement, translate_options_);
  return prepared;
}

void Session::check(const Prepared& prepared, bool extended) {
  // A failed transaction hears 25P02 of PostgreSQL itself.
  if (backend_->status() == 'E') return;
  if (const auto error = refused(prepared.text, prepared.statement)) throw *error;
  const Translation& translation = prepared.translation;
  if (translation.uses_user_tables && !translation.leader_functions.empty()) {
    // Facts 1.6 "Leader-node-only functions".
    for (const std::string& name : translation.leader_functions)
      notice(protocol::Severity::info, "Function \"" + name + "\" not supported.");
    throw error_at(prepared.statement, "0A000", "Specified types or functions (one per INFO message) not supported on Redshift tables.");
  }
  if (translation.needs_user_table && !translation.uses_user_tables)
    throw error_at(prepared.statement, "XX000",
                   "One or more of the used functions must be applied on at least one user created tables. Examples of user "
                   "table only functions are LISTAGG, MEDIAN, PERCENTILE_CONT, etc");
  check_cursor(prepared, extended);
}

/// Facts 1.6 "Cursors".
void Session::check_cursor(const Prepared& prepared, bool extended) {
  const Statement& statement = prepared.statement;
  const Tokens& tokens = statement.tokens;
  switch (prepared.translation.kind) {
    case Kind::declare:
      if (extended && !options_.takes_extended_declare) throw error_at(statement, "57014", "Query cancelled on user's request");
      if (!in_transaction()) throw error_at(statement, "25P01", "DECLARE CURSOR may only be used in transaction blocks");
      if (!cursor_.empty()) throw error_at(statement, "0A000", "Only one cursor may be open in a session; \"" + cursor_ + "\" is");
      return;
    case Kind::fetch: {
      if (!in_transaction()) throw error_at(statement, "XX000", "cursors can only be used within the transaction that created them.");
      if (!options_.single_node) return;
      if (std::any_of(tokens.begin(), tokens.end(), [](const Token& token) { return token.is("all"); }))
        throw error_at(statement, "0A000", "FETCH ALL is not supported for a single node configuration");
      for (const Token& token : tokens)
        if (token.type == TokenType::number && std::atol(token.value.c_str()) > 1000)
          throw error_at(statement, "0A000",
                         "Fetch size " + token.value +
                             " exceeds the limit of 1000 for a single node configuration. Reduce the client "
                             "fetch/cache size or upgrade to a multi node installation.");
      return;
    }
    default: return;
  }
}

/// What follows from a statement that has run.
void Session::after(const Prepared& prepared) {
  const Tokens& tokens = prepared.statement.tokens;
  switch (prepared.translation.kind) {
    case Kind::declare:
      if (tokens.size() > 1) cursor_ = tokens[1].value;
      break;
    case Kind::close:
    case Kind::commit:
    case Kind::rollback: cursor_.clear(); break;
    case Kind::truncate:
      // Facts 1.6 "TRUNCATE": commits the transaction that it runs in.
      if (backend_->status() == 'T') backend_->query("COMMIT", [](const protocol::Frame&) {});
      break;
    case Kind::set:
      if (matches("^ set client_encoding", tokens) && !client_set_encoding_) {
        client_set_encoding_ = true;
        protocol::write_parameter_status(client_.out(), "client_encoding", "UTF8");
      }
      break;
    default: break;
  }
}

}  // namespace pgswitch::stand_in
