#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/admin/table.hpp"

namespace pgswitch::admin {

/// What a command is answered with. A plain value.
struct Reply {
  std::string tag;                ///< of CommandComplete
  std::span<const Field> fields;  ///< of static life; empty: no rows
  Rows rows;
  std::vector<protocol::SqlError> notices;
  std::optional<protocol::SqlError> error;  ///< instead of everything else
  std::vector<int> descriptors;   ///< that go with the rows, one each: over a Unix socket, in the simple protocol
  bool ends_console = false;      ///< no answer: the client waits for the connection to close
};

inline Reply done(std::string_view tag) {
  Reply reply;
  reply.tag = tag;
  return reply;
}

inline protocol::SqlError error_of(std::string_view sqlstate, std::string message) {
  protocol::SqlError error;
  error.sqlstate = sqlstate;
  error.message = std::move(message);
  return error;
}

inline Reply failed(std::string_view sqlstate, std::string message) {
  Reply reply;
  reply.error = error_of(sqlstate, std::move(message));
  return reply;
}

inline protocol::SqlError notice_of(std::string message) {
  protocol::SqlError notice = error_of("00000", std::move(message));
  notice.severity = protocol::Severity::notice;
  return notice;
}

/// SQLSTATEs that only the console raises (manual, appendix A).
inline constexpr std::string_view syntax_error = "42601";
inline constexpr std::string_view undefined_column = "42703";
inline constexpr std::string_view wrong_state = "55000";
inline constexpr std::string_view invalid_parameter = "22023";
inline constexpr std::string_view config_file_error = "F0000";

}  // namespace pgswitch::admin
