#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/redshift/transaction.hpp"
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

/// What a session keeps that has used a server of Redshift, or a setting that its server lacks. A member of SessionCore.
struct Session {
  Transaction transaction;   ///< on the active link, as all that was sent will leave it
  std::uint64_t rows = 0;    ///< of the statement that is being answered
  std::size_t part = 0;      ///< of Sent::parts, the same
  std::string hidden_tag;    ///< of the last hidden part
};

}  // namespace pgswitch::redshift
