// Binding what the configuration wants to listen on.
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/listener.hpp"

namespace pgswitch {
namespace {

constexpr int socket_flags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

void enable(int fd, int level, int name) {
  const int on = 1;
  setsockopt(fd, level, name, &on, sizeof on);
}

std::string why(const std::string& what) { return what + ": " + std::strerror(errno); }

int bind_tcp(const addrinfo& address, const Config& config) {
  const int fd = socket(address.ai_family, socket_flags, 0);
  if (fd < 0) return -1;
  enable(fd, SOL_SOCKET, SO_REUSEADDR);
  if (config.so_reuseport) enable(fd, SOL_SOCKET, SO_REUSEPORT);
  // `*` opens a socket for each family.
  if (address.ai_family == AF_INET6) enable(fd, IPPROTO_IPV6, IPV6_V6ONLY);
  if (config.tcp_defer_accept) enable(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT);
  apply_tcp_options(fd, config);
  if (bind(fd, address.ai_addr, address.ai_addrlen) == 0 && listen(fd, config.listen_backlog) == 0) return fd;
  const int error = errno;
  ::close(fd);
  errno = error;
  return -1;
}

std::string name_of(const addrinfo& address) {
  char host[NI_MAXHOST] = "", port[NI_MAXSERV] = "";
  getnameinfo(address.ai_addr, address.ai_addrlen, host, sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
  const bool v6 = address.ai_family == AF_INET6;
  return (v6 ? "[" : "") + std::string(host) + (v6 ? "]:" : ":") + port;
}

void open_tcp(Worker& worker, const ConfigPtr& config, const std::string& host, Listeners& listeners,
              std::vector<std::string>& warnings) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(config->listen_port);
  const int result = getaddrinfo(host == "*" ? nullptr : host.c_str(), port.c_str(), &hints, &found);
  if (result != 0) {
    warnings.push_back("cannot resolve listen_addr " + host + ": " + gai_strerror(result));
    return;
  }
  for (const addrinfo* address = found; address; address = address->ai_next) {
    const std::string name = name_of(*address);
    const int fd = bind_tcp(*address, *config);
    if (fd >= 0) {
      listeners.push_back(std::make_unique<Listener>(worker, fd, name, "", config));
    } else {
      warnings.push_back(why("cannot listen on " + name));
    }
  }
  freeaddrinfo(found);
}

bool unix_address(const std::string& path, sockaddr_un& address, socklen_t& size) {
  address = {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  if (path.front() == '@') address.sun_path[0] = '\0';
  const std::size_t tail = path.front() == '@' ? 0 : 1;
  size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + tail);
  return true;
}

/// Somebody answers there: another process, or we under another name.
bool is_in_use(const sockaddr_un& address, socklen_t size) {
  const int fd = socket(AF_UNIX, socket_flags, 0);
  if (fd < 0) return false;
  const bool answered = connect(fd, reinterpret_cast<const sockaddr*>(&address), size) == 0 || errno == EAGAIN;
  ::close(fd);
  return answered;
}

bool apply_file_rights(const std::string& path, const Config& config, std::string& error) {
  if (chmod(path.c_str(), static_cast<mode_t>(config.unix_socket_mode)) != 0)
    return error = why("chmod(" + path + ")"), false;
  if (config.unix_socket_group.empty()) return true;
  const group* const entry = getgrnam(config.unix_socket_group.c_str());
  if (!entry) return error = "unix_socket_group: no such group: " + config.unix_socket_group, false;
  if (chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0) return error = why("chown(" + path + ")"), false;
  return true;
}

// Rights are set before listen(): nobody can connect in between.
int bind_unix(const std::string& path, const Config& config, std::string& error) {
  sockaddr_un address;
  socklen_t size = 0;
  if (!unix_address(path, address, size)) return error = "unix socket path is too long: " + path, -1;
  if (is_in_use(address, size)) return error = "unix socket is in use, cannot continue", -1;
  const bool is_file = path.front() != '@';
  if (is_file) ::unlink(path.c_str());
  const int fd = socket(AF_UNIX, socket_flags, 0);
  if (fd < 0) return error = why("socket"), -1;
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    error = why("cannot listen on unix:" + path);
  } else if (is_file && !apply_file_rights(path, config, error)) {
    ::unlink(path.c_str());
  } else if (listen(fd, config.listen_backlog) != 0) {
    error = why("cannot listen on unix:" + path);
  } else {
    return fd;
  }
  ::close(fd);
  return -1;
}

std::string unix_path(const Config& config) { return config.unix_socket_dir + "/.s.PGSQL." + std::to_string(config.listen_port); }

std::unique_ptr<Listener> open_unix(Worker& worker, const ConfigPtr& config, const std::string& path, std::string& error) {
  const int fd = bind_unix(path, *config, error);
  if (fd < 0) return nullptr;
  const std::string file = path.front() == '@' ? std::string() : path;
  return std::make_unique<Listener>(worker, fd, "unix:" + path, file, config);
}

}  // namespace

std::unique_ptr<Listener> open_side_listener(Worker& worker, const ConfigPtr& config, std::string& error) {
  return open_unix(worker, config, unix_path(*config) + "." + std::to_string(::getpid()), error);
}

Listeners open_listeners(Worker& worker, const ConfigPtr& config, std::vector<std::string>& warnings, std::string& error) {
  Listeners listeners;
  for (const std::string& host : config->listen_addr) open_tcp(worker, config, host, listeners, warnings);
  if (!config->listen_addr.empty() && listeners.empty()) {
    error = warnings.empty() ? "cannot listen on any address" : warnings.back();
    return {};
  }
  if (!config->unix_socket_dir.empty()) {
    auto listener = open_unix(worker, config, unix_path(*config), error);
    if (!listener) return {};
    listeners.push_back(std::move(listener));
  }
  if (listeners.empty()) error = "nowhere to listen on";
  return listeners;
}

}  // namespace pgswitch
