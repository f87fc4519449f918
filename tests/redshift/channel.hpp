#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"

/// A connection with blocking reads and writes: TCP, Unix socket or TLS. The stand-in has a thread for each client, so that a
/// session is written from top to bottom.
namespace pgswitch::stand_in {

/// The other side is gone, or what it sends has no boundaries.
struct Lost : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct TlsFiles {
  std::string certificate, key;  ///< PEM; both empty: no TLS
};

class Channel {
 public:
  struct Transport;
  explicit Channel(std::unique_ptr<Transport> transport);
  Channel(Channel&&) noexcept;
  Channel& operator=(Channel&&) noexcept;
  ~Channel();

  /// `host` that begins with '/' is the folder of a Unix socket, as in libpq.
  static Channel connect(const std::string& host, std::uint16_t port);
  /// Goes on as the server of a TLS connection.
  void accept_tls(const TlsFiles& files);
  bool is_tls() const;

  /// At least `size` bytes, left in the buffer.
  std::string_view peek(std::size_t size);
  std::string take(std::size_t size);
  /// Up to and including `end`, which must come within `limit` bytes.
  std::string take_line(std::string_view end, std::size_t limit);
  /// What is here, at least one byte and at most `limit`; empty at the end of the stream.
  std::string take_some(std::size_t limit);
  std::size_t buffered() const { return in_.size() - at_; }
  /// One message with a type byte; the body is valid until the next call.
  protocol::Frame read_frame(std::size_t limit = std::size_t{1} << 30);

  /// Written at flush(), or when there is much.
  std::string& out() { return out_; }
  void flush();
  void flush_if_large() {
    if (out_.size() > 65536) flush();
  }
  int descriptor() const;
  /// Ends the connection under a thread that reads from it.
  void shut_down();

 private:
  bool read_more();
  std::unique_ptr<Transport> transport_;
  std::string in_, out_, frame_;
  std::size_t at_ = 0;
};

enum class Readable : std::uint8_t { first, second, neither };
/// Waits until one of them can be read, or for so many milliseconds; -1: for ever.
Readable wait_for(Channel& first, Channel& second, int milliseconds = -1);

/// Calls `on_client` with each connection that comes in, for ever.
class Listener {
 public:
  Listener(const std::string& address, std::uint16_t port);
  ~Listener();
  Channel accept();

 private:
  struct Acceptor;
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace pgswitch::stand_in
