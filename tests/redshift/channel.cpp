#include "tests/redshift/channel.hpp"

#include <poll.h>

#include <algorithm>
#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

namespace pgswitch::stand_in {
namespace asio = boost::asio;
using Stream = asio::generic::stream_protocol::socket;

struct Channel::Transport {
  explicit Transport(std::unique_ptr<asio::io_context> owned) : context(std::move(owned)), socket(*context) {}
  std::unique_ptr<asio::io_context> context;
  Stream socket;
  std::unique_ptr<asio::ssl::context> tls_context;
  std::unique_ptr<asio::ssl::stream<Stream&>> tls;
};

Channel::Channel(std::unique_ptr<Transport> transport) : transport_(std::move(transport)) {}
Channel::Channel(Channel&&) noexcept = default;
Channel& Channel::operator=(Channel&&) noexcept = default;
Channel::~Channel() = default;

Channel Channel::connect(const std::string& host, std::uint16_t port) try {
  auto transport = std::make_unique<Transport>(std::make_unique<asio::io_context>());
  if (host.starts_with('/')) {
    transport->socket.connect(asio::local::stream_protocol::endpoint(host + "/.s.PGSQL." + std::to_string(port)));
  } else {
    asio::ip::tcp::socket socket(*transport->context);
    asio::connect(socket, asio::ip::tcp::resolver(*transport->context).resolve(host, std::to_string(port)));
    socket.set_option(asio::ip::tcp::no_delay(true));
    transport->socket = Stream(std::move(socket));
  }
  return Channel(std::move(transport));
} catch (const boost::system::system_error& error) {
  throw Lost("cannot connect to " + host + " port " + std::to_string(port) + ": " + error.code().message());
}

void Channel::accept_tls(const TlsFiles& files) try {
  flush();
  Transport& transport = *transport_;
  transport.tls_context = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_server);
  transport.tls_context->use_certificate_chain_file(files.certificate);
  transport.tls_context->use_private_key_file(files.key, asio::ssl::context::pem);
  transport.tls = std::make_unique<asio::ssl::stream<Stream&>>(transport.socket, *transport.tls_context);
  transport.tls->handshake(asio::ssl::stream_base::server);
} catch (const boost::system::system_error& error) {
  throw Lost("TLS: " + error.code().message());
}

bool Channel::is_tls() const { return transport_->tls != nullptr; }
int Channel::descriptor() const { return transport_->socket.native_handle(); }

void Channel::shut_down() {
  boost::system::error_code ignored;
  transport_->socket.shutdown(Stream::shutdown_both, ignored);
}

bool Channel::read_more() {
  in_.erase(0, at_);
  at_ = 0;
  const std::size_t before = in_.size();
  in_.resize(before + 65536);
  boost::system::error_code error;
  const auto room = asio::buffer(in_.data() + before, 65536);
  const std::size_t count = transport_->tls ? transport_->tls->read_some(room, error) : transport_->socket.read_some(room, error);
  in_.resize(before + count);
  return !error && count > 0;
}

std::string_view Channel::peek(std::size_t size) {
  while (buffered() < size)
    if (!read_more()) throw Lost("closed by the other side");
  return std::string_view(in_).substr(at_, size);
}

std::string Channel::take(std::size_t size) {
  std::string taken(peek(size));
  at_ += size;
  return taken;
}

std::string Channel::take_line(std::string_view end, std::size_t limit) {
  for (;;) {
    const std::size_t found = std::string_view(in_).find(end, at_);
    if (found != std::string::npos) return take(found + end.size() - at_);
    if (buffered() > limit || !read_more()) throw Lost("no end of line");
  }
}

std::string Channel::take_some(std::size_t limit) {
  if (buffered() == 0 && !read_more()) return {};
  return take(std::min(limit, buffered()));
}

protocol::Frame Channel::read_frame(std::size_t limit) {
  protocol::FrameHeader header;
  if (protocol::read_header(peek(protocol::frame_header_size), limit, header) != protocol::HeaderStatus::complete)
    throw Lost("invalid message length");
  frame_ = take(header.frame_size());
  return {header.type, protocol::ByteView(frame_).substr(protocol::frame_header_size)};
}

void Channel::flush() try {
  if (out_.empty()) return;
  if (transport_->tls)
    asio::write(*transport_->tls, asio::buffer(out_));
  else
    asio::write(transport_->socket, asio::buffer(out_));
  out_.clear();
} catch (const boost::system::system_error& error) {
  throw Lost(error.code().message());
}

Readable wait_for(Channel& first, Channel& second, int milliseconds) {
  if (first.buffered() > 0) return Readable::first;
  if (second.buffered() > 0) return Readable::second;
  pollfd both[] = {{first.descriptor(), POLLIN, 0}, {second.descriptor(), POLLIN, 0}};
  if (poll(both, 2, milliseconds) <= 0) return Readable::neither;
  return both[0].revents != 0 ? Readable::first : Readable::second;
}

struct Listener::Acceptor {
  asio::io_context context;
  asio::ip::tcp::acceptor acceptor{context};
};

Listener::Listener(const std::string& address, std::uint16_t port) : acceptor_(std::make_unique<Acceptor>()) {
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(address), port);
  acceptor_->acceptor.open(endpoint.protocol());
  acceptor_->acceptor.set_option(asio::socket_base::reuse_address(true));
  acceptor_->acceptor.bind(endpoint);
  acceptor_->acceptor.listen(512);
}
Listener::~Listener() = default;

Channel Listener::accept() {
  auto transport = std::make_unique<Channel::Transport>(std::make_unique<asio::io_context>());
  asio::ip::tcp::socket socket(*transport->context);
  acceptor_->acceptor.accept(socket);
  socket.set_option(asio::ip::tcp::no_delay(true));
  transport->socket = Stream(std::move(socket));
  return Channel(std::move(transport));
}

}  // namespace pgswitch::stand_in
