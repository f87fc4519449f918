#include "protocol/startup.hpp"

#include <algorithm>
#include <array>

#include "protocol/reader.hpp"

namespace pgswitch::protocol {
namespace {

constexpr std::uint32_t request_code(std::uint32_t minor) { return 1234u << 16 | minor; }
constexpr std::uint32_t cancel_code = request_code(5678), ssl_code = request_code(5679), gss_code = request_code(5680);
constexpr char tls_handshake_record = 0x16;
constexpr std::size_t shortest_secret = 4, longest_secret = 256;

SqlError fatal(std::string_view code, std::string message) {
  SqlError error;
  error.severity = Severity::fatal;
  error.sqlstate = code;
  error.message = std::move(message);
  return error;
}

StartupKind kind_of(ByteView packet) {
  BodyReader in(packet);
  in.int32();
  const std::uint32_t code = in.int32();
  if (code == cancel_code) return read_cancel_request(packet) ? StartupKind::cancel_request : StartupKind::malformed;
  if (code != ssl_code && code != gss_code) return StartupKind::startup;
  if (!in.at_end()) return StartupKind::malformed;
  return code == ssl_code ? StartupKind::ssl_request : StartupKind::gss_request;
}

/// parse_bool of PostgreSQL: any unambiguous beginning of true, false, yes, no, on, off; or 1 or 0.
std::optional<bool> parse_bool(std::string_view text) {
  struct Word {
    std::string_view text;
    std::size_t shortest;
    bool value;
  };
  constexpr std::array<Word, 8> words{{{"true", 1, true}, {"false", 1, false}, {"yes", 1, true}, {"no", 1, false},
                                       {"on", 2, true}, {"off", 2, false}, {"1", 1, true}, {"0", 1, false}}};
  const auto same = [](char given, char lower) {
    return (given >= 'A' && given <= 'Z' ? static_cast<char>(given + 32) : given) == lower;
  };
  for (const Word& word : words) {
    const bool fits = text.size() >= word.shortest && text.size() <= word.text.size();
    if (fits && std::equal(text.begin(), text.end(), word.text.begin(), same)) return word.value;
  }
  return std::nullopt;
}

std::optional<SqlError> set_replication(StartupMessage& message, std::string_view value) {
  const std::optional<bool> on = parse_bool(value);
  if (value == "database") message.replication = Replication::logical;
  else if (on) message.replication = *on ? Replication::physical : Replication::none;
  else {
    SqlError error = fatal("22023", "invalid value for parameter \"replication\": \"" + std::string(value) + "\"");
    error.hint = "Valid values are: \"false\", 0, \"true\", 1, \"database\".";
    return error;
  }
  return std::nullopt;
}

std::optional<SqlError> set_parameter(StartupMessage& message, std::string_view name, std::string_view value) {
  if (name == "user") message.user = value;
  else if (name == "database") message.database = value;
  else if (name == "options") message.options = value;
  else if (name == "replication") return set_replication(message, value);
  else if (name.starts_with("_pq_.")) message.unknown_extensions.emplace_back(name);
  else message.parameters.emplace_back(name, value);
  return std::nullopt;
}

std::optional<SqlError> read_parameters(BodyReader& in, StartupMessage& message) {
  for (std::string_view name = in.string(); !name.empty(); name = in.string()) {
    const std::string_view value = in.string();
    if (!in.ok()) break;
    if (std::optional<SqlError> error = set_parameter(message, name, value)) return error;
  }
  if (in.at_end()) return std::nullopt;
  return fatal(sqlstate::protocol_violation, "invalid startup packet layout: expected terminator as last byte");
}

std::optional<SqlError> check_names(StartupMessage& message) {
  if (message.user.empty())
    return fatal(sqlstate::invalid_authorization, "no PostgreSQL user name specified in startup packet");
  if (message.database.empty()) message.database = message.user;
  return std::nullopt;
}

}  // namespace

StartupPacket scan_startup(ByteView in) {
  if (in.empty()) return {};
  if (in[0] == tls_handshake_record) return {StartupKind::direct_tls, {}};
  if (in.size() < 4) return {};
  const std::size_t size = BodyReader(in).int32();
  if (size < 8 || size > max_startup_packet_size) return {StartupKind::malformed, {}};
  if (in.size() < size) return {};
  const ByteView packet = in.substr(0, size);
  const StartupKind kind = kind_of(packet);
  return {kind, kind == StartupKind::malformed ? ByteView() : packet};
}

std::optional<CancelRequest> read_cancel_request(ByteView packet) {
  BodyReader in(packet);
  in.int32();
  const std::uint32_t code = in.int32();
  CancelRequest request;
  request.process_id = in.int32();
  request.secret = in.rest();
  const bool fits = request.secret.size() >= shortest_secret && request.secret.size() <= longest_secret;
  return in.ok() && code == cancel_code && fits ? std::optional(request) : std::nullopt;
}

std::optional<SqlError> read_startup(ByteView packet, StartupMessage& message, std::uint32_t newest_minor) {
  BodyReader in(packet);
  in.int32();
  message.requested_major = in.int16();
  message.requested_minor = in.int16();
  if (in.ok() && message.requested_major != 3)
    return fatal(sqlstate::feature_not_supported,
                 "unsupported frontend protocol " + std::to_string(message.requested_major) + "." +
                     std::to_string(message.requested_minor) + ": server supports 3.0 to 3." + std::to_string(newest_minor));
  message.minor = std::min(message.requested_minor, newest_minor);
  if (std::optional<SqlError> error = read_parameters(in, message)) return error;
  if (std::optional<SqlError> error = check_names(message)) return error;
  if (message.replication == Replication::none) message.options_error = parse_options(message.options, message.option_settings);
  return std::nullopt;
}

}  // namespace pgswitch::protocol
