#pragma once
#include <algorithm>
#include <optional>
#include <string_view>

/// The grammar of SCRAM messages (RFC 5802, 7): attributes `x=value` with commas between them.
namespace pgswitch::protocol {

/// Takes the attribute `name` and the comma behind it from the front of `rest`; nullopt when another one stands there.
inline std::optional<std::string_view> take_attribute(std::string_view& rest, char name) {
  if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
  rest.remove_prefix(2);
  const std::string_view value = rest.substr(0, rest.find(','));
  rest.remove_prefix(std::min(rest.size(), value.size() + 1));
  return value;
}

/// RFC 5802: printable ASCII without a comma, and not empty.
inline bool is_nonce(std::string_view text) {
  const auto printable = [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; };
  return !text.empty() && std::all_of(text.begin(), text.end(), printable);
}

}  // namespace pgswitch::protocol
