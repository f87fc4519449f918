// SHOW ROUTES, SHOW ROUTE and SHOW CACHE: what only a router has.
#include <array>
#include <charconv>
#include <map>

#include "proxy/admin/show.hpp"
#include "proxy/config_rules.hpp"
#include "proxy/pool_limits.hpp"
#include "proxy/session/relay.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::admin {
namespace {

using boost::asio::awaitable;
using rules::RouteId;
using rules::RuleStats;

constexpr Type int8 = Type::int8;
constexpr Field of_route[] = {{"kind"}, {"name"}, {"hits", int8}, {"refusals", int8}, {"rewrites", int8}, {"answers", int8},
                              {"errors", int8}, {"pins", int8}, {"conflicts", int8}, {"pinned_now", int8}, {"pin_reasons"},
                              {"observed", int8}, {"observed_refusals", int8}, {"observed_rewrites", int8}, {"observed_answers", int8},
                              {"copies", int8}, {"copied_rows", int8}, {"copied_bytes", int8}, {"server_kind"}, {"fallbacks", int8}};
constexpr Field of_story[] = {{"route"}};
constexpr Field of_metric[] = {{"name"}, {"value", Type::numeric}};
constexpr Field of_cache[] = {{"worker", Type::int4}, {"exact_hits", int8}, {"shape_hits", int8}, {"misses", int8},
                              {"evictions", int8}, {"parse_failures", int8}, {"entries", int8}, {"bytes", int8},
                              {"generation", int8}};

/// Sessions that are pinned now, by the connection they are pinned to.
struct Pinned {
  std::uint64_t sessions = 0;
  Pins reasons = 0;
};

struct Part {
  std::vector<RouteStats> routes;  ///< by RouteId
  std::vector<RuleStats> rules;
  std::map<RouteId, Pinned> pinned;
};

Part part_of(Worker& worker) {
  Part part;
  part.routes = worker.all_route_stats();
  part.rules = worker.engine().rule_stats();
  for (const auto& session : worker.sessions()) {
    if (!session || !session->relay() || session->relay()->core().pins() == 0) continue;
    session->relay()->each_server([&](const ServerConn& server) {
      Pinned& pinned = part.pinned[server.route];
      ++pinned.sessions;
      pinned.reasons |= session->relay()->core().pins();
    });
  }
  return part;
}

struct RouteRow {
  RouteStats stats;
  Pinned pinned;
  std::optional<std::string> server_kind;
};

std::map<std::string, RouteRow> sum_routes(const Config& config, const std::vector<Part>& parts) {
  std::map<std::string, RouteRow> routes;
  for (const auto& [name, route] : config.routes())
    if (const DatabasePtr database = config.find_database(route))
      routes[name].server_kind = to_string(PoolLimits::of_process().kind_of(*database));
  for (const Part& part : parts) {
    for (RouteId route = 0; route < part.routes.size(); ++route)
      if (part.routes[route].hits + part.routes[route].errors > 0) routes[rules::route_name(route)].stats += part.routes[route];
    for (const auto& [route, pinned] : part.pinned) {
      RouteRow& row = routes[rules::route_name(route)];
      row.pinned.sessions += pinned.sessions;
      row.pinned.reasons |= pinned.reasons;
    }
  }
  return routes;
}

/// The workers run the same rules: the same names in the same order. After a reload they may differ for a moment.
std::vector<RuleStats> sum_rules(const std::vector<Part>& parts) {
  std::vector<RuleStats> sum;
  std::map<std::string, std::size_t> place;
  for (const Part& part : parts) {
    for (const RuleStats& rule : part.rules) {
      const auto [found, is_new] = place.try_emplace(rule.rule, sum.size());
      if (is_new) {
        sum.push_back(rule);
        continue;
      }
      RuleStats& total = sum[found->second];
      total.hits += rule.hits;
      total.refusals += rule.refusals;
      total.rewrites += rule.rewrites;
      total.answers += rule.answers;
      total.errors += rule.errors;
      total.observed += rule.observed;
      total.observed_refusals += rule.observed_refusals;
      total.observed_rewrites += rule.observed_rewrites;
      total.observed_answers += rule.observed_answers;
    }
  }
  return sum;
}

Row row_of(const std::string& name, const RouteRow& route) {
  const RouteStats& stats = route.stats;
  return Row{"route", name, number(stats.hits), number(stats.refusals), std::nullopt, std::nullopt, number(stats.errors),
             number(stats.pins), number(stats.conflicts), number(route.pinned.sessions), describe_pins(route.pinned.reasons),
             std::nullopt, std::nullopt, std::nullopt, std::nullopt, number(stats.copies), number(stats.copied_rows), number(stats.copied_bytes),
             route.server_kind, number(stats.fallbacks)};
}

Row row_of(const RuleStats& rule) {
  return Row{"rule", rule.rule, number(rule.hits), number(rule.refusals), number(rule.rewrites), number(rule.answers),
             number(rule.errors), std::nullopt, std::nullopt, std::nullopt, std::nullopt,
             number(rule.observed), number(rule.observed_refusals), number(rule.observed_rewrites), number(rule.observed_answers),
             std::nullopt, std::nullopt, std::nullopt, std::nullopt, std::nullopt};
}

Rows cache_of(Worker& worker) {
  const rules::CacheStats stats = worker.engine().cache_stats();
  Rows rows;
  rows.push_back(Row{number(worker.index()), number(stats.exact_hits), number(stats.shape_hits), number(stats.misses),
                     number(stats.evictions), number(stats.parse_failures), number(stats.entries), number(stats.bytes),
                     number(worker.engine().generation())});
  return rows;
}

/// The session that SHOW ROUTE asks about: the words behind the statement name its user and its database. nullopt: they do not.
std::optional<rules::Facts> asked_session(const Config& config, const std::vector<std::string>& words, std::string& problem) {
  std::string user = "app", database;
  for (std::size_t i = 2; i < words.size(); i += 2) {
    const std::string key = lower(words[i]);
    if ((key != "user" && key != "database") || i + 1 == words.size()) return problem = "SHOW ROUTE takes 'sql' [USER name] [DATABASE name]", std::nullopt;
    (key == "user" ? user : database) = words[i + 1];
  }
  auto facts = session_facts(config, user, database);
  if (!facts) problem = "no such database: " + database;
  return facts;
}

Rows lines_of(std::string_view text) {
  Rows rows;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    rows.push_back(Row{std::string(text.substr(0, end))});
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return rows;
}

std::string shortest(double value) {
  std::array<char, 32> digits;
  return {digits.begin(), std::to_chars(digits.begin(), digits.end(), value).ptr};
}

}  // namespace

