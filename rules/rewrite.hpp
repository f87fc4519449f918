#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pgswitch::rules {

/// Replaces `size` bytes at `begin` by `text`; a size of 0 inserts.
struct Edit {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  std::string_view text;
};

/// `text` with the edits made, every other byte as it was. The edits are in the order of their places and do not overlap;
/// several insertions at one place come out in their order. nullopt when they overlap or reach behind the text.
std::optional<std::string> splice(std::string_view text, std::span<const Edit> edits);

}  // namespace pgswitch::rules
