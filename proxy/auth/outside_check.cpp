#include "proxy/auth/outside_check.hpp"

#include <pwd.h>
#include <vector>

#include "proxy/auth/ldap.hpp"
#include "proxy/auth/pam.hpp"

namespace pgswitch {

void PasswordCheck::run() {
  std::string text(password.text());
  right = rule.method == AuthMethod::ldap ? check_ldap_password(*rule.ldap, user, text, limit_us, error)
                                          : check_pam_password(rule.pam_service, user, host, text, error);
  protocol::cleanse(text);
}

void SystemUser::run() {
  struct passwd entry{};
  struct passwd* found = nullptr;
  std::vector<char> buffer(65536);
  if (uid != static_cast<uid_t>(-1) && getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found) name = found->pw_name;
}

}  // namespace pgswitch
