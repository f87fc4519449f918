#include "proxy/auth/ldap_options.hpp"

#include <array>
#include <ldap.h>
#include <memory>
#include <utility>

#include "proxy/auth/hba_line.hpp"
#include "proxy/config_values.hpp"

namespace pgswitch {
namespace {

constexpr std::size_t longest_text = 1024;  // pgbouncer's
constexpr std::string_view user_mark = "$username";

constexpr std::array<std::pair<std::string_view, std::string LdapOptions::*>, 8> texts = {{
    {"ldapserver", &LdapOptions::server},
    {"ldapprefix", &LdapOptions::prefix},
    {"ldapsuffix", &LdapOptions::suffix},
    {"ldapbasedn", &LdapOptions::base_dn},
    {"ldapbinddn", &LdapOptions::bind_dn},
    {"ldapbindpasswd", &LdapOptions::bind_password},
    {"ldapsearchattribute", &LdapOptions::search_attribute},
    {"ldapsearchfilter", &LdapOptions::search_filter},
}};

bool take_port(const std::string& value, LdapOptions& options) {
  const auto port = parse_integer(value);
  if (!port || *port < 1 || *port > 65535) return false;
  return options.port = static_cast<int>(*port), true;
}

bool take_scheme(const std::string& value, LdapOptions& options) {
  if (value != "ldap" && value != "ldaps") return false;
  return options.scheme = value, true;
}

/// RFC 4516: scheme://host:port/base?attribute?scope?filter
bool take_url(const std::string& value, LdapOptions& options) {
  LDAPURLDesc* url = nullptr;
  if (ldap_url_parse(value.c_str(), &url) != LDAP_SUCCESS) return false;
  const std::unique_ptr<LDAPURLDesc, decltype(&ldap_free_urldesc)> owner(url, ldap_free_urldesc);
  const auto text = [](const char* part) { return part ? std::string(part) : std::string(); };
  if (!take_scheme(text(url->lud_scheme), options)) return false;
  options.server = text(url->lud_host);
  options.port = url->lud_port;
  options.base_dn = text(url->lud_dn);
  if (url->lud_attrs) options.search_attribute = text(url->lud_attrs[0]);
  options.scope = url->lud_scope == LDAP_SCOPE_DEFAULT ? LDAP_SCOPE_BASE : url->lud_scope;
  if (url->lud_filter) options.search_filter = url->lud_filter;
  return true;
}

bool take_option(std::string_view key, const std::string& value, LdapOptions& options, std::string& error) {
  bool good = true;
  if (key == "ldapport") good = take_port(value, options);
  else if (key == "ldapscheme") good = take_scheme(value, options);
  else if (key == "ldapurl") good = take_url(value, options);
  else if (key == "ldaptls") good = value == "0" || value == "1", options.tls = value == "1";
  else {
    for (const auto& [name, member] : texts)
      if (name == key) return options.*member = value, true;
    error = "unsupported parameter " + std::string(key);
    return false;
  }
  if (!good) error = "invalid value for " + std::string(key);
  return good;
}

const char* contradiction(const LdapOptions& options) {
  const bool search = options.searches();
  const bool search_parts = !options.bind_dn.empty() || !options.bind_password.empty() || !options.search_attribute.empty() ||
                            !options.search_filter.empty();
  const bool simple = !options.prefix.empty() || !options.suffix.empty();
  if (options.server.empty() && !search) return "ldapserver or ldapbasedn is needed";
  if (simple && (search || search_parts)) return "ldapprefix and ldapsuffix cannot be used with a search";
  if (!simple && !search) return "ldapbasedn, ldapprefix or ldapsuffix is needed";
  if (!options.search_attribute.empty() && !options.search_filter.empty())
    return "ldapsearchattribute and ldapsearchfilter cannot be used together";
  return nullptr;
}

}  // namespace

bool parse_ldap_options(std::string_view text, bool comments, LdapOptions& options, std::string& error) {
  const auto words = split_options(text, comments);
  error = text.size() > longest_text ? "ldap options are too long" : "a quote is not closed";
  if (!words || text.size() > longest_text) return false;
  for (const std::string& word : *words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      error = "ldap options have the form name=value";
      return false;
    }
    if (!take_option(std::string_view(word).substr(0, equals), word.substr(equals + 1), options, error)) return false;
  }
  const char* const wrong = contradiction(options);
  error = wrong ? wrong : "";
  return !wrong;
}

std::string LdapOptions::uris_of(std::string_view hosts, int port_of_all) const {
  std::string list;
  for (std::string_view rest = hosts; !rest.empty();) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string host(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (host.empty()) continue;
    const bool bare_v6 = host.find(':') != host.rfind(':') && !host.starts_with('[');
    list += (list.empty() ? "" : " ") + scheme + "://" + (bare_v6 ? "[" + host + "]" : host);
    if (port_of_all != 0) list += ":" + std::to_string(port_of_all);
  }
  return list;
}

std::string ldap_filter(const LdapOptions& options, std::string_view user) {
  // The characters that PostgreSQL refuses too.
  if (user.find_first_of("*()\\/") != user.npos) return {};
  if (options.search_filter.empty()) {
    const std::string attribute = options.search_attribute.empty() ? "uid" : options.search_attribute;
    return "(" + attribute + "=" + std::string(user) + ")";
  }
  std::string filter = options.search_filter;
  for (std::size_t at = filter.find(user_mark); at != filter.npos; at = filter.find(user_mark, at + user.size()))
    filter.replace(at, user_mark.size(), user);
  return filter;
}

}  // namespace pgswitch
