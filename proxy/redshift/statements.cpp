#include "proxy/redshift/statements.hpp"

#include <algorithm>

#include "proxy/redshift/errors.hpp"
#include "proxy/redshift/face.hpp"
#include "proxy/redshift/setting_values.hpp"
#include "proxy/redshift/settings.hpp"
#include "proxy/session/local_answer.hpp"
#include "rules/quoting.hpp"
#include "rules/setting_value.hpp"
#include "rules/tokens.hpp"

namespace pgswitch::redshift {

using protocol::SqlError;
using rules::Effect;
using rules::Kind;
using rules::Statement;
using How = Translation::How;

namespace {

Translation done(std::string_view tag) { return {How::nothing, {}, std::string(tag), {}, {}}; }
Translation instead(std::string text, std::string_view tag) { return {How::instead, std::move(text), std::string(tag), {}, {}}; }
Translation refused(SqlError error) { return {How::refused, {}, {}, {}, std::move(error)}; }

SqlError lacking(std::string_view what, std::string_view why, std::string_view hint) {
  SqlError error;
  error.sqlstate = protocol::sqlstate::feature_not_supported;
  error.message = std::string(what) + " is not there on Redshift";
  error.detail = why;
  error.hint = hint;
  return error;
}

Translation warned(Translation what, std::string_view sqlstate, std::string_view message) {
  what.error.severity = protocol::Severity::warning;
  what.error.sqlstate = sqlstate;
  what.error.message = message;
  return what;
}

/// Always in quotes: Redshift has words of its own that are no names.
std::string quoted_name(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    if (c == '"') text += c;
    text += c;
  }
  return text + '"';
}

/// One row as SHOW gives it. The name is as PostgreSQL spells it.
Translation shown(std::string_view name, std::string_view value) {
  return instead("SELECT CAST(" + rules::quote_literal(value) + " AS varchar) AS " + quoted_name(name), "SHOW");
}

std::string_view on_off(bool on) { return on ? "on" : "off"; }

/// The modes of the transaction are known here alone.
std::string mode_shown(std::string_view name, const TransactionModes& modes) {
  if (name == "transaction_isolation") return modes.isolation.empty() ? "read committed" : modes.isolation;
  return std::string(on_off((name == "transaction_read_only" ? modes.read_only : modes.deferrable).value_or(false)));
}

Translation translate_show(std::string_view text, const Asker& asker, const Transaction& transaction) {
  const std::string name = shown_setting(text);
  const bool mode = name == "transaction_isolation" || name == "transaction_read_only" || name == "transaction_deferrable";
  if (mode && asker.kind == ServerKind::redshift)
    return shown(name, mode_shown(name, asker.in_block || asker.in_string ? transaction.modes() : default_modes(*asker.settings)));
  if (asker.kind == ServerKind::redshift && !asker.server_version.empty()) {
    if (name == "server_version") return shown(name, asker.server_version);
    if (name == "server_version_num") return shown(name, version_number(asker.server_version));
  }
  const Setting* setting = find_setting(name);
  if (!setting || !lacks(*setting, asker.kind)) return {};
  const std::optional<std::string> value = asker.settings->value(name);
  if (!value && setting->lack == Lack::in_parts) return {};
  return shown(find_tracked(name) == Tracked::count ? name : std::string(to_string(find_tracked(name))), value.value_or(std::string(setting->value)));
}

Translation of_change(const rules::VariableChange& change, const Asker& asker, std::string_view tag) {
  std::string value = change.value;
  if (value.empty() && !change.statement.empty()) value = rules::setting_value(change.statement);
  // It says how literals are read, and nobody reports when it ends.
  const bool reads_literals = asker.kind == ServerKind::redshift && change.name == "standard_conforming_strings";
  if (reads_literals && change.local && truth_of(value) != (asker.settings->told()[static_cast<std::size_t>(Tracked::standard_conforming_strings)] != "off"))
    return refused(lacking("SET LOCAL standard_conforming_strings", "Redshift has no such setting: pgswitch reads literals by that of the session.", "Use SET."));
  const bool encodes = asker.kind == ServerKind::redshift && change.name == "client_encoding";
  if (encodes && change.local && encoding_objection(value)) return refused(lacking("SET LOCAL client_encoding", "Redshift sends and takes UTF8 only.", "Use SET."));
  // What Redshift does not get nobody else looks at.
  if (asker.kind == ServerKind::redshift)
    if (auto error = check_setting(change.name, value)) return refused(std::move(*error));
  SettingChange made = change_for(asker.kind, change.name, value);
  switch (made.how) {
    case SettingChange::How::as_it_is: return {};
    case SettingChange::How::instead: return instead(std::move(made.text), tag);
    case SettingChange::How::nothing: return done(tag);
    case SettingChange::How::refused: return refused(std::move(made.error));
  }
  return {};
}

/// SET and RESET: one setting, or that of the transaction alone.
Translation translate_set(const Statement& statement, std::string_view text, const Asker& asker, Transaction& transaction) {
  const std::string_view tag = statement.kind == Kind::reset ? "RESET" : "SET";
  if (statement.variables.size() == 1) return of_change(statement.variables.front(), asker, tag);
  if (asker.kind != ServerKind::redshift || statement.kind != Kind::set || !statement.variables.empty()) return {};
  const TransactionModes modes = read_modes(text);
  if (modes.isolation.empty() && !modes.read_only && !modes.deferrable) return {};
  if (!asker.in_block && !asker.in_string) return done(tag);
  if (auto error = transaction.set(modes)) return refused(std::move(*error));
  return done(tag);
}

Translation translate_set_transaction(const Statement& statement, std::string_view text, const Asker& asker, Transaction& transaction) {
  if (statement.command == "SET SESSION CHARACTERISTICS") return done("SET");
  if (!asker.in_block && !asker.in_string) return warned(done("SET"), "25P01", "SET TRANSACTION can only be used in transaction blocks");
  if (auto error = transaction.set(read_modes(text))) return refused(std::move(*error));
  return done("SET");
}

Translation translate_commit(const Statement& statement, std::string_view text, const Asker& asker, Transaction& transaction) {
  const bool commits = statement.kind == Kind::commit;
  const TransactionModes modes = transaction.modes();
  transaction.end();
  if (!has_chain(text)) return {};
  const std::string_view verb = commits ? "COMMIT" : "ROLLBACK";
  rules::TokenReader reader(text);
  for (rules::Token token = reader.next(); token.type != rules::TokenType::end; token = reader.next()) {
    const std::string_view word = reader.text(token);
    if (word.size() == 2 && (word[0] | 0x20) == 'n' && (word[1] | 0x20) == 'o') return instead(std::string(verb), verb);
  }
  if (!asker.in_block) return {};
  transaction.begin(modes, {});
  Translation chain = instead(modes.begin_text(false), verb);
  chain.before.emplace_back(verb);
  return chain;
}

Translation translate_control(const Statement& statement, std::string_view text, const Asker& asker, Transaction& transaction) {
  switch (statement.kind) {
    case Kind::begin: {
      const bool start = statement.command == "START TRANSACTION";
      if (!transaction.is_open() && !asker.in_string) transaction.end();
      transaction.begin(read_modes(text), default_modes(*asker.settings));
      return instead(transaction.modes().begin_text(start), start ? "START TRANSACTION" : "BEGIN");
    }
    case Kind::commit:
    case Kind::rollback: return translate_commit(statement, text, asker, transaction);
    case Kind::prepare_transaction:
      return refused(lacking("PREPARE TRANSACTION", "Redshift has no two-phase commit.", "Use COMMIT."));
    case Kind::savepoint:
      if (!asker.in_block) return refused(no_transaction("SAVEPOINT"));
      transaction.savepoint(statement.object);
      return done("SAVEPOINT");
    case Kind::release:
      if (!asker.in_block) return refused(no_transaction("RELEASE SAVEPOINT"));
      if (auto error = transaction.release(statement.object)) return refused(std::move(*error));
      return done("RELEASE");
    default:
      if (!asker.in_block) return refused(no_transaction("ROLLBACK TO SAVEPOINT"));
      if (auto error = transaction.roll_back_to(statement.object, asker.failed)) return refused(std::move(*error));
      return done("ROLLBACK");
  }
}

/// A lock is held until the end of the transaction and keeps everybody else out there, whatever mode was asked for.
Translation translate_lock(std::string_view text) {
  rules::TokenReader reader(text);
  std::size_t end = 0;
  bool mode = false, nowait = false;
  for (rules::Token token = reader.next(); token.type != rules::TokenType::end; token = reader.next()) {
    const std::string_view word = reader.text(token);
    const auto is = [word](std::string_view wanted) {
      return word.size() == wanted.size() && std::equal(word.begin(), word.end(), wanted.begin(), [](char a, char b) { return (a | 0x20) == b; });
    };
    nowait |= token.type == rules::TokenType::word && is("nowait");
    mode |= token.type == rules::TokenType::word && is("in");
    if (!mode && !nowait && token.type != rules::TokenType::semicolon && token.type != rules::TokenType::comment) end = token.begin + std::size_t{token.size};
  }
  if (nowait) return refused(lacking("LOCK ... NOWAIT", "LOCK waits there.", "Leave NOWAIT out, or set statement_timeout."));
  return mode ? instead(std::string(text.substr(0, end)), "") : Translation();
}

Translation translate_discard(const Statement& statement, const Asker& asker, Transaction&) {
  const rules::Effects effects = statement.effects;
  if (has(effects, Effect::discard_all)) {
    if (asker.in_block) {
      SqlError error;
      error.sqlstate = protocol::sqlstate::active_sql_transaction;
      error.message = "DISCARD ALL cannot run inside a transaction block";
      return refused(std::move(error));
    }
    return instead("RESET ALL", "DISCARD ALL");
  }
  if (has(effects, Effect::discard_temp)) {
    if (!asker.temporary) return done("DISCARD TEMP");
    return refused(lacking("DISCARD TEMP", "The session has temporary tables.", "DROP them, or use DISCARD ALL."));
  }
  return done(has(effects, Effect::discard_plans) ? "DISCARD PLANS" : "DISCARD SEQUENCES");
}

bool is_advisory(std::string_view function) {
  const std::size_t dot = function.rfind('.');
  if (dot != std::string_view::npos) function.remove_prefix(dot + 1);
  return function.starts_with("pg_advisory") || function.starts_with("pg_try_advisory");
}

/// Who asks for nothing but that no lock is left gets what he asks for.
Translation translate_advisory(const Statement& statement) {
  const bool frees = statement.functions.size() == 1 && statement.functions.front().ends_with("pg_advisory_unlock_all") && statement.reads.empty();
  if (frees) return instead("SELECT CAST('' AS varchar) AS pg_advisory_unlock_all", "SELECT 1");
  return refused(lacking("an advisory lock", "Redshift has LOCK for tables only.", "Take the lock on a route of PostgreSQL."));
}

Translation translate_deallocate(const Statement& statement, const Asker& asker) {
  if (!has(statement.effects, Effect::deallocate_all)) return {};
  Translation all = done("DEALLOCATE ALL");
  for (const std::string& name : asker.prepared) all.before.push_back("DEALLOCATE " + quoted_name(name));
  return all;
}

/// What does not depend on the transaction.
Translation translate_for_redshift(const Statement& statement, std::string_view text, const Asker& asker, Transaction& transaction) {
  switch (statement.kind) {
    case Kind::set:
    case Kind::reset: return translate_set(statement, text, asker, transaction);
    case Kind::show: return translate_show(text, asker, transaction);
    case Kind::set_transaction: return translate_set_transaction(statement, text, asker, transaction);
    case Kind::discard: return translate_discard(statement, asker, transaction);
    case Kind::deallocate: return translate_deallocate(statement, asker);
    case Kind::lock: return translate_lock(text);
    case Kind::unlisten: return done("UNLISTEN");
    case Kind::listen:
    case Kind::notify:
      return refused(lacking(statement.command, "It has no notifications.", "Use a route of PostgreSQL for them."));
    case Kind::close_cursor:
      // At most one is open there, and its transaction's end closes it.
      return has(statement.effects, Effect::close_all_cursors) ? done("CLOSE CURSOR ALL") : Translation();
    default: break;
  }
  if (!asker.server_version.empty() && statement.kind == Kind::select && asks_version(text))
    return instead("SELECT CAST(" + rules::quote_literal("PostgreSQL " + std::string(asker.server_version)) + " AS varchar) AS version", "SELECT 1");
  if (statement.is_transaction_control()) return translate_control(statement, text, asker, transaction);
  if (std::any_of(statement.functions.begin(), statement.functions.end(), is_advisory)) return translate_advisory(statement);
  return {};
}

/// A cursor that Redshift has, not the session, is one of a procedure (REFCURSOR), and ends with its transaction.
bool names_no_cursor(const Statement& statement, const Asker& asker) {
  const bool closes = statement.kind == Kind::close_cursor && !has(statement.effects, Effect::close_all_cursors);
  return (closes || statement.kind == Kind::fetch) && !asker.in_block;
}

}  // namespace

