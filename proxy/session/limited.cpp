#include "proxy/session/limited.hpp"

#include <algorithm>

#include "protocol/backend.hpp"

namespace pgswitch {

namespace backend = protocol::backend;
using protocol::Severity;
using protocol::SqlError;

void Limited::add(const rules::DecisionPtr& more, bool counts) {
  const auto tighten = [](auto& one, auto other) { one = one == 0 || (other != 0 && other < one) ? other : one; };
  if (!more->limits.any()) return;
  if (!decision) decision = more;
  limits.delay_us = std::max(limits.delay_us, more->limits.delay_us);
  tighten(limits.timeout_us, more->limits.timeout_us);
  if (counts) tighten(limits.max_rows, more->limits.max_rows);
}

std::int64_t Limited::deadline_us() const {
  const bool delayed = phase == LimitPhase::delayed, running = phase == LimitPhase::running;
  const std::int64_t most_us = delayed ? limits.delay_us : running ? limits.timeout_us : 0;
  return most_us == 0 ? 0 : since_us + most_us;
}

bool Limited::lets_through(char type) {
  const bool row = type == backend::data_row || type == backend::copy_data;
  if (row && !exceeded && limits.max_rows != 0) exceeded = ++rows > limits.max_rows;
  return !exceeded;
}

std::optional<SqlError> Limited::error_instead(std::string_view sqlstate) const {
  if (exceeded) return too_many_rows();
  if (!timed_out || sqlstate != protocol::sqlstate::query_canceled) return std::nullopt;
  return SqlError{Severity::error, std::string(sqlstate), "canceling statement due to the timeout of a rule",
                  "Rule \"" + decision->rule + "\" lets it run for " + std::to_string((limits.timeout_us + 999) / 1000) + " ms.", "", 0};
}

SqlError Limited::too_many_rows() const {
  return {Severity::error, std::string(protocol::sqlstate::program_limit_exceeded),
          "the result has more than " + std::to_string(limits.max_rows) + (limits.max_rows == 1 ? " row" : " rows"),
          "Rule \"" + decision->rule + "\" allows no more.", "Ask for less, or by LIMIT for a part.", 0};
}

}  // namespace pgswitch
