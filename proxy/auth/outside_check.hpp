#pragma once
#include <cstdint>
#include <string>
#include <sys/types.h>

#include "protocol/crypto.hpp"
#include "proxy/auth/auth_rule.hpp"

/// Questions of a login that others answer, who may take their time: for HelperThreads, so each owns all it needs.
namespace pgswitch {

/// Is this the password of `user`? By LDAP or PAM, as `rule` says.
struct PasswordCheck {
  AuthRule rule;
  std::string user;
  std::string host;              ///< numeric address of the client, or "unix"
  protocol::SecretText password;
  std::int64_t limit_us = 0;     ///< for each step of an LDAP query

  bool right = false;
  std::string error;             ///< for the log

  void run();
};

/// What the operating system calls a user.
struct SystemUser {
  uid_t uid = static_cast<uid_t>(-1);
  std::string name;  ///< empty: it knows no such user

  void run();
};

}  // namespace pgswitch
