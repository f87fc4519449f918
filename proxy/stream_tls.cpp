// The TLS half of Stream: OpenSSL works on the socket itself, so that a connection can move to another worker.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "proxy/stream.hpp"
#include "proxy/tls.hpp"

namespace pgswitch {
namespace {

using boost::system::error_code;

/// The most that one TLS record carries (RFC 8446, 5.1).
constexpr std::size_t record_size = 16384;

error_code protocol_error() { return make_error_code(boost::system::errc::protocol_error); }

IoResult status_only(IoResult::Status status) {
  IoResult result;
  result.status = status;
  return result;
}

/// The socket that OpenSSL works on during the call under way.
thread_local int socket_of_call = -1;

int note_transfer(BIO* bio, ssize_t count, int retry) {
  BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY | BIO_FLAGS_IN_EOF);
  if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) BIO_set_flags(bio, retry | BIO_FLAGS_SHOULD_RETRY);
  if (count == 0 && retry == BIO_FLAGS_READ) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(count);
}

// As in stream.cpp, without glibc's cancellation points.
int read_socket(BIO* bio, char* data, int size) {
  return note_transfer(bio, ::syscall(SYS_recvfrom, socket_of_call, data, static_cast<std::size_t>(size), 0, nullptr, nullptr), BIO_FLAGS_READ);
}

int write_socket(BIO* bio, const char* data, int size) {
  return note_transfer(bio, ::syscall(SYS_sendto, socket_of_call, data, static_cast<std::size_t>(size), MSG_NOSIGNAL, nullptr, 0), BIO_FLAGS_WRITE);
}

long control_bio(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_DUP;
}

BIO* make_bio() {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sockets of a thread");
    BIO_meth_set_read(made, read_socket);
    BIO_meth_set_write(made, write_socket);
    BIO_meth_set_ctrl(made, control_bio);
    return made;
  }();
  BIO* const bio = BIO_new(method);
  if (bio) BIO_set_init(bio, 1);
  return bio;
}

std::string handshake_failure(ssl_st* tls, int error) {
  if (const long verified = SSL_get_verify_result(tls); verified != X509_V_OK && ERR_peek_error() != 0)
    return std::string("certificate verify failed: ") + X509_verify_cert_error_string(verified);
  const std::string text = take_tls_error();
  if (!text.empty()) return text;
  if (error == SSL_ERROR_SYSCALL && errno != 0) return std::strerror(errno);
  return "connection closed during the TLS handshake";
}

/// The bytes after the first `done` of the pieces, at most one record of them.
class RecordSource {
 public:
  RecordSource(const iovec* pieces, int count) : piece_(pieces), last_(pieces + count) { skip_empty(); }
  bool at_end() const { return piece_ == last_; }

  /// A piece that fills a record is used where it lies; smaller ones are put together, for each record costs the peer a
  /// decryption and us a write.
  std::string_view next() {
    const std::size_t here = std::min(piece_->iov_len - used_, record_size);
    const char* const data = static_cast<const char*>(piece_->iov_base) + used_;
    if (here == record_size || piece_ + 1 == last_) return {data, here};
    thread_local std::array<char, record_size> gathered;
    std::size_t size = 0, skip = used_;
    for (const iovec* piece = piece_; piece != last_ && size < record_size; ++piece, skip = 0) {
      const std::size_t part = std::min(piece->iov_len - skip, record_size - size);
      std::memcpy(gathered.data() + size, static_cast<const char*>(piece->iov_base) + skip, part);
      size += part;
    }
    return {gathered.data(), size};
  }

  void consume(std::size_t count) {
    while (count > 0) {
      const std::size_t part = std::min(count, piece_->iov_len - used_);
      used_ += part;
      count -= part;
      skip_empty();
    }
  }

