// What makes a server's settings those of the session.
#include "proxy/redshift/settings.hpp"
#include "proxy/session/settings.hpp"
#include "rules/setting_value.hpp"

namespace pgswitch {
namespace {

constexpr std::string_view role = "role";
constexpr std::string_view session_authorization = "session_authorization";
constexpr auto client_encoding = static_cast<std::size_t>(Tracked::client_encoding);

/// Only application_name has a value that is empty; of the others it means that none was told.
bool is_known(std::size_t i, const std::string& value) { return !value.empty() || static_cast<Tracked>(i) == Tracked::application_name; }

std::string quoted(std::string_view value, char quote) {
  std::string text(1, quote);
  for (const char c : value) {
    if (c == quote) text += quote;
    text += c;
  }
  return text += quote;
}

/// E'' when there is a backslash: right whatever standard_conforming_strings says.
std::string literal(std::string_view value) {
  if (value.find('\\') == std::string_view::npos) return quoted(value, '\'');
  std::string doubled;
  for (const char c : value) {
    if (c == '\\') doubled += c;
    doubled += c;
  }
  return " E" + quoted(doubled, '\'');
}

void add(std::string& statements, std::string_view statement) {
  if (!statements.empty()) statements += ';';
  statements += statement;
}

std::string set_statement(std::size_t i, std::string_view value) {
  return "SET " + std::string(to_string(static_cast<Tracked>(i))) + "=" + literal(value);
}

std::string reset_statement(std::string_view name) {
  if (name == session_authorization) return "RESET SESSION AUTHORIZATION";
  // A custom setting's name has a dot between two identifiers.
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return "RESET " + quoted(name, '"');
  return "RESET " + quoted(name.substr(0, dot), '"') + "." + quoted(name.substr(dot + 1), '"');
}

/// What makes a setting of a server of that kind what `statement` makes it; "": a RESET.
void add_for(ServerKind kind, std::string& statements, std::string_view name, std::string_view statement) {
  using redshift::SettingChange;
  const redshift::Setting* const known = redshift::find_setting(name);
  if (!known || !redshift::lacks(*known, kind)) return add(statements, statement.empty() ? std::string_view(reset_statement(name)) : statement);
  const SettingChange change = redshift::change_for(kind, name, statement.empty() ? std::string() : rules::setting_value(statement));
  if (change.how == SettingChange::How::instead) return add(statements, change.text);
  if (change.how == SettingChange::How::as_it_is) add(statements, statement.empty() ? std::string_view(reset_statement(name)) : statement);
}

/// Whether servers of that kind can be set to a value of the tracked setting.
bool has_tracked(ServerKind kind, std::size_t i) {
  const auto setting = static_cast<Tracked>(i);
  return kind == ServerKind::postgres || (setting != Tracked::standard_conforming_strings && setting != Tracked::interval_style);
}

}  // namespace

bool SessionSettings::differs(std::size_t i, const std::string& want, const std::string& have) {
  return want != have && is_known(i, want) && is_known(i, have);
}

bool SessionSettings::replay_encoding(const ServerState& server, std::string& statements) const {
  const std::string& want = wanted_[client_encoding];
  if (server.kind == ServerKind::redshift) return false;  // it speaks one
  if (!differs(client_encoding, want, server.reported[client_encoding])) return false;
  statements += set_statement(client_encoding, want);
  return true;
}

bool SessionSettings::replay(const ServerState& server, std::string& statements) const {
  const std::size_t before = statements.size();
  const auto one = [&](std::string_view name) {
    const SessionSetting* want = settings_.find(name);
    const SessionSetting* have = server.settings.find(name);
    if (want && (!have || have->statement != want->statement))
      add_for(server.kind, statements, name, want->statement);
    else if (!want && have)
      add_for(server.kind, statements, name, {});
  };
  if (!settings_.shares(server.settings)) {
    // SET SESSION AUTHORIZATION resets the role, and both decide what else may be set.
    one(session_authorization);
    one(role);
    for (const SessionSetting& setting : server.settings)
      if (setting.name != role && setting.name != session_authorization && !settings_.find(setting.name)) one(setting.name);
    for (const SessionSetting& setting : settings_)
      if (setting.name != role && setting.name != session_authorization) one(setting.name);
  }
  for (std::size_t i = 0; i < tracked_count; ++i)
    if (i != client_encoding && differs(i, wanted_[i], server.reported[i]) && has_tracked(server.kind, i)) add(statements, set_statement(i, wanted_[i]));
  return statements.size() != before;
}

std::optional<protocol::SqlError> SessionSettings::objection(const ServerState& server) const {
  using redshift::SettingChange;
  for (const SessionSetting& setting : settings_) {
    SettingChange change = redshift::change_for(server.kind, setting.name, rules::setting_value(setting.statement));
    if (change.how == SettingChange::How::refused) return std::move(change.error);
  }
  return std::nullopt;
}

void SessionSettings::share(ServerState& server) const {
  if (*wanted_ == *server.reported) server.reported = wanted_;
  server.settings = settings_;
}

void SessionSettings::replayed(ServerState& server) const { server.settings = settings_; }

}  // namespace pgswitch
