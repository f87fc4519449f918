#pragma once
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace pgswitch::rules {

/// A numeric address in 16 bytes, IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<unsigned char, 16>;
std::optional<AddressBytes> parse_address(const std::string& text);
/// Are the first `bits` of them the same?
bool agree(const AddressBytes& left, const AddressBytes& right, unsigned bits);

/// A network that clients come from: "10.0.0.0/8", "fd00::/8", one address, or "unix", which is every Unix socket.
class Network {
 public:
  /// nullopt when `text` is none, or has bits beyond its prefix.
  static std::optional<Network> parse(std::string_view text);

 private:
  friend bool hold(std::span<const Network> networks, const std::string& host);
  bool is_unix() const { return bits_ == unix_bits; }
  bool holds(const AddressBytes& address) const;

  static constexpr unsigned unix_bits = 255;

  AddressBytes base_{};
  unsigned bits_ = unix_bits;  ///< of the 128
};

/// Is a client of `host`, an address or "unix", in any of them?
bool hold(std::span<const Network> networks, const std::string& host);

}  // namespace pgswitch::rules
