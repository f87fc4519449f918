#pragma once
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// UTF-8 as RFC 3629 and PostgreSQL (pg_utf8_islegal) have it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
namespace pgswitch::protocol {

/// Nothing but characters of 7 bits.
inline bool is_ascii(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) { return (c & 0x80) != 0; });
}

/// One code point from the front of `rest`, which is not empty; nullopt, and nothing is taken, for what is not UTF-8.
std::optional<std::uint32_t> take_code_point(std::string_view& rest);

/// What PostgreSQL says of a text from a client that is not UTF-8 (ERROR 22021); empty when it is.
std::string utf8_fault(std::string_view text);

}  // namespace pgswitch::protocol
