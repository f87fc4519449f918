#include "protocol/scram_message.hpp"

#include <utility>

namespace pgswitch::protocol {

std::string shown(char c) {
  constexpr std::string_view hex = "0123456789abcdef";
  const auto octet = static_cast<unsigned char>(c);
  if (octet >= 0x21 && octet <= 0x7e) return {'\'', c, '\''};
  return {'0', 'x', hex[octet >> 4], hex[octet & 15]};
}

void AttributeReader::comma() {
  if (ok() && next() != ',') fail("Comma expected, but found character \"" + shown(next()) + "\".");
  skip();
}

std::string_view AttributeReader::take(char name) {
  if (ok() && next() != name) fail(std::string("Expected attribute \"") + name + "\" but found \"" + shown(next()) + "\".");
  return value(name);
}

std::string_view AttributeReader::take_any(char& name) {
  name = next();
  const bool letter = (name >= 'a' && name <= 'z') || (name >= 'A' && name <= 'Z');
  if (ok() && rest_.empty()) fail("Attribute expected, but found end of string.");
  if (ok() && !letter) fail("Attribute expected, but found invalid character \"" + shown(name) + "\".");
  return value(name);
}

std::string_view AttributeReader::fail(std::string fault) {
  if (ok()) fault_ = std::move(fault);
  rest_ = {};
  return {};
}

std::string_view AttributeReader::value(char name) {
  skip();
  if (ok() && next() != '=') fail(std::string("Expected character \"=\" for attribute \"") + name + "\".");
  skip();
  const std::string_view value = rest_.substr(0, rest_.find(','));
  rest_.remove_prefix(std::min(rest_.size(), value.size() + 1));
  return value;
}

}  // namespace pgswitch::protocol
