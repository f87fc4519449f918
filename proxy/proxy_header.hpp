#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "protocol/frame.hpp"

namespace pgswitch {

/// The longest header accepted: version 1 takes 107 bytes, version 2 what its TLVs need.
inline constexpr std::size_t max_proxy_header_size = 4096;

/// What a PROXY protocol header says (haproxy's doc/proxy-protocol.txt, versions 1 and 2).
struct ProxyHeader {
  enum class Status : std::uint8_t { need_more, malformed, complete };
  Status status = Status::need_more;
  std::size_t size = 0;      ///< bytes of the whole header, when complete
  bool has_address = false;  ///< false for LOCAL, UNKNOWN and Unix sockets: the connection's own address counts
  std::string address;       ///< of the client, numeric
  std::uint16_t port = 0;
};

/// Looks at the start of what a balancer has sent. Consumes nothing. `need_more` means that all of `in` belongs to the
/// header.
ProxyHeader read_proxy_header(protocol::ByteView in);

}  // namespace pgswitch
