#pragma once
#include <cstdint>
#include <string_view>

namespace pgswitch::rules {

/// What a rule may know of a Route: over all workers, a fraction of a second old.
struct RouteState {
  std::string_view kind;           ///< "postgres" or "redshift"; "auto": no server has said yet
  bool healthy = true;             ///< its servers can be logged in to, as far as is known, and it is neither paused nor disabled
  std::uint32_t active = 0;        ///< server connections that sessions hold
  std::uint32_t waiting = 0;       ///< sessions that wait for one
  std::uint32_t pool_size = 0;     ///< of one pool; every pool user has one
  std::int64_t median_us = 0;      ///< of the requests of the last minute; 0: there were none
  std::int64_t p99_us = 0;
};

}  // namespace pgswitch::rules
