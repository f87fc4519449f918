#pragma once
#include <string>
#include <string_view>

namespace pgswitch::stand_in {

inline std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    text += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
    text += "0123456789abcdef"[c & 15];
  }
  return text;
}

/// Of lower-case digits, two for each byte.
inline std::string from_hex(std::string_view digits) {
  constexpr std::string_view all = "0123456789abcdef";
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) bytes += static_cast<char>(all.find(digits[i]) << 4 | all.find(digits[i + 1]));
  return bytes;
}

}  // namespace pgswitch::stand_in
