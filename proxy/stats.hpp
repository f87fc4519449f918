#pragma once
#include <cstdint>

namespace pgswitch {

/// Counters of one pool on one worker, as SHOW STATS sums them. Plain integers: written by the worker's thread, read by it
/// when a StatsRequest arrives. Times in µs.
struct PoolStats {
  std::uint64_t server_assignment_count = 0;
  std::uint64_t xact_count = 0;
  std::uint64_t query_count = 0;
  std::uint64_t received = 0;  ///< bytes from clients
  std::uint64_t sent = 0;      ///< bytes from servers
  std::uint64_t xact_time = 0;
  std::uint64_t query_time = 0;
  std::uint64_t wait_time = 0;
  std::uint64_t client_parse_count = 0;
  std::uint64_t server_parse_count = 0;
  std::uint64_t bind_count = 0;
  std::uint64_t client_login_count = 0;

  PoolStats& operator+=(const PoolStats& other);
};

/// What only a router counts, one per worker.
struct RouterStats {
  std::uint64_t route_conflicts = 0;      ///< a rule wanted another route inside a transaction
  std::uint64_t batches_refused = 0;      ///< 0A000: an implicit transaction would have been split
  std::uint64_t deferred_begins = 0;
  std::uint64_t inserted_parses = 0;
  std::uint64_t settings_replayed = 0;
  std::uint64_t servers_lost = 0;
  std::uint64_t cancels = 0;
  std::uint64_t pins = 0;                 ///< sum over reasons; SHOW ROUTES has them per route

  RouterStats& operator+=(const RouterStats& other);
};

/// Counters of one route on one worker, for SHOW ROUTES.
struct RouteStats {
  std::uint64_t hits = 0;       ///< queries that went there
  std::uint64_t refusals = 0;   ///< batches refused because they would have been split
  std::uint64_t pins = 0;
  std::uint64_t conflicts = 0;  ///< a rule wanted another route in the middle of a transaction
  std::uint64_t fallbacks = 0;  ///< statements that Redshift's leader node refused and this route took over
  std::uint64_t copies = 0;     ///< COPY with the client on a Redshift server, that ended well
  std::uint64_t copied_rows = 0, copied_bytes = 0;
  std::uint64_t errors = 0;     ///< servers lost under a client, and waits for a server that failed

  RouteStats& operator+=(const RouteStats& other);
};

}  // namespace pgswitch
