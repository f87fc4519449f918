#pragma once
#include <cstdint>
#include <string>

#include "proxy/auth/ldap_options.hpp"

namespace pgswitch {

/// Asks the directory whether `password`, which must not be empty, is that of `user`. Blocks, up to `limit_us` (more
/// than 0) for each of its steps: for a helper thread. False with `error` for the log, which holds no secret.
bool check_ldap_password(const LdapOptions& options, const std::string& user, const std::string& password, std::int64_t limit_us,
                         std::string& error);

}  // namespace pgswitch