const std::span<const Field> story_fields = of_story;
const std::span<const Field> metric_fields = of_metric;
const std::span<const Field> route_fields = of_route;
const std::span<const Field> cache_fields = of_cache;

awaitable<Rows> route_rows(Console& console) {
  const ConfigPtr config = console.worker().config_ptr();
  auto round = gather(console, part_of);
  const std::vector<Part> parts = co_await std::move(round);
  Rows rows;
  for (const auto& [name, route] : sum_routes(*config, parts)) rows.push_back(row_of(name, route));
  for (const RuleStats& rule : sum_rules(parts)) rows.push_back(row_of(rule));
  co_return rows;
}

/// What `pgswitch explain` says, of the rules in force.
awaitable<Reply> run_show_route(Console& console, Command command) {
  std::string problem;
  const auto facts = asked_session(console.worker().config(), command.words, problem);
  if (!facts) co_return failed(invalid_parameter, problem);
  Reply reply = done("SHOW");
  reply.fields = story_fields;
  reply.rows = lines_of(console.worker().engine().explain(command.words[1], *facts));
  co_return reply;
}

/// What rules have counted since they were loaded.
awaitable<Rows> metric_rows(Console& console) {
  const auto of_worker = [](Worker& worker) { return worker.engine().metrics(); };
  auto round = gather(console, of_worker);
  const std::vector<std::vector<rules::Metric>> parts = co_await std::move(round);
  std::map<std::string, double> sum;
  for (const std::vector<rules::Metric>& part : parts)
    for (const rules::Metric& metric : part) sum[metric.name] += metric.value;
  Rows rows;
  for (const auto& [name, value] : sum) rows.push_back(Row{name, shortest(value)});
  co_return rows;
}

awaitable<Rows> cache_rows(Console& console) { return gather_rows(console, cache_of); }

}  // namespace pgswitch::admin
