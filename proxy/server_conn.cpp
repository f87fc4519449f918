#include "proxy/server_conn.hpp"

#include <algorithm>
#include <atomic>

#include "proxy/pool_shard.hpp"
#include "proxy/session/core_shell.hpp"

namespace pgswitch {

namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

std::string_view to_string(ServerStatus status) {
  switch (status) {
    case ServerStatus::login: return "new";
    case ServerStatus::idle: return "idle";
    case ServerStatus::active: return "active";
    case ServerStatus::tested: return "tested";
  }
  return "";
}

void set_parameter(ParameterList& list, std::string_view name, std::string_view value) {
  const auto found = std::find_if(list.begin(), list.end(), [&](const auto& entry) { return entry.first == name; });
  if (found != list.end()) {
    found->second = value;
  } else if (list.size() < max_server_parameters) {
    list.emplace_back(name, value);
  }
}

// Servers go first: a connection that has ended must not be lent in the same turn, and one that becomes free may serve a
// request of that turn.
ServerConn::ServerConn(Poller& poller, protocol::BufferSlab& slab, int fd)
    : stream(poller, fd), in(slab, longest_report), id(next_id()) {
  stream.go_first();
}

ServerConn::~ServerConn() = default;

void ServerConn::end_coroutine() {
  if (!stream.is_open()) return;
  stream.set_owner(this);
  stream.watch(true, false);
}

void ServerConn::on_readable(Stream&) {
  if (peer_) {
    peer_->on_server_readable(*this);
  } else if (shard) {
    shard->on_idle_readable(*this);
  }
}

void ServerConn::on_writable(Stream&) {
  if (peer_) {
    peer_->on_server_writable(*this);
  } else {
    stream.watch(true, false);
  }
}

void ServerConn::on_out_of_memory(Stream&) {
  if (peer_)
    peer_->on_out_of_memory(*this);
  else
    stream.close();
}

void ServerConn::leave() {
  stream.set_owner(nullptr);
  stream.detach();
  in.give_back();
}

// The buffer belongs to a slab of one worker: an empty one takes its place on the new worker.
void ServerConn::arrive(Poller& poller, protocol::BufferSlab& slab) {
  std::destroy_at(&in);
  std::construct_at(&in, slab, longest_report);
  stream.attach(poller);
}

}  // namespace pgswitch
