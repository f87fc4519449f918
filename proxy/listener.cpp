#include "proxy/listener.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "protocol/writer.hpp"
#include "proxy/client_login.hpp"
#include "proxy/log.hpp"
#include "proxy/worker.hpp"

namespace pgswitch {
namespace {

/// Accepted in one turn: a storm of logins must not keep the sessions waiting.
constexpr int accepts_per_turn = 16;
constexpr std::int64_t pause_us = one_second;

void set_option(int fd, int level, int name, int value) { setsockopt(fd, level, name, &value, sizeof value); }

int open_spare() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

/// Errors of the one connection that was to be accepted (accept(2)), not of the listener.
bool is_client_error(int error) {
  return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN || error == EHOSTDOWN ||
         error == EHOSTUNREACH || error == ENETUNREACH || error == EPERM;
}

}  // namespace

void apply_tcp_options(int fd, const Config& config) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, config.tcp_keepalive ? 1 : 0);
  if (config.tcp_keepalive) {
    if (config.tcp_keepidle > 0) set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, config.tcp_keepidle);
    if (config.tcp_keepintvl > 0) set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, config.tcp_keepintvl);
    if (config.tcp_keepcnt > 0) set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, config.tcp_keepcnt);
  }
  if (config.tcp_user_timeout > 0) set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, config.tcp_user_timeout);
  if (config.tcp_socket_buffer > 0) {
    set_option(fd, SOL_SOCKET, SO_RCVBUF, config.tcp_socket_buffer);
    set_option(fd, SOL_SOCKET, SO_SNDBUF, config.tcp_socket_buffer);
  }
}

Listener::Listener(Worker& worker, int fd, std::string name, std::string socket_file, ConfigPtr config)
    : worker_(worker), fd_(fd), name_(std::move(name)), socket_file_(std::move(socket_file)), config_(std::move(config)),
      unix_(name_.starts_with("unix:")), pause_(worker.io()) {}

// The poller forgets a descriptor by itself when it is closed; its thread may be gone by now.
Listener::~Listener() {
  if (fd_ >= 0) ::close(fd_);
  if (spare_ >= 0) ::close(spare_);
  if (!socket_file_.empty()) ::unlink(socket_file_.c_str());
}

void Listener::start(Sink sink) {
  sink_ = std::move(sink);
  spare_ = open_spare();
  resume();
}

// Clients in the queue have been told by the kernel that they are connected: they are served, not reset.
void Listener::close() {
  if (fd_ < 0) return;
  while (polled_ && accept_one()) {
  }
  shut();
  if (!socket_file_.empty()) ::unlink(socket_file_.c_str());
  socket_file_.clear();
}

void Listener::abandon() {
  if (fd_ < 0) return;
  shut();
  socket_file_.clear();
}

void Listener::own_socket_file() {
  if (unix_ && !name_.starts_with("unix:@")) socket_file_ = name_.substr(std::string_view("unix:").size());
}

void Listener::shut() {
  pause_.wake();
  if (polled_) worker_.poller().remove(fd_, *this);
  polled_ = false;
  ::close(fd_);
  fd_ = -1;
}

// As many as came together the last time, for an accept() that finds nobody costs as much as one that does.
void Listener::on_ready(std::uint32_t) {
  int accepted = 0;
  while (accepted < batch_ && fd_ >= 0 && polled_ && accept_one()) ++accepted;
  batch_ = accepted == batch_ ? std::min(2 * batch_, accepts_per_turn) : std::max(accepted, 1);
}

bool Listener::accept_one() {
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const int fd = ::accept4(fd_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    if (is_client_error(error)) return true;
    if (error != EAGAIN && error != EWOULDBLOCK) pause(error);
    return false;
  }
  if (config_ != worker_.config_ptr()) adopt_config(fd);
  sink_(fd, address_of_peer(fd, peer, config_->listen_port));
  return true;
}

// `fd`: a client of before the reload. Others who are in the queue keep the options that their connection was made with.
void Listener::adopt_config(int fd) {
  config_ = worker_.config_ptr();
  if (unix_) return;
  for (const int changed : {fd_, fd}) apply_tcp_options(changed, *config_);
}

// Out of descriptors, as a rule. The clients in the queue would wake us at once, again and again: so wait.
void Listener::pause(int error) {
  static LogThrottle throttle(60 * one_second);
  log_throttled(throttle, worker_.now_us(), LogLevel::error,
                "accept() failed on " + name_ + ": " + std::strerror(error) + "; pausing for a second");
  if (error == EMFILE || error == ENFILE) refuse_one();
  worker_.poller().remove(fd_, *this);
  polled_ = false;
  pause_.call_after(pause_us, [this] { resume(); });
}

void Listener::refuse_one() {
  if (spare_ < 0) return;
  ::close(spare_);
  const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) {
    std::string text;
    protocol::write_error(text, fatal(protocol::sqlstate::too_many_connections, "pgswitch is out of file descriptors"));
    [[maybe_unused]] const ssize_t sent = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
    ::close(fd);
  }
  spare_ = open_spare();
}

void Listener::suspend(bool suspended) {
  suspended_ = suspended;
  if (!suspended) return resume();
  if (polled_) worker_.poller().remove(fd_, *this);
  polled_ = false;
}

void Listener::resume() {
  if (fd_ < 0 || polled_ || suspended_) return;
  if (spare_ < 0) spare_ = open_spare();
  worker_.poller().add(fd_, EPOLLIN, *this);
  polled_ = true;
}

}  // namespace pgswitch
