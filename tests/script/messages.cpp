#include "messages.hpp"

#include <array>
#include <cstdio>

#include "protocol/backend.hpp"
#include "protocol/frame.hpp"
#include "protocol/writer.hpp"
#include "proxy/session/prepared.hpp"
#include "proxy/session/settings.hpp"
#include "step.hpp"

namespace pgswitch::script {

using protocol::MessageWriter;
namespace backend = protocol::backend;

namespace {

constexpr char wildcard = '\x01';

std::string oids(std::initializer_list<std::uint32_t> types) {
  std::string bytes;
  for (const std::uint32_t type : types)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(type >> shift & 0xff);
  return bytes;
}

Bytes error_of(protocol::Severity severity, std::string_view sqlstate, std::string_view message) {
  protocol::SqlError error;
  error.severity = severity;
  error.sqlstate = sqlstate;
  error.message = message;
  Bytes out;
  protocol::write_error(out, error);
  return out;
}

Bytes target(char type, char kind, std::string_view name) {
  Bytes out;
  MessageWriter(out, type).byte(kind).string(name);
  return out;
}

Bytes bare(char type) {
  Bytes out;
  protocol::write_empty(out, type);
  return out;
}

}  // namespace

Bytes frame(char type, std::string_view body) {
  Bytes out;
  MessageWriter(out, type).bytes(body);
  return out;
}

Bytes query(std::string_view sql) {
  Bytes out;
  protocol::write_query(out, sql);
  return out;
}

Bytes parse(std::string_view name, std::string_view sql, std::initializer_list<std::uint32_t> types) {
  Bytes out;
  protocol::write_parse(out, name, sql, oids(types));
  return out;
}

Bytes bind_to(std::string_view portal, std::string_view statement, std::initializer_list<std::string_view> values,
              std::initializer_list<std::uint16_t> formats) {
  Bytes out;
  MessageWriter message(out, 'B');
  message.string(portal).string(statement).int16(0).int16(static_cast<std::uint16_t>(values.size()));
  for (const std::string_view value : values) message.int32(static_cast<std::uint32_t>(value.size())).bytes(value);
  message.int16(static_cast<std::uint16_t>(formats.size()));
  for (const std::uint16_t format : formats) message.int16(format);
  message.finish();
  return out;
}

Bytes bind_to(std::string_view portal, std::string_view statement, std::initializer_list<std::string_view> values) {
  return bind_to(portal, statement, values, {});
}

Bytes describe_statement(std::string_view name) { return target('D', 'S', name); }
Bytes describe_portal(std::string_view name) { return target('D', 'P', name); }
Bytes close_statement(std::string_view name) { return target('C', 'S', name); }
Bytes close_portal(std::string_view name) { return target('C', 'P', name); }

Bytes execute(std::string_view portal, std::uint32_t max_rows) {
  Bytes out;
  MessageWriter(out, 'E').string(portal).int32(max_rows);
  return out;
}

Bytes sync() { return bare('S'); }
Bytes flush() { return bare('H'); }

Bytes function_call(std::string_view argument) {
  Bytes out;
  MessageWriter message(out, 'F');
  message.int32(1598).int16(0).int16(1).int32(static_cast<std::uint32_t>(argument.size())).bytes(argument).int16(0).finish();
  return out;
}

Bytes copy_data(std::string_view data) { return frame('d', data); }
Bytes copy_done() { return bare('c'); }
Bytes copy_fail(std::string_view reason) { return frame('f', std::string(reason) + '\0'); }
Bytes terminate() { return bare('X'); }

PreparedKey key_of_parse(std::string_view behind_name) {
  const std::string_view sql = behind_name.substr(0, behind_name.find('\0'));
  return prepared_key(sql, behind_name.substr(std::min(behind_name.size(), sql.size() + 3)), SessionSettings(TrackedCopy(Start().tracked), Settings()).parsing());
}

std::string on_server(std::string_view sql, std::initializer_list<std::uint32_t> types, std::string_view settings) {
  std::string parsed_with = SessionSettings(TrackedCopy(Start().tracked), Settings()).parsing();
  parsed_with += settings;
  const ServerName name = server_name(prepared_key(sql, oids(types), parsed_with));
  return {name.data(), name.size()};
}

Bytes row_description(std::string_view column, std::uint32_t type) {
  Bytes out;
  const std::array columns{protocol::Column{std::string(column), type}};
  protocol::write_row_description(out, columns);
  return out;
}

Bytes row_description(std::string_view column) { return row_description(column, 25); }

Bytes data_row(std::string_view value) {
  Bytes out;
  const std::array values{std::optional(std::string(value))};
  protocol::write_data_row(out, values);
  return out;
}

Bytes complete(std::string_view tag) {
  Bytes out;
  protocol::write_command_complete(out, tag);
  return out;
}

Bytes ready(char status) { return frame('Z', std::string(1, status)); }
Bytes empty_query() { return bare('I'); }
Bytes parse_complete() { return bare('1'); }
Bytes bind_complete() { return bare('2'); }
Bytes close_complete() { return bare('3'); }
Bytes no_data() { return bare('n'); }

Bytes parameter_description(std::initializer_list<std::uint32_t> types) {
  Bytes out;
  MessageWriter(out, 't').int16(static_cast<std::uint16_t>(types.size())).bytes(oids(types));
  return out;
}

Bytes portal_suspended() { return bare('s'); }
Bytes copy_in_response() { return frame('G', std::string_view("\0\0\0", 3)); }
Bytes copy_out_response() { return frame('H', std::string_view("\0\0\0", 3)); }
Bytes function_result() { return frame('V', std::string_view("\xff\xff\xff\xff", 4)); }

Bytes error(std::string_view sqlstate, std::string_view message, std::uint32_t position, std::string_view hint) {
  protocol::SqlError error;
  error.sqlstate = sqlstate;
  error.message = message;
  error.position = position;
  error.hint = hint;
  Bytes out;
  protocol::write_error(out, error);
  return out;
}

Bytes fatal(std::string_view sqlstate, std::string_view message) {
  return error_of(protocol::Severity::fatal, sqlstate, message);
}

Bytes leader_node_refusal() { return error("0A000", "Specified types or functions (one per INFO message) not supported on Redshift tables."); }

Bytes notice(std::string_view message) {
  protocol::SqlError said;
  said.severity = protocol::Severity::notice;
  said.sqlstate = "00000";
  said.message = message;
  Bytes out;
  protocol::write_notice(out, said);
  return out;
}

Bytes parameter_status(std::string_view name, std::string_view value) {
  Bytes out;
  protocol::write_parameter_status(out, name, value);
  return out;
}

Bytes notification(std::string_view channel) {
  Bytes out;
  MessageWriter(out, 'A').int32(7).string(channel).string("");
  return out;
}

Bytes any_error(std::string_view sqlstate) { return frame(wildcard, "ERROR " + std::string(sqlstate)); }
Bytes any_fatal(std::string_view sqlstate) { return frame(wildcard, "FATAL " + std::string(sqlstate)); }

std::vector<Bytes> split(std::string_view bytes) {
  std::vector<Bytes> frames;
  while (!bytes.empty()) {
    protocol::FrameHeader header;
    const bool whole = read_header(bytes, 0x7fffffff, header) == protocol::HeaderStatus::complete && header.frame_size() <= bytes.size();
    const std::size_t size = whole ? header.frame_size() : bytes.size();
    frames.emplace_back(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  return frames;
}

std::string show(std::string_view bytes) {
  constexpr std::size_t longest = 200;
  std::string text;
  for (const Bytes& one : split(bytes)) {
    text += "  ";
    text += one[0] == wildcard ? '*' : one[0];
    text += ' ';
    const std::string_view body = one.size() > 5 ? std::string_view(one).substr(5) : std::string_view{};
    for (const char c : body.substr(0, longest)) {
      char code[8];
      std::snprintf(code, sizeof code, "\\%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      text += c >= ' ' && c < 127 ? std::string(1, c) : std::string(code);
    }
    if (body.size() > longest) text += "... " + std::to_string(body.size()) + " bytes";
    text += '\n';
  }
  return text;
}

bool same(std::string_view expected, std::string_view actual) {
  const std::vector<Bytes> left = split(expected), right = split(actual);
  if (left.size() != right.size()) return false;
  for (std::size_t i = 0; i < left.size(); ++i) {
    if (left[i][0] != wildcard) {
      if (left[i] != right[i]) return false;
      continue;
    }
    if (right[i][0] != backend::error_response || right[i].size() < 5) return false;
    const std::string_view body = std::string_view(right[i]).substr(5);
    const std::string said = std::string(backend::error_field(body, 'V')) + " " + std::string(backend::error_field(body, 'C'));
    if (left[i].substr(5) != said) return false;
  }
  return true;
}

}  // namespace pgswitch::script
