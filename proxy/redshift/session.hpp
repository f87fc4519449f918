#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/redshift/transaction.hpp"
#include "rules/decision.hpp"
#include "rules/rewrite.hpp"

namespace pgswitch::redshift {

/// What a message says that a server was sent, where that is not what its client sent: kept until it has been answered.
struct Sent {
  /// One CommandComplete that the server owes, or (nothing) that pgswitch owes in its place.
  struct Part {
    std::string tag;             ///< that the client sees; "": the server's
    bool hidden = false;         ///< of a statement of ours
    bool nothing = false;        ///< nothing was sent for it
    protocol::SqlError notice;   ///< the client gets it first, if it has a message
  };
  std::vector<Part> parts;
  std::string unspelled;           ///< the text before it was spelled for Redshift
  rules::PositionMap positions;    ///< of the sent text in `unspelled`
  bool is_spelled = false;
  bool is_translated = false;      ///< `unspelled` is not the client's statement, nor a rule's
};

/// A request (a Query, or a batch up to its Sync) that another route is asked if the leader node of Redshift refuses it. Its bytes stay
/// with the shell until it has been answered, and nothing is looked at behind it.
struct Watch {
  enum class Phase : std::uint8_t {
    none,
    asked,    ///< what stands next may be one
    refused,  ///< it is none: it is looked at as ever
    running,  ///< its messages are being looked at
    waiting,  ///< they have been
  };
  Phase phase = Phase::none;
  std::size_t offset = 0;     ///< bytes of it that have been looked at
  std::size_t size = 0;       ///< all of it
  std::string held;           ///< what the client sees of the answers when the statement has not been refused
  bool shown = false;         ///< the client has had an answer, so that no other can be given
  bool retry = false;         ///< the leader node has refused it
  rules::RouteId fallback = rules::no_route;
  rules::RouteId route = rules::no_route;  ///< where it has to go: the second time
};

/// What a session keeps that has used a server of Redshift, or a setting that its server lacks. A member of SessionCore.
struct Session {
  Transaction transaction;   ///< on the active link, as all that was sent will leave it
  std::uint64_t rows = 0;    ///< of the statement that is being answered
  std::size_t part = 0;      ///< of Sent::parts, the same
  std::string hidden_tag;    ///< of the last hidden part
  Watch watch;
};

}  // namespace pgswitch::redshift
