#include "proxy/server_socket.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <system_error>
#include <unistd.h>

namespace pgswitch {

namespace {

std::string error_text(int number) { return std::generic_category().message(number); }

void set_option(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

// A kernel that does not know an option is no reason to refuse the connection.
void set_tcp_options(int fd, const Config& config) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (config.tcp_socket_buffer > 0) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, config.tcp_socket_buffer);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, config.tcp_socket_buffer);
  }
  if (config.tcp_user_timeout > 0) set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, config.tcp_user_timeout);
  if (config.tcp_keepalive == 0) return;
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  if (config.tcp_keepidle > 0) set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, config.tcp_keepidle);
  if (config.tcp_keepintvl > 0) set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, config.tcp_keepintvl);
  if (config.tcp_keepcnt > 0) set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, config.tcp_keepcnt);
}

}  // namespace

std::string ServerAddress::description() const {
  if (is_unix) return "unix:" + host + ":" + std::to_string(port);
  const bool v6 = address.ss_family == AF_INET6;
  const std::string numeric = v6 ? "[" + text + "]" : text;
  return numeric + ":" + std::to_string(port) + (host == text ? "" : ", host " + host);
}

bool is_unix_host(std::string_view host) { return !host.empty() && (host[0] == '/' || host[0] == '@'); }

ServerAddress unix_address(const std::string& host, std::uint16_t port) {
  ServerAddress result = unix_address_at(host + "/.s.PGSQL." + std::to_string(port));
  result.host = host;
  result.port = port;
  return result;
}

ServerAddress unix_address_at(std::string path) {
  ServerAddress result;
  result.host = path;
  result.text = "unix";
  result.is_unix = true;
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof un.sun_path) return result;
  // An abstract name begins with NUL and has no end but its length.
  const bool abstract = path[0] == '@';
  if (abstract) path[0] = '\0';
  std::memcpy(un.sun_path, path.data(), path.size());
  std::memcpy(&result.address, &un, sizeof un);
  result.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0 : 1));
  return result;
}

ServerAddress ip_address(const std::string& host, const boost::asio::ip::address& address, std::uint16_t port) {
  ServerAddress result;
  result.host = host;
  result.text = address.to_string();
  result.port = port;
  const boost::asio::ip::tcp::endpoint endpoint(address, port);
  std::memcpy(&result.address, endpoint.data(), endpoint.size());
  result.size = static_cast<socklen_t>(endpoint.size());
  return result;
}

int start_connect(const ServerAddress& address, const Config& config, std::string& error) {
  if (address.size == 0) {
    error = "the name of the Unix socket is too long";
    return -1;
  }
  const int fd = ::socket(address.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    error = error_text(errno);
    return -1;
  }
  if (!address.is_unix) set_tcp_options(fd, config);
  const int result = ::connect(fd, reinterpret_cast<const sockaddr*>(&address.address), address.size);
  if (result == 0 || errno == EINPROGRESS) return fd;
  error = error_text(errno);
  ::close(fd);
  return -1;
}

bool connect_succeeded(int fd, std::string& error) {
  int number = 0;
  socklen_t size = sizeof number;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
  if (number != 0) error = error_text(number);
  return number == 0;
}

}  // namespace pgswitch
