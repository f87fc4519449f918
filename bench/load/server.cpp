// A server that answers every query with one row, at a cost that is small beside a proxy's: one thread, one epoll set, one
// read and one write for each batch. It asks nobody for a password.
//
//   bench_server PORT
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "protocol/frontend.hpp"
#include "protocol/startup.hpp"
#include "protocol/writer.hpp"

namespace pgswitch::bench {
namespace {

using namespace protocol;

struct Answers {
  std::string welcome, description, row, ready;

  Answers() {
    write_authentication(welcome, authentication_ok);
    for (const auto& [name, value] : {std::pair("server_version", "15.0"), {"server_encoding", "UTF8"}, {"client_encoding", "UTF8"},
                                      {"DateStyle", "ISO, MDY"}, {"TimeZone", "UTC"}, {"IntervalStyle", "postgres"}, {"application_name", ""},
                                      {"integer_datetimes", "on"}, {"standard_conforming_strings", "on"}, {"is_superuser", "off"},
                                      {"session_authorization", "app"}, {"default_transaction_read_only", "off"}, {"in_hot_standby", "off"}})
      write_parameter_status(welcome, name, value);
    write_backend_key_data(welcome, 1, "4711");
    write_ready_for_query(ready, 'I');
    welcome += ready;
    const std::array columns = {Column{"abalance", 23, 4}};
    write_row_description(description, columns);
    const std::array<std::optional<std::string>, 1> values = {"0"};
    write_data_row(row, values);
    write_command_complete(row, "SELECT 1");
  }
  static constexpr std::uint32_t authentication_ok = 0;
};

/// One connection: what has come and is not answered.
class Peer {
 public:
  /// Appends the answers to what came; false when the connection is to be closed.
  bool answer(std::string_view bytes, const Answers& answers, std::string& out) {
    in_ += bytes;
    std::size_t at = 0;
    while (!started_) {
      const StartupPacket packet = scan_startup(in_);
      if (packet.kind == StartupKind::need_more) return true;
      if (packet.kind == StartupKind::ssl_request || packet.kind == StartupKind::gss_request) out += 'N';
      else if (packet.kind != StartupKind::startup) return false;
      else started_ = true, out += answers.welcome;
      in_.erase(0, packet.bytes.size());
    }
    FrameHeader header;
    while (read_header(ByteView(in_).substr(at), 1 << 24, header) == HeaderStatus::complete && in_.size() - at >= header.frame_size()) {
      if (header.type == 'X') return false;
      answer(header.type, in_[at + frame_header_size], answers, out);
      at += header.frame_size();
    }
    in_.erase(0, at);
    return true;
  }

 private:
  static void answer(char type, char target, const Answers& answers, std::string& out) {
    switch (type) {
      case 'Q': out += answers.description, out += answers.row, out += answers.ready; break;
      case 'P': write_empty(out, '1'); break;
      case 'B': write_empty(out, '2'); break;
      case 'C': write_empty(out, '3'); break;
      case 'D':
        if (target == 'S') MessageWriter(out, 't').int16(0);
        out += answers.description;
        break;
      case 'E': out += answers.row; break;
      case 'S': out += answers.ready; break;
      default: break;
    }
  }
  std::string in_;
  bool started_ = false;
};

int listen_on(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd, 1024) != 0) return -1;
  return fd;
}

void add(int set, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

void serve(int listener) {
  const Answers answers;
  const int set = epoll_create1(0), on = 1;
  add(set, listener);
  std::map<int, Peer> peers;
  std::array<epoll_event, 64> events;
  std::string buffer(64 * 1024, '\0'), out;
  for (;;) {
    const int count = epoll_wait(set, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int accepted = accept(listener, nullptr, nullptr);
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add(set, accepted);
        continue;
      }
      const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
      out.clear();
      bool stays = got > 0 && peers[fd].answer(std::string_view(buffer).substr(0, static_cast<std::size_t>(got)), answers, out);
      for (std::size_t sent = 0; stays && sent < out.size();) {
        const ssize_t part = send(fd, out.data() + sent, out.size() - sent, MSG_NOSIGNAL);
        stays = part > 0;
        sent += static_cast<std::size_t>(part);
      }
      if (stays) continue;
      peers.erase(fd);
      close(fd);
    }
  }
}

}  // namespace
}  // namespace pgswitch::bench

int main(int count, char** words) {
  const int listener = count == 2 ? pgswitch::bench::listen_on(std::atoi(words[1])) : -1;
  if (listener < 0) {
    std::fputs("usage: bench_server PORT (which is free)\n", stderr);
    return 2;
  }
  pgswitch::bench::serve(listener);
}
