#include "protocol/startup.hpp"
#include "protocol/writer.hpp"
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

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string in(reinterpret_cast<const char*>(data), size);
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
