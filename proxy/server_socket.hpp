#pragma once
#include <boost/asio/ip/address.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include "proxy/config.hpp"

namespace pgswitch {

/// Where a server listens, as connect(2) wants it.
struct ServerAddress {
  std::string host;  ///< as configured
  std::string text;  ///< numeric address, or "unix"
  std::uint16_t port = 0;
  bool is_unix = false;
  sockaddr_storage address{};
  socklen_t size = 0;
  /// "10.0.0.1:5432", "[::1]:5432", "unix:/run/postgresql:5432".
  std::string description() const;
};

/// "/dir" and "@abstract" name Unix sockets.
bool is_unix_host(std::string_view host);
/// The socket `.s.PGSQL.<port>` in `host`. A path that is too long gives size 0, which start_connect() refuses.
ServerAddress unix_address(const std::string& host, std::uint16_t port);
/// The socket of exactly this path, or abstract name behind an @.
ServerAddress unix_address_at(std::string path);
ServerAddress ip_address(const std::string& host, const boost::asio::ip::address& address, std::uint16_t port);

/// A non-blocking socket with the tcp_* options of `config`, connecting. -1 with `error`.
int start_connect(const ServerAddress& address, const Config& config, std::string& error);
/// Once the socket is writable: did it connect?
bool connect_succeeded(int fd, std::string& error);

}  // namespace pgswitch
