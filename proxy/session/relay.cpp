#include "proxy/session/relay.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "proxy/client_login.hpp"
#include "proxy/client_session.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/redshift/face.hpp"
#include "proxy/worker.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

using protocol::Severity;
using protocol::SqlError;
using rules::RouteId;
namespace sqlstate = protocol::sqlstate;

namespace {

constexpr int most_pieces = 16;
CoreOptions core_options(const Config& config, PoolMode mode, RouteId route, Shared<std::string> server_version) {
  CoreOptions options;
  if (server_version && !redshift::is_own_version(*server_version)) options.server_version = std::move(server_version);
  options.mode = mode == PoolMode::session       ? CoreOptions::Mode::session
                 : mode == PoolMode::transaction ? CoreOptions::Mode::transaction
                                                 : CoreOptions::Mode::statement;
  options.defer_begin = config.defer_begin;
  options.disable_pqexec = config.disable_pqexec != 0;
  options.conflict_is_error = config.transaction_route_conflict == RouteConflict::error;
  options.truncate_commits = config.redshift_truncate_commits != 0;
  options.query_max_bytes = static_cast<std::uint32_t>(config.query_max_bytes);
  options.max_frame_size = config.max_packet_size;
  options.max_prepared_statements = config.max_prepared_statements > 0 ? static_cast<std::uint32_t>(config.max_prepared_statements) : 200;
  options.default_route = route;
  return options;
}

}  // namespace

Relay::Relay(ClientSession& session, Start start)
    : session_(session), worker_(session.worker()), credentials_(std::move(start.credentials)),
      core_(core_options(worker_.config(), start.mode, start.route, std::move(start.server_version)), std::move(start.facts),
            SessionSettings(std::move(start.tracked), std::move(start.settings))),
      in_(worker_.slab(), static_cast<std::size_t>(worker_.config().query_max_bytes) + 1024) {
  core_.set_sources(*this, worker_.spool_files());
  quiet_us_ = worker_.now_us();
  if (!start.early.empty()) {
    std::copy(start.early.begin(), start.early.end(), in_.prepare().begin());
    in_.commit(start.early.size());
    received_ += start.early.size();
  }
  if (start.lease) {
    start.lease->end_coroutine();
    attach(start.route, std::move(start.lease));
  }
}

Relay::~Relay() {
  if (!finished_) leave_servers();
}

Stream& Relay::client() { return session_.stream(); }

void Relay::start() {
  client().set_owner(this);
  if (worker_.is_suspended()) update_watches();
  if (!held_.empty() || !in_.empty()) drive();
}

void Relay::suspension_changed() {
  if (finished_) return;
  warm_ = true;
  if (worker_.is_suspended()) update_watches();
  else drive();
}

const ServerConn* Relay::server() const {
  for (const Held& held : held_)
    if (held.route == core_.active_route()) return &*held.lease;
  return held_.empty() ? nullptr : &*held_.front().lease;
}

Relay::Held* Relay::find(RouteId route) {
  for (Held& held : held_)
    if (held.route == route) return &held;
  return nullptr;
}

void Relay::drive() {
  if (driving_) return;
  try {
    turn();
  } catch (const std::bad_alloc&) {
    give_up();
  }
}

/// Does what can be done now: the one loop in which bytes move and actions are performed.
void Relay::turn() {
  driving_ = true;
  bool progress = true;
  while (progress && !finished_) {
    const bool fed = feed_client();
    const bool has_more = !in_.received().empty();
    const bool was_blocked = has_more && !can_feed();
    flush_server();
    flush_client();
    progress = has_more && (fed || (was_blocked && can_feed()));  // the client's bytes behind it can go on
    if (!finished_) progress |= act();
  }
  driving_ = false;
  if (finished_) return;
  if (client_done_ && is_left_alone()) return finish("client unexpected eof");
  update_times();
  if ((core_.pins() & ~bit(Pin::session_mode)) != told_pins_) tell_pins();
  update_watches();
  if (shut_down_ && core_.is_idle() && in_.received().empty()) end_session(*std::exchange(shut_down_, {}));
}

bool Relay::can_feed() { return core_.wants_client() && core_.to_server().empty() && !worker_.is_suspended(); }

bool Relay::feed_client() {
  if (in_.received().empty() || !can_feed()) return false;
  core_.set_engine(worker_.engine());
  core_.set_now(worker_.now_us());
  worker_.spool_files().serve(*this);
  const std::string_view bytes = in_.received();
  const std::size_t used = core_.on_client_bytes(bytes);
  if (log_enabled(LogLevel::noise)) client_trace_.trace(protocol::Direction::from_frontend, session_.log_prefix(), bytes.substr(0, used));
  in_.parse(used);
  begins_ = begins_ && core_.has_deferred();
  if (used > 0 && request_us_ == 0) {
    request_us_ = worker_.now_us();
    warm_ = true;
  }
  if (core_.client_bytes_needed() > 0) {
    flush_server();
    if (!make_room(in_, core_.client_bytes_needed())) return core_.on_no_room(), true;
  }
  client_full_ = false;
  return used > 0;
}

