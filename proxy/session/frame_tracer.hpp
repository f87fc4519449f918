#pragma once
#include <cstdint>
#include <string_view>

#include "protocol/trace.hpp"

namespace pgswitch {

/// Writes one log line per message at verbosity 2 (PQtrace's manner). Follows one direction's stream of consumed bytes.
class FrameTracer {
 public:
  /// `direction`: always the same. Nothing unless the log is that verbose. `prefix`: the session's.
  void trace(protocol::Direction direction, std::string_view prefix, std::string_view bytes);

 private:
  std::uint32_t skip_ = 0;  ///< bytes of a message already reported
};

}  // namespace pgswitch
