#include "proxy/admin/show.hpp"

#include <ctime>

namespace pgswitch::admin {
namespace {

constexpr Field client_encoding[] = {{"client_encoding"}};
constexpr Field default_transaction_isolation[] = {{"default_transaction_isolation"}};
constexpr Field transaction_isolation[] = {{"transaction_isolation"}};
constexpr Field standard_conforming_strings[] = {{"standard_conforming_strings"}};
constexpr Field datestyle[] = {{"datestyle"}};
constexpr Field timezone_field[] = {{"timezone"}};
constexpr Field one_field[] = {{"?column?", Type::int4}};

Show setting(std::string_view name, std::span<const Field> field, std::string_view value) {
  Show show{name, field};
  show.constant = value;
  show.listed = false;
  return show;
}

/// One that is about what stands behind its name.
Show about(std::string_view name, std::span<const Field> fields, Show::Run run, std::string_view usage, std::size_t least, std::size_t most) {
  Show show{name, fields};
  show.run = run;
  show.usage = usage;
  show.least_words = least;
  show.most_words = most;
  return show;
}

const std::vector<Show>& table() {
  static const std::vector<Show> table = {
      {"help", {}},
      {"config", config_fields, config_rows},
      {"databases", database_fields, database_rows},
      {"pools", pool_fields, pool_rows},
      {"clients", client_fields, client_rows},
      {"servers", server_fields, server_rows},
      {"cursors", cursor_fields, cursor_rows},
      {"sockets", socket_fields, socket_rows},
      {"active_sockets", socket_fields, active_socket_rows},
      {"users", user_fields, user_rows},
      {"lists", list_fields, list_rows},
      {"stats", stats_fields, stats_rows},
      {"stats_totals", stats_totals_fields, stats_totals_rows},
      {"stats_averages", stats_averages_fields, stats_averages_rows},
      {"totals", totals_fields, totals_rows},
      {"routes", route_fields, route_rows},
      about("route", story_fields, run_show_route, "'<sql>' [USER <user>] [DATABASE <db>]", 1, 5),
      {"copies", copy_fields, copy_rows},
      {"peers", peer_fields, peer_rows},
      {"peer_pools", peer_pool_fields, peer_pool_rows},
      about("fds", fd_fields, run_show_fds, "", 0, 0),
      {"metrics", metric_fields, metric_rows},
      {"cache", cache_fields, cache_rows},
      {"mem", memory_fields, memory_rows},
      {"state", state_fields, state_rows},
      {"dns_hosts", dns_host_fields, dns_host_rows},
      {"dns_zones", dns_zone_fields, dns_zone_rows},
      {"version", version_fields, version_rows},
      setting("client_encoding", client_encoding, "UTF-8"),
      setting("default_transaction_isolation", default_transaction_isolation, "read committed"),
      setting("transaction_isolation", transaction_isolation, "read committed"),
      setting("standard_conforming_strings", standard_conforming_strings, "on"),
      setting("datestyle", datestyle, "ISO"),
      setting("timezone", timezone_field, "GMT"),
      setting("1", one_field, "1"),  // SELECT 1: how connection pools ask whether somebody is there
  };
  return table;
}

}  // namespace

std::span<const Show> shows() { return table(); }

boost::asio::awaitable<Rows> gather_rows(Console& console, Rows (*step)(Worker&)) {
  auto round = gather(console, step);
  std::vector<Rows> parts = co_await std::move(round);
  Rows all;
  for (Rows& part : parts)
    for (Row& row : part) all.push_back(std::move(row));
  co_return all;
}

std::string timestamp(std::int64_t unix_us) {
  const std::time_t seconds = static_cast<std::time_t>(unix_us / 1'000'000);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[64];
  const std::size_t size = std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %Z", &local);
  return std::string(text, size);
}

}  // namespace pgswitch::admin