 private:
  void skip_empty() {
    while (piece_ != last_ && used_ == piece_->iov_len) {
      ++piece_;
      used_ = 0;
    }
  }
  const iovec* piece_;
  const iovec* last_;
  std::size_t used_ = 0;
};

bool is_ip_address(const std::string& host) {
  ASN1_OCTET_STRING* const address = a2i_IPADDRESS(host.c_str());
  ASN1_OCTET_STRING_free(address);
  ERR_clear_error();
  return address != nullptr;
}

void expect_host(ssl_st* tls, const std::string& host, bool verify) {
  const bool address = is_ip_address(host);
  if (!address && !host.empty() && host.front() != '/') SSL_set_tlsext_host_name(tls, host.c_str());
  if (!verify) return;
  if (address) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls), host.c_str());
  } else {
    SSL_set_hostflags(tls, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    SSL_set1_host(tls, host.c_str());
  }
}

/// RFC 5929, 4.1: the hash of the certificate's signature, MD5 and SHA-1 replaced by SHA-256.
std::string end_point_hash(X509* certificate) {
  int digest_nid = NID_undef;
  OBJ_find_sigid_algs(X509_get_signature_nid(certificate), &digest_nid, nullptr);
  if (digest_nid == NID_md5 || digest_nid == NID_sha1 || digest_nid == NID_undef) digest_nid = NID_sha256;
  const EVP_MD* const digest = EVP_get_digestbynid(digest_nid);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (!digest || X509_digest(certificate, digest, hash.data(), &size) != 1) return {};
  return {reinterpret_cast<const char*>(hash.data()), size};
}

}  // namespace

/// One BIO serves all connections of a thread: OpenSSL's own would be 200 bytes of each. Not for handshakes, which chain it to others.
void Stream::share_bio() {
  thread_local const std::unique_ptr<BIO, decltype(&BIO_free)> bio(make_bio(), BIO_free);
  if (!bio || !tls_usable_ || SSL_get_rbio(tls_) == bio.get()) return;  // else a reference would be lost
  BIO_up_ref(bio.get());
  SSL_set_bio(tls_, bio.get(), bio.get());
}

void Stream::close_tls() {
  ERR_clear_error();
  socket_of_call = fd_;
  if (tls_usable_) SSL_shutdown(tls_);
  SSL_free(tls_);
  ERR_clear_error();
  tls_ = nullptr;
}

bool Stream::has_decrypted_bytes() const { return tls_ && tls_usable_ && SSL_has_pending(tls_); }

IoResult Stream::tls_result(int returned, bool& wants_other) {
  const int error = SSL_get_error(tls_, returned);
  switch (error) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      wants_other = (error == SSL_ERROR_WANT_WRITE) == (&wants_other == &tls_read_wants_write_);
      return status_only(IoResult::Status::would_block);
    case SSL_ERROR_ZERO_RETURN:
      return status_only(IoResult::Status::closed);
    default:
      break;
  }
  const int number = errno;
  tls_usable_ = false;
  ERR_clear_error();
  IoResult result = status_only(IoResult::Status::failed);
  if (error != SSL_ERROR_SYSCALL) {
    result.error = protocol_error();
  } else if (number == 0 || number == ECONNRESET || number == EPIPE) {
    result.status = IoResult::Status::closed;
    if (number != 0) result.error = {number, boost::system::system_category()};
  } else {
    result.error = {number, boost::system::system_category()};
  }
  return result;
}

IoResult Stream::read_tls(char* data, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  tls_read_wants_write_ = false;
  socket_of_call = fd_;
  IoResult result;
  const int count = SSL_read(tls_, data, static_cast<int>(std::min(size, std::size_t{1} << 30)));
  if (count > 0) {
    result.bytes = static_cast<std::size_t>(count);
    // The kernel has nothing more to report for bytes that OpenSSL holds.
    if (owner_ && watch_read_ && has_decrypted_bytes()) poller_->again(*this);
  } else {
    result = tls_result(count, tls_read_wants_write_);
  }
  refresh();
  return result;
}

