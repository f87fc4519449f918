#include "proxy/client_login.hpp"

#include <algorithm>
#include <strings.h>

#include "proxy/auth/hba.hpp"
#include "proxy/session/server_state.hpp"

namespace pgswitch {
namespace {

using protocol::LoginMethod;
using protocol::SqlError;
namespace sqlstate = protocol::sqlstate;

bool same_name(std::string_view left, std::string_view right) {
  return left.size() == right.size() && strncasecmp(left.data(), right.data(), left.size()) == 0;
}

std::string_view text_of(const protocol::Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// The HBA method of each auth_type but hba.
AuthMethod method_of(AuthType type) {
  switch (type) {
    case AuthType::any: return AuthMethod::any;
    case AuthType::trust: return AuthMethod::trust;
    case AuthType::plain: return AuthMethod::password;
    case AuthType::md5: return AuthMethod::md5;
    case AuthType::scram_sha_256: return AuthMethod::scram_sha_256;
    case AuthType::cert: return AuthMethod::cert;
    case AuthType::peer: return AuthMethod::peer;
    case AuthType::ldap: return AuthMethod::ldap;
    case AuthType::pam: return AuthMethod::pam;
    case AuthType::hba: break;
  }
  return AuthMethod::reject;
}

bool has_name(const CommaList& list, std::string_view name) {
  return std::any_of(list.begin(), list.end(), [&](const std::string& item) { return same_name(item, name); });
}

/// What stays of `options` when these are ignored: as in pgbouncer, what is kept for each client, and our own.
bool outlasts_options(const Config& config, std::string_view name) {
  return find_tracked(name) != Tracked::count || has_name(config.track_extra_parameters, name) || same_name(name, "pgswitch.route");
}

void add_host(protocol::Settings& settings, const ClientAddress& address) {
  const std::string_view given = find_setting(settings, "application_name");
  const std::string name = given.empty() ? "app" : std::string(given);
  settings.emplace_back("application_name", name + " - " + address.to_string());
}

}  // namespace

SqlError fatal(std::string_view sqlstate, std::string message) {
  SqlError error;
  error.severity = protocol::Severity::fatal;
  error.sqlstate = sqlstate;
  error.message = std::move(message);
  return error;
}

ConsoleRights console_rights(const Config& config, std::string_view user) {
  if (config.admin_users.contains(user)) return ConsoleRights::admin;
  if (config.stats_users.contains(user) || config.auth_type == AuthType::any) return ConsoleRights::stats;
  return ConsoleRights::none;
}

bool is_local_owner(const ClientAddress& address, std::string_view user, uid_t own_uid) {
  return address.is_unix && address.uid == own_uid && is_console(user);
}

std::optional<AuthRule> auth_rule(const Config& config, const HbaRequest& request) {
  if (config.auth_type == AuthType::hba) {
    const AuthRule* const found = config.hba ? config.hba->match(request) : nullptr;
    return found ? std::optional<AuthRule>(*found) : std::nullopt;
  }
  AuthRule rule;
  rule.method = method_of(config.auth_type);
  rule.ldap = config.ldap;
  return rule;
}

Claimant claimant_of(const Config& config, std::string_view user) {
  Claimant claimant;
  const User* const entry = config.find_user(user);
  claimant.known = entry != nullptr;
  claimant.in_auth_file = entry && entry->in_auth_file;
  if (entry && entry->secret) claimant.secret = protocol::SecretText(*entry->secret);
  return claimant;
}

LoginPlan plan_login(AuthMethod method, const Claimant& claimant) {
  LoginPlan plan;
  plan.method = LoginMethod::trust;
  switch (method) {
    case AuthMethod::reject: plan.refused = fatal(sqlstate::invalid_authorization, "login rejected"); return plan;
    case AuthMethod::any: return plan;
    case AuthMethod::trust:
    case AuthMethod::cert:
    case AuthMethod::peer:
      // As in pgbouncer, trust needs no password, but the user must be known.
      if (!claimant.known) plan.refused = fatal(sqlstate::invalid_authorization, "\"trust\" authentication failed");
      return plan;
    case AuthMethod::ldap:
    case AuthMethod::pam: plan.method = LoginMethod::handed_over; return plan;
    case AuthMethod::password: plan.method = LoginMethod::password; break;
    case AuthMethod::md5: plan.method = LoginMethod::md5; break;
    case AuthMethod::scram_sha_256: plan.method = LoginMethod::scram_sha_256; break;
  }
  plan.credential = protocol::parse_credential(claimant.secret.text());
  return plan;
}

void adapt_login(LoginPlan& plan, const std::string& user, bool is_redshift_driver, bool may_send_password) {
  const bool is_digest = std::holds_alternative<protocol::DigestSecret>(plan.credential);
  const bool is_hashed = plan.method == LoginMethod::md5 || plan.method == LoginMethod::scram_sha_256;
  if (!is_hashed || (!is_redshift_driver && !is_digest)) return;
  const bool is_scram = std::holds_alternative<protocol::ScramKeys>(plan.credential);
  if (is_redshift_driver && !is_scram) {
    const bool is_md5 = std::holds_alternative<protocol::Md5Secret>(plan.credential);
    plan.method = is_md5 ? LoginMethod::md5 : LoginMethod::redshift_digest;
    return;
  }
  plan.method = LoginMethod::password;
  if (may_send_password) return;
  plan.refused = fatal(sqlstate::invalid_authorization,
                       is_scram ? "user \"" + user + "\" has a SCRAM secret, which drivers for Redshift cannot use without TLS"
                                : "user \"" + user + "\" has a sha256 secret, which only drivers for Redshift can use without TLS");
  plan.refused->hint = "Connect with TLS.";
}

CredentialsPtr credentials_of(std::string user, const protocol::Credential& proven, const Claimant& claimant) {
  auto credentials = std::make_shared<Credentials>();
  credentials->user = std::move(user);
  if (claimant.looked_up) credentials->secret = claimant.secret.text();
  if (const auto* password = std::get_if<protocol::Password>(&proven)) credentials->password = password->text.text();
  if (const auto* keys = std::get_if<protocol::ScramKeys>(&proven); keys && keys->has_client_key) {
    credentials->client_key = text_of(keys->client_key);
    credentials->server_key = text_of(keys->server_key);
  }
  return credentials;
}

std::optional<SqlError> refuse_startup(const Config& config, const protocol::StartupMessage&, bool is_tls, bool is_unix) {
  const SslMode mode = config.client_tls_sslmode;
  const bool tls_required = mode == SslMode::require || mode == SslMode::verify_ca || mode == SslMode::verify_full;
  if (tls_required && !is_tls && !is_unix) return fatal(sqlstate::invalid_authorization, "SSL required");
  return std::nullopt;
}

protocol::Settings startup_settings(const Config& config, const protocol::StartupMessage& message,
                                    const ClientAddress& address) {
  protocol::Settings settings;
  // PostgreSQL applies `options` before the packet's own parameters (process_startup_options), one after the other: what is
  // given twice is set twice, for "ISO" keeps the order of days and months that "German" has set.
  const CommaList& ignored = config.ignore_startup_parameters;
  const bool options_ignored = has_name(ignored, "options");
  for (const auto& [name, value] : message.option_settings)
    if (!has_name(ignored, name) && (!options_ignored || outlasts_options(config, name))) settings.emplace_back(name, value);
  for (const auto& [name, value] : message.parameters)
    if (!has_name(ignored, name)) settings.emplace_back(name, value);
  if (config.application_name_add_host) add_host(settings, address);
  return settings;
}

std::string_view find_setting(const protocol::Settings& settings, std::string_view name) {
  const auto found = std::find_if(settings.rbegin(), settings.rend(), [&](const auto& s) { return same_name(s.first, name); });
  return found == settings.rend() ? std::string_view() : std::string_view(found->second);
}

}  // namespace pgswitch
