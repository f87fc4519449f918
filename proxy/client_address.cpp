#include "proxy/client_address.hpp"

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <string_view>
#include <sys/socket.h>

namespace pgswitch {
namespace {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

Endpoint endpoint_of(const sockaddr_storage& storage) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  Endpoint endpoint;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &in.sin_addr, text.data(), text.size());
    endpoint.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &in.sin6_addr, text.data(), text.size());
    endpoint.port = ntohs(in.sin6_port);
  }
  endpoint.host = text.data();
  return endpoint;
}

void read_peer_credentials(int fd, ClientAddress& address) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  address.pid = peer.pid;
  address.uid = peer.uid;
}

/// 16 bytes, IPv4 as ::ffff:a.b.c.d.
using AddressBytes = std::array<unsigned char, 16>;

std::optional<AddressBytes> parse_address(const std::string& text) {
  AddressBytes bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return bytes;
  bytes.fill(0);
  bytes[10] = bytes[11] = 0xff;
  if (inet_pton(AF_INET, text.c_str(), bytes.data() + 12) == 1) return bytes;
  return std::nullopt;
}

bool agree(const AddressBytes& left, const AddressBytes& right, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (std::memcmp(left.data(), right.data(), whole) != 0) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || (left[whole] ^ right[whole]) >> (8 - rest) == 0;
}

bool is_in_network(const AddressBytes& address, const std::string& network) {
  const std::size_t slash = network.find('/');
  const std::string base_text = network.substr(0, slash);
  const auto base = parse_address(base_text);
  if (!base) return false;
  const unsigned width = base_text.find(':') == std::string::npos ? 32 : 128;
  unsigned bits = width;
  if (slash != std::string::npos) {
    const char* const end = network.data() + network.size();
    const auto [stop, error] = std::from_chars(network.data() + slash + 1, end, bits);
    if (error != std::errc() || stop != end || bits > width) return false;
  }
  return agree(address, *base, bits + (128 - width));
}

}  // namespace

std::string ClientAddress::to_string() const {
  const std::string port_text = ":" + std::to_string(port);
  if (is_unix) return "unix(" + std::to_string(pid) + ")" + port_text;
  return (host.find(':') == std::string::npos ? host : "[" + host + "]") + port_text;
}

ClientAddress address_of_socket(int fd, int listen_port) {
  ClientAddress address;
  sockaddr_storage local{}, peer{};
  socklen_t local_size = sizeof local, peer_size = sizeof peer;
  getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_size);
  if (local.ss_family == AF_UNIX) {
    address.is_unix = true;
    address.host = address.local_host = "unix";
    address.port = address.local_port = static_cast<std::uint16_t>(listen_port);
    read_peer_credentials(fd, address);
    return address;
  }
  getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &peer_size);
  const Endpoint here = endpoint_of(local), there = endpoint_of(peer);
  address.host = there.host;
  address.port = there.port;
  address.local_host = here.host;
  address.local_port = here.port;
  return address;
}

bool is_in_networks(const std::string& host, const CommaList& networks) {
  const auto address = parse_address(host);
  if (!address) return false;
  for (const std::string& network : networks)
    if (is_in_network(*address, network)) return true;
  return false;
}

}  // namespace pgswitch
