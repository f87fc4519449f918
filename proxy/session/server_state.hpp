#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "proxy/session/prepared.hpp"
#include "proxy/session/server_kind.hpp"
#include "proxy/session/setting_list.hpp"
#include "proxy/session/shared.hpp"
#include "rules/decision.hpp"

namespace pgswitch {

/// The settings that every server reports and that each client must see its own value of.
enum class Tracked : std::uint8_t {
  client_encoding, date_style, time_zone, interval_style, standard_conforming_strings, application_name, count
};
inline constexpr std::size_t tracked_count = static_cast<std::size_t>(Tracked::count);
/// "client_encoding", "DateStyle", ... as the server spells it in ParameterStatus.
std::string_view to_string(Tracked setting);
/// Case-insensitive; Tracked::count when it is not one of them.
Tracked find_tracked(std::string_view name);
/// A reported value as PostgreSQL spells it: Redshift says UNICODE where it means UTF8, and "iso, mdy".
std::string usual_value(Tracked setting, std::string_view value);

/// Values by Tracked, as ParameterStatus gave them.
using TrackedValues = std::array<std::string, tracked_count>;

/// TrackedValues that all who have the same ones share, on whatever thread: they never change, who sets one of them gets a copy.
/// Few clients set any.
class TrackedCopy {
 public:
  TrackedCopy() = default;
  explicit TrackedCopy(TrackedValues values) : values_(std::move(values)) {}
  const std::string& operator[](std::size_t i) const { return (*values_)[i]; }
  const TrackedValues& operator*() const { return *values_; }
  /// Does nothing when that is its value already.
  void set(std::size_t i, std::string_view value);
  /// The same memory: surely the same values.
  bool shares(const TrackedCopy& other) const { return values_ == other.values_; }

 private:
  static const Shared<TrackedValues>& none();
  Shared<TrackedValues> values_ = none();  ///< never without one
};

/// What is known of the session on the server's side of a connection: travels with the ServerConn, changed by the
/// SessionCore that holds the lease. Plain data, no owner but the ServerConn, one thread at a time.
struct ServerState {
  ServerKind kind = ServerKind::postgres;  ///< never automatic
  rules::RouteId fallback = rules::no_route;  ///< where a statement may go that its leader node refuses
  TrackedCopy reported;          ///< current values
  Settings settings;             ///< unreported settings that differ from the server's start-up values
  PreparedSet prepared;          ///< prepared statements that exist there
  bool unknown_settings = false; ///< something may have changed settings unseen: reset before the next client
  bool session_state = false;    ///< temp tables, locks, LISTEN, SQL prepared statements ... may exist: reset before the next client
};

/// In what state a session leaves a connection that it gives back; what the pool must do before anybody else gets it.
/// All zero = clean.
struct Leftover {
  std::uint32_t ready_expected = 0;  ///< ReadyForQuery messages still to come
  std::uint64_t skip_bytes = 0;      ///< bytes of a half-read frame still to come
  bool copy_in = false;              ///< the server waits for CopyData: send CopyFail
  bool sync_needed = false;          ///< an extended batch was not ended: send Sync (counts in ready_expected already)
  bool in_transaction = false;       ///< send ROLLBACK
  bool reset_needed = false;         ///< run the reset query
  bool state_unknown = false;        ///< what is still to come changes settings, statements, ...: discard all
  bool unusable = false;             ///< half a frame was sent: only closing helps
  bool is_clean() const {
    return ready_expected == 0 && skip_bytes == 0 && !copy_in && !sync_needed && !in_transaction && !reset_needed && !state_unknown && !unusable;
  }
};

}  // namespace pgswitch
