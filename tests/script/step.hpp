#pragma once
#include <functional>
#include <set>
#include <string>

#include "messages.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch::script {

/// One thing that happens in a session, or is expected of it.
struct Step {
  enum class Kind {
    client,          ///< the client sends `bytes`
    server,          ///< the server of `route` sends `bytes`
    nonsense,        ///< the same, but no server would
    acquire,         ///< the core has asked for `route`, and gets it
    acquire_fails,   ///< the core has asked for `route`, and gets `error`
    to_server,       ///< exactly `bytes` went to the server of `route` since the last such step
    to_client,
    release,         ///< the core gave `route` back with `leftover`
    close,           ///< the core wants the session closed
    lost,            ///< the connection of `route` breaks
    new_server,      ///< the next lease of `route` is of another connection
    reload,          ///< the rules were loaded again
    limit_passed,    ///< the time is over that a rule lets the statement run
    cancel,          ///< the core has had a cancel request sent
    check,
  };
  Kind kind;
  std::string route;
  Bytes bytes;
  Leftover leftover;
  protocol::SqlError error;
  std::function<void(const SessionCore&)> check;
};

/// How the session under test begins.
struct Start {
  CoreOptions options;
  TrackedValues tracked{"UTF8", "ISO, MDY", "UTC", "postgres", "on", "tests"};
  Settings base;
  bool gaps = false;             ///< requests may go without a ReadyForQuery: an error skips them
  bool same_everywhere = true;   ///< servers report what the client was told at login
  TrackedValues reported;        ///< else: this
  std::set<std::string> redshift;  ///< routes whose servers are of kind redshift
  std::string fallback;            ///< of those: where their refusals go; "" for nowhere
  Settings left_by_others;       ///< what new servers have set
  redshift::SpoolLimits spool;   ///< of its cursors
};

}  // namespace pgswitch::script
