#include "proxy/client_address.hpp"

#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <cstring>
#include <netinet/in.h>
#include <optional>
#include <string_view>
#include <sys/socket.h>

#include "rules/network.hpp"

namespace pgswitch {
namespace {

template <class Number>
void append_number(std::string& out, Number number) {
  std::array<char, 16> digits;
  out.append(digits.data(), std::to_chars(digits.begin(), digits.end(), number).ptr);
}

/// inet_ntop() prints through printf(), which costs as much as the rest of accepting a client.
std::string v4_text(const in_addr& address) {
  std::array<unsigned char, 4> octets;
  std::memcpy(octets.data(), &address, octets.size());
  std::string text;
  for (const unsigned char octet : octets) {
    if (!text.empty()) text += '.';
    append_number(text, static_cast<unsigned>(octet));
  }
  return text;
}

std::string v6_text(const in6_addr& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(AF_INET6, &address, text.data(), text.size());
  return text.data();
}

ClientAddress tcp_address(const sockaddr_storage& storage) {
  ClientAddress address;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    address.host = v4_text(in.sin_addr);
    address.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    address.host = v6_text(in.sin6_addr);
    address.port = ntohs(in.sin6_port);
  }
  return address;
}

ClientAddress unix_address(int listen_port) {
  ClientAddress address;
  address.is_unix = true;
  address.host = "unix";
  address.port = static_cast<std::uint16_t>(listen_port);
  return address;
}

void read_peer_credentials(int fd, ClientAddress& address) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return;
  address.pid = peer.pid;
  address.uid = peer.uid;
}

bool is_in_network(const rules::AddressBytes& address, const std::string& network) {
  const std::size_t slash = network.find('/');
  const std::string base_text = network.substr(0, slash);
  const auto base = rules::parse_address(base_text);
  if (!base) return false;
  const unsigned width = base_text.find(':') == std::string::npos ? 32 : 128;
  unsigned bits = width;
  if (slash != std::string::npos) {
    const char* const end = network.data() + network.size();
    const auto [stop, error] = std::from_chars(network.data() + slash + 1, end, bits);
    if (error != std::errc() || stop != end || bits > width) return false;
  }
  return rules::agree(address, *base, bits + (128 - width));
}

}  // namespace

std::string ClientAddress::to_string() const {
  std::string text;
  append_to(text);
  return text;
}

void ClientAddress::append_to(std::string& out) const {
  if (is_unix) {
    out += "unix(";
    append_number(out, pid);
    out += ')';
  } else if (host.find(':') == std::string::npos) {
    out += host;
  } else {
    out.append("[").append(host).append("]");
  }
  out += ':';
  append_number(out, port);
}

ClientAddress address_of_peer(int fd, const sockaddr_storage& peer, int listen_port) {
  if (peer.ss_family != AF_UNIX) return tcp_address(peer);
  ClientAddress address = unix_address(listen_port);
  read_peer_credentials(fd, address);
  return address;
}

ClientAddress address_here(int fd, int listen_port) {
  sockaddr_storage here{};
  socklen_t size = sizeof here;
  getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size);
  return here.ss_family == AF_UNIX ? unix_address(listen_port) : tcp_address(here);
}

bool is_in_networks(const std::string& host, const CommaList& networks) {
  const auto address = rules::parse_address(host);
  if (!address) return false;
  for (const std::string& network : networks)
    if (is_in_network(*address, network)) return true;
  return false;
}

}  // namespace pgswitch
