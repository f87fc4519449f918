#include "protocol/startup.hpp"
#include "protocol/writer.hpp"
#include "proxy/proxy_header.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;

namespace {

/// What was accepted, written again, must be accepted again and mean the same.
void round_trip(const StartupMessage& message) {
  Settings parameters{{"user", message.user}, {"database", message.database}};
  parameters.insert(parameters.end(), message.parameters.begin(), message.parameters.end());
  std::string wire;
  write_startup(wire, 3u << 16 | message.minor, parameters);
  if (wire.size() > max_startup_packet_size) return;  // the database's name was not in the packet
  pgswitch::fuzz::require(scan_startup(wire).kind == StartupKind::startup);
  StartupMessage again;
  pgswitch::fuzz::require(!read_startup(wire, again));
  pgswitch::fuzz::require(again.user == message.user && again.database == message.database);
  pgswitch::fuzz::require(again.parameters == message.parameters && !again.must_negotiate());
}

/// A part of what is complete, or cannot become so, is not yet it, or is it already.
void scan_parts(const std::string& in) {
  const StartupPacket whole = scan_startup(in);
  for (std::size_t size = 0; size < std::min<std::size_t>(in.size(), 64); ++size) {
    const std::string part = in.substr(0, size);
    const StartupPacket packet = scan_startup(part);
    pgswitch::fuzz::require(packet.kind == StartupKind::need_more || packet.kind == whole.kind);
  }
}

/// The header of a balancer: its bytes, or 0 when it has not come in full or is none.
std::size_t read_balancer(const std::string& in) {
  using pgswitch::ProxyHeader;
  const ProxyHeader header = pgswitch::read_proxy_header(in);
  for (std::size_t size = 0; size < std::min<std::size_t>(in.size(), 128); ++size) {
    const std::string part = in.substr(0, size);
    const ProxyHeader early = pgswitch::read_proxy_header(part);
    pgswitch::fuzz::require(early.status == ProxyHeader::Status::need_more || early.status == header.status);
    if (early.status == ProxyHeader::Status::complete) pgswitch::fuzz::require(early.size == header.size && early.address == header.address);
  }
  if (header.status != ProxyHeader::Status::complete) return 0;
  pgswitch::fuzz::require(header.size > 0 && header.size <= std::min(in.size(), pgswitch::max_proxy_header_size));
  pgswitch::fuzz::require(header.has_address == !header.address.empty());
  return header.size;
}

}  // namespace

/// What a client sends first: the header of a balancer, and a packet without a type.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string in(reinterpret_cast<const char*>(data), size);
  in.erase(0, read_balancer(in));
  in.shrink_to_fit();
  scan_parts(in);
  const StartupPacket packet = scan_startup(in);
  pgswitch::fuzz::require(packet.bytes.size() <= in.size());
  StartupMessage message;
  if (packet.kind == StartupKind::startup) {
    const std::string exact(packet.bytes);
    if (!read_startup(exact, message)) round_trip(message);
  }
  if (packet.kind == StartupKind::cancel_request) pgswitch::fuzz::require(read_cancel_request(packet.bytes).has_value());
  read_cancel_request(in);
  Settings settings;
  parse_options(in, settings);
  return 0;
}
