#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
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
  /// One of the two ran out of memory half-way: whoever owns the stream can only be given up.
  virtual void on_out_of_memory(Stream& stream) = 0;

 protected:
  ~StreamOwner() = default;
};

/// A connected, non-blocking socket with optional TLS (OpenSSL works on it itself, so that it can move to another worker). Owned by a
/// ClientSession or a ServerConn; one thread at a time. The only file that reads or writes sockets.
///
/// Two ways to wait: coroutines (login) use wait_readable/wait_writable with a deadline; the steady state sets an owner and
/// gets callbacks. Reads and writes themselves never block and never wait. A callback may destroy the stream.
/// The process must ignore SIGPIPE: OpenSSL writes with write(2).
class Stream final : private Pollable {
 public:
  Stream(Poller& poller, int fd);
  ~Stream();  ///< closes (a TLS close_notify is tried once, without waiting)
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// `closed` at end of file. `ok` carries at least one byte.
  IoResult read_some(char* data, std::size_t size);
  /// Reads without taking the bytes out of the socket: for what comes before a TLS handshake. Not once TLS is on.
  IoResult peek(char* data, std::size_t size);
  /// Writes as much as the socket takes of the pieces, in order. `would_block` comes with the bytes that were taken. `ok`: all of it, or so much that a second try is worth
  /// it; `would_block`: `bytes` of it, wait for writability. With TLS the next call after `would_block` must begin with the
  /// bytes not yet taken and offer at least as many (a record is half sent).
  IoResult write_some(const iovec* pieces, int count);

  /// Its events are told before those of other streams that are ready at the same time.
  void go_first() { goes_first_ = true; }
  /// What the owner wants to hear of. Reading is on by default once an owner is set. A system call only on change.
  void set_owner(StreamOwner* owner);
  StreamOwner* owner() const { return owner_; }
  void watch(bool read, bool write);
  bool watches_read() const { return watch_read_; }
  bool watches_write() const { return watch_write_; }

  /// False when `deadline_us` (worker's clock, 0 = none) passed first or the stream was closed. True at once where the last read
  /// filled its room, for there may be more: the next one tells.
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
  /// The peer takes nothing more: it has refused something, or a Unix socket has no other end. A system call.
  bool is_refused() const;
  /// Wakes whoever waits; later reads and writes give `closed`. Idempotent.
  void close();

  /// Donation: takes the descriptor out of this worker's poller / puts it into another one's. Between the two calls nobody
  /// may use the stream. Must not be called while a coroutine waits.
  void detach();
  void attach(Poller& poller);

 private:
  struct Wait;

  void on_ready(std::uint32_t events) override;
  void refresh();
  bool wake(bool readable, bool writable);
  awaitable<bool> wait(bool Wait::*what, std::int64_t deadline_us);
  bool has_decrypted_bytes() const;
  bool has_unread() const;
  IoResult note_unread(IoResult result, std::size_t asked);
  void start_tls(const TlsContext& context);
  void share_bio();
  void close_tls();
  awaitable<boost::system::error_code> handshake(int (*step)(ssl_st*), std::int64_t deadline_us, std::string& text);
  IoResult read_tls(char* data, std::size_t size);
  IoResult write_plain(const iovec* pieces, int count);
  IoResult write_tls(const iovec* pieces, int count);
  IoResult tls_result(int returned, bool& wants_other);
  std::uint32_t interest() const;

  std::uint16_t registered_ = 0;   ///< events asked of the poller, without EPOLLET; 0 = not in its set
  int fd_ = -1;
  ssl_st* tls_ = nullptr;
  Poller* poller_ = nullptr;
  StreamOwner* owner_ = nullptr;
  std::unique_ptr<Wait> wait_;
  bool* destroyed_ = nullptr;      ///< set while on_ready() runs
  bool unread_ = false;            ///< without TLS: the socket may hold more than was read, of which no event will tell
  bool ended_ = false;             ///< the peer has said its last
  bool watch_read_ = false;
  bool watch_write_ = false;
  bool accepted_ = false;          ///< we are the TLS server
  bool tls_usable_ = false;        ///< handshake done, no fatal error since
  bool tls_read_wants_write_ = false;
  bool tls_write_wants_read_ = false;
};

}  // namespace pgswitch
