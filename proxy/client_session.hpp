#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"
#include "proxy/client_address.hpp"
#include "proxy/client_limits.hpp"
#include "proxy/client_login.hpp"
#include "proxy/object_slab.hpp"
#include "proxy/stream.hpp"

namespace pgswitch {

class ClientAdmission;
class Relay;
class ReplicationSession;
class ServerConn;
class Worker;

/// What is known of a client in its login and at the console. Its Relay has what remains of that in its facts.
struct ClientInfo {
  ClientAdmission* admission = nullptr;  ///< lives in run() while the client logs in
  std::int64_t connected_us = 0;  ///< worker's clock
  std::string host;  ///< of its address
  std::string user;  ///< empty until the start-up packet is here
  std::string database;
  std::string application_name;
};

/// One client from accept to close. Owned by its Worker, in a slot; its thread only. A coroutine admits it (ClientAdmission)
/// and, at the console, serves it; a session with servers goes on without one, in the callbacks of its Relay, for an idle
/// client should cost little memory. The worker frees the slot when the coroutine or the Relay has ended.
class ClientSession {
 public:
  enum class Phase : std::uint8_t { login, relay, replication, console, closing };

  /// `fd`: a connected, non-blocking socket, owned from now on, of a client at `address`.
  ClientSession(Worker& worker, int fd, ClientAddress address);
  ~ClientSession();
  ClientSession(const ClientSession&) = delete;
  ClientSession& operator=(const ClientSession&) = delete;
  /// In an ObjectSlab.
  static void* operator new(std::size_t, ObjectSlab& slab) { return slab.take(); }
  static void operator delete(void* memory, ObjectSlab&) { ObjectSlab::give(memory); }
  static void operator delete(void* memory) { ObjectSlab::give(memory); }

  /// Begins; the worker has put the session into `slot`.
  void start(std::uint32_t slot);

  Worker& worker() { return worker_; }
  Stream& stream() { return stream_; }
  const Stream& stream() const { return stream_; }
  std::uint64_t id() const { return id_; }  ///< unique in the process
  std::int64_t connected_unix_us() const { return connected_unix_us_; }  ///< µs since 1970
  const std::string& user() const;
  const std::string& database() const;
  const std::string& application_name() const;
  const std::string& host() const;
  ClientAddress address() const;
  Phase phase() const { return phase_; }
  /// nullptr except in Phase::relay.
  const Relay* relay() const { return relay_.get(); }
  /// nullptr except in Phase::replication.
  const ReplicationSession* replication() const { return replication_.get(); }
  /// The connection that serves the client now, or nullptr.
  const ServerConn* server() const;
  ConsoleRights console_rights() const { return rights_; }
  std::int64_t connected_us() const;  ///< worker's clock
  /// "C-0x55d0c0ffee00: db/user@host:port ", what each log line about the client begins with.
  std::string log_prefix() const;
  void append_log_prefix(std::string& out) const;

  bool has_cancel_secret(protocol::ByteView secret) const;
  /// A CancelRequest with this session's process id has come. Returns the connection whose server is to be asked, or nullptr,
  /// as when `secret` is wrong.
  const ServerConn* cancel(protocol::ByteView secret);
  /// At the next transaction boundary / now. The console stays for shut_down().
  void shut_down(const protocol::SqlError& reason);
  /// As Relay::stop_leasing().
  void stop_leasing();
  void kill(const protocol::SqlError& reason);
  /// Worker::is_suspended() has changed.
  void suspension_changed();
  /// False: bytes for its client or its server wait for room.
  bool is_flushed();
  /// The shard is going to be destroyed.
  void forget(const PoolShard& shard);
  /// The worker's tick, every 100 ms.
  void tick(std::int64_t now_us);
  /// Called by the relay, whose session has ended; it is destroyed later, from the worker's loop.
  void relay_ended();

 private:
  friend class ClientAdmission;

  boost::asio::awaitable<void> run();
  void begin_relay(ClientAdmission& admission);
  void begin_replication(ClientAdmission& admission);
  void replication_ended();
  boost::asio::awaitable<void> console_session(ClientAdmission& admission);
  void end();
  void log_login() const;
  void log_close(std::string_view reason) const;

  Worker& worker_;
  Stream stream_;
  std::unique_ptr<ClientInfo> info_;  ///< gone when the Relay has come
  std::uint64_t id_ = 0;
  std::int64_t connected_unix_us_ = 0;
  pid_t peer_pid_ = 0;
  uid_t peer_uid_ = 0;
  std::uint16_t port_ = 0;
  bool is_unix_ = false;
  std::uint32_t slot_ = 0;
  std::uint32_t process_id_ = 0;  ///< what the client was told: of its server, or the cancel key's
  Phase phase_ = Phase::login;
  ConsoleRights rights_ = ConsoleRights::none;
  ClientPermits permits_;
  std::string cancel_secret_;
  std::unique_ptr<Relay> relay_;
  std::unique_ptr<ReplicationSession> replication_;
};

}  // namespace pgswitch
