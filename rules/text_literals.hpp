#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::rules {

/// A literal of a statement, and where it stands.
struct TextLiteral {
  enum class Type : std::uint8_t { number, string, bit, boolean, null };
  Type type = Type::string;
  std::string value;           ///< of a string what it says; of a bit string "b0101" or "x1f"; of a number its digits without a sign
  std::uint32_t position = 0;  ///< byte, from 1
};

/// The literals of `text` in their order, at most 10,000; TRUE, FALSE and NULL where a query has them for values. `parse`: the text
/// may be parsed; else, and in other statements than queries, they are known by the tokens alone. Parses the text: see analyze() for
/// the stack it takes.
std::vector<TextLiteral> text_literals(std::string_view text, bool standard_conforming_strings, bool parse);

/// "number", "string", "bit", "boolean", "null".
const char* to_string(TextLiteral::Type type);

}  // namespace pgswitch::rules
