#include "proxy/predecessor.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "protocol/backend.hpp"
#include "protocol/frame.hpp"
#include "protocol/reader.hpp"
#include "protocol/writer.hpp"
#include "proxy/server_socket.hpp"

namespace pgswitch {
namespace {

namespace backend = protocol::backend;

constexpr std::size_t longest_frame = 1 << 20;
constexpr std::size_t most_descriptors = 253;  // SCM_MAX_FD of Linux
constexpr timeval patience{10, 0};

bool fail(std::string& error, const std::string& why) {
  error = "cannot take over from the running process: " + why;
  return false;
}

void keep_descriptors(const msghdr& message, std::vector<int>* sockets) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(const_cast<msghdr*>(&message), part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    std::vector<int> received((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    std::memcpy(received.data(), CMSG_DATA(part), received.size() * sizeof(int));
    for (const int fd : received) sockets ? sockets->push_back(fd) : static_cast<void>(::close(fd));
  }
}

}  // namespace

Predecessor::~Predecessor() { hang_up(); }

void Predecessor::hang_up() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool Predecessor::find(const Config& config) {
  if (config.unix_socket_dir.empty()) return false;
  const ServerAddress address = unix_address(config.unix_socket_dir, static_cast<std::uint16_t>(config.listen_port));
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  found_ = address.size != 0 && ::connect(fd_, reinterpret_cast<const sockaddr*>(&address.address), address.size) == 0;
  if (!found_) hang_up();
  return found_;
}

bool Predecessor::send(const std::string& packet, std::string& error) {
  const ssize_t sent = ::send(fd_, packet.data(), packet.size(), MSG_NOSIGNAL);
  return sent == static_cast<ssize_t>(packet.size()) || fail(error, std::strerror(errno));
}

bool Predecessor::receive(std::vector<int>* sockets, std::string& error) {
  std::array<char, 4096> block;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control;
  iovec data{block.data(), block.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC);
  if (size <= 0) return fail(error, size == 0 ? "it has closed the connection" : std::strerror(errno));
  keep_descriptors(message, sockets);
  in_.append(block.data(), static_cast<std::size_t>(size));
  return true;
}

bool Predecessor::read_answer(std::vector<int>* sockets, std::string& error) {
  std::string complaint;
  for (;;) {
    protocol::FrameHeader header;
    const auto status = protocol::read_header(in_, longest_frame, header);
    if (status == protocol::HeaderStatus::malformed) return fail(error, "it does not speak PostgreSQL's protocol");
    if (status == protocol::HeaderStatus::need_more || in_.size() < header.frame_size()) {
      std::string reason;
      if (!receive(sockets, reason)) return complaint.empty() ? (error = reason, false) : fail(error, complaint);
      continue;
    }
    const std::string body = in_.substr(protocol::frame_header_size, header.body_size);
    in_.erase(0, header.frame_size());
    if (header.type == backend::error_response) complaint = backend::error_field(body, 'M');
    if (header.type == backend::authentication && body != std::string(4, '\0')) return fail(error, "it wants a password of this user");
    if (header.type == backend::parameter_status) {
      const auto parameter = backend::read_parameter_status(body);
      is_pgswitch_ |= parameter && parameter->name == "server_version" && parameter->value.find("pgswitch") != std::string_view::npos;
    }
    if (header.type == backend::data_row) read_row(body);
    if (header.type == backend::ready_for_query) return complaint.empty() || fail(error, complaint);
  }
}

/// A row of SHOW FDS: fd, task, user, database, addr, ...
void Predecessor::read_row(const std::string& body) {
  protocol::BodyReader in(body);
  std::vector<std::string> values(in.int16());
  for (std::string& value : values) {
    const std::uint32_t size = in.int32();
    if (size != 0xffffffff) value = in.bytes(size);
  }
  if (in.at_end() && values.size() > 4 && values[1] == "cancel") cancel_sockets_.push_back(values[4]);
}

bool Predecessor::log_in(std::string& error) {
  const std::array<std::pair<std::string, std::string>, 2> parameters = {{{"user", "pgbouncer"}, {"database", "pgbouncer"}}};
  std::string packet;
  protocol::write_startup(packet, 3 << 16, parameters);
  return send(packet, error) && read_answer(nullptr, error);
}

bool Predecessor::run(const char* command, std::vector<int>* sockets, std::string& error) {
  std::string packet;
  protocol::write_query(packet, command);
  return send(packet, error) && read_answer(sockets, error);
}

bool Predecessor::take_sockets(std::vector<int>& sockets, std::string& error) {
  if (!log_in(error)) return false;
  if (!is_pgswitch_) return fail(error, "it is no pgswitch; give both so_reuseport = 1, start this one without -R, then send SIGTERM to the other");
  if (!run("SHOW FDS", &sockets, error)) return false;
  return !sockets.empty() || fail(error, "it listens on nothing any more");
}

bool Predecessor::dismiss(std::string& error) {
  const bool done = run("SHUTDOWN WAIT_FOR_CLIENTS", nullptr, error);
  hang_up();
  return done;
}

}  // namespace pgswitch
