#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config.hpp"

namespace pgswitch {

/// Name maps (auth_ident_file): lines of `map system-user database-user`, as in PostgreSQL 15's pg_ident.conf (manual, 21.2),
/// with pgbouncer's `all`: a system user that begins with '/' is a regular expression (RE2's) that may match anywhere in the
/// name, whose first group \1 in the database user stands for. Immutable once parsed.
class IdentMaps {
 public:
  /// Every line that cannot be understood is an error: one that was left out could have been the one that matters.
  static IdentMaps parse(std::string_view text, const std::string& path, std::vector<Diagnostic>& errors);
  /// The same for a file; one that cannot be read is an error.
  static IdentMaps read(const std::string& path, std::vector<Diagnostic>& errors);

  bool contains(std::string_view map) const { return maps_.find(map) != maps_.end(); }
  /// May `system_user` (of the operating system, or of a certificate) log in as `database_user`?
  bool allows(std::string_view map, std::string_view system_user, std::string_view database_user) const;

 private:
  struct Entry;
  const char* add_line(std::string_view line);

  std::map<std::string, std::vector<std::shared_ptr<const Entry>>, std::less<>> maps_;
};

}  // namespace pgswitch
