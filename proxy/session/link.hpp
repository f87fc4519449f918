#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "proxy/session/pins.hpp"
#include "proxy/session/server_state.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

/// What of the settings of a link may not be as the session wants it.
enum class Unchecked : std::uint8_t { nothing, all_but_encoding, everything };

/// A connection that the session has leased. Owned by SessionCore.
struct Link {
  rules::RouteId route;
  ServerState* state;
  Pins pins = 0;
  char status = 'I';         ///< of its last ReadyForQuery
  Unchecked unchecked = Unchecked::everything;
  bool copy_in = false;
  bool spent = false;        ///< to be closed as soon as it is idle: there is more on it than can be cleaned
  int advisory_locks = 0;
  // Gained since the last ReadyForQuery 'I': a rollback takes back what is transactional of them.
  Pins new_pins = 0;
  Pins ended_pins = 0;  ///< the other way round
  std::vector<std::string> new_objects;
  std::vector<std::string> dropped_objects;  ///< ON COMMIT DROP: gone with either end of the transaction
};

}  // namespace pgswitch
