#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pgswitch {

/// Why a lease may not end although no transaction is open. A bit set; each has a word that operators see.
enum class Pin : std::uint32_t {
  none = 0,
  session_mode = 1u << 0,
  temp_table = 1u << 1,
  listen = 1u << 2,
  advisory_lock = 1u << 3,
  hold_cursor = 1u << 4,
  sql_prepare = 1u << 5,
  sequence_state = 1u << 6,
  set_config = 1u << 7,  ///< with a value that could not be seen, so that it cannot be set elsewhere
};
using Pins = std::uint32_t;
constexpr Pins bit(Pin pin) { return static_cast<Pins>(pin); }
constexpr bool has(Pins pins, Pin pin) { return (pins & bit(pin)) != 0; }

/// "temp_table, listen", or "" for none.
std::string describe_pins(Pins pins);

}  // namespace pgswitch
