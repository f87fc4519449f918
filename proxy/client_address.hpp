#pragma once
#include <cstdint>
#include <string>
#include <sys/types.h>

#include "proxy/config.hpp"

namespace pgswitch {

/// Where a client comes from, and where it arrived. A plain value.
struct ClientAddress {
  std::string host;  ///< numeric, or "unix"
  std::uint16_t port = 0;  ///< of a Unix socket: listen_port
  std::string local_host;
  std::uint16_t local_port = 0;
  bool is_unix = false;
  pid_t pid = 0;  ///< of a Unix socket's peer; 0 if unknown
  uid_t uid = static_cast<uid_t>(-1);

  /// As pgbouncer writes it in its log: "127.0.0.1:5000", "[::1]:5000", "unix(123):6432".
  std::string to_string() const;
};

/// The address of an accepted socket. `listen_port` stands in for the port that a Unix socket does not have.
ClientAddress address_of_socket(int fd, int listen_port);

/// True when `host` (numeric) is in one of the CIDR blocks; an IPv4-mapped IPv6 address counts as IPv4. A block without
/// a prefix length is one address. "unix" is in none.
bool is_in_networks(const std::string& host, const CommaList& networks);

}  // namespace pgswitch
