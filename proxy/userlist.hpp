#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config.hpp"

namespace pgswitch {

/// Users and secrets of a userlist.txt.
struct Userlist {
  std::map<std::string, std::string, std::less<>> secrets;  ///< by user; "" means no password. See protocol::parse_credential()
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;
};

/// Parses lines of `"user" "secret" anything`, with "" for a quote inside a field; ';' starts a comment line. Every
/// malformed line is an error (pgbouncer loses all users after the first one instead). Errors never quote a secret.
Userlist parse_userlist(std::string_view text, const std::string& path);

/// The same for a file; one that cannot be read is an error.
Userlist read_userlist(const std::string& path);

}  // namespace pgswitch
