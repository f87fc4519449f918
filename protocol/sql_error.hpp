#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace pgswitch::protocol {

enum class Severity : std::uint8_t { error, fatal, panic, warning, notice, debug, info, log };

/// "ERROR", "FATAL", ... as PostgreSQL spells it (never localised).
std::string_view to_string(Severity severity);

/// What a client may see of a failure: the fields of an ErrorResponse or NoticeResponse (manual, 55.8).
/// A plain value; every text is UTF-8 without NUL.
struct SqlError {
  Severity severity = Severity::error;
  std::string sqlstate = "XX000";
  std::string message;
  std::string detail;
  std::string hint;
  /// 1-based character position in the client's statement; 0 = none.
  std::uint32_t position = 0;
  /// Where in what the client sent, as PostgreSQL's CONTEXT tells it: "COPY t, line 3".
  std::string context{};
};

/// SQLSTATEs that pgswitch itself raises (manual, appendix A).
namespace sqlstate {
inline constexpr std::string_view protocol_violation = "08P01";
inline constexpr std::string_view connection_failure = "08006";
inline constexpr std::string_view cannot_connect = "08001";
inline constexpr std::string_view transaction_resolution_unknown = "08007";
inline constexpr std::string_view feature_not_supported = "0A000";
inline constexpr std::string_view active_sql_transaction = "25001";
inline constexpr std::string_view in_failed_sql_transaction = "25P02";
inline constexpr std::string_view idle_in_transaction_timeout = "25P03";
inline constexpr std::string_view transaction_timeout = "25P04";
inline constexpr std::string_view invalid_statement_name = "26000";
inline constexpr std::string_view invalid_authorization = "28000";
inline constexpr std::string_view invalid_password = "28P01";
inline constexpr std::string_view invalid_cursor_name = "34000";
inline constexpr std::string_view undefined_database = "3D000";
inline constexpr std::string_view duplicate_prepared_statement = "42P05";
inline constexpr std::string_view insufficient_privilege = "42501";
inline constexpr std::string_view too_many_connections = "53300";
inline constexpr std::string_view out_of_memory = "53200";
inline constexpr std::string_view program_limit_exceeded = "54000";
inline constexpr std::string_view statement_too_complex = "54001";
inline constexpr std::string_view query_canceled = "57014";
inline constexpr std::string_view admin_shutdown = "57P01";
inline constexpr std::string_view database_dropped = "57P04";
inline constexpr std::string_view crash_shutdown = "57P02";
inline constexpr std::string_view cannot_connect_now = "57P03";
inline constexpr std::string_view idle_session_timeout = "57P05";
inline constexpr std::string_view config_file_error = "F0000";
inline constexpr std::string_view internal_error = "XX000";
}  // namespace sqlstate

}  // namespace pgswitch::protocol
