#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "proxy/server_conn.hpp"
#include "proxy/server_login.hpp"

namespace pgswitch {

/// How a connection is brought back to clean. Times in µs.
struct RecoveryPlan {
  std::string reset_query;         ///< run at the end; empty: none
  std::int64_t deadline_us = 0;    ///< worker's clock: whatever is not clean by then is closed
  std::int64_t grace_us = 100'000; ///< how long outstanding replies may take before the query is cancelled

  RecoveryPlan() = default;
};

/// Ends what a session left undone: CopyFail, Sync, cancel, the outstanding replies, ROLLBACK, the reset query. True: idle,
/// in no transaction, nothing unread, no cancel in flight, and `state` says what it is now. False: close it, `reason` says
/// why in pgbouncer's words. Nobody else may use the connection meanwhile.
boost::asio::awaitable<bool> recover(const ServerHome& home, ServerConn& server, const Leftover& leftover,
                                     const RecoveryPlan& plan, std::string_view& reason);

}  // namespace pgswitch