IoResult Stream::write_tls(const iovec* pieces, int count) {
  IoResult result;
  std::size_t written = 0;
  tls_write_wants_read_ = false;
  socket_of_call = fd_;
  for (RecordSource source(pieces, count); !source.at_end();) {
    const std::string_view chunk = source.next();
    ERR_clear_error();
    errno = 0;
    const int sent = SSL_write(tls_, chunk.data(), static_cast<int>(chunk.size()));
    if (sent <= 0) {
      result = tls_result(sent, tls_write_wants_read_);
      break;
    }
    written += static_cast<std::size_t>(sent);
    source.consume(static_cast<std::size_t>(sent));
  }
  result.bytes = written;
  refresh();
  return result;
}

void Stream::start_tls(const TlsContext& context) {
  tls_ = SSL_new(context.native());
  if (tls_) SSL_set_fd(tls_, fd_);
}

awaitable<error_code> Stream::handshake(int (*step)(ssl_st*), std::int64_t deadline_us, std::string& text) {
  for (;;) {
    ERR_clear_error();
    errno = 0;
    const int returned = step(tls_);
    if (returned == 1) break;
    const int error = SSL_get_error(tls_, returned);
    bool ready = false;
    if (error == SSL_ERROR_WANT_READ) {
      ready = co_await wait_readable(deadline_us);
    } else if (error == SSL_ERROR_WANT_WRITE) {
      ready = co_await wait_writable(deadline_us);
    } else {
      text = handshake_failure(tls_, error);
      co_return protocol_error();
    }
    if (!ready) {
      text = is_open() ? "timeout during the TLS handshake" : "connection closed";
      co_return make_error_code(boost::system::errc::timed_out);
    }
  }
  ERR_clear_error();
  tls_usable_ = true;
  share_bio();
  co_return error_code();
}

awaitable<error_code> Stream::tls_accept(const TlsContext& context, std::int64_t deadline_us, std::string& text) {
  accepted_ = true;
  start_tls(context);
  if (!tls_) {
    text = take_tls_error();
    co_return protocol_error();
  }
  co_return co_await handshake(SSL_accept, deadline_us, text);
}

awaitable<error_code> Stream::tls_connect(const TlsContext& context, std::string host, std::int64_t deadline_us,
                                          std::string& text) {
  start_tls(context);
  if (!tls_) {
    text = take_tls_error();
    co_return protocol_error();
  }
  expect_host(tls_, host, context.verifies_host());
  co_return co_await handshake(SSL_connect, deadline_us, text);
}

std::string Stream::tls_description() const {
  if (!tls_) return {};
  return std::string(SSL_get_version(tls_)) + '/' + SSL_get_cipher_name(tls_);
}

std::string Stream::channel_binding() const {
  if (!tls_) return {};
  if (accepted_) {
    X509* const own = SSL_get_certificate(tls_);
    return own ? end_point_hash(own) : std::string();
  }
  X509* const peer = SSL_get0_peer_certificate(tls_);
  return peer ? end_point_hash(peer) : std::string();
}

std::string Stream::peer_common_name() const {
  if (!tls_ || SSL_get_verify_result(tls_) != X509_V_OK) return {};
  X509* const peer = SSL_get0_peer_certificate(tls_);
  if (!peer) return {};
  X509_NAME* const subject = X509_get_subject_name(peer);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
  if (size < 0) return {};
  std::string name(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  // A NUL inside would make "admin\0.example.org" look like "admin" (CVE-2009-4034).
  return name.find('\0') == std::string::npos ? name : std::string();
}

bool Stream::negotiated_alpn_postgresql() const {
  if (!tls_) return false;
  const unsigned char* protocol = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(tls_, &protocol, &size);
  return std::string_view(reinterpret_cast<const char*>(protocol), size) == "postgresql";
}

}  // namespace pgswitch
