#include "protocol/backend.hpp"
#include "protocol/trace.hpp"
#include "protocol/writer.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;

/// First byte: message type, the rest its body, through every reader and the trace.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  const char type = static_cast<char>(input.byte());
  const std::string body(input.rest());
  backend::read_parameter_status(body);
  backend::read_backend_key_data(body);
  backend::read_ready_for_query(body);
  backend::read_command_complete(body);

  const SqlError error = backend::read_error(body);
  std::string wire;
  write_error(wire, error);
  const SqlError again = backend::read_error(ByteView(wire).substr(frame_header_size));
  pgswitch::fuzz::require(again.message == error.message && again.detail == error.detail && again.hint == error.hint);
  pgswitch::fuzz::require(again.severity == error.severity && again.position == error.position);

  std::string line;
  trace(line, Direction::from_backend, {type, static_cast<std::uint32_t>(body.size())}, body);
  pgswitch::fuzz::require(line.size() < 2 * max_trace_line && line.find('\n') == std::string::npos);
  return 0;
}
