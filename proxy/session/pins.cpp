#include "proxy/session/pins.hpp"

#include <array>
#include <utility>

namespace pgswitch {

std::string describe_pins(Pins pins) {
  static constexpr std::array<std::pair<Pin, std::string_view>, 8> words{{
      {Pin::session_mode, "session_mode"},
      {Pin::temp_table, "temp_table"},
      {Pin::listen, "listen"},
      {Pin::advisory_lock, "advisory_lock"},
      {Pin::hold_cursor, "hold_cursor"},
      {Pin::sql_prepare, "sql_prepare"},
      {Pin::sequence_state, "sequence_state"},
      {Pin::set_config, "set_config"},
  }};
  std::string text;
  for (const auto& [pin, word] : words) {
    if (!has(pins, pin)) continue;
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace pgswitch
