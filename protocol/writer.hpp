#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/sql_error.hpp"

/// Messages as bytes, appended to `out`. Texts must not contain NUL (what comes from outside is cut at the first one).
namespace pgswitch::protocol {

/// Appends one frame: start, fields, then finish() (or the destructor) patches the length word.
class MessageWriter {
 public:
  MessageWriter(std::string& out, char type);
  ~MessageWriter() { finish(); }
  MessageWriter(const MessageWriter&) = delete;
  MessageWriter& operator=(const MessageWriter&) = delete;

  MessageWriter& byte(char value);
  MessageWriter& int16(std::uint16_t value);
  MessageWriter& int32(std::uint32_t value);
  MessageWriter& string(std::string_view text);  ///< with its NUL
  MessageWriter& bytes(std::string_view raw);    ///< without
  void finish();

 private:
  std::string& out_;
  std::size_t start_;
  bool finished_ = false;
};

// Server to client.
void write_error(std::string& out, const SqlError& error);
/// As protocols 1 and 2 had it: no length word and no fields, for a client that must be told that it is too old.
void write_error_before_v3(std::string& out, const SqlError& error);
void write_notice(std::string& out, const SqlError& notice);
void write_ready_for_query(std::string& out, char transaction_status);
void write_command_complete(std::string& out, std::string_view tag);
void write_parameter_status(std::string& out, std::string_view name, std::string_view value);
void write_backend_key_data(std::string& out, std::uint32_t process_id, std::string_view secret);
void write_empty(std::string& out, char type);  ///< a frame without a body: ParseComplete, BindComplete, NoData, ...
void write_authentication(std::string& out, std::uint32_t code, std::string_view data = {});
/// `newest_minor` is the minor number (2 for 3.2).
void write_negotiate_protocol_version(std::string& out, std::uint32_t newest_minor,
                                      std::span<const std::string> unknown_options);

/// A column of a RowDescription that pgswitch itself makes (format text, no table).
struct Column {
  std::string name;
  std::uint32_t type_oid = 25;  ///< pg_type.oid; 25 = text
  std::int16_t type_size = -1;
};
void write_row_description(std::string& out, std::span<const Column> columns);
/// nullopt = SQL NULL.
void write_data_row(std::string& out, std::span<const std::optional<std::string>> values);

// Client to server.
void write_query(std::string& out, std::string_view text);
void write_parse(std::string& out, std::string_view statement, std::string_view text,
                 std::string_view parameter_types /* oids, 4 bytes each, network order */);
/// The beginning of a Bind up to the names; `rest` bytes of the caller's follow it.
void write_bind_names(std::string& out, std::size_t rest, std::string_view portal, std::string_view statement);
void write_close(std::string& out, char target, std::string_view name);
void write_sync(std::string& out);
void write_terminate(std::string& out);
void write_copy_fail(std::string& out, std::string_view reason);
void write_password(std::string& out, std::string_view password);
/// The packets without a type byte.
void write_startup(std::string& out, std::uint32_t protocol_version,
                   std::span<const std::pair<std::string, std::string>> parameters);
void write_ssl_request(std::string& out);
void write_cancel_request(std::string& out, std::uint32_t process_id, std::string_view secret);

}  // namespace pgswitch::protocol
