#pragma once
#include <cstdint>
#include <string>

#include "proxy/session/boxed.hpp"
#include "proxy/session/server_state.hpp"
#include "rules/decision.hpp"

/// What SessionCore and its shell tell each other beside bytes.
namespace pgswitch {

/// Bytes of the longest error or notice of a server that the shell has room for: it quotes what is wrong, and has to lie in one piece.
inline constexpr std::size_t longest_report = std::size_t{64} << 20;

/// How a session pools (mirrors the configuration; the core reads no configuration).
struct CoreOptions {
  enum class Mode : std::uint8_t { session, transaction, statement };
  Mode mode = Mode::transaction;
  bool defer_begin = true;
  bool disable_pqexec = false;            ///< a Query ends the session
  bool truncate_commits = false;          ///< TRUNCATE in a transaction block of Redshift: let it commit, or refuse it
  bool conflict_is_error = false;         ///< a rule wants another route inside a transaction: refuse, or stay
  std::uint32_t query_max_bytes = 16u << 20;  ///< largest Query or Parse
  std::uint32_t max_frame_size = 0x7fffffff;
  std::uint32_t max_prepared_statements = 200;  ///< per server connection
  rules::RouteId default_route = rules::no_route;
  Shared<std::string> server_version;  ///< that Redshift is to tell of itself too; none: its own
};

/// Counted by the core, read and zeroed by its shell.
struct CoreCounters {
  std::uint32_t queries = 0, transactions = 0;
  std::uint32_t client_parses = 0, server_parses = 0, binds = 0;
  std::uint32_t route_conflicts = 0, batches_refused = 0, deferred_begins = 0, inserted_parses = 0, settings_replayed = 0, pins = 0, fallbacks = 0;
  /// COPY on links of kind redshift.
  struct Copies {
    std::uint32_t count = 0;
    std::uint64_t rows = 0, bytes = 0;
  };
  Boxed<Copies> copies;
};

/// The shell's leases that are there at once: a statement that finds one goes on without an action in between.
class LeaseSource {
 public:
  /// A lease of `route`, held from now on as by on_acquired(); nullptr: none without waiting, which Action::Kind::acquire is for.
  virtual ServerState* lease_now(rules::RouteId route) = 0;

 protected:
  ~LeaseSource() = default;
};

/// What the shell must do, after it has written to_server() and to_client().
struct Action {
  enum class Kind : std::uint8_t {
    need_more,  ///< nothing: wait for bytes
    acquire,    ///< get a lease for `route`, then on_acquired() or on_acquire_failed()
    release,    ///< give the lease of `route` back with `leftover`; only after to_client() is written
    cancel,     ///< send a cancel request for what runs on `route`, and say on_cancel_ended() when it has been delivered or was not
    load,       ///< do what SessionCore::load() wants of the shell
    close,      ///< write to_client(), then close the client and end the session
  };
  Kind kind = Kind::need_more;
  rules::RouteId route = rules::no_route;
  Leftover leftover{};
};

}  // namespace pgswitch
