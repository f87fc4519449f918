#pragma once
#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "proxy/config.hpp"
#include "proxy/replay/log_reader.hpp"
#include "proxy/replay/shapes.hpp"
#include "rules/engine.hpp"

namespace pgswitch::replay {

/// The rules of one configuration, asked about statements of logs. Decides as with rules_mode = enforce. One thread.
class Judge {
 public:
  /// False and a message on `err` when the configuration or its rules do not load, or the database of the session is not in it.
  bool load(const std::string& ini_path, const std::string& user, const std::string& database, std::ostream& err);
  /// What is decided of each statement of the text. Good until the next call.
  const rules::Script& decide(const LoggedStatement& statement, bool in_transaction);
  /// Of an item of the last script.
  Verdict verdict_of(const rules::ScriptItem& item) const;

 private:
  void set_database(std::string_view database);

  ConfigPtr config_;
  std::unique_ptr<rules::Engine> engine_;
  rules::Facts session_;  ///< of what a log does not tell
  rules::Facts facts_;    ///< of the statement at hand
  rules::ScriptPtr script_;
};

/// Statements in, shapes out. One thread, with a stack for the parser.
class Replay {
 public:
  /// `against` may be nullptr; with it only what the two decide differently is kept.
  Replay(Judge& judge, Judge* against) : judge_(judge), against_(against) {}

  void add(const LoggedStatement& statement);
  std::uint64_t statements() const { return statements_; }
  const Shapes& shapes() const { return shapes_; }

 private:
  static constexpr std::size_t most_sessions = 100'000;

  Judge& judge_;
  Judge* against_;
  Shapes shapes_;
  std::unordered_map<std::uint64_t, bool> in_transaction_;  ///< by session; forgotten when there are too many
  std::uint64_t statements_ = 0;
};

}  // namespace pgswitch::replay
