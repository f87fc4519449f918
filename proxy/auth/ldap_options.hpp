#pragma once
#include <string>
#include <string_view>

namespace pgswitch {

/// Where and how a password is checked by LDAP: the options of PostgreSQL's method (manual, 21.10) that pgbouncer has too.
/// With a base the user is searched for, else the DN is prefix + user + suffix.
struct LdapOptions {
  std::string server;   ///< one or more hosts, separated by spaces; empty: those that DNS names for base_dn
  int port = 0;         ///< 0: of the scheme
  std::string scheme = "ldap";  ///< or ldaps
  bool tls = false;     ///< StartTLS
  std::string prefix;
  std::string suffix;
  std::string base_dn;  ///< not empty: search
  std::string bind_dn;  ///< for the search; empty: anonymously
  std::string bind_password;
  std::string search_attribute;
  std::string search_filter;  ///< with $username
  int scope = 2;              ///< LDAP_SCOPE_SUBTREE

  bool searches() const { return !base_dn.empty(); }
  /// "ldap://host:port" for each of these hosts; a port of 0 is none.
  std::string uris_of(std::string_view hosts, int port_of_all) const;
};

/// Parses `ldapserver=... ldapport=...`; values may be quoted. False with `error`, which names no value. `comments`: as in split_options().
bool parse_ldap_options(std::string_view text, bool comments, LdapOptions& options, std::string& error);

/// The search filter for a user; empty: the name has a character that would mean something in it.
std::string ldap_filter(const LdapOptions& options, std::string_view user);

}  // namespace pgswitch
