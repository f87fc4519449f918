#include "protocol/writer.hpp"

#include <algorithm>

#include "protocol/backend.hpp"
#include "protocol/frontend.hpp"

namespace pgswitch::protocol {
namespace {

void append_int16(std::string& out, std::uint16_t value) {
  const char octets[] = {static_cast<char>(value >> 8), static_cast<char>(value)};
  out.append(octets, sizeof octets);
}

void append_int32(std::string& out, std::uint32_t value) {
  append_int16(out, static_cast<std::uint16_t>(value >> 16));
  append_int16(out, static_cast<std::uint16_t>(value));
}

void append_string(std::string& out, std::string_view text) {
  out.append(text.substr(0, text.find('\0')));
  out.push_back('\0');
}

void put_int32(std::string& out, std::size_t at, std::size_t value) {
  for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<char>(value >> (24 - 8 * i));
}

/// Fields of the manual's 55.8, in PostgreSQL's order (send_message_to_frontend).
void write_report(std::string& out, char type, const SqlError& error) {
  MessageWriter message(out, type);
  message.byte('S').string(to_string(error.severity));
  message.byte('V').string(to_string(error.severity));
  // Drivers take five characters for granted; an ErrorResponse read without a code must not pass that on.
  message.byte('C').string(error.sqlstate.size() == 5 ? std::string_view(error.sqlstate) : sqlstate::internal_error);
  message.byte('M').string(error.message);
  if (!error.detail.empty()) message.byte('D').string(error.detail);
  if (!error.hint.empty()) message.byte('H').string(error.hint);
  if (error.position != 0) message.byte('P').string(std::to_string(error.position));
  if (!error.context.empty()) message.byte('W').string(error.context);
  message.byte('\0');
}

}  // namespace

MessageWriter::MessageWriter(std::string& out, char type) : out_(out), start_(out.size()) {
  out_.append({type, '\0', '\0', '\0', '\0'});
}

MessageWriter& MessageWriter::byte(char value) {
  out_.push_back(value);
  return *this;
}
MessageWriter& MessageWriter::int16(std::uint16_t value) {
  append_int16(out_, value);
  return *this;
}
MessageWriter& MessageWriter::int32(std::uint32_t value) {
  append_int32(out_, value);
  return *this;
}
MessageWriter& MessageWriter::string(std::string_view text) {
  append_string(out_, text);
  return *this;
}
MessageWriter& MessageWriter::bytes(std::string_view raw) {
  out_.append(raw);
  return *this;
}
void MessageWriter::finish() {
  if (finished_) return;
  finished_ = true;
  put_int32(out_, start_ + 1, out_.size() - start_ - 1);
}

void write_error(std::string& out, const SqlError& error) { write_report(out, backend::error_response, error); }
void write_error_before_v3(std::string& out, const SqlError& error) {
  out += backend::error_response;
  out.append(to_string(error.severity)).append(":  ").append(error.message).append(1, '\n').append(1, '\0');
}
void write_notice(std::string& out, const SqlError& notice) { write_report(out, backend::notice_response, notice); }

void write_ready_for_query(std::string& out, char transaction_status) {
  MessageWriter(out, backend::ready_for_query).byte(transaction_status);
}
void write_command_complete(std::string& out, std::string_view tag) {
  MessageWriter(out, backend::command_complete).string(tag);
}
void write_parameter_status(std::string& out, std::string_view name, std::string_view value) {
  MessageWriter(out, backend::parameter_status).string(name).string(value);
}
void write_backend_key_data(std::string& out, std::uint32_t process_id, std::string_view secret) {
  MessageWriter(out, backend::backend_key_data).int32(process_id).bytes(secret);
}
void write_empty(std::string& out, char type) { MessageWriter(out, type).finish(); }

void write_authentication(std::string& out, std::uint32_t code, std::string_view data) {
  MessageWriter(out, backend::authentication).int32(code).bytes(data);
}

void write_negotiate_protocol_version(std::string& out, std::uint32_t newest_minor,
                                      std::span<const std::string> unknown_options) {
  MessageWriter message(out, backend::negotiate_protocol_version);
  // PostgreSQL and libpq put the whole version here, not the minor number alone that the manual speaks of.
  message.int32(3u << 16 | newest_minor).int32(static_cast<std::uint32_t>(unknown_options.size()));
  for (const std::string& option : unknown_options) message.string(option);
}

void write_row_description(std::string& out, std::span<const Column> columns) {
  MessageWriter message(out, backend::row_description);
  message.int16(static_cast<std::uint16_t>(columns.size()));
  for (const Column& column : columns) {
    message.string(column.name).int32(0).int16(0);  // no table, no attribute number
    message.int32(column.type_oid).int16(static_cast<std::uint16_t>(column.type_size));
    message.int32(0xffffffffu).int16(0);  // no type modifier, format text
  }
}

void write_data_row(std::string& out, std::span<const std::optional<std::string>> values) {
  MessageWriter message(out, backend::data_row);
  message.int16(static_cast<std::uint16_t>(values.size()));
  for (const std::optional<std::string>& value : values) {
    if (value) message.int32(static_cast<std::uint32_t>(value->size())).bytes(*value);
    else message.int32(0xffffffffu);
  }
}

void write_query(std::string& out, std::string_view text) { MessageWriter(out, frontend::query).string(text); }

void write_parse(std::string& out, std::string_view statement, std::string_view text,
                 std::string_view parameter_types) {
  MessageWriter message(out, frontend::parse);
  message.string(statement).string(text);
  message.int16(static_cast<std::uint16_t>(parameter_types.size() / 4)).bytes(parameter_types);
}

void write_bind_names(std::string& out, std::size_t rest, std::string_view portal, std::string_view statement) {
  const std::size_t start = out.size();
  const std::size_t names = portal.size() + statement.size() + 2;
  out.resize(start + frame_header_size + names);  // the names' NULs too
  out[start] = frontend::bind;
  put_int32(out, start + 1, 4 + names + rest);
  const std::size_t at = start + frame_header_size;
  std::copy(portal.begin(), portal.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
  std::copy(statement.begin(), statement.end(), out.begin() + static_cast<std::ptrdiff_t>(at + portal.size() + 1));
}
void write_close(std::string& out, char target, std::string_view name) {
  MessageWriter(out, frontend::close).byte(target).string(name);
}
void write_sync(std::string& out) { write_empty(out, frontend::sync); }
void write_terminate(std::string& out) { write_empty(out, frontend::terminate); }
void write_copy_fail(std::string& out, std::string_view reason) {
  MessageWriter(out, frontend::copy_fail).string(reason);
}
void write_password(std::string& out, std::string_view password) {
  MessageWriter(out, frontend::password).string(password);
}

void write_startup(std::string& out, std::uint32_t protocol_version,
                   std::span<const std::pair<std::string, std::string>> parameters) {
  const std::size_t start = out.size();
  append_int32(out, 0);
  append_int32(out, protocol_version);
  for (const auto& [name, value] : parameters) {
    if (name.empty() || name[0] == '\0') continue;  // an empty name would end the list
    append_string(out, name);
    append_string(out, value);
  }
  out.push_back('\0');
  put_int32(out, start, out.size() - start);
}

void write_ssl_request(std::string& out) {
  append_int32(out, 8);
  append_int32(out, 1234u << 16 | 5679u);
}

void write_cancel_request(std::string& out, std::uint32_t process_id, std::string_view secret) {
  append_int32(out, static_cast<std::uint32_t>(12 + secret.size()));
  append_int32(out, 1234u << 16 | 5678u);
  append_int32(out, process_id);
  out.append(secret);
}

}  // namespace pgswitch::protocol