/// For a message that has come in part: as it comes, for its header may promise more than is ever sent. False: there is none.
bool Relay::make_room(protocol::LinearBuffer& in, std::size_t needed) {
  const std::size_t size = std::min(needed, in.received().size() + worker_.slab().block_size() / 2);
  return in.reserve(size) || !in.outstanding().empty() || size > in.max_size();
}

void Relay::feed_server(ServerConn& server) {
  const std::string_view bytes = server.in.received();
  const RouteId route = server.route;
  core_.set_engine(worker_.engine());
  core_.set_now(worker_.now_us());
  worker_.spool_files().serve(*this);
  const std::size_t used = core_.on_server_bytes(route, bytes);
  if (log_enabled(LogLevel::noise)) server_trace_.trace(protocol::Direction::from_backend, session_.log_prefix(), bytes.substr(0, used));
  server.in.parse(used);
  if (core_.to_client().empty()) {
    server.in.consume(server.in.outstanding().size());
    server.in.give_back();
  }
  if (core_.server_bytes_needed() > 0) flush_client();
}

void Relay::flush_server() {
  Gather& out = core_.to_server();
  Held* held = out.empty() ? nullptr : find(core_.active_route());
  while (held && !held->takes_nothing && !out.empty()) {
    std::array<iovec, most_pieces> pieces;
    const int count = out.pieces(pieces.data(), most_pieces);
    const IoResult result = held->lease->stream.write_some(pieces.data(), count);
    out.written(result.bytes);  // a write that would block may have written a part
    if (result.status == IoResult::Status::would_block) return;
    if (result.status == IoResult::Status::ok) continue;
    held->takes_nothing = true;  // its end of file tells, after what it still had to say
    break;
  }
  if (out.empty() && !in_.outstanding().empty()) {
    in_.consume(in_.outstanding().size());
    client_full_ = false;
  }
  in_.give_back();
}

void Relay::flush_client() {
  Gather& out = core_.to_client();
  if (out.empty() || core_.holds_replies()) return;
  while (!out.empty()) {
    std::array<iovec, most_pieces> pieces;
    const int count = out.pieces(pieces.data(), most_pieces);
    const IoResult result = client().write_some(pieces.data(), count);
    out.written(result.bytes);
    sent_ += result.bytes;
    if (result.status == IoResult::Status::would_block) return;
    if (result.status == IoResult::Status::ok) continue;
    if (!client_left_) return finish("client unexpected eof");
    out.clear();
  }
  for (Held& held : held_) {
    held.lease->in.consume(held.lease->in.outstanding().size());
    held.lease->in.give_back();
  }
}

/// Performs the core's next action; false when there is none that can be performed now.
bool Relay::act() {
  const Action action = postponed_ ? *postponed_ : core_.next();
  postponed_.reset();
  switch (action.kind) {
    case Action::Kind::need_more: return false;
    case Action::Kind::acquire: return acquire(action.route);
    case Action::Kind::release:
      if (!core_.to_client().empty()) {
        postponed_ = action;
        return false;
      }
      release(action);
      return true;
    case Action::Kind::cancel: cancel_limited(action.route); return true;
    case Action::Kind::load: open_load(action.route); return true;
    case Action::Kind::close:
      if (core_.to_client().empty()) {
        finish(end_reason_.value_or("client close request"));
      } else if (closing_us_ == 0) {
        closing_us_ = worker_.now_us();
      }
      return false;
  }
  return false;
}

PoolShard* Relay::shard(RouteId route, SqlError& error) {
  for (const auto& [known, found] : shards_)
    if (known == route) return found;
  if (worker_.leases_end()) {
    if (begins_) return worker_.router().shard(route, credentials_, error);
    error = fatal(sqlstate::admin_shutdown, "server shutting down");
    return nullptr;
  }
  PoolShard* found = worker_.router().shard(route, credentials_, error);
  if (found) shards_.emplace_back(route, found);
  return found;
}

bool Relay::acquire(RouteId route) {
  SqlError error;
  PoolShard* pool = shard(route, error);
  if (!pool) {
    if (!worker_.leases_end() || begins_) error.severity = Severity::error;
    if (error.severity == Severity::fatal) end_reason_ = error.message;
    core_.on_acquire_failed(error);
    return true;
  }
  Lease lease = pool->acquire(*this);
  if (lease) {
    begins_ = false;
    attach(route, std::move(lease));
    return true;
  }
  wait_timeout_us = pool->query_wait_timeout_of(credentials_->user);
  waiting_ = true;
  told_wait_ = false;
  waiting_at_ = pool;
  wanted_ = route;
  return false;
}

