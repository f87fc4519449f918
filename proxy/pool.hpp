#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "protocol/sql_error.hpp"
#include "proxy/server_conn.hpp"

namespace pgswitch {

class PoolShard;

/// A server connection held by a session. Move-only; empty by default. If it dies without give_back() the connection is
/// closed: an unknown state never goes back to the pool.
class Lease {
 public:
  Lease() = default;
  explicit Lease(ServerConn& server) : server_(&server) {}
  Lease(Lease&& other) noexcept : server_(std::exchange(other.server_, nullptr)) {}
  Lease& operator=(Lease&& other) noexcept;
  ~Lease();

  ServerConn* operator->() const { return server_; }
  ServerConn& operator*() const { return *server_; }
  explicit operator bool() const { return server_ != nullptr; }

  /// Returns the connection. Clean: it is reused at once; else the pool first cancels, drains, rolls back and resets as
  /// `leftover` asks, or closes it. Afterwards the lease is empty.
  void give_back(const Leftover& leftover);
  /// Closes the connection.
  void close(std::string_view reason);

 private:
  ServerConn* server_ = nullptr;
};

/// A session in the queue of a shard. Exactly one of the two calls comes, by post (never from inside acquire()), unless
/// PoolShard::cancel_wait() took it out first.
class LeaseWaiter {
 public:
  virtual void on_lease(Lease lease) = 0;
  virtual void on_lease_failed(const protocol::SqlError& error) = 0;

  std::int64_t waiting_since_us = 0;

 protected:
  ~LeaseWaiter() = default;

 private:
  friend class PoolShard;
  LeaseWaiter* next_ = nullptr;
  LeaseWaiter* previous_ = nullptr;
  PoolShard* queue_ = nullptr;
};

}  // namespace pgswitch
