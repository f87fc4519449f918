#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>

#include "protocol/sql_error.hpp"
#include "proxy/pool_shard.hpp"

namespace pgswitch {

/// A connection for a coroutine, on behalf of `login_user`. An empty lease: `error` says why; 57P03 `client_login_timeout (server
/// down)` when `deadline_us` (worker's clock, 0 = none) passed first. Between begin_coroutine() and end_coroutine() of the connection
/// the caller may use server_query.hpp.
boost::asio::awaitable<Lease> wait_for_lease(boost::asio::io_context& io, PoolShard& shard, const std::string& login_user,
                                             std::int64_t deadline_us, protocol::SqlError& error);

}  // namespace pgswitch
