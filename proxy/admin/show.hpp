#pragma once
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "proxy/admin/console.hpp"
#include "proxy/admin/table.hpp"
#include "proxy/client_session.hpp"
#include "proxy/proxy.hpp"
#include "proxy/worker.hpp"

namespace pgswitch::admin {

/// A subject of SHOW. Columns are pgbouncer's, in its order and types; ours come after them.
struct Show {
  using Fill = boost::asio::awaitable<Rows> (*)(Console&);
  std::string_view name;
  std::span<const Field> fields;  ///< empty: SHOW HELP
  Fill fill = nullptr;
  /// Instead of `fill`, for one that is about the words behind its name: the whole answer.
  using Run = boost::asio::awaitable<Reply> (*)(Console&, Command);
  Run run = nullptr;
  std::string_view usage = {};    ///< of `run`, in SHOW HELP: what stands behind its name
  std::size_t least_words = 0;    ///< and the number of these words
  std::size_t most_words = 0;
  std::string_view constant = {}; ///< without `fill`: the one value, a setting that drivers ask every server for
  bool listed = true;             ///< in SHOW HELP
};
std::span<const Show> shows();

/// Runs `step` on every worker's thread and returns what each gave, by worker. Name a capturing step on the line before.
template <class Step>
auto gather(Console& console, Step step) -> boost::asio::awaitable<std::vector<std::invoke_result_t<Step, Worker&>>> {
  using Parts = std::vector<std::invoke_result_t<Step, Worker&>>;
  static_assert(!std::is_same_v<Parts, std::vector<bool>>, "its elements are not separate objects for the threads");
  Worker& worker = console.worker();
  // Shared with the steps: they may outlive a coroutine that is destroyed with its worker.
  const auto parts = std::make_shared<Parts>(worker.proxy().worker_count());
  std::function<void(Worker&)> run = [parts, step](Worker& each) { (*parts)[each.index()] = step(each); };
  auto round = worker.proxy().on_each_worker(worker, std::move(run));
  co_await std::move(round);
  co_return std::move(*parts);
}

/// The same for rows, which are simply put one after the other.
boost::asio::awaitable<Rows> gather_rows(Console& console, Rows (*step)(Worker&));

// show_clients.cpp
extern const std::span<const Field> client_fields, server_fields;
boost::asio::awaitable<Rows> client_rows(Console& console);
boost::asio::awaitable<Rows> server_rows(Console& console);
// show_cursors.cpp
extern const std::span<const Field> cursor_fields;
boost::asio::awaitable<Rows> cursor_rows(Console& console);
// show_sockets.cpp
extern const std::span<const Field> socket_fields, memory_fields;
boost::asio::awaitable<Rows> socket_rows(Console& console);
boost::asio::awaitable<Rows> active_socket_rows(Console& console);
boost::asio::awaitable<Rows> memory_rows(Console& console);
// show_pools.cpp
extern const std::span<const Field> pool_fields, database_fields, user_fields, list_fields;
boost::asio::awaitable<Rows> pool_rows(Console& console);
boost::asio::awaitable<Rows> database_rows(Console& console);
boost::asio::awaitable<Rows> user_rows(Console& console);
boost::asio::awaitable<Rows> list_rows(Console& console);
// show_stats.cpp
extern const std::span<const Field> stats_fields, stats_totals_fields, stats_averages_fields, totals_fields;
boost::asio::awaitable<Rows> stats_rows(Console& console);
boost::asio::awaitable<Rows> stats_totals_rows(Console& console);
boost::asio::awaitable<Rows> stats_averages_rows(Console& console);
boost::asio::awaitable<Rows> totals_rows(Console& console);
// show_routes.cpp
extern const std::span<const Field> route_fields, story_fields, metric_fields, cache_fields;
boost::asio::awaitable<Reply> run_show_route(Console& console, Command command);
boost::asio::awaitable<Rows> route_rows(Console& console);
boost::asio::awaitable<Rows> metric_rows(Console& console);
boost::asio::awaitable<Rows> cache_rows(Console& console);
// show_copies.cpp
extern const std::span<const Field> copy_fields;
boost::asio::awaitable<Rows> copy_rows(Console& console);
// show_peers.cpp
extern const std::span<const Field> peer_fields, peer_pool_fields;
boost::asio::awaitable<Rows> peer_rows(Console& console);
boost::asio::awaitable<Rows> peer_pool_rows(Console& console);
// show_fds.cpp
extern const std::span<const Field> fd_fields;
boost::asio::awaitable<Reply> run_show_fds(Console& console, Command command);
// show_process.cpp
extern const std::span<const Field> config_fields, version_fields, state_fields, dns_host_fields, dns_zone_fields;
boost::asio::awaitable<Rows> config_rows(Console& console);
boost::asio::awaitable<Rows> version_rows(Console& console);
boost::asio::awaitable<Rows> state_rows(Console& console);
boost::asio::awaitable<Rows> dns_host_rows(Console& console);
boost::asio::awaitable<Rows> dns_zone_rows(Console& console);

/// A count as it stands in a row.
template <class Number>
std::optional<std::string> number(Number value) {
  return std::to_string(value);
}
/// "2026-07-10 12:00:00 CEST", the process's own time zone. µs since 1970.
std::string timestamp(std::int64_t unix_us);

}  // namespace pgswitch::admin