void Relay::stop_leasing() {
  shards_.clear();
  begins_ = core_.has_deferred();
}

/// Of a route that has been asked for before: the first time may fail.
ServerState* Relay::lease_now(RouteId route) {
  for (const auto& [known, pool] : shards_)
    if (known == route)
      if (Lease lease = pool->acquire_idle()) return &hold(route, std::move(lease));
  return nullptr;
}

ServerState& Relay::hold(RouteId route, Lease lease) {
  warm_ = true;
  lease->set_peer(this);
  return held_.emplace_back(Held{route, std::move(lease)}).lease->state;
}

void Relay::attach(RouteId route, Lease lease) { core_.on_acquired(route, hold(route, std::move(lease))); }

void Relay::on_lease(Lease lease) {
  waiting_ = begins_ = false;
  attach(wanted_, std::move(lease));
  drive();
}

void Relay::on_lease_failed(const SqlError& error) {
  waiting_ = false;
  if (error.severity == Severity::fatal) end_reason_ = error.message;
  ++worker_.route_stats(wanted_).errors;
  core_.on_acquire_failed(error);
  drive();
}

void Relay::release(const Action& action) {
  Held* held = find(action.route);
  if (!held) return;
  update_times();
  Lease lease = std::move(held->lease);
  count(*lease);
  held_.erase(held_.begin() + (held - held_.data()));
  lease->set_peer(nullptr);
  Leftover leftover = action.leftover;
  leftover.unusable |= !lease->in.empty();
  lease.give_back(leftover);
}

void Relay::on_readable(Stream&) {
  const std::span<char> room = in_.prepare();
  if (room.empty()) {
    client_full_ = true;
    return update_watches();
  }
  const IoResult result = client().read_some(room.data(), room.size());
  if (result.status == IoResult::Status::ok) {
    in_.commit(result.bytes);
    received_ += result.bytes;
    return drive();
  }
  in_.give_back();
  if (result.status == IoResult::Status::would_block) return;
  const bool closed = result.status == IoResult::Status::closed;
  client_left_ = closed && protocol::frontend::ends_with_terminate(in_.received());
  client_done_ = client_left_ || (closed && !result.error);
  if (!client_done_) return finish("client unexpected eof");
  drive();
}

void Relay::on_writable(Stream&) {
  flush_client();
  if (!finished_) drive();
}

void Relay::on_server_readable(ServerConn& server) {
  if (server.route != core_.active_route() && !core_.at_frame_boundary()) return server.stream.watch(false, false);
  const std::span<char> room = server.in.prepare();
  if (room.empty()) return server.stream.watch(false, server.stream.watches_write());
  const IoResult result = server.stream.read_some(room.data(), room.size());
  if (result.status == IoResult::Status::ok) {
    server.in.commit(result.bytes);
    feed_server(server);
    if (finished_) return;
    if (core_.server_bytes_needed() > 0 && !make_room(server.in, core_.server_bytes_needed())) return server_lost(server, "no memory for a long message of the server");
    return drive();
  }
  server.in.give_back();
  if (result.status != IoResult::Status::would_block) server_lost(server, "server closed the connection unexpectedly");
}

void Relay::on_server_writable(ServerConn&) { drive(); }

void Relay::server_lost(ServerConn& server, const char* what) {
  ++worker_.stats().servers_lost;
  ++worker_.route_stats(server.route).errors;
  SqlError error;
  error.sqlstate = sqlstate::connection_failure;
  error.message = what;
  error.detail = "Route \"" + rules::route_name(server.route) + "\", server process " + std::to_string(server.process_id) + ".";
  server.stream.close();
  core_.to_client().detach();
  core_.on_server_lost(server.route, error);
  end_reason_ = std::string(what);
  drive();
  if (!finished_) end_reason_.reset();
}

/// Back-pressure: a source is read only while there is room (for rows, too, which a cursor keeps), a target watched only while something is left for it.
void Relay::update_watches() {
  const bool client_blocked = !core_.to_client().empty() && !core_.holds_replies();
  const bool server_blocked = !core_.to_server().empty();
  const bool reads = !worker_.is_suspended();
  client().watch(reads && !client_full_ && !client_done_, client_blocked);
  for (Held& held : held_) {
    const bool active = held.route == core_.active_route();
    const bool writes = active && server_blocked && !held.takes_nothing;
    held.lease->stream.watch(reads && !client_blocked && (active ? core_.wants_server() : core_.at_frame_boundary()), writes);
  }
}

}  // namespace pgswitch
