#pragma once
#include <cstdint>
#include <string>
#include <sys/types.h>

struct sockaddr_storage;

#include "proxy/config.hpp"

namespace pgswitch {

/// Where a client comes from. A plain value.
struct ClientAddress {
  std::string host;  ///< numeric, or "unix"
  std::uint16_t port = 0;  ///< of a Unix socket: listen_port
  bool is_unix = false;
  pid_t pid = 0;  ///< of a Unix socket's peer; 0 if unknown
  uid_t uid = static_cast<uid_t>(-1);

  /// As pgbouncer writes it in its log: "127.0.0.1:5000", "[::1]:5000", "unix(123):6432".
  std::string to_string() const;
  void append_to(std::string& out) const;
};

/// Whom accept() has let in through `fd`, and from where. `listen_port` stands in for the port that a Unix socket does not have.
ClientAddress address_of_peer(int fd, const sockaddr_storage& peer, int listen_port);
/// Our own end of a socket.
ClientAddress address_here(int fd, int listen_port);

/// True when `host` (numeric) is in one of the CIDR blocks; an IPv4-mapped IPv6 address counts as IPv4. A block without
/// a prefix length is one address. "unix" is in none.
bool is_in_networks(const std::string& host, const CommaList& networks);

}  // namespace pgswitch
