#pragma once
#include <string>

namespace pgswitch {

/// Asks PAM whether `password` is that of `user` and whether the account may be used now. Blocks as long as its modules do:
/// for a helper thread. False with `error` for the log, which holds no secret.
bool check_pam_password(const std::string& service, const std::string& user, const std::string& host, const std::string& password,
                        std::string& error);

}  // namespace pgswitch
