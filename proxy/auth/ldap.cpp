#include "proxy/auth/ldap.hpp"

#include <algorithm>
#include <array>
#include <ldap.h>
#include <memory>
#include <sys/time.h>

namespace pgswitch {
namespace {

constexpr std::int64_t longest_connect_us = 3'000'000;  // pgbouncer's

/// One check. Everything libldap gives is freed with it.
class Directory {
 public:
  Directory(const LdapOptions& options, std::int64_t limit_us, std::string& error)
      : options_(options), limit_us_(limit_us), error_(error) {}
  ~Directory() { close(); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  bool open() {
    std::string uris = options_.uris_of(options_.server, options_.port);
    if (options_.server.empty() && !find_servers(uris)) return false;
    int status = ldap_initialize(&handle_, uris.c_str());
    if (status != LDAP_SUCCESS) return fail("could not initialize LDAP", status);
    const int version = LDAP_VERSION3;
    ldap_set_option(handle_, LDAP_OPT_PROTOCOL_VERSION, &version);
    // A referral would be followed to whatever server the directory names.
    ldap_set_option(handle_, LDAP_OPT_REFERRALS, LDAP_OPT_OFF);
    // Of several servers the second must have its turn.
    const timeval to_connect = time_of(std::min(limit_us_, longest_connect_us)), to_answer = time_of(limit_us_);
    ldap_set_option(handle_, LDAP_OPT_NETWORK_TIMEOUT, &to_connect);
    ldap_set_option(handle_, LDAP_OPT_TIMEOUT, &to_answer);
    status = options_.tls ? ldap_start_tls_s(handle_, nullptr, nullptr) : LDAP_SUCCESS;
    return status == LDAP_SUCCESS || fail("could not start TLS with the LDAP server", status);
  }

  bool bind(const std::string& dn, const std::string& password, const char* what) {
    berval secret{};
    secret.bv_len = password.size();
    secret.bv_val = const_cast<char*>(password.data());
    const int status = ldap_sasl_bind_s(handle_, dn.c_str(), LDAP_SASL_SIMPLE, &secret, nullptr, nullptr, nullptr);
    return status == LDAP_SUCCESS || fail(what, status);
  }

  /// The DN of the one entry that the filter finds.
  bool search(const std::string& filter, std::string& dn) {
    std::array<char*, 2> attributes{const_cast<char*>(LDAP_NO_ATTRS), nullptr};
    timeval limit = time_of(limit_us_);
    LDAPMessage* answer = nullptr;
    const int status = ldap_search_ext_s(handle_, options_.base_dn.c_str(), options_.scope, filter.c_str(), attributes.data(), 0, nullptr,
                                         nullptr, &limit, 2, &answer);
    const std::unique_ptr<LDAPMessage, decltype(&ldap_msgfree)> owner(answer, ldap_msgfree);
    if (status != LDAP_SUCCESS && status != LDAP_SIZELIMIT_EXCEEDED) return fail("could not search LDAP", status);
    const int count = ldap_count_entries(handle_, answer);
    if (count != 1) {
      error_ = count == 0 ? "LDAP user does not exist" : "LDAP user is not unique";
      return false;
    }
    char* const text = ldap_get_dn(handle_, ldap_first_entry(handle_, answer));
    if (!text) return fail("could not get the DN of the LDAP entry", LDAP_OTHER);
    dn = text;
    ldap_memfree(text);
    return true;
  }

  void close() {
    if (handle_) ldap_unbind_ext_s(handle_, nullptr, nullptr);
    handle_ = nullptr;
  }

 private:
  /// dc=example,dc=org -> example.org -> the servers that DNS has for _ldap._tcp there.
  bool find_servers(std::string& uris) {
    char* domain = nullptr;
    char* hosts = nullptr;
    int status = ldap_dn2domain(options_.base_dn.c_str(), &domain);
    if (status == LDAP_SUCCESS && domain) status = ldap_domain2hostlist(domain, &hosts);
    if (hosts) uris = options_.uris_of(hosts, 0);
    const bool found = status == LDAP_SUCCESS && !uris.empty();
    if (!found) error_ = std::string("could not find DNS SRV records for \"") + (domain ? domain : "") + "\"";
    ldap_memfree(domain);
    ldap_memfree(hosts);
    return found;
  }

  static timeval time_of(std::int64_t us) {
    return {static_cast<time_t>(us / 1'000'000), static_cast<suseconds_t>(us % 1'000'000)};
  }
  bool fail(const char* what, int status) {
    error_ = std::string(what) + ": " + ldap_err2string(status);
    char* more = nullptr;
    if (handle_) ldap_get_option(handle_, LDAP_OPT_DIAGNOSTIC_MESSAGE, &more);
    if (more && *more) error_ += std::string(" (") + more + ")";
    ldap_memfree(more);
    return false;
  }

  const LdapOptions& options_;
  std::int64_t limit_us_;
  std::string& error_;
  LDAP* handle_ = nullptr;
};

bool find_dn(const LdapOptions& options, const std::string& user, std::int64_t limit_us, std::string& dn, std::string& error) {
  const std::string filter = ldap_filter(options, user);
  if (filter.empty()) {
    error = "invalid character in user name for LDAP authentication";
    return false;
  }
  Directory directory(options, limit_us, error);
  return directory.open() && directory.bind(options.bind_dn, options.bind_password, "could not perform initial LDAP bind") &&
         directory.search(filter, dn);
}

}  // namespace

bool check_ldap_password(const LdapOptions& options, const std::string& user, const std::string& password, std::int64_t limit_us,
                         std::string& error) {
  if (password.empty()) {  // would be an anonymous bind, which succeeds
    error = "empty password";
    return false;
  }
  std::string dn = options.prefix + user + options.suffix;
  if (options.searches() && !find_dn(options, user, limit_us, dn, error)) return false;
  Directory directory(options, limit_us, error);
  return !dn.empty() && directory.open() && directory.bind(dn, password, "LDAP login failed");
}

}  // namespace pgswitch
