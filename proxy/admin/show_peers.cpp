// SHOW PEERS and PEER_POOLS.
#include "proxy/admin/show.hpp"

namespace pgswitch::admin {
namespace {

using boost::asio::awaitable;

constexpr Field of_peer[] = {{"peer_id", Type::int4}, {"host"}, {"port", Type::int4}, {"pool_size", Type::int4}};
constexpr Field of_peer_pool[] = {{"peer_id", Type::int4}, {"cl_active_cancel_req", Type::int4}, {"cl_waiting_cancel_req", Type::int4},
                                  {"sv_active_cancel", Type::int4}, {"sv_login", Type::int4}};

}  // namespace

const std::span<const Field> peer_fields = of_peer;
const std::span<const Field> peer_pool_fields = of_peer_pool;

awaitable<Rows> peer_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  Rows rows;
  for (const auto& [id, peer] : config->peers)
    rows.push_back(Row{number(id), peer.host, number(peer.port), number(peer.pool_size.value_or(config->default_pool_size))});
  co_return rows;
}

awaitable<Rows> peer_pool_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  Rows rows;
  for (const auto& [id, peer] : config->peers) {
    if (id == config->peer_id) continue;  // nothing is passed on to oneself
    const PeerPool pool = console.worker().proxy().peer_pools().pool(id);
    rows.push_back(Row{number(id), number(pool.active), number(pool.waiting), number(pool.active - pool.connecting), number(pool.connecting)});
  }
  co_return rows;
}

}  // namespace pgswitch::admin
