#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config.hpp"

namespace pgswitch {

/// How a stored secret can be used, told by its form as pgbouncer does: "md5" + 32 hex digits, a well-formed
/// SCRAM-SHA-256 verifier, else a plaintext password.
enum class SecretKind : std::uint8_t { none, plain, md5, scram };
SecretKind secret_kind(std::string_view secret);

/// Users and secrets of a userlist.txt.
struct Userlist {
  std::map<std::string, std::string, std::less<>> secrets;  ///< by user; "" means no password
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;
};

/// Parses lines of `"user" "secret" anything`, with "" for a quote inside a field; ';' starts a comment line. Every
/// malformed line is an error (pgbouncer loses all users after the first one instead). Errors never quote a secret.
Userlist parse_userlist(std::string_view text, const std::string& path);

/// The same for a file; one that cannot be read is an error.
Userlist read_userlist(const std::string& path);

}  // namespace pgswitch
