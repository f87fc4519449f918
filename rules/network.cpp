#include "rules/network.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace pgswitch::rules {

namespace {

AddressBytes first_address(const AddressBytes& address, unsigned bits) {
  AddressBytes first = address;
  for (unsigned bit = bits; bit < 128; ++bit) first[bit / 8] &= static_cast<unsigned char>(~(0x80u >> (bit % 8)));
  return first;
}

}  // namespace

bool agree(const AddressBytes& left, const AddressBytes& right, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (std::memcmp(left.data(), right.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (left[whole] ^ right[whole]) >> (8 - rest) == 0;
}

std::optional<AddressBytes> parse_address(const std::string& text) {
  AddressBytes bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes.fill(0);
  bytes[10] = bytes[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

std::optional<Network> Network::parse(std::string_view text) {
  Network network;
  if (text == "unix") return network;
  const std::size_t slash = text.find('/');
  const std::string base(text.substr(0, slash));
  const auto address = parse_address(base);
  if (!address || text.find('\0') != std::string_view::npos) return std::nullopt;
  const unsigned width = base.find(':') == std::string::npos ? 32 : 128;
  unsigned bits = width;
  if (slash != std::string_view::npos) {
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, bits);
    if (error != std::errc() || stop != end || bits > width) return std::nullopt;
  }
  network.base_ = *address;
  network.bits_ = bits + (128 - width);
  if (first_address(*address, network.bits_) != *address) return std::nullopt;
  return network;
}

bool Network::holds(const AddressBytes& address) const { return !is_unix() && agree(address, base_, bits_); }

bool hold(std::span<const Network> networks, const std::string& host) {
  if (host == "unix") return std::any_of(networks.begin(), networks.end(), [](const Network& one) { return one.is_unix(); });
  const std::optional<AddressBytes> address = parse_address(host);
  return address && std::any_of(networks.begin(), networks.end(), [&](const Network& one) { return one.holds(*address); });
}

}  // namespace pgswitch::rules
