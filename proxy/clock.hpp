#pragma once
#include <chrono>
#include <cstdint>

namespace pgswitch {

/// The steady clock in µs, which deadlines are counted in. A worker reads it once a turn: use its now_us() where there is one.
inline std::int64_t steady_us() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

/// The system's clock, µs since 1970: for people to read.
inline std::int64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace pgswitch
