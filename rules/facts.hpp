#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/decision.hpp"
#include "rules/rare_string.hpp"

namespace pgswitch::rules {

/// When a session has last written to a table, by the engine's clock in µs.
struct WrittenTable {
  TableName table;
  std::int64_t at_us = 0;
};

/// What of a session changes too often to be kept in its Facts: rules ask for it. Owned by the session, asked during a call only.
class SessionState {
 public:
  virtual ~SessionState() = default;
  /// What the client has set, or began with, as SHOW would tell it; nullopt: nothing, it is the server's default.
  virtual std::optional<std::string> setting(std::string_view name) const = 0;
  /// The tables written to, each once, the latest last; of very many the last ones.
  virtual const std::vector<WrittenTable>& written() const = 0;
  /// When anything was written last, also where no table is known; 0: never.
  virtual std::int64_t last_write_us() const = 0;
  /// What binds it to a server, in the words of SHOW CLIENTS: "temp_table, listen"; empty: nothing.
  virtual std::string pinned_by() const = 0;
};

/// What a rule may know about the session. Plain values; owned by the session, read by the engine during a call only.
/// `identity` changes whenever one of the strings does (drawn from next_identity()), so that the engine can compare facts
/// without comparing strings.
struct Facts {
  std::string user;
  std::string database;
  std::string application_name;
  std::string client_address;  ///< "127.0.0.1" or "unix"
  RareString certificate;      ///< common name of the client's certificate; empty: it has shown none
  RareString search_path;      ///< names as the setting has them, "a, b"; empty: the server's default; unknown_value: any
  RareString wished_route;     ///< the setting pgswitch.route
  bool tls = false;
  bool in_transaction = false;
  /// The session's setting: off makes a backslash in '...' escape. Such statements are understood one by one, never cached.
  bool standard_conforming_strings = true;
  /// The session's client_encoding is one of those that misreading.hpp is about.
  bool ascii_in_characters = false;
  RouteId default_route = no_route;
  std::uint64_t identity = 0;  ///< 0: none drawn; the strings are compared then
  std::int64_t began_us = 0;   ///< the login, by the engine's clock
  const SessionState* state = nullptr;  ///< nullptr: nothing is set, written or pinned
  ScriptItems before;          ///< the statements in front, in the same string: they run first
};

/// Makes `facts` what the statements behind `statement`, in the same string, find: its transaction, search_path, application_name and
/// pgswitch.route.
void step_over(const Statement& statement, Facts& facts);

/// A number that no other call returned. Thread-safe.
std::uint64_t next_identity();

}  // namespace pgswitch::rules
