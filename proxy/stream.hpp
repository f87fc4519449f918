#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <sys/uio.h>

#include "proxy/poller.hpp"

struct ssl_st;  // SSL of OpenSSL

namespace pgswitch {

class TlsContext;
class Stream;
using boost::asio::awaitable;

struct IoResult {
  enum class Status : std::uint8_t { ok, would_block, closed, failed };
  Status status = Status::ok;
  std::size_t bytes = 0;
  boost::system::error_code error;  ///< with `failed`
};

/// Told when a Stream in its steady state can be read or written.
class StreamOwner {
 public:
  virtual void on_readable(Stream& stream) = 0;  ///< also at end of file and on errors: the next read tells
  virtual void on_writable(Stream& stream) = 0;

 protected:
  ~StreamOwner() = default;
};

/// A connected, non-blocking socket with optional TLS (SSL_set_fd, so that it can move to another worker). Owned by a
/// ClientSession or a ServerConn; one thread at a time. The only file that reads or writes sockets.
///
/// Two ways to wait: coroutines (login) use wait_readable/wait_writable with a deadline; the steady state sets an owner and
/// gets callbacks. Reads and writes themselves never block and never wait.
class Stream : private Pollable {
 public:
  Stream(boost::asio::io_context& io, Poller& poller, int fd);
  ~Stream();  ///< closes (a TLS close_notify is tried once, without waiting)
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  IoResult read_some(char* data, std::size_t size);
  /// Writes as much as the socket takes of the pieces, in order.
  IoResult write_some(const iovec* pieces, int count);

  /// What the owner wants to hear of. Reading is on by default once an owner is set. A system call only on change.
  void set_owner(StreamOwner* owner);
  void watch(bool read, bool write);
  bool watches_read() const { return watch_read_; }

  /// False when `deadline_us` (worker's clock, 0 = none) passed first or the stream was closed.
  awaitable<bool> wait_readable(std::int64_t deadline_us);
  awaitable<bool> wait_writable(std::int64_t deadline_us);

  /// Handshakes; success = no error. `text` receives what went wrong, for the log.
  awaitable<boost::system::error_code> tls_accept(const TlsContext& context, std::int64_t deadline_us, std::string& text);
  /// `host` is used for SNI and verification.
  awaitable<boost::system::error_code> tls_connect(const TlsContext& context, std::string host, std::int64_t deadline_us,
                                                   std::string& text);
  bool is_tls() const { return tls_ != nullptr; }
  /// "TLSv1.3/TLS_AES_256_GCM_SHA384" or "".
  std::string tls_description() const;
  /// tls-server-end-point data (RFC 5929): hash of our own certificate (accepted) or of the peer's (connected); "" without TLS.
  std::string channel_binding() const;
  /// Common name of the peer's verified certificate, "" if none.
  std::string peer_common_name() const;
  bool negotiated_alpn_postgresql() const;

  int fd() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  /// Wakes whoever waits; later reads and writes give `closed`. Idempotent.
  void close();

  /// Donation: takes the descriptor out of this worker's poller / puts it into another one's. Between the two calls nobody
  /// may use the stream. Must not be called while a coroutine waits.
  void detach();
  void attach(boost::asio::io_context& io, Poller& poller);

 private:
  void on_ready(std::uint32_t events) override;
  // (private members are net's business)
  struct Wait;
  int fd_ = -1;
  ssl_st* tls_ = nullptr;
  boost::asio::io_context* io_ = nullptr;
  Poller* poller_ = nullptr;
  StreamOwner* owner_ = nullptr;
  Wait* wait_ = nullptr;
  bool watch_read_ = false;
  bool watch_write_ = false;
  bool tls_wants_write_ = false;
};

}  // namespace pgswitch
