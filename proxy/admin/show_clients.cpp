// SHOW CLIENTS and SHOW SERVERS.
#include <algorithm>
#include <array>
#include <cstdio>
#include <map>

#include "proxy/admin/show.hpp"
#include "proxy/admin/show_rows.hpp"
#include "proxy/clock.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/router.hpp"
#include "proxy/session/relay.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::admin {
namespace {

constexpr Type int4 = Type::int4;
constexpr Field of_client[] = {
    {"type"}, {"user"}, {"database"}, {"replication"}, {"state"}, {"addr"}, {"port", int4}, {"local_addr"}, {"local_port", int4},
    {"connect_time"}, {"request_time"}, {"wait", int4}, {"wait_us", int4}, {"close_needed", int4}, {"ptr"}, {"link"},
    {"remote_pid", int4}, {"tls"}, {"application_name"}, {"prepared_statements", int4}, {"id", int4}, {"route"}, {"pins"}};

/// The same, and what is behind the connection.
constexpr auto of_server = [] {
  std::array<Field, std::size(of_client) + 1> fields{};
  std::copy(std::begin(of_client), std::end(of_client), fields.begin());
  fields.back() = Field{"kind"};
  return fields;
}();

using Phase = ClientSession::Phase;

/// A time of the worker's clock as a timestamp.
std::string timestamp_of(const Worker& worker, std::int64_t worker_us) {
  return timestamp(unix_us() - (worker.now_us() - worker_us));
}

std::string pointer_text(const void* pointer) {
  if (!pointer) return {};
  char text[32];
  std::snprintf(text, sizeof text, "%p", pointer);
  return text;
}

std::string_view state_of(const ClientSession& session) {
  const Relay* const relay = session.relay();
  if (!relay) return "active";
  if (relay->is_waiting()) return "waiting";
  return relay->server() ? "active" : "idle";
}

std::string_view to_string(protocol::Replication replication) {
  switch (replication) {
    case protocol::Replication::none: return "none";
    case protocol::Replication::physical: return "physical";
    case protocol::Replication::logical: return "logical";
  }
  return "";
}

Rows clients_of(Worker& worker) {
  Rows rows;
  for (const auto& session : worker.sessions()) {
    if (session && (session->phase() == Phase::relay || session->phase() == Phase::replication || session->phase() == Phase::console))
      rows.push_back(client_row(worker, *session));
  }
  return rows;
}

/// Who holds which connection.
using Holders = std::map<const ServerConn*, const ClientSession*>;

Holders holders_of(Worker& worker) {
  Holders holders;
  for (const auto& session : worker.sessions()) {
    if (session && session->replication()) holders[session->server()] = session.get();
    if (session && session->relay())
      session->relay()->each_server([&](const ServerConn& server) { holders[&server] = session.get(); });
  }
  return holders;
}

std::string_view state_of(const Worker& worker, const ServerConn& server) {
  if (server.status() == ServerStatus::idle && server.cancels_in_flight > 0) return "being_canceled";
  if (server.status() == ServerStatus::idle && worker.now_us() - server.last_used_us >= worker.config().server_check_delay) return "used";
  return server.status() == ServerStatus::login ? "new" : to_string(server.status());
}

Row server_row(Worker& worker, const PoolShard& shard, const ServerConn& server, const ClientSession* holder) {
  const ClientAddress here = address_here(server.stream.fd(), server.port);
  const Relay* const relay = holder ? holder->relay() : nullptr;
  const std::int64_t request_us = relay ? relay->request_time_us() : 0;
  const std::int64_t wait_us = request_us != 0 ? worker.now_us() - request_us : 0;
  const std::int64_t used_us = server.last_used_us != 0 ? server.last_used_us : server.connected_us;
  return Row{"S",
             shard.user(),
             shard.database().name,
             std::string(to_string(server.replication)),
             std::string(state_of(worker, server)),
             server.address,
             number(server.port),
             here.host,
             number(here.port),
             timestamp_of(worker, server.connected_us),
             timestamp_of(worker, request_us != 0 ? request_us : used_us),
             number(wait_us / 1'000'000),
             number(wait_us % 1'000'000),
             server.close_needed ? "1" : "0",
             pointer_text(&server),
             pointer_text(holder),
             number(server.process_id),
             server.stream.tls_description(),
             server.state.reported[static_cast<std::size_t>(Tracked::application_name)],
             number(server.state.prepared.size()),
             number(server.id),
             rules::route_name(shard.route()),
             relay ? describe_pins(relay->core().pins()) : std::string()};
}

Rows servers_of(Worker& worker) {
  Rows rows;
  each_server_row(worker, [&rows](Row row, const ServerConn& server) {
    const bool is_known = server.status() != ServerStatus::login;
    row.push_back(is_known ? std::optional(std::string(to_string(server.state.kind))) : std::nullopt);
    rows.push_back(std::move(row));
  });
  return rows;
}

}  // namespace

Row client_row(Worker& worker, const ClientSession& session) {
  const ClientAddress here = address_here(session.stream().fd(), worker.config().listen_port);
  const Relay* const relay = session.relay();
  const ServerConn* const server = session.server();
  const std::int64_t request_us = relay ? relay->request_time_us() : 0;
  const std::int64_t wait_us = request_us != 0 ? worker.now_us() - request_us : 0;
  return Row{"C",
             session.user().empty() ? "(nouser)" : session.user(),
             session.phase() == Phase::console ? "pgbouncer" : session.database(),
             std::string(to_string(session.replication() && server ? server->replication : protocol::Replication::none)),
             std::string(state_of(session)),
             session.host(),
             number(session.address().port),
             here.host,
             number(here.port),
             timestamp(session.connected_unix_us()),
             request_us != 0 ? timestamp_of(worker, request_us) : timestamp(session.connected_unix_us()),
             number(wait_us / 1'000'000),
             number(wait_us % 1'000'000),
             "0",
             pointer_text(&session),
             pointer_text(server),
             number(session.address().pid),
             session.stream().tls_description(),
             session.application_name(),
             number(relay ? relay->core().prepared_count() : 0),
             number(session.id()),
             server ? rules::route_name(server->route) : std::string(),
             relay ? describe_pins(relay->core().pins()) : std::string()};
}

void each_server_row(Worker& worker, const std::function<void(Row row, const ServerConn& server)>& visit) {
  const Holders holders = holders_of(worker);
  for (const auto& [key, shard] : worker.router().shards()) {
    shard->each([&, pool = shard.get()](const ServerConn& server) {
      const auto holder = holders.find(&server);
      visit(server_row(worker, *pool, server, holder == holders.end() ? nullptr : holder->second), server);
    });
  }
}

const std::span<const Field> client_fields = of_client;
const std::span<const Field> server_fields = of_server;

boost::asio::awaitable<Rows> client_rows(Console& console) { return gather_rows(console, clients_of); }
boost::asio::awaitable<Rows> server_rows(Console& console) { return gather_rows(console, servers_of); }

}  // namespace pgswitch::admin
