#include "protocol/utf8.hpp"

#include <algorithm>

namespace pgswitch::protocol {
namespace {

/// Bytes of the character that `first` begins; 0: it begins none.
std::size_t character_size(unsigned char first) {
  if (first < 0x80) return 1;
  if (first < 0xc0 || first >= 0xf8) return 0;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

}  // namespace

std::optional<std::uint32_t> take_code_point(std::string_view& rest) {
  const auto octet = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(rest[i])); };
  const std::size_t size = character_size(static_cast<unsigned char>(rest[0]));
  if (size == 0 || rest.size() < size) return std::nullopt;
  std::uint32_t code = size == 1 ? octet(0) : octet(0) & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((octet(i) & 0xc0) != 0x80) return std::nullopt;
    code = code << 6 | (octet(i) & 0x3f);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return std::nullopt;
  rest.remove_prefix(size);
  return code;
}

std::string utf8_fault(std::string_view text) {
  if (is_ascii(text)) return {};
  while (!text.empty())
    if (!take_code_point(text)) break;
  if (text.empty()) return {};
  // As many bytes as the first of them promises (report_invalid_encoding).
  constexpr std::string_view hex = "0123456789abcdef";
  const std::size_t size = std::max<std::size_t>(character_size(static_cast<unsigned char>(text[0])), 1);
  std::string fault = "invalid byte sequence for encoding \"UTF8\":";
  for (const char c : text.substr(0, size)) {
    const auto octet = static_cast<unsigned char>(c);
    fault.append({' ', '0', 'x', hex[octet >> 4], hex[octet & 15]});
  }
  return fault;
}

}  // namespace pgswitch::protocol
