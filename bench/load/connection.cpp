#include "bench/load/connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>
#include <vector>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"

namespace pgswitch::bench {

namespace {

constexpr std::size_t largest_frame = 1 << 20;

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    throw std::runtime_error("connect failed");
  }
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

std::string random_text() {
  std::string text(protocol::ClientLogin::random_bytes, '\0');
  RAND_bytes(reinterpret_cast<unsigned char*>(text.data()), static_cast<int>(text.size()));
  return text;
}

bool has_frame(std::string_view bytes, protocol::FrameHeader& header) {
  return protocol::read_header(bytes, largest_frame, header) == protocol::HeaderStatus::complete && bytes.size() >= header.frame_size();
}

[[noreturn]] void refused(std::string_view body) { throw std::runtime_error(protocol::backend::read_error(body).message); }

}  // namespace

Connection::Connection(const Target& target, protocol::ScramKeyCache& cache) : fd_(connect_to(target.port)) {
  try {
    if (target.tls) start_tls();
    log_in(target, cache);
  } catch (...) {
    release();
    throw;
  }
}

Connection::~Connection() { release(); }

void Connection::release() {
  if (tls_ != nullptr) SSL_free(tls_);
  close(fd_);
}

void Connection::start_tls() {
  static SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  std::string request;
  protocol::write_ssl_request(request);
  send(request);
  char answer = 0;
  if (recv(fd_, &answer, 1, 0) != 1 || answer != 'S') throw std::runtime_error("TLS was refused");
  tls_ = SSL_new(context);
  SSL_set_fd(tls_, fd_);
  if (SSL_connect(tls_) != 1) throw std::runtime_error("the TLS handshake failed");
}

void Connection::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = tls_ != nullptr ? SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()))
                                         : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) throw std::runtime_error("send failed");
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::size_t Connection::read(char* data, std::size_t size) {
  const ssize_t got = tls_ != nullptr ? SSL_read(tls_, data, static_cast<int>(size)) : recv(fd_, data, size, 0);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void Connection::more() {
  char buffer[64 * 1024];
  const std::size_t got = read(buffer, sizeof buffer);
  if (got == 0) throw std::runtime_error("the connection was closed");
  in_.append(buffer, got);
}

void Connection::log_in(const Target& target, protocol::ScramKeyCache& cache) {
  protocol::ClientLogin::Options options;
  options.user = target.user;
  options.credential = protocol::parse_credential(target.password);
  options.random = random_text();
  options.cache = &cache;
  protocol::ClientLogin login(std::move(options));
  const std::vector<std::pair<std::string, std::string>> parameters = {{"user", target.user}, {"database", "app"}};
  std::string out;
  protocol::write_startup(out, 3 << 16, parameters);
  for (bool ready = false; !ready;) {
    send(out);
    out.clear();
    protocol::FrameHeader header;
    while (!has_frame(in_, header)) more();
    const protocol::ByteView body = protocol::ByteView(in_).substr(protocol::frame_header_size, header.body_size);
    if (header.type == protocol::backend::error_response) refused(body);
    if (header.type == protocol::backend::authentication && login.on_authentication(body, out) == protocol::LoginStatus::failed)
      throw std::runtime_error(login.error().message);
    ready = header.type == protocol::backend::ready_for_query;
    in_.erase(0, header.frame_size());
  }
}

std::size_t Connection::receive() {
  more();
  std::size_t ready = 0;
  std::string_view rest = in_;
  for (protocol::FrameHeader header; has_frame(rest, header); rest.remove_prefix(header.frame_size())) {
    if (header.type == protocol::backend::error_response) refused(rest.substr(protocol::frame_header_size, header.body_size));
    ready += header.type == protocol::backend::ready_for_query;
  }
  in_.erase(0, in_.size() - rest.size());
  return ready;
}

void Connection::ask(std::string_view sql) {
  std::string out;
  protocol::write_query(out, sql);
  send(out);
  while (receive() == 0) {
  }
}

void Connection::leave() {
  std::string out;
  protocol::write_terminate(out);
  send(out);
  for (char byte = 0; read(&byte, 1) > 0;) {
  }
}

}  // namespace pgswitch::bench
