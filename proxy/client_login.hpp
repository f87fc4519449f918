#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/login.hpp"
#include "protocol/sql_error.hpp"
#include "protocol/startup.hpp"
#include "proxy/auth/auth_rule.hpp"
#include "proxy/client_address.hpp"
#include "proxy/config.hpp"
#include "proxy/server_login.hpp"

/// What a client's login decides, without I/O: how it must prove itself, what its start-up packet asks for, what it may do.
/// The coroutine that asks these questions is ClientAdmission.
namespace pgswitch {

/// Texts are pgbouncer's where it has one.
protocol::SqlError fatal(std::string_view sqlstate, std::string message);

enum class ConsoleRights : std::uint8_t { none, stats, admin };
/// For a user who has proved who it is (or need not, with auth_type = any).
ConsoleRights console_rights(const Config& config, std::string_view user);
/// `pgbouncer` or `pgswitch` over the Unix socket, as the system user that the process runs as: needs no password.
bool is_local_owner(const ClientAddress& address, std::string_view user, uid_t own_uid);

struct HbaRequest;

/// What auth_type asks of a client, or the line of the HBA file that is about it; nullopt: none is.
std::optional<AuthRule> auth_rule(const Config& config, const HbaRequest& request);

/// Whom a client says to be.
struct Claimant {
  bool known = false;         ///< to auth_file, [users] or auth_query
  bool in_auth_file = false;
  bool looked_up = false;     ///< by auth_query
  protocol::SecretText secret;  ///< see protocol::parse_credential(); empty: none
};
/// As the configuration knows it.
Claimant claimant_of(const Config& config, std::string_view user);

/// The exchange in which a user proves itself.
struct LoginPlan {
  protocol::LoginMethod method = protocol::LoginMethod::scram_sha_256;
  protocol::Credential credential;           ///< monostate: unknown, an exchange that cannot succeed
  std::optional<protocol::SqlError> refused; ///< no exchange at all
};
/// With cert and peer the proof has been given: what is left is to say so.
LoginPlan plan_login(AuthMethod method, const Claimant& claimant);

/// Makes of the plan one that both sides can follow. Redshift's drivers (`is_redshift_driver`) know no SCRAM: they are asked for a digest
/// where a password or a sha256 secret is known, for MD5 where that is, and for the password itself where only a SCRAM secret is. Others
/// are asked for the password where only a sha256 secret is known. A password in the clear that nobody has configured is asked for
/// only if `may_send_password`: TLS or a Unix socket; else the login is refused.
void adapt_login(LoginPlan& plan, const std::string& user, bool is_redshift_driver, bool may_send_password);

/// What the exchange left behind, for logins at servers. `user`: the client's.
CredentialsPtr credentials_of(std::string user, const protocol::Credential& proven, const Claimant& claimant);

/// Before any authentication: what no client may ask for.
std::optional<protocol::SqlError> refuse_startup(const Config& config, const protocol::StartupMessage& message,
                                                 bool is_tls, bool is_unix);

/// The session's start-up settings: parameters and `options`, without those of ignore_startup_parameters (whose item `options` stands
/// for all in `options` that is not kept for each client anyway), in the client's order; of the same name a later one wins, but those
/// before it are set too. application_name_add_host is applied.
protocol::Settings startup_settings(const Config& config, const protocol::StartupMessage& message,
                                    const ClientAddress& address);
/// Value of a setting, case-insensitive name; empty when it is not there.
std::string_view find_setting(const protocol::Settings& settings, std::string_view name);

}  // namespace pgswitch
