#include "protocol/frontend.hpp"
#include "protocol/trace.hpp"
#include "protocol/writer.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pgswitch::protocol;

namespace {

void round_trip_parse(ByteView body) {
  const std::optional<frontend::Parse> parse = frontend::read_parse(body);
  if (!parse) return;
  std::string wire;
  write_parse(wire, parse->statement, parse->text, parse->parameter_types);
  pgswitch::fuzz::require(ByteView(wire).substr(frame_header_size) == body);
}

void round_trip_query(ByteView body) {
  const std::optional<frontend::Query> query = frontend::read_query(body);
  if (!query) return;
  std::string wire;
  write_query(wire, query->text);
  pgswitch::fuzz::require(ByteView(wire).substr(frame_header_size) == body);
}

}  // namespace

/// First byte: message type, the rest its body, through every reader and the trace.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  pgswitch::fuzz::Input input(data, size);
  const char type = static_cast<char>(input.byte());
  const std::string body(input.rest());
  round_trip_query(body);
  round_trip_parse(body);
  frontend::read_execute(body);
  frontend::read_describe(body);
  frontend::read_close(body);
  const std::optional<frontend::BindNames> names = frontend::read_bind_names(body);
  pgswitch::fuzz::require(!names || names->names_size <= body.size());
  pgswitch::fuzz::require(!frontend::is_valid_bind(body) || names.has_value());

  std::string line;
  trace(line, Direction::from_frontend, {type, static_cast<std::uint32_t>(body.size())}, body);
  pgswitch::fuzz::require(line.size() < 2 * max_trace_line && line.find('\n') == std::string::npos);
  return 0;
}
