#include "protocol/backend.hpp"

#include <array>
#include <charconv>

#include "protocol/reader.hpp"

namespace pgswitch::protocol::backend {
namespace {

/// 'V' is never localised; servers before 9.6, and Redshift, send only 'S'.
Severity read_severity(ByteView body) {
  ByteView text = error_field(body, 'V');
  if (text.empty()) text = error_field(body, 'S');
  constexpr std::array all{Severity::error,  Severity::fatal, Severity::panic, Severity::warning,
                           Severity::notice, Severity::debug, Severity::info,  Severity::log};
  for (const Severity severity : all)
    if (text == to_string(severity)) return severity;
  return Severity::error;
}

std::uint32_t read_position(ByteView text) {
  std::uint32_t position = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), position);
  const bool whole = failure == std::errc{} && end == text.data() + text.size();
  return whole ? position : 0;
}

}  // namespace

std::optional<ParameterStatus> read_parameter_status(ByteView body) {
  BodyReader in(body);
  ParameterStatus message;
  message.name = in.string();
  message.value = in.string();
  return in.at_end() ? std::optional(message) : std::nullopt;
}

std::optional<BackendKeyData> read_backend_key_data(ByteView body) {
  constexpr std::size_t shortest_secret = 4, longest_secret = 256;
  BodyReader in(body);
  BackendKeyData message;
  message.process_id = in.int32();
  message.secret = in.rest();
  const bool fits = message.secret.size() >= shortest_secret && message.secret.size() <= longest_secret;
  return in.ok() && fits ? std::optional(message) : std::nullopt;
}

std::optional<char> read_ready_for_query(ByteView body) {
  if (body.size() != 1) return std::nullopt;
  const char status = body[0];
  return status == 'I' || status == 'T' || status == 'E' ? std::optional(status) : std::nullopt;
}

std::optional<std::string_view> read_command_complete(ByteView body) {
  BodyReader in(body);
  const std::string_view tag = in.string();
  return in.at_end() ? std::optional(tag) : std::nullopt;
}

SqlError read_error(ByteView body) {
  SqlError error;
  error.severity = read_severity(body);
  error.sqlstate = error_field(body, 'C');
  error.message = error_field(body, 'M');
  error.detail = error_field(body, 'D');
  error.hint = error_field(body, 'H');
  error.position = read_position(error_field(body, 'P'));
  return error;
}

std::string_view error_field(ByteView body, char field) {
  BodyReader in(body);
  while (const std::uint8_t code = in.byte()) {
    const std::string_view value = in.string();
    if (static_cast<char>(code) == field) return value;
  }
  return {};
}

}  // namespace pgswitch::protocol::backend
