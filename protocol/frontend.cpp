#include "protocol/frontend.hpp"

#include "protocol/reader.hpp"

namespace pgswitch::protocol::frontend {
namespace {

std::optional<Target> read_target(ByteView body) {
  BodyReader in(body);
  Target message;
  message.target = static_cast<char>(in.byte());
  message.name = in.string();
  const bool known = message.target == 'S' || message.target == 'P';
  return in.at_end() && known ? std::optional(message) : std::nullopt;
}

/// A length of -1 is SQL NULL; every other negative length is an error (pq_getmsgbytes).
void skip_parameters(BodyReader& in, std::size_t count) {
  for (std::size_t i = 0; i < count && in.ok(); ++i) {
    const std::uint32_t length = in.int32();
    if (length != 0xffffffffu) in.bytes(length);
  }
}

}  // namespace

bool is_known(char type) {
  switch (type) {
    case bind: case close: case copy_data: case copy_done: case copy_fail: case describe: case execute: case flush:
    case function_call: case parse: case password: case query: case sync: case terminate:
      return true;
    default:
      return false;
  }
}

std::uint32_t longest(char type) {
  constexpr std::uint32_t small = 10000, large = 0x3fffffff - 1;  // PQ_SMALL_MESSAGE_LIMIT, PQ_LARGE_MESSAGE_LIMIT
  switch (type) {
    case close: case describe: case execute: case flush: case sync: case terminate: case copy_done: case copy_fail: return small;
    default: return large;
  }
}

std::string fault(char type, ByteView body) {
  BodyReader in(body);
  char target = 'S';
  switch (type) {
    case describe:
    case close: target = static_cast<char>(in.byte()); break;
    case bind:
    case parse: in.string(); break;
    default: break;
  }
  in.string();
  if (type == parse) in.bytes(std::size_t{in.int16()} * 4);
  if (type == execute) in.int32();
  if (in.at_end() && target != 'S' && target != 'P')
    return std::string("invalid ") + (type == describe ? "DESCRIBE" : "CLOSE") + " message subtype " +
           std::to_string(static_cast<unsigned char>(target));
  return std::string(in.fault());
}

std::optional<Query> read_query(ByteView body) {
  BodyReader in(body);
  const Query message{in.string()};
  return in.at_end() ? std::optional(message) : std::nullopt;
}

std::optional<Parse> read_parse(ByteView body) {
  BodyReader in(body);
  Parse message;
  message.statement = in.string();
  message.text = in.string();
  message.parameter_type_count = in.int16();
  message.parameter_types = in.bytes(std::size_t{message.parameter_type_count} * 4);
  return in.at_end() ? std::optional(message) : std::nullopt;
}

std::optional<BindNames> read_bind_names(ByteView body) {
  BodyReader in(body);
  BindNames names;
  names.portal = in.string();
  names.statement = in.string();
  if (!in.ok()) return std::nullopt;
  names.names_size = names.portal.size() + names.statement.size() + 2;
  return names;
}

bool is_valid_bind(ByteView body) {
  BodyReader in(body);
  in.string();
  in.string();
  const std::size_t formats = in.int16();
  in.bytes(formats * 2);
  const std::size_t parameters = in.int16();
  // One format stands for all parameters (exec_bind_message answers 08P01 to any other disagreement).
  if (formats > 1 && formats != parameters) return false;
  return bind_values_fault(body).empty();
}

std::string bind_values_fault(ByteView body, std::optional<std::size_t> columns) {
  BodyReader in(body);
  in.string();
  in.string();
  in.bytes(std::size_t{in.int16()} * 2);
  skip_parameters(in, in.int16());
  const std::size_t formats = in.int16();
  in.bytes(formats * 2);
  if (!in.at_end()) return std::string(in.fault());
  // One format stands for all columns.
  if (!columns || formats <= 1 || formats == *columns) return {};
  return "bind message has " + std::to_string(formats) + " result formats but query has " + std::to_string(*columns) + " columns";
}

std::string bind_fault(ByteView body, std::size_t wanted) {
  BodyReader in(body);
  in.string();
  const std::string_view statement = in.string();
  const std::size_t formats = in.int16();
  in.bytes(formats * 2);
  const std::size_t parameters = in.int16();
  if (!in.ok()) return std::string(in.fault());
  if (formats > 1 && formats != parameters)
    return "bind message has " + std::to_string(formats) + " parameter formats but " + std::to_string(parameters) + " parameters";
  if (parameters == wanted) return {};
  return "bind message supplies " + std::to_string(parameters) + " parameters, but prepared statement \"" + std::string(statement) +
         "\" requires " + std::to_string(wanted);
}

std::optional<Execute> read_execute(ByteView body) {
  BodyReader in(body);
  Execute message;
  message.portal = in.string();
  message.max_rows = static_cast<std::int32_t>(in.int32());
  return in.at_end() ? std::optional(message) : std::nullopt;
}

std::optional<Target> read_describe(ByteView body) { return read_target(body); }
std::optional<Target> read_close(ByteView body) { return read_target(body); }

bool ends_with_terminate(ByteView bytes) {
  constexpr std::size_t any_size = std::size_t{1} << 31;
  char last = 0;
  FrameHeader header;
  while (read_header(bytes, any_size, header) == HeaderStatus::complete && header.frame_size() <= bytes.size()) {
    last = header.type;
    bytes.remove_prefix(header.frame_size());
  }
  return last == terminate && bytes.empty();
}

}  // namespace pgswitch::protocol::frontend
