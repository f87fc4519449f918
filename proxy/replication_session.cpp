#include "proxy/replication_session.hpp"

#include <algorithm>

#include "protocol/writer.hpp"
#include "proxy/client_login.hpp"
#include "proxy/pool_shard.hpp"

namespace pgswitch {
namespace {

/// A CopyData of the walsender's holds at most 128 kB of WAL (MAX_SEND_SIZE).
constexpr std::size_t pipe_size = 64 * 1024;
constexpr unsigned header_size = 5;

}  // namespace

void MessageBoundary::pass(std::string_view bytes) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const std::size_t size = std::min<std::size_t>(left_, bytes.size());
      left_ -= static_cast<std::uint32_t>(size);
      bytes.remove_prefix(size);
      continue;
    }
    length_ = length_ << 8 | static_cast<unsigned char>(bytes.front());  // the type byte is shifted out
    bytes.remove_prefix(1);
    if (++header_size_ < header_size) continue;
    header_size_ = 0;
    left_ = length_ > 4 ? length_ - 4 : 0;
  }
}

ReplicationSession::ReplicationSession(Stream& client, Lease server, std::function<void()> on_end)
    : client_(client), lease_(std::move(server)), on_end_(std::move(on_end)) {}

ReplicationSession::~ReplicationSession() {
  if (lease_) lease_.close("replication client was closed");
}

void ReplicationSession::start(std::string_view early) {
  to_server_.bytes.resize(std::max(pipe_size, early.size()));
  to_client_.bytes.resize(pipe_size);
  to_server_.end = static_cast<std::size_t>(std::copy(early.begin(), early.end(), to_server_.bytes.begin()) - to_server_.bytes.begin());
  lease_->set_peer(this);
  lease_->end_coroutine();
  client_.set_owner(this);
  carry_to_server();
}

void ReplicationSession::kill(const protocol::SqlError& reason) {
  if (finished_) return;
  if (to_client_.is_empty() && told_client_.is_here()) {
    std::string text;
    protocol::write_error(text, reason);
    const iovec piece{text.data(), text.size()};
    client_.write_some(&piece, 1);
  }
  finish(reason.message);
}

void ReplicationSession::tick() {
  if (lease_ && lease_->close_needed) kill(fatal(protocol::sqlstate::admin_shutdown, "database configuration changed"));
}

void ReplicationSession::on_readable(Stream&) { carry_to_server(); }
void ReplicationSession::on_writable(Stream&) { carry_to_client(); }
void ReplicationSession::on_out_of_memory(Stream&) { finish("out of memory"); }
void ReplicationSession::on_server_readable(ServerConn&) { carry_to_client(); }
void ReplicationSession::on_server_writable(ServerConn&) { carry_to_server(); }
void ReplicationSession::on_out_of_memory(ServerConn&) { finish("out of memory"); }

// One read each time, so that nobody else waits long; of what is left in a socket the stream tells again.
void ReplicationSession::carry_to_server() {
  if (finished_) return;
  if (to_server_.is_empty() && !fill(client_, to_server_, "replication client disconnected")) return;
  if (drain(to_server_, lease_->stream, "server conn crashed?")) update_watches();
}

void ReplicationSession::carry_to_client() {
  if (finished_) return;
  if (to_client_.is_empty() && !fill(lease_->stream, to_client_, "server conn crashed?")) return;
  if (drain(to_client_, client_, "replication client disconnected")) update_watches();
}

bool ReplicationSession::fill(Stream& from, Pipe& pipe, std::string_view reason_of_end) {
  const IoResult result = from.read_some(pipe.bytes.data(), pipe.bytes.size());
  pipe.begin = 0;
  pipe.end = result.bytes;
  if (result.status == IoResult::Status::ok || result.status == IoResult::Status::would_block) return true;
  finish(reason_of_end);
  return false;
}

bool ReplicationSession::drain(Pipe& pipe, Stream& to, std::string_view reason_of_end) {
  while (!pipe.is_empty()) {
    const iovec piece{pipe.bytes.data() + pipe.begin, pipe.end - pipe.begin};
    const IoResult result = to.write_some(&piece, 1);
    const bool to_client = &to == &client_;
    if (to_client) told_client_.pass({pipe.bytes.data() + pipe.begin, result.bytes});
    (to_client ? lease_->shard->stats.sent : lease_->shard->stats.received) += result.bytes;
    pipe.begin += result.bytes;
    if (result.status == IoResult::Status::would_block) return true;
    if (result.status == IoResult::Status::ok) continue;
    finish(reason_of_end);
    return false;
  }
  return true;
}

// What is not taken on one side is not read on the other.
void ReplicationSession::update_watches() {
  client_.watch(to_server_.is_empty(), !to_client_.is_empty());
  lease_->stream.watch(to_client_.is_empty(), !to_server_.is_empty());
}

void ReplicationSession::finish(std::string_view reason) {
  if (finished_) return;
  finished_ = true;
  end_reason_ = reason;
  client_.set_owner(nullptr);
  lease_.close(reason);
  on_end_();
}

}  // namespace pgswitch
