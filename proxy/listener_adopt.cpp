// Sockets that listen already: opened by systemd, or by the process that -R replaces.
#include <arpa/inet.h>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "proxy/listener.hpp"

namespace pgswitch {
namespace {

bool listens(int fd) {
  int listening = 0, type = 0;
  socklen_t size = sizeof(int);
  return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         listening != 0 && type == SOCK_STREAM;
}

std::string unix_name(const sockaddr_un& address, socklen_t size) {
  std::string path(address.sun_path, size - offsetof(sockaddr_un, sun_path));
  if (!path.empty() && path[0] == '\0') path[0] = '@';
  else path.resize(std::strlen(path.c_str()));
  return "unix:" + path;
}

std::string ip_name(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
  inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
}

/// Empty for a family that no client of ours speaks.
std::string name_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  if (address.ss_family == AF_UNIX) return unix_name(reinterpret_cast<const sockaddr_un&>(address), size);
  return address.ss_family == AF_INET || address.ss_family == AF_INET6 ? ip_name(address) : std::string();
}

}  // namespace

Listeners adopt_listeners(Worker& worker, const ConfigPtr& config, const std::vector<int>& sockets, std::string& error) {
  Listeners listeners;
  for (const int fd : sockets) {
    const std::string name = name_of(fd);
    if (name.empty() || !listens(fd)) {
      error = "passed descriptor " + std::to_string(fd) + " is no listening stream socket";
      return {};
    }
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    listeners.push_back(std::make_unique<Listener>(worker, fd, name, "", config));
    if (!listeners.back()->is_unix()) apply_tcp_options(fd, *config);
  }
  return listeners;
}

}  // namespace pgswitch
