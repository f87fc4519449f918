#pragma once
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"

/// Building blocks of byte-level tables.
namespace pgswitch::protocol {

/// A literal with its NULs: bytes("a\0b").
template <std::size_t size>
std::string bytes(const char (&literal)[size]) {
  return std::string(literal, size - 1);
}
/// With a NUL behind it.
inline std::string text(std::string_view value) { return std::string(value) + '\0'; }
inline std::string int16(std::uint32_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value)};
}
inline std::string int32(std::uint32_t value) { return int16(value >> 16) + int16(value & 0xffff); }
/// A length word that counts itself, and the rest.
inline std::string packet(std::string_view rest) {
  return int32(static_cast<std::uint32_t>(rest.size() + 4)) + std::string(rest);
}
inline std::string frame(char type, std::string_view body) { return type + packet(body); }

/// What follows the header of the first frame in `wire`.
inline std::string body_of(std::string_view wire) {
  return wire.size() < frame_header_size ? std::string() : std::string(wire.substr(frame_header_size));
}

}  // namespace pgswitch::protocol
