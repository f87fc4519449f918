#include <algorithm>
#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <charconv>

#include "protocol/backend.hpp"
#include "protocol/writer.hpp"
#include "proxy/log.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/redshift/upkeep.hpp"
#include "proxy/server_query.hpp"
#include "proxy/server_recovery.hpp"
#include "rules/route_names.hpp"

// PoolShard's dealings with its connections while nobody holds them: watching, checking, cleaning, closing.
namespace pgswitch {

namespace asio = boost::asio;
namespace backend = protocol::backend;

namespace {

constexpr std::int64_t cleaning_time_us = 10 * one_second;
constexpr std::int64_t doubt_time_us = one_second;
constexpr std::string_view discard_all = "DISCARD ALL";

// "<empty>" is pgbouncer's spelling of a query without text; without a setting nothing is checked.
std::string_view check_query(const Config& config, ServerKind kind) {
  if (kind == ServerKind::redshift) return redshift::check_query(config.server_check_query);
  return config.server_check_query == "<empty>" ? std::string_view() : std::string_view(config.server_check_query);
}

std::size_t hash_of(std::uint64_t id) { return static_cast<std::size_t>(id * 0x9e3779b97f4a7c15ull >> 32); }

}  // namespace

std::string_view PoolShard::reason_to_close(const ServerConn& server) const {
  if (paused_) return "pause mode";
  if (server.has_unsettled_cancel) return "cancel_wait_timeout";
  if (!server.close_needed) return {};
  return server.close_reason_.empty() ? std::string_view("close_needed") : server.close_reason_;
}

// Each connection lives up to a tenth less than configured: those opened together must not all be closed together.
bool PoolShard::is_too_old(const ServerConn& server) const {
  const Microseconds lifetime = config_->server_lifetime_of(*database_);
  if (lifetime <= 0) return true;
  const auto jitter = static_cast<Microseconds>(hash_of(server.id) % static_cast<std::size_t>(lifetime / 10 + 1));
  return now() - server.connected_us >= lifetime - jitter;
}

bool PoolShard::needs_reset(const ServerConn& server, const Leftover& leftover) const {
  const bool always = mode_ == PoolMode::session || config_->server_reset_query_always != 0;
  return leftover.reset_needed || leftover.state_unknown || server.state.unknown_settings || server.state.session_state ||
         (always && !config_->server_reset_query.empty());
}

bool PoolShard::needs_check(const ServerConn& server) const {
  if (config_->server_check_query.empty()) return false;
  return now() - server.last_used_us >= config_->server_check_delay;
}

void PoolShard::start_coroutine(ServerConn& server, asio::awaitable<bool> work) {
  server.status_ = ServerStatus::tested;
  server.begin_coroutine();
  asio::co_spawn(home_.io, std::move(work), [this, &server](std::exception_ptr failure, bool usable) {
    on_coroutine_end(server, !failure && usable);
  });
}

void PoolShard::on_coroutine_end(ServerConn& server, bool usable) {
  if (std::exchange(server.checked_for_waiter_, false)) --checks_;
  if (!usable || !server.stream.is_open()) {
    bury(server, server.close_reason_.empty() ? std::string_view("server conn crashed?") : server.close_reason_);
    serve_waiters();
    return;
  }
  if (!server.close_needed) server.close_reason_ = {};
  server.status_ = ServerStatus::active;  // it is on no list
  server.end_coroutine();
  make_available(server);
}

asio::awaitable<bool> PoolShard::check(ServerConn& server) {
  const ConfigPtr config = config_;  // a reload must not take the query away
  protocol::SqlError error;
  char status = 'I';
  const std::int64_t deadline_us = now() + cleaning_time_us;
  bool ok = co_await run_query(server, check_query(*config, server.state.kind), deadline_us, error, &status);
  ok = ok && status == 'I';
  if (!ok && server.close_reason_.empty()) server.close_reason_ = "test query failed";
  server.in.consume(server.in.outstanding().size());
  co_return ok;
}

asio::awaitable<bool> PoolShard::clean_up(ServerConn& server, Leftover leftover) {
  RecoveryPlan plan;
  plan.deadline_us = now() + cleaning_time_us;
  if (needs_reset(server, leftover)) {
    // In transaction pooling nothing less makes temp tables, locks and settings of the last client disappear, and a reset
    // query that was switched off was meant for clients that leave nothing behind.
    const bool configured = mode_ == PoolMode::session || config_->server_reset_query_always != 0;
    plan.reset_query = configured && !config_->server_reset_query.empty() && !leftover.state_unknown ? config_->server_reset_query : discard_all;
  }
  std::string_view reason;
  const bool ok = co_await recover(home_, server, leftover, plan, reason);
  if (!ok && server.close_reason_.empty()) server.close_reason_ = reason;
  co_return ok;
}

// What a server may say unasked: settings changed by a reload of its own, notices. Anything else, and the end of the
// connection, is the reason returned.
std::string_view PoolShard::absorb_input(ServerConn& server) {
  for (;;) {
    const std::span<char> room = server.in.prepare();
    if (room.empty()) return "idle server got dirty";
    const IoResult result = server.stream.read_some(room.data(), room.size());
    if (result.status == IoResult::Status::would_block) break;
    if (result.status != IoResult::Status::ok) return "server connection closed";
    server.in.commit(result.bytes);
    protocol::FrameHeader header;
    for (;;) {
      const auto status = protocol::read_header(server.in.received(), max_server_message, header);
      if (status == protocol::HeaderStatus::malformed) return "bad pkt header";
      if (status == protocol::HeaderStatus::need_more || server.in.received().size() < header.frame_size()) break;
      const protocol::ByteView frame = server.in.parse(header.frame_size());
      const protocol::ByteView body = frame.substr(protocol::frame_header_size);
      const bool tolerated =
          header.type == backend::notice_response ||
          (header.type == backend::parameter_status && note_parameter(server, body));
      if (header.type == backend::error_response) log(server, "server says: " + backend::read_error(body).message);
      server.in.consume(frame.size());
      if (!tolerated) return header.type == backend::error_response ? "server connection closed" : "idle server got dirty";
    }
    if (!server.in.received().empty() && !server.in.reserve(header.frame_size())) return "idle server got dirty";
  }
  if (server.in.empty()) server.in.give_back();
  return {};
}

void PoolShard::on_idle_readable(ServerConn& server) {
  const std::string_view reason = absorb_input(server);
  if (reason.empty()) return;
  if (server.status_ == ServerStatus::active) {
    server.stream.close();  // on its way to a waiter: run_deliveries() sees it
  } else {
    close(server, reason);
  }
}

void PoolShard::close(ServerConn& server, std::string_view reason) {
  server.set_peer(nullptr);
  if (server.status_ == ServerStatus::tested) {
    server.close_reason_ = reason;
    server.stream.close();  // its coroutine wakes and ends
    return;
  }
  bury(server, reason);
  if (!waiters_.empty()) post(&PoolShard::on_poke);
}

// A server that is closed in the middle of a query notices when it has something to say, which may take hours.
void PoolShard::abandon(ServerConn& server, std::string_view reason) {
  if (home_.cancel && server.stream.is_open())
    asio::co_spawn(home_.io, home_.cancel(server, now() + cleaning_time_us), asio::detached);
  close(server, reason);
}

ServerConn& PoolShard::own(std::unique_ptr<ServerConn> server) {
  server->shard = this;
  server->index_ = servers_.size();
  return *servers_.emplace_back(std::move(server));
}

std::unique_ptr<ServerConn> PoolShard::disown(ServerConn& server) {
  const std::size_t index = server.index_;
  std::swap(servers_[index], servers_.back());
  servers_[index]->index_ = index;
  std::unique_ptr<ServerConn> removed = std::move(servers_.back());
  servers_.pop_back();
  return removed;
}

// The socket and the permits go now. The object goes later: this may run inside one of its callbacks.
void PoolShard::bury(ServerConn& server, std::string_view reason) {
  if (config_->log_disconnections != 0) {
    const std::int64_t age = (now() - server.connected_us) / one_second;
    log(server, "closing because: " + std::string(reason) + " (age=" + std::to_string(age) + "s)");
  }
  if (server.status_ == ServerStatus::idle) {
    idle_.remove(server);
    publish_idle();
  }
  if (server.stream.is_open()) {
    std::string bye;
    protocol::write_terminate(bye);
    const iovec piece{bye.data(), bye.size()};
    server.stream.write_some(&piece, 1);
    server.stream.close();
  }
  doubt_until_us_ = now() + doubt_time_us;
  for (Permit& permit : server.permits_) permit.reset();
  server.shard = nullptr;
  buried_.push_back(disown(server));
  asio::post(home_.io, [this, alive = std::weak_ptr<int>(alive_)] {
    if (!alive.expired()) buried_.clear();
  });
  if (!pool_->is_shared()) return;
  std::int64_t since = 0;  // whoever waits may open one now
  if (PoolSeat* seat = pool_->neediest(seat_, since)) pool_->post(*seat, [](PoolShard& shard) { shard.on_poke(); });
}

bool PoolShard::evict_idle() {
  if (idle_.empty()) return false;
  close(*idle_.oldest(), "evicted");
  return true;
}

void PoolShard::log(const ServerConn& server, std::string_view text) const {
  std::array<char, 16> digits;
  const auto number = reinterpret_cast<std::uintptr_t>(&server);
  std::string line = "S-0x";
  line.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number, 16).ptr);
  const bool v6 = server.address.find(':') != std::string::npos;
  line += ": " + rules::route_name(route()) + "/" + user() + "@" + (v6 ? "[" + server.address + "]" : server.address);
  log_line(LogLevel::info, line + ":" + std::to_string(server.port) + " " + std::string(text));
}

}  // namespace pgswitch
