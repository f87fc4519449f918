#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace pgswitch {

struct LdapOptions;

/// How a client proves who it is. auth_type names one for all clients, or a line of the HBA file one for those it is about.
enum class AuthMethod : std::uint8_t { reject, any, trust, password, md5, scram_sha_256, cert, peer, ldap, pam };

/// pgbouncer's PAM service.
inline constexpr std::string_view default_pam_service = "pgbouncer";

struct AuthRule {
  AuthMethod method = AuthMethod::reject;
  std::string map;                          ///< cert, peer: of the name map file; empty: names must be the same
  std::shared_ptr<const LdapOptions> ldap;  ///< ldap: never null
  std::string pam_service{default_pam_service};
};

/// Asks for the user's entry in auth_file, or for auth_query: everything but what knows the users itself.
constexpr bool needs_user(AuthMethod method) {
  return method != AuthMethod::reject && method != AuthMethod::any && method != AuthMethod::ldap && method != AuthMethod::pam;
}

}  // namespace pgswitch
