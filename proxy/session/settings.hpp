#pragma once
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql_error.hpp"
#include "proxy/session/boxed.hpp"
#include "proxy/session/server_state.hpp"
#include "rules/statement.hpp"

namespace pgswitch {

/// What the client wants its settings to be, and what it has been told they are. Changes ride on the server's replies: SET
/// counts when its CommandComplete has come, and is undone when its transaction rolls back (together with the same change
/// in the server's state). Owned by SessionCore.
class SessionSettings {
 public:
  SessionSettings() = default;
  /// `tracked`: as told to the client at login. `base`: its other start-up settings, as statements.
  SessionSettings(TrackedCopy tracked, Settings base);

  /// A ParameterStatus arrived. True: the client must see it. `own`: caused by a statement of ours, not by the client's.
  bool on_parameter_status(ServerState& server, std::string_view name, std::string_view value, bool own);

  /// The same for a setting that `server` lacks and so does not report: as if it had, but for what is known of the server.
  bool pretend(const ServerState& server, Tracked setting, std::string_view value);

  /// The statement that gives `server` the client's encoding; by itself, for a server reads the whole of a message by the one it
  /// has when the message comes. False: it has it already, nothing appended.
  bool replay_encoding(const ServerState& server, std::string& statements) const;
  /// Statements that make `server`, whose encoding is right, match; joined by ';'. False: it matches already, nothing appended.
  bool replay(const ServerState& server, std::string& statements) const;
  /// Why `server`, which differs from it, cannot work as the session wants; nullopt: it can.
  std::optional<protocol::SqlError> objection(const ServerState& server) const;
  /// The server has what replay_encoding() and replay() would make it have, as share() found.
  bool are_shared(const ServerState& server) const { return settings_.shares(server.settings) && wanted_.shares(server.reported); }
  /// Where the server's values are the session's they are one from now on.
  void share(ServerState& server) const;
  /// The statements of replay() succeeded.
  void replayed(ServerState& server) const;

  /// A statement of the client succeeded.
  void apply(const rules::Statement& statement, ServerState& server);

  // Transaction boundaries, as the server confirmed them.
  void savepoint(std::string_view name, const ServerState& server);
  void release_savepoint(std::string_view name);
  void rollback_to(std::string_view name, ServerState& server);
  void commit();
  void rollback(ServerState& server);
  /// The transaction is over but its connection is gone, and will not report what that undoes.
  void rollback_lost();
  /// What the session wants its settings to be.
  struct Wish {
    Settings settings;
    TrackedCopy tracked;
  };
  Wish wish() const { return {settings_, wanted_}; }
  /// Outside of a transaction: what was set since is taken back, although servers have committed it.
  void return_to(Wish wish);
  /// Appends a ParameterStatus for each setting that the client believes to be something else than what it wants.
  void tell_wanted(std::string& out);
  /// ReadyForQuery: what has changed has been reported.
  void end_cycle();
  /// The client may have to be told what it wants: something was reset, or taken back, that the server has no news of.
  bool is_untold() const { return untold_; }

  const TrackedValues& told() const { return *told_; }
  /// Names as the setting has them; "": not set; rules::unknown_value where that cannot be told.
  std::string search_path() const;
  /// pgswitch.route; "": none.
  std::string chosen_route() const;
  /// What the session wants a setting to be, near to what SHOW would tell; nullopt: what the server makes of it.
  std::optional<std::string> value(std::string_view name) const;
  /// What the client believes of a setting that servers report; of another one, `reported`.
  std::string_view told_value(std::string_view name, std::string_view reported) const;
  const TrackedValues& wanted() const { return *wanted_; }
  /// What is asked of the settings for each statement.
  struct Facts {
    bool conforming_strings = true;
    bool ascii_in_characters = false;  ///< of the client_encoding that the client has, or is about to get (rules/misreading.hpp)
    bool temporary_path = false;       ///< the search_path has pg_temp in it: what is created may be temporary
  };
  const Facts& facts() { return facts_version_ == version_ ? facts_ : find_facts(); }

  /// What a server takes of the settings when it parses: a text means the same where this is the same. "": nothing is known.
  std::string parsing() const;
  /// Differs whenever parsing() may.
  unsigned version() const { return version_; }
  /// Something was set since the transaction began, which its end may take back.
  bool is_unsettled() const { return unsettled_; }
  /// Something was set or reset, or may have been, since the transaction began.
  bool changed_in_transaction() const { return bool(undo_); }
  /// It resets something to a value that servers do not have by themselves.
  bool returns_to_start(const rules::Statement& statement) const;
  /// The change may have an effect on parsing().
  static bool is_parsed_with(std::string_view name);

 private:
  struct Snapshot {
    std::string savepoint;  ///< "" = start of the transaction
    Settings wanted;
    Settings on_server;
    Settings local;
    TrackedCopy tracked;    ///< wanted
  };
  /// Whether who has, or was told, `have` must be told that the client wants `want`.
  static bool differs(std::size_t i, const std::string& want, const std::string& have);
  Snapshot snapshot(std::string_view savepoint, const ServerState& server) const;
  void remember(const ServerState& server);
  void set(std::string_view name, const std::string& statement, ServerState& server);
  void set_local(std::string_view name, const std::string& statement, const ServerState& server);
  void reset(std::string_view name, ServerState& server);
  void reset_all(ServerState& server, bool role_too);
  void end_local();
  const Facts& find_facts();
  std::optional<bool> wanted_read_only() const;
  const SessionSetting* find(std::string_view name) const;
  bool is_hidden(std::string_view name) const;
  void changed();
  void unreported(std::string_view statement);

  // In an order that leaves no holes.
  TrackedCopy told_;         ///< what the client believes
  TrackedCopy wanted_;       ///< what servers must be set to
  TrackedCopy base_tracked_; ///< start-up values: RESET returns to them
  Settings settings_;
  Settings base_;
  Settings local_;           ///< gone with the transaction
  Boxed<std::set<std::string>> hidden_;  ///< any setting may be anything but these
  Boxed<std::string> unreported_;        ///< what has changed tracked ones since the last ReadyForQuery, which reports them
  Boxed<std::vector<Snapshot>> undo_;    ///< [0] = start of transaction, then savepoints; never without any
  unsigned returning_ = 0;     ///< bits by Tracked, and read_only: just RESET, so what the server reports is its own default, not a wish
  unsigned version_ = 0;
  unsigned facts_version_ = ~0u;
  Facts facts_;                ///< as of that version
  bool local_hidden_ = false;  ///< as long as the transaction any setting may be anything
  bool unsettled_ = false;
  bool untold_ = false;
  bool committed_ = false;     ///< since the last ReadyForQuery: what it reports is of the transaction before, which lasts
  std::optional<bool> told_read_only_;  ///< default_transaction_read_only, which servers report too: what the client believes, if that is known
};

}  // namespace pgswitch
