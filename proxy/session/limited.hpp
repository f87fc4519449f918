#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"
#include "proxy/session/prepared_statement.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

/// How far a statement is that a rule limits. The shell has the clock: it says when deadline_us() has passed.
enum class LimitPhase : std::uint8_t {
  none,
  delayed,    ///< it has to wait before it is sent
  waited,
  running,
  cancelled,  ///< the server has been asked to end it
};

/// A statement that a rule limits, or several in one message: the tightest of their limits. A member of SessionCore.
struct Limited {
  rules::DecisionPtr decision;  ///< of the first one
  rules::StatementLimits limits;
  std::uint64_t rows = 0;       ///< that the client has had, of the portal or the cursor in all
  std::string portal;           ///< extended protocol
  std::string cursor;           ///< that FETCH reads
  LimitPhase phase = LimitPhase::none;
  std::int64_t since_us = 0;    ///< when the phase began, by the engine's clock
  bool exceeded = false;        ///< there are more rows
  bool timed_out = false;

  /// `counts`: its rows are those that max_rows means.
  void add(const rules::DecisionPtr& more, bool counts);
  bool has_to_wait() const { return limits.delay_us != 0 && phase == LimitPhase::none; }
  /// When the present phase is over, by the engine's clock; 0: it may take any time.
  std::int64_t deadline_us() const;
  /// May the client see the next message of this type? Counts rows.
  bool lets_through(char type);
  /// What the client is told in place of the server's error; nullopt: that.
  std::optional<protocol::SqlError> error_instead(std::string_view sqlstate) const;
  protocol::SqlError too_many_rows() const;
};

/// A cursor that SQL declares for a query with limits: they are those of each FETCH.
struct LimitedCursor {
  rules::DecisionPtr decision;
  std::uint64_t rows = 0;  ///< that the client has had
  bool holds = false;      ///< WITH HOLD: it outlives its transaction
};
using LimitedCursors = RareMap<std::string, LimitedCursor, NameHash, std::equal_to<>>;

}  // namespace pgswitch
