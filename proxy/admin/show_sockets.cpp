// SHOW SOCKETS, ACTIVE_SOCKETS and MEM.
#include <array>

#include "proxy/admin/show.hpp"
#include "proxy/admin/show_rows.hpp"
#include "proxy/pool_shard.hpp"
#include "proxy/router.hpp"
#include "proxy/session/relay.hpp"

namespace pgswitch::admin {
namespace {

using boost::asio::awaitable;
using Phase = ClientSession::Phase;

constexpr Type int4 = Type::int4;
constexpr Field of_socket[] = {
    {"type"}, {"user"}, {"database"}, {"replication"}, {"state"}, {"addr"}, {"port", int4}, {"local_addr"}, {"local_port", int4},
    {"connect_time"}, {"request_time"}, {"wait", int4}, {"wait_us", int4}, {"close_needed", int4}, {"ptr"}, {"link"},
    {"remote_pid", int4}, {"tls"}, {"application_name"}, {"prepared_statements", int4}, {"id", int4}, {"recv_pos", int4},
    {"pkt_pos", int4}, {"pkt_remain", int4}, {"send_pos", int4}, {"send_remain", int4}, {"pkt_avail", int4}, {"send_avail", int4}};
constexpr Field of_memory[] = {{"name"}, {"size", int4}, {"used", int4}, {"free", int4}, {"memtotal", int4}};

/// Columns that SHOW CLIENTS and SHOW SERVERS have in common with SHOW SOCKETS.
constexpr std::size_t common_columns = 21;
constexpr std::size_t state_column = 4;

/// Bytes of a socket's input buffer, as pgbouncer counts them: all, taken apart, not yet sent on.
void append_buffer(Row& row, std::size_t parsed, std::size_t received) {
  for (const std::size_t value : {parsed + received, parsed, std::size_t{0}, std::size_t{0}, std::size_t{0}, received, parsed})
    row.push_back(number(value));
}

Row socket_row(Row row, std::string prefix, const protocol::LinearBuffer* input) {
  row.resize(common_columns);
  row[state_column] = prefix + row[state_column].value_or("");
  append_buffer(row, input ? input->outstanding().size() : 0, input ? input->received().size() : 0);
  return row;
}

Rows client_sockets(Worker& worker) {
  Rows rows;
  for (const auto& session : worker.sessions()) {
    if (!session || session->phase() == Phase::closing) continue;
    const bool logs_in = session->phase() == Phase::login;
    Row row = client_row(worker, *session);
    if (logs_in || row[state_column] == "idle") row[state_column] = logs_in ? "login" : "active";
    rows.push_back(socket_row(std::move(row), "cl_", session->relay() ? &session->relay()->input() : nullptr));
  }
  return rows;
}

Rows server_sockets(Worker& worker) {
  Rows rows;
  each_server_row(worker, [&rows](Row row, const ServerConn& server) {
    if (row[state_column] == "new") row[state_column] = "login";
    rows.push_back(socket_row(std::move(row), "sv_", &server.in));
  });
  return rows;
}

Rows sockets_of(Worker& worker) {
  Rows rows = client_sockets(worker);
  for (Row& row : server_sockets(worker)) rows.push_back(std::move(row));
  return rows;
}

struct Store {
  const char* name;
  std::size_t size = 0;  ///< of one, bytes
  std::size_t used = 0;
  std::size_t free = 0;
};
using Stores = std::array<Store, 5>;

Store store_of(const char* name, const ObjectSlab& slab) { return {name, slab.object_size(), slab.lent(), slab.free()}; }

Stores stores_of(Worker& worker) {
  Stores stores{store_of("client_cache", worker.session_memory()), store_of("relay_cache", worker.relay_memory()),
                Store{"pool_cache", sizeof(PoolShard), worker.router().shards().size()}, Store{"server_cache", sizeof(ServerConn)},
                Store{"iobuf_cache", worker.slab().block_size(), worker.slab().lent_blocks(), worker.slab().free_blocks()}};
  for (const auto& [key, shard] : worker.router().shards()) shard->each([&](const ServerConn&) { ++stores[3].used; });
  return stores;
}

}  // namespace

const std::span<const Field> socket_fields = of_socket;
const std::span<const Field> memory_fields = of_memory;

awaitable<Rows> socket_rows(Console& console) { return gather_rows(console, sockets_of); }

awaitable<Rows> active_socket_rows(Console& console) {
  Rows rows = co_await gather_rows(console, sockets_of);
  std::erase_if(rows, [](const Row& row) { return row[common_columns] == "0"; });
  co_return rows;
}

awaitable<Rows> memory_rows(Console& console) {
  auto round = gather(console, stores_of);
  const std::vector<Stores> parts = co_await std::move(round);
  Stores sum = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) {
    for (std::size_t store = 0; store < sum.size(); ++store) {
      sum[store].used += parts[i][store].used;
      sum[store].free += parts[i][store].free;
    }
  }
  Rows rows;
  for (const Store& store : sum)
    rows.push_back(Row{store.name, number(store.size), number(store.used), number(store.free), number(store.size * (store.used + store.free))});
  co_return rows;
}

}  // namespace pgswitch::admin
