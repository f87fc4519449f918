#pragma once
#include <cstddef>
#include <string>
#include <string_view>

#include "protocol/login.hpp"

struct ssl_st;  // SSL of OpenSSL

namespace pgswitch::bench {

/// Where and as whom. The database is always "app".
struct Target {
  int port = 0;  ///< of 127.0.0.1
  std::string user;
  std::string password;
  bool tls = false;  ///< without looking at the certificate
};

/// A client's connection, blocking. Owns the socket; one thread. Failures are std::runtime_error: a benchmark that goes wrong
/// has no result.
class Connection {
 public:
  /// Connects and logs in. Keys of SCRAM are derived once for each salt.
  Connection(const Target& target, protocol::ScramKeyCache& cache);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  int fd() const { return fd_; }
  void send(std::string_view bytes);
  /// Reads what is there; returns the number of ReadyForQuery among it. An ErrorResponse is a failure.
  std::size_t receive();
  /// Sends a query string and waits for its end.
  void ask(std::string_view sql);
  /// Says goodbye and waits for the other side to close.
  void leave();

 private:
  void log_in(const Target& target, protocol::ScramKeyCache& cache);
  void start_tls();
  std::size_t read(char* data, std::size_t size);
  void more();
  void release();

  int fd_ = -1;
  ssl_st* tls_ = nullptr;
  std::string in_;  ///< received, not looked at
};

}  // namespace pgswitch::bench
