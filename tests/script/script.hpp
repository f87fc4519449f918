#pragma once
#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "messages.hpp"
#include "proxy/session/core.hpp"

namespace pgswitch::script {

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
  Settings left_by_others;       ///< what new servers have set
};

/// The promise of one session, step by step, over the real SessionCore with the real rules engine. Tables of schema "b"
/// and tables named b_* route to "b", everything else to "app"; "forbidden" is refused, "told" is answered with one row,
/// "old" is rewritten to "renamed". When the script goes out of scope it is run: once as it is, then cut at every byte, then
/// with the client, each server and the whole session ended at every byte (see run.hpp).
class Script {
 public:
  explicit Script(Start start = {}, std::source_location where = std::source_location::current())
      : start_(std::move(start)), where_(where) {}
  ~Script();
  Script(const Script&) = delete;
  Script& operator=(const Script&) = delete;

  template <class... Parts>
  Script& client(const Parts&... parts) { return bytes(Step::Kind::client, (Bytes() + ... + parts)); }
  template <class... Parts>
  Script& server(const Parts&... parts) { return bytes(Step::Kind::server, (Bytes() + ... + parts)); }
  /// Bytes that a server would not send now.
  Script& server_nonsense(const Bytes& what) { return bytes(Step::Kind::nonsense, what); }
  template <class... Parts>
  Script& expect_to_client(const Parts&... parts) { return bytes(Step::Kind::to_client, (Bytes() + ... + parts)); }
  template <class... Parts>
  Script& expect_to_server(const Parts&... parts) { return bytes(Step::Kind::to_server, (Bytes() + ... + parts)); }

  /// The steps that follow are about the server of this route (at first: the one acquired last).
  Script& on(std::string route) { return route_ = std::move(route), *this; }
  Script& expect_acquire(std::string route = "app") { return on(route).add(Step::Kind::acquire); }
  Script& expect_acquire_but_fail(std::string route, std::string_view sqlstate, bool fatal = false);
  Script& expect_release(std::string route = "app", Leftover leftover = {});
  Script& expect_close() { return add(Step::Kind::close); }
  Script& server_lost(std::string route = "app") { return on(std::move(route)).add(Step::Kind::lost); }
  Script& new_server(std::string route = "app") { return on(std::move(route)).add(Step::Kind::new_server); }
  /// An error skips whole requests of this script.
  Script& expect_gaps() { return start_.gaps = true, *this; }
  Script& reload() { return add(Step::Kind::reload); }
  Script& check(std::function<void(const SessionCore&)> question);

  // Exchanges that many scripts have.
  /// One query and its answer, passed on as they are, on a connection that is held.
  Script& exchange(std::string_view sql, std::string_view tag, char status);
  /// The same, with the lease before it and its end behind it.
  Script& whole_exchange(std::string_view sql, std::string_view tag, std::string route = "app");

 private:
  Script& bytes(Step::Kind kind, Bytes what);
  Script& add(Step::Kind kind) { return bytes(kind, {}); }

  Start start_;
  std::source_location where_;
  std::vector<Step> steps_;
  std::string route_ = "app";
};

/// In session pooling, in statement pooling, with BEGIN sent at once.
Start session_pooling();
Start statement_pooling();
Start eager_begin();

}  // namespace pgswitch::script
