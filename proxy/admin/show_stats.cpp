// SHOW STATS, STATS_TOTALS, STATS_AVERAGES and TOTALS.
#include "proxy/admin/show.hpp"
#include "proxy/admin/stats_history.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::admin {
namespace {

using boost::asio::awaitable;

constexpr Type numeric = Type::numeric;
constexpr Field of_stats[] = {
    {"database"},
    {"total_server_assignment_count", numeric}, {"total_xact_count", numeric}, {"total_query_count", numeric},
    {"total_received", numeric}, {"total_sent", numeric}, {"total_xact_time", numeric}, {"total_query_time", numeric},
    {"total_wait_time", numeric}, {"total_client_parse_count", numeric}, {"total_server_parse_count", numeric},
    {"total_bind_count", numeric}, {"total_client_login_count", numeric},
    {"avg_server_assignment_count", numeric}, {"avg_xact_count", numeric}, {"avg_query_count", numeric},
    {"avg_recv", numeric}, {"avg_sent", numeric}, {"avg_xact_time", numeric}, {"avg_query_time", numeric},
    {"avg_wait_time", numeric}, {"avg_client_parse_count", numeric}, {"avg_server_parse_count", numeric},
    {"avg_bind_count", numeric}, {"avg_client_login_count", numeric},
    {"total_requests", numeric}};  // the old name of total_query_count, which Debian's exporter asks for
constexpr Field of_totals[] = {
    {"database"}, {"server_assignment_count", numeric}, {"xact_count", numeric}, {"query_count", numeric},
    {"bytes_received", numeric}, {"bytes_sent", numeric}, {"xact_time", numeric}, {"query_time", numeric},
    {"wait_time", numeric}, {"client_parse_count", numeric}, {"server_parse_count", numeric}, {"bind_count", numeric},
    {"client_login_count", numeric}};
// The names are pgbouncer's, mixed as they are.
constexpr Field of_averages[] = {
    {"database"}, {"server_assignment_count", numeric}, {"xact_count", numeric}, {"query_count", numeric},
    {"bytes_received", numeric}, {"bytes_sent", numeric}, {"xact_time", numeric}, {"query_time", numeric},
    {"wait_time", numeric}, {"avg_client_parse_count", numeric}, {"avg_server_parse_count", numeric},
    {"avg_bind_count", numeric}, {"avg_client_login_count", numeric}};
constexpr Field of_sums[] = {{"name"}, {"value", numeric}};

/// Counters in the order of the columns, with their names in SHOW TOTALS.
struct Counter {
  const char* name;
  std::uint64_t PoolStats::*member;
};
constexpr Counter counters[] = {{"server_assignment_count", &PoolStats::server_assignment_count},
                                {"xact_count", &PoolStats::xact_count},
                                {"query_count", &PoolStats::query_count},
                                {"client_bytes", &PoolStats::received},
                                {"server_bytes", &PoolStats::sent},
                                {"xact_time", &PoolStats::xact_time},
                                {"query_time", &PoolStats::query_time},
                                {"wait_time", &PoolStats::wait_time},
                                {"ps_client_parse_count", &PoolStats::client_parse_count},
                                {"ps_server_parse_count", &PoolStats::server_parse_count},
                                {"ps_bind_count", &PoolStats::bind_count},
                                {"client_login_count", &PoolStats::client_login_count}};

/// By name: every database of the configuration, and pgbouncer's row for its own.
using Named = std::map<std::string, std::pair<PoolStats, PoolStats>>;

awaitable<DatabaseStats> take_totals(Console& console) {
  auto round = gather(console, stats_of);
  const std::vector<DatabaseStats> parts = co_await std::move(round);
  DatabaseStats sum;
  for (const DatabaseStats& part : parts) add(sum, part);
  co_return sum;
}

/// Totals and averages.
awaitable<Named> take_named(Console& console) {
  const DatabaseStats totals = co_await take_totals(console);
  Named named;
  for (const auto& [name, route] : console.worker().config().routes()) named[name];
  named["pgbouncer"];
  for (const auto& [route, stats] : totals) named[rules::route_name(route)].first = stats;
  for (const auto& [route, stats] : console.worker().proxy().stats_history().averages())
    named[rules::route_name(route)].second = stats;
  co_return named;
}

void append(Row& row, const PoolStats& stats) {
  for (const Counter& counter : counters) row.push_back(number(stats.*counter.member));
}

}  // namespace

const std::span<const Field> stats_fields = of_stats;
const std::span<const Field> stats_totals_fields = of_totals;
const std::span<const Field> stats_averages_fields = of_averages;
const std::span<const Field> totals_fields = of_sums;

awaitable<Rows> stats_rows(Console& console) {
  const Named named = co_await take_named(console);
  Rows rows;
  for (const auto& [name, stats] : named) {
    Row& row = rows.emplace_back();
    row.emplace_back(name);
    append(row, stats.first);
    append(row, stats.second);
    row.push_back(number(stats.first.query_count));
  }
  co_return rows;
}

awaitable<Rows> stats_totals_rows(Console& console) {
  const Named named = co_await take_named(console);
  Rows rows;
  for (const auto& [name, stats] : named) {
    Row& row = rows.emplace_back();
    row.emplace_back(name);
    append(row, stats.first);
  }
  co_return rows;
}

awaitable<Rows> stats_averages_rows(Console& console) {
  const Named named = co_await take_named(console);
  Rows rows;
  for (const auto& [name, stats] : named) {
    Row& row = rows.emplace_back();
    row.emplace_back(name);
    append(row, stats.second);
  }
  co_return rows;
}

awaitable<Rows> totals_rows(Console& console) {
  const Named named = co_await take_named(console);
  PoolStats totals;
  PoolStats averages;
  for (const auto& [name, stats] : named) {
    totals += stats.first;
    averages += stats.second;
  }
  Rows rows;
  for (const Counter& counter : counters) rows.push_back(Row{std::string("total_") + counter.name, number(totals.*counter.member)});
  for (const Counter& counter : counters) rows.push_back(Row{std::string("avg_") + counter.name, number(averages.*counter.member)});
  co_return rows;
}

}  // namespace pgswitch::admin
