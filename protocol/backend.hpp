#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocol/frame.hpp"
#include "protocol/sql_error.hpp"

/// Views of the messages a server sends (manual, 55.7). Servers are untrusted input too: every field is optional, every
/// reader returns nullopt for a body that does not add up.
namespace pgswitch::protocol::backend {

inline constexpr char authentication = 'R', backend_key_data = 'K', bind_complete = '2', close_complete = '3',
                      command_complete = 'C', copy_both_response = 'W', copy_data = 'd', copy_done = 'c',
                      copy_in_response = 'G', copy_out_response = 'H', data_row = 'D', empty_query_response = 'I',
                      error_response = 'E', function_call_response = 'V', negotiate_protocol_version = 'v', no_data = 'n',
                      notice_response = 'N', notification_response = 'A', parameter_description = 't',
                      parameter_status = 'S', parse_complete = '1', portal_suspended = 's', ready_for_query = 'Z',
                      row_description = 'T';

struct ParameterStatus {
  std::string_view name;
  std::string_view value;
};
/// `secret` is 4 bytes in protocol 3.0 and up to 256 in 3.2.
struct BackendKeyData {
  std::uint32_t process_id = 0;
  ByteView secret;
};

std::optional<ParameterStatus> read_parameter_status(ByteView body);
std::optional<BackendKeyData> read_backend_key_data(ByteView body);
/// 'I', 'T' or 'E'.
std::optional<char> read_ready_for_query(ByteView body);
/// The tag, such as "INSERT 0 1".
std::optional<std::string_view> read_command_complete(ByteView body);
/// ErrorResponse or NoticeResponse; unknown fields are dropped, missing ones left empty.
SqlError read_error(ByteView body);
/// Value of one field ('C' = SQLSTATE, 'M' = message, ...), empty when missing.
std::string_view error_field(ByteView body, char field);

}  // namespace pgswitch::protocol::backend
