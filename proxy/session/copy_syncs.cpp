#include "proxy/session/copy_syncs.hpp"

#include "protocol/sql_error.hpp"

namespace pgswitch {

bool leaves_syncs(std::string_view sqlstate, bool ended) {
  constexpr std::string_view data_exception = "22", not_null_violation = "23502", check_violation = "23514";
  if (!ended) return sqlstate != protocol::sqlstate::query_canceled;
  return sqlstate.starts_with(data_exception) || sqlstate == not_null_violation || sqlstate == check_violation;
}

}  // namespace pgswitch
