#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"
#include "rules/statement.hpp"

/// What pgswitch keeps of a transaction on Redshift, which has no savepoints, one isolation level, and nobody who holds a transaction to
/// its READ ONLY (Redshift Developer Guide, "BEGIN" and "Unsupported PostgreSQL functions").
namespace pgswitch::redshift {

/// The modes of BEGIN, START TRANSACTION, SET TRANSACTION and SET transaction_... as far as `text` names them.
struct TransactionModes {
  std::string isolation;            ///< "read committed"; "": not named
  std::optional<bool> read_only;
  std::optional<bool> deferrable;
  bool snapshot = false;            ///< SET TRANSACTION SNAPSHOT

  /// The BEGIN that Redshift takes: every level is serializable there, DEFERRABLE is a word about waiting.
  std::string begin_text(bool start_transaction) const;
};
TransactionModes read_modes(std::string_view text);

/// What the statement may change on a server as far as pgswitch can prove.
enum class Touch : std::uint8_t {
  nothing,  ///< it reads, or is about the session and the transaction
  session,  ///< SET, LOCK: allowed in a transaction that only reads
  data,     ///< it may write
};
Touch touch_of(const rules::Statement& statement);

/// A value; what a query string would make of it is tried on a copy.
class Transaction {
 public:
  /// A query string of several statements begins, outside of a block. `defaults`: default_transaction_...
  void begin_string(const TransactionModes& defaults) { *this = {}, modes_ = defaults; }
  /// BEGIN is being sent; behind other statements of its string it makes a block of them all.
  void begin(const TransactionModes& modes, const TransactionModes& defaults);
  /// It has ended, or its server is gone.
  void end() { *this = {}; }
  bool is_open() const { return open_; }
  const TransactionModes& modes() const { return modes_; }

  /// SET TRANSACTION: nothing is sent. nullopt: done.
  std::optional<protocol::SqlError> set(const TransactionModes& modes);
  /// The statement is being sent.
  void sent(const rules::Statement& statement);

  void savepoint(std::string_view name);
  std::optional<protocol::SqlError> release(std::string_view name);
  /// `failed`: the server's transaction has. nullopt: there is nothing to take back, which is as good as done.
  std::optional<protocol::SqlError> roll_back_to(std::string_view name, bool failed);

 private:
  struct Savepoint {
    std::string name;
    Touch touched = Touch::nothing;  ///< the most of what was sent since
    TransactionModes modes;
  };
  std::vector<Savepoint>::iterator find(std::string_view name);

  bool open_ = false;
  bool queried_ = false;  ///< a statement was sent behind BEGIN
  TransactionModes modes_;
  std::vector<Savepoint> savepoints_;
};

/// 25006 as PostgreSQL words it.
protocol::SqlError read_only_transaction(const rules::Statement& statement);
/// 25P01: `what` "can only be used in transaction blocks".
protocol::SqlError no_transaction(std::string_view what);

}  // namespace pgswitch::redshift
