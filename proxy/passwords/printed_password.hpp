#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/crypto.hpp"

namespace pgswitch {

struct PrintedPassword {
  protocol::SecretText password;
  std::string user;                             ///< who is to log in with it; empty: who was asked for
  std::optional<std::int64_t> expires_unix_us;  ///< microseconds since 1970
};

/// What a program printed that was asked for a password: one line that is the password (`aws rds generate-db-auth-token`), or a JSON
/// object. Of an object these are read, in any case, with '_' or without, at the top or in one of "status", "data" and "credentials":
///   password: password, DbPassword, token, access_token, auth_token; SecretString, which holds an object or is the password
///   user: user, username, DbUser
///   end of its life: expiration, expirationTimestamp, expires_on, expires_at, expiry, as RFC 3339 or a number: seconds since 1970, or
///     from `now_unix_us` on where it is below a thousand millions; expires_in, lease_duration and ttl are seconds from then on
/// That is what `aws redshift get-cluster-credentials` and `aws redshift-serverless get-credentials`, ExecCredential plug-ins, `az
/// account get-access-token`, Vault and AWS Secrets Manager print. nullopt with `error`, which has nothing of the output in it.
std::optional<PrintedPassword> read_printed_password(std::string_view output, std::int64_t now_unix_us, std::string& error);

/// RFC 3339 ("2026-07-10T12:00:00.5Z", "... +02:00", a blank for the T): microseconds since 1970; nullopt without a time zone.
std::optional<std::int64_t> parse_time(std::string_view text);

}  // namespace pgswitch
