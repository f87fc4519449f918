// How a session ends, and what reaches it from outside: cancel, shutdown, kill, no memory.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "protocol/writer.hpp"
#include "proxy/cancel.hpp"
#include "proxy/client_session.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/session/core_load.hpp"
#include "proxy/session/relay.hpp"
#include "proxy/worker.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;
namespace sqlstate = protocol::sqlstate;

namespace {

/// Made in advance: there is no memory for it when it is needed.
const std::string out_of_memory_text = [] {
  SqlError error;
  error.severity = Severity::fatal;
  error.sqlstate = sqlstate::out_of_memory;
  error.message = "out of memory";
  std::string text;
  protocol::write_error(text, error);
  return text;
}();

}  // namespace

const ServerConn* Relay::cancel() {
  if (finished_) return nullptr;
  if (waiting_) {
    waiting_at_->cancel_wait(*this);
    waiting_ = false;
    SqlError error;
    error.sqlstate = sqlstate::query_canceled;
    error.message = "canceling statement due to user request";
    error.detail = "It was waiting for a server connection of route \"" + rules::route_name(wanted_) + "\".";
    core_.on_acquire_failed(error);
    drive();
    return nullptr;
  }
  if (core_.limit_phase() == LimitPhase::delayed) {
    SqlError error;
    error.sqlstate = sqlstate::query_canceled;
    error.message = "canceling statement due to user request";
    error.detail = "A rule let it wait.";
    core_.cancel_delay(error);
    drive();
    return nullptr;
  }
  if (CoreLoad* const load = core_.load()) {
    SqlError error;
    error.sqlstate = sqlstate::query_canceled;
    error.message = "canceling statement due to user request";
    if (load->cancel(std::move(error))) return drive(), nullptr;
  }
  Held* held = find(core_.active_route());
  if (!held || !core_.is_busy()) return nullptr;
  return &*held->lease;
}

/// Of a statement that is over a rule's limit. While the request is on its way nothing else is sent to that server.
void Relay::cancel_limited(rules::RouteId route) {
  const Held* const held = find(route);
  if (!held) return core_.on_cancel_ended();
  const std::int64_t deadline_us = cancel_deadline_us(worker_);
  boost::asio::co_spawn(worker_.io(), send_cancel(worker_, *held->lease, deadline_us), boost::asio::detached);
}

void Relay::shut_down(const SqlError& reason) {
  if (finished_) return;
  shut_down_ = reason;
  drive();
}

void Relay::kill(const SqlError& reason) {
  if (!finished_) end_session(reason);
}

void Relay::end_session(const SqlError& error) {
  end_reason_ = error.message;
  core_.end(error);
  drive();
}

/// Whether a client that has closed its side has all that it can still be given.
bool Relay::is_left_alone() {
  const bool has_more = !in_.received().empty() && worker_.is_suspended();
  return !client_left_ && !has_more && !core_.owes_answers() && (core_.to_client().empty() || core_.holds_replies());
}

/// A client that has closed its side may wait for its answers as PostgreSQL gives them, or be gone with its query left behind: who
/// is gone has a kernel that refuses what is sent.
void Relay::look_for_client() {
  constexpr int ticks_between = 10;
  if (client().is_refused()) return finish("client unexpected eof");
  if (++looks_ % ticks_between != 2) return;
  core_.repeat_setting();
  drive();
}

/// The session is over, for this reason.
void Relay::finish(std::string reason) {
  if (finished_) return;
  finished_ = true;
  end_reason_ = std::move(reason);
  leave_servers();
  session_.relay_ended();
}

void Relay::on_out_of_memory(Stream&) { give_up(); }

void Relay::on_out_of_memory(ServerConn&) { give_up(); }

/// Memory ended half-way through something, so nothing that is known of the session can be relied on.
void Relay::give_up() {
  if (finished_) return;
  if (core_.to_client().empty() && core_.at_frame_boundary()) {
    const iovec piece{const_cast<char*>(out_of_memory_text.data()), out_of_memory_text.size()};
    client().write_some(&piece, 1);
  }
  core_.to_client().clear();
  core_.to_server().clear();
  in_.parse(in_.received().size());
  in_.consume(in_.outstanding().size());
  in_.give_back();
  for (Held& held : held_) {
    held.lease->set_peer(nullptr);
    held.lease.close("out of memory");
  }
  held_.clear();
  finish("out of memory");
}

/// Every lease goes back in the state it is in.
void Relay::leave_servers() {
  if (waiting_) waiting_at_->cancel_wait(*this);
  if (client().is_open()) client().set_owner(nullptr);
  for (Held& held : held_) {
    count(*held.lease);
    held.lease->set_peer(nullptr);
    const Leftover leftover = core_.leftover(held.route);
    held.lease->in.consume(held.lease->in.outstanding().size());
    held.lease.give_back(leftover);
  }
  held_.clear();
}

}  // namespace pgswitch
