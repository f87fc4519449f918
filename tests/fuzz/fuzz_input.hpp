#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

/// What the fuzz programs share: an input taken apart, and a check that stays in release builds.
namespace pgswitch::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

/// The input as bytes, and as a list of pieces, each with a length of two bytes before it.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}

  std::string_view rest() const { return rest_; }
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_[0]);
    rest_.remove_prefix(1);
    return value;
  }
  /// A copy of its own on the heap, so that AddressSanitizer sees a look beyond its end.
  std::string piece() {
    const std::size_t high = byte(), low = byte();
    const std::size_t size = std::min(high << 8 | low, rest_.size());
    std::string taken(rest_.substr(0, size));
    taken.shrink_to_fit();
    rest_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view rest_;
};

}  // namespace pgswitch::fuzz
