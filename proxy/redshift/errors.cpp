#include "proxy/redshift/errors.hpp"

#include "protocol/backend.hpp"

namespace pgswitch::redshift {

namespace backend = protocol::backend;
using protocol::ByteView;
using protocol::SqlError;

std::optional<SqlError> as_serialization_failure(ByteView body) {
  const std::string_view message = backend::error_field(body, 'M');
  const std::string_view detail = backend::error_field(body, 'D');
  const bool numbered = message.starts_with("1023") || detail.find("1023") != std::string_view::npos;
  constexpr std::string_view words = "erializable isolation violation";
  const bool says_so = message.find(words) != std::string_view::npos || detail.find(words) != std::string_view::npos;
  if (backend::error_field(body, 'C') != "XX000" || !numbered || !says_so) return std::nullopt;
  SqlError error = backend::read_error(body);
  error.sqlstate = "40001";
  error.detail = "Redshift: " + error.message + (error.detail.empty() ? "" : " " + error.detail);
  error.message = "could not serialize access due to concurrent update";
  if (error.hint.empty()) error.hint = "The transaction might succeed if retried.";
  error.position = 0;
  return error;
}

SqlError unknown_cursor(std::string_view name) {
  SqlError error;
  error.sqlstate = protocol::sqlstate::invalid_cursor_name;
  error.message = "cursor \"" + std::string(name) + "\" does not exist";
  return error;
}

bool is_leader_node_refusal(ByteView body) {
  return backend::error_field(body, 'C') == "0A000" && backend::error_field(body, 'M').find("not supported on Redshift tables") != std::string_view::npos;
}

bool is_leader_node_notice(ByteView body) {
  const std::string_view message = backend::error_field(body, 'M');
  return backend::error_field(body, 'S') == "INFO" && message.ends_with("not supported.") &&
         (message.starts_with("Function \"") || message.starts_with("Type \""));
}

}  // namespace pgswitch::redshift
