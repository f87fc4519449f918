#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/redshift/transaction.hpp"
#include "proxy/session/settings.hpp"
#include "rules/statement.hpp"

/// What a server is sent of a client's statement where the kinds of servers differ. Pure: it is asked by SessionCore, which sends, and knows
/// what has been answered.
namespace pgswitch::redshift {

/// What becomes of one statement.
struct Translation {
  enum class How : std::uint8_t {
    as_it_is,
    instead,   ///< `text` is sent
    nothing,   ///< nothing is sent; the client sees `tag`, and the statement counts as done
    refused,
  };
  How how = How::as_it_is;
  std::string text;
  std::string tag;                 ///< "": the server's
  std::vector<std::string> before; ///< sent in front of it; their answers are not shown
  protocol::SqlError error;        ///< refused: the error; else a notice for the client, if it has a message
};

/// Who asks.
struct Asker {
  ServerKind kind = ServerKind::postgres;
  const SessionSettings* settings = nullptr;  ///< of the session
  bool in_block = false;            ///< a transaction block is open, as far as what was sent tells
  bool failed = false;              ///< and the server's transaction has failed
  bool temporary = false;           ///< the session may have temporary tables there
  bool truncates = false;           ///< TRUNCATE may commit a transaction block
  std::vector<std::string> prepared;  ///< by SQL PREPARE, there
  std::string_view server_version;    ///< that the client was told, and that Redshift is to tell too; "": its own
  bool in_string = false;           ///< it is one of several in a query string, which are one transaction where no block is open
};

/// Whether translate() may say anything but as_it_is for a server of PostgreSQL: SET, RESET and SHOW only.
bool concerns_postgres(const rules::Statement& statement);

/// `text`: the statement alone, as it would be sent. `transaction` changes as by its success: give a copy where it may not be sent after all.
/// `named`: what it runs by its name (EXECUTE), else the statement itself.
Translation translate(const rules::Statement& statement, const rules::Statement& named, std::string_view text, const Asker& asker, Transaction& transaction);

/// What PREPARE and Parse send of it: as translate(), but for what depends on the transaction in which it will run.
Translation translate_unrun(const rules::Statement& statement, std::string_view text, const Asker& asker, const Transaction& transaction);

/// Why it must not run now; a notice (severity warning) does not stop it. An empty message: it may.
protocol::SqlError objection(const rules::Statement& statement, const Asker& asker, const Transaction& transaction);

/// default_transaction_... of the session.
TransactionModes default_modes(const SessionSettings& settings);

}  // namespace pgswitch::redshift
