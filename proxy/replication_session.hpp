#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/pool.hpp"
#include "proxy/server_conn.hpp"
#include "proxy/stream.hpp"

namespace pgswitch {

/// Where messages end in bytes that are otherwise not looked at (manual, 55.7: a type byte, a length that counts itself).
class MessageBoundary {
 public:
  void pass(std::string_view bytes);
  bool is_here() const { return left_ == 0 && header_size_ == 0; }

 private:
  std::uint32_t left_ = 0;       ///< of the body
  std::uint32_t length_ = 0;
  unsigned header_size_ = 0;
};

/// A logged-in replication client and the walsender that serves nobody else: bytes go from one to the other as they are, in
/// both directions at once (manual, 55.4: COPY in both directions). Owned by its ClientSession; the worker's thread only.
class ReplicationSession final : private StreamOwner, private ServerPeer {
 public:
  /// `server`: a connection of PoolShard::open_apart(). `on_end` is called once, at the end; it may not destroy the session.
  ReplicationSession(Stream& client, Lease server, std::function<void()> on_end);
  ~ReplicationSession();
  ReplicationSession(const ReplicationSession&) = delete;
  ReplicationSession& operator=(const ReplicationSession&) = delete;

  /// `early`: what the client has sent behind its login.
  void start(std::string_view early);
  /// Ends it now. The client is told `reason`, unless it is in the middle of a message of the server's.
  void kill(const protocol::SqlError& reason);
  /// The worker's tick: ends it when its server is not to be used any more (close_needed), for it may never end by itself.
  void tick();

  /// nullptr: it has ended.
  const ServerConn* server() const { return lease_ ? &*lease_ : nullptr; }
  const std::string& end_reason() const { return end_reason_; }
  /// Nothing waits for room in a socket.
  bool is_flushed() const { return to_server_.is_empty() && to_client_.is_empty(); }

 private:
  /// What was read on one side and not yet written on the other.
  struct Pipe {
    std::vector<char> bytes;
    std::size_t begin = 0;
    std::size_t end = 0;
    bool is_empty() const { return begin == end; }
  };
  void on_readable(Stream& stream) override;
  void on_writable(Stream& stream) override;
  void on_out_of_memory(Stream& stream) override;
  void on_server_readable(ServerConn& server) override;
  void on_server_writable(ServerConn& server) override;
  void on_out_of_memory(ServerConn& server) override;

  void carry_to_server();
  void carry_to_client();
  bool fill(Stream& from, Pipe& pipe, std::string_view reason_of_end);
  bool drain(Pipe& pipe, Stream& to, std::string_view reason_of_end);
  void update_watches();
  void finish(std::string_view reason);

  Stream& client_;
  Lease lease_;
  std::function<void()> on_end_;
  Pipe to_server_;
  Pipe to_client_;
  MessageBoundary told_client_;
  std::string end_reason_;
  bool finished_ = false;
};

}  // namespace pgswitch