bool concerns_postgres(const Statement& statement) {
  return statement.kind == Kind::show || ((statement.kind == Kind::set || statement.kind == Kind::reset) && statement.variables.size() == 1);
}

TransactionModes default_modes(const SessionSettings& settings) {
  TransactionModes modes;
  modes.isolation = settings.value("default_transaction_isolation").value_or("");
  const auto truth = [&](std::string_view name) {
    const std::optional<std::string> value = settings.value(name);
    return value ? truth_of(*value) : std::nullopt;
  };
  modes.read_only = truth("default_transaction_read_only");
  if (truth("readonly") == true) modes.read_only = true;
  modes.deferrable = truth("default_transaction_deferrable");
  return modes;
}

SqlError objection(const Statement& statement, const Asker& asker, const Transaction& transaction) {
  SqlError none;
  none.message.clear();
  if (asker.kind != ServerKind::redshift) return none;
  const bool read_only = (asker.in_block || asker.in_string ? transaction.modes() : default_modes(*asker.settings)).read_only.value_or(false);
  if (read_only && touch_of(statement) == Touch::data) return read_only_transaction(statement);
  if (statement.command != "TRUNCATE" && statement.command != "TRUNCATE TABLE") return none;
  if (!asker.in_block) return none;
  SqlError commits;
  commits.sqlstate = protocol::sqlstate::feature_not_supported;
  commits.message = "TRUNCATE commits the transaction on Redshift";
  if (asker.truncates) {
    commits.severity = protocol::Severity::warning;
    commits.sqlstate = "01000";
    return commits;
  }
  commits.message = "TRUNCATE would commit the transaction on Redshift";
  commits.detail = "Redshift commits what the transaction has done so far, and nothing takes that back.";
  commits.hint = "Use DELETE, or TRUNCATE outside of a transaction, or allow it by redshift_truncate_commits = 1.";
  return commits;
}

Translation translate_unrun(const Statement& statement, std::string_view text, const Asker& asker, const Transaction& transaction) {
  if (asker.kind != ServerKind::redshift && !concerns_postgres(statement)) return {};
  Transaction unchanged = transaction;
  if (asker.kind == ServerKind::redshift) return translate_for_redshift(statement, text, asker, unchanged);
  return statement.kind == Kind::show ? translate_show(text, asker, unchanged) : translate_set(statement, text, asker, unchanged);
}

Translation translate(const Statement& statement, const Statement& named, std::string_view text, const Asker& asker, Transaction& transaction) {
  if (asker.kind != ServerKind::redshift) return translate_unrun(statement, text, asker, transaction);
  SqlError objects = objection(named, asker, transaction);
  if (!objects.message.empty() && objects.severity == protocol::Severity::error) return refused(std::move(objects));
  if (names_no_cursor(statement, asker)) return refused(unknown_cursor(statement.object));
  Translation made = translate_for_redshift(statement, text, asker, transaction);
  if (made.how == How::refused) return made;
  if (!objects.message.empty()) made.error = std::move(objects);
  if (made.how != How::nothing) transaction.sent(named);
  return made;
}

}  // namespace pgswitch::redshift
