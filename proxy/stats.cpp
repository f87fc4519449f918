#include "proxy/stats.hpp"

namespace pgswitch {

PoolStats& PoolStats::operator+=(const PoolStats& other) {
  server_assignment_count += other.server_assignment_count;
  xact_count += other.xact_count;
  query_count += other.query_count;
  received += other.received;
  sent += other.sent;
  xact_time += other.xact_time;
  query_time += other.query_time;
  wait_time += other.wait_time;
  client_parse_count += other.client_parse_count;
  server_parse_count += other.server_parse_count;
  bind_count += other.bind_count;
  client_login_count += other.client_login_count;
  return *this;
}

RouterStats& RouterStats::operator+=(const RouterStats& other) {
  route_conflicts += other.route_conflicts;
  batches_refused += other.batches_refused;
  deferred_begins += other.deferred_begins;
  inserted_parses += other.inserted_parses;
  settings_replayed += other.settings_replayed;
  servers_lost += other.servers_lost;
  cancels += other.cancels;
  pins += other.pins;
  return *this;
}

RouteStats& RouteStats::operator+=(const RouteStats& other) {
  hits += other.hits;
  refusals += other.refusals;
  pins += other.pins;
  conflicts += other.conflicts;
  fallbacks += other.fallbacks;
  copies += other.copies;
  copied_rows += other.copied_rows;
  copied_bytes += other.copied_bytes;
  errors += other.errors;
  return *this;
}

}  // namespace pgswitch
