#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/sql_error.hpp"

/// How the stand-in's own code fails. What the client is told is in each of them.
namespace pgswitch::stand_in {

inline protocol::SqlError sql_error(std::string_view sqlstate, std::string message,
                                    protocol::Severity severity = protocol::Severity::error) {
  protocol::SqlError error;
  error.severity = severity;
  error.sqlstate = sqlstate;
  error.message = std::move(message);
  return error;
}

/// A statement is refused, for what stands at a place of its text.
struct TextError {
  protocol::SqlError error;
  std::size_t place = 0;  ///< byte; the position that the client is told counts characters from 1
};
inline TextError text_error(std::string_view sqlstate, std::string message, std::size_t place = 0) {
  return {sql_error(sqlstate, std::move(message)), place};
}

/// PostgreSQL said no, or a login failed.
struct Refused {
  protocol::SqlError error;
};

/// COPY or UNLOAD failed, in Redshift's words (XX000).
struct LoadFailed {
  std::string message;
};

}  // namespace pgswitch::stand_in
