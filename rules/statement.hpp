#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch::rules {

/// What a statement is, as far as routing and pooling care. `command` of the Statement has PostgreSQL's full name for it.
enum class Kind : std::uint8_t {
  empty,     ///< nothing but blanks and comments
  unparsed,  ///< PostgreSQL's grammar refuses it, or it is over a limit: only its tokens are known
  select,    ///< also VALUES and TABLE
  insert,
  update,
  delete_,
  merge,
  explain,
  copy_in,   ///< COPY ... FROM
  copy_out,  ///< COPY ... TO
  begin,     ///< also START TRANSACTION
  commit,    ///< also END
  rollback,  ///< also ABORT
  savepoint,
  release,
  rollback_to,
  prepare_transaction,
  set,                ///< SET, SET TIME ZONE, SET ROLE, SET SESSION AUTHORIZATION
  set_transaction,    ///< SET TRANSACTION, SET SESSION CHARACTERISTICS
  reset,
  show,
  discard,
  prepare,
  execute,
  deallocate,
  declare_cursor,
  fetch,  ///< also MOVE
  close_cursor,
  listen,
  unlisten,
  notify,
  lock,
  call,
  do_,
  utility,  ///< everything else: DDL, GRANT, VACUUM, ...
};

/// What a statement leaves behind in its server session. A bit set.
enum class Effect : std::uint32_t {
  none = 0,
  temp_table = 1u << 0,           ///< CREATE TEMP ..., SELECT INTO TEMP
  listen = 1u << 1,
  unlisten = 1u << 2,             ///< UNLISTEN name
  unlisten_all = 1u << 3,
  advisory_lock = 1u << 4,        ///< session-level pg_advisory_lock family
  advisory_unlock = 1u << 5,      ///< of one lock, surely tried
  advisory_unlock_all = 1u << 6,
  hold_cursor = 1u << 7,          ///< DECLARE ... WITH HOLD
  close_cursor = 1u << 8,         ///< CLOSE name
  close_all_cursors = 1u << 9,
  prepare = 1u << 10,             ///< SQL PREPARE
  deallocate = 1u << 11,          ///< DEALLOCATE name
  deallocate_all = 1u << 12,
  set_variable = 1u << 13,        ///< `variables` holds what was set or reset
  set_local = 1u << 14,           ///< gone with the transaction; `variables` holds what SET LOCAL says
  reset_all = 1u << 15,
  discard_all = 1u << 16,
  discard_temp = 1u << 17,
  discard_plans = 1u << 18,
  sequence_state = 1u << 19,      ///< currval(), lastval(): asks for state that an earlier statement left
  unknown_settings = 1u << 20,    ///< may change settings in a way that cannot be seen: DO, CALL, LOAD, set_config(expression), unparsed text
  replication = 1u << 21,
  dropped_on_commit = 1u << 22,   ///< a temp table with ON COMMIT DROP: gone with the transaction
  advisory_locks = 1u << 23,      ///< advisory_lock, and it cannot be told how many
};
using Effects = std::uint32_t;
constexpr Effects bit(Effect effect) { return static_cast<Effects>(effect); }
constexpr bool has(Effects effects, Effect effect) { return (effects & bit(effect)) != 0; }

/// One session setting changed by SET, RESET or set_config('name', 'literal', false).
struct VariableChange {
  std::string name;       ///< lower case, as in pg_settings; "role", "session_authorization", "timezone"
  std::string statement;  ///< complete statement that sets it again on another server; empty: RESET, back to the start-up value
  std::string value;      ///< when it is one plain literal or word, its value; else empty
  bool local = false;     ///< gone with the transaction
};

/// A table or view as the statement names it. CTE names and aliases are resolved away; `schema` is empty when unqualified.
struct TableName {
  std::string schema;
  std::string name;
  bool operator==(const TableName&) const = default;
};

/// One analysed SQL statement: immutable, shared by all texts of the same shape, owned by the worker's cache and by the
/// prepared statements that use it. One thread.
struct Statement {
  Kind kind = Kind::empty;
  std::string command;  ///< "SELECT", "CREATE TABLE", "ALTER ROLE", ... (PostgreSQL's command names); "" for unparsed
  bool parsed = true;
  bool unread = false;  ///< so long that its end was not looked at: it may name any table and any function
  /// Provably changes nothing: no DML (in CTEs either), no FOR UPDATE/SHARE, no INTO, no known volatile function.
  bool read_only = false;
  Effects effects = 0;

  std::vector<TableName> reads;
  std::vector<TableName> writes;
  std::vector<std::string> functions;  ///< lower-case names as written, schema-qualified if they were
  bool aggregate = false;
  bool window = false;
  bool group_by = false;
  bool distinct = false;
  bool limit = false;
  bool for_update = false;
  bool returning = false;
  bool modifying_cte = false;
  bool subquery = false;
  std::uint16_t joins = 0;
  std::uint16_t parameters = 0;  ///< highest $n

  std::vector<VariableChange> variables;  ///< with Effect::set_variable, or set_local
  std::string object;                     ///< cursor, prepared statement, channel, savepoint or temp table that it names
  /// Prepared statement that it names: PREPARE, DEALLOCATE, EXECUTE, the latter also in EXPLAIN and CREATE TABLE AS.
  std::string prepared;
  std::vector<std::string> hints;         ///< texts of comments
  std::vector<std::string> words;         ///< unparsed only: its keywords and identifiers, lower case, in order, at most 256
  std::string redshift_keyword;           ///< unparsed only: the first Redshift-only keyword among them ("UNLOAD", "DISTKEY", ...)

  /// True when literal values take part in what is recorded above (SET, COPY, utility statements): the Statement then
  /// belongs to one exact text and not to a shape.
  bool literal_sensitive = false;

  std::uint64_t fingerprint = 0;  ///< hash of the shape

  bool is_transaction_control() const {
    return kind >= Kind::begin && kind <= Kind::prepare_transaction;
  }
};
using StatementPtr = std::shared_ptr<const Statement>;

/// SHOW pgswitch.last_route: a session of pgswitch answers it, rules are not asked.
bool shows_last_route(const Statement& statement);

/// Any server can take it, wherever the session is: transaction control, SET, SHOW, DEALLOCATE, FETCH and their like.
bool goes_anywhere(Kind kind);

/// Is a transaction open after `statement`? Rules see it so for the statements behind a BEGIN, in a string of several too.
bool transaction_after(const Statement& statement, bool before);

/// 16 hexadecimal digits, as rules and messages have it.
std::string fingerprint_digits(std::uint64_t fingerprint);

/// "select", "insert", ... : the value of `stmt.kind` in Lua, and of explain.
std::string_view to_string(Kind kind);

}  // namespace pgswitch::rules
