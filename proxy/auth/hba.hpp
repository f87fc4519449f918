#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/auth/auth_rule.hpp"
#include "proxy/config.hpp"
#include "rules/network.hpp"

namespace pgswitch {

/// The console in HBA lines and requests, whichever of its names is said.
inline constexpr std::string_view hba_console = "pgbouncer";

/// Who wants in, and from where, as far as an HBA line asks.
struct HbaRequest {
  bool is_unix = false;
  bool is_tls = false;
  bool is_replication = false;  ///< physical: no database's name is about it, `all` neither, but "replication" (manual, 21.1)
  std::string_view host;  ///< numeric address
  std::string_view database;  ///< hba_console for the console
  std::string_view user;
};

/// The rules of an HBA file (auth_hba_file): PostgreSQL's pg_hba.conf (manual, 21.1) as far as pgbouncer has it. The first
/// line that is about a client decides. Immutable once parsed.
class Hba {
 public:
  /// Every line that cannot be understood is an error, and then the rules must not be used: pgbouncer skips it, and lets in
  /// whom the line should have kept out. `path`: `@file` is relative to its folder.
  static Hba parse(std::string_view text, const std::string& path, std::vector<Diagnostic>& errors);
  /// The same for a file; one that cannot be read is an error.
  static Hba read(const std::string& path, std::vector<Diagnostic>& errors);

  /// nullptr: no line is about this client, so it must not come in.
  const AuthRule* match(const HbaRequest& request) const;
  /// The name maps that lines ask for, and the line of each.
  const std::vector<std::pair<std::string, int>>& maps() const { return maps_; }

 private:
  enum class Transport : std::uint8_t { local, any, tls, plain, never };
  struct Names {
    bool all = false;
    bool same_user = false;
    bool replication = false;
    std::set<std::string, std::less<>> names;
    bool contains(std::string_view name, const HbaRequest& request) const;
  };
  struct Line {
    Transport transport = Transport::never;
    Names databases;
    Names users;
    bool any_address = false;
    bool is_v4 = false;
    rules::AddressBytes base{};
    rules::AddressBytes mask{};
    AuthRule rule;

    bool is_about(const HbaRequest& request, const std::optional<rules::AddressBytes>& address) const;
    bool holds(const rules::AddressBytes& address) const;
  };
  class Reader;

  std::vector<Line> lines_;
  std::vector<std::pair<std::string, int>> maps_;
};

}  // namespace pgswitch
