#pragma once
#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/sql_error.hpp"
#include "proxy/admin/command.hpp"
#include "proxy/admin/reply.hpp"
#include "proxy/client_login.hpp"

namespace pgswitch::admin {

class Console;
struct Show;

/// A command of the console: one line of the table in commands.cpp.
struct Verb {
  using Run = boost::asio::awaitable<Reply> (*)(Console&, Command);
  std::string_view name;        ///< its first word
  std::string_view tag;         ///< of its CommandComplete
  std::string_view usage;       ///< a line of SHOW HELP; empty: not listed
  Run run = nullptr;            ///< nullptr: accepted without effect, for drivers that send it unasked
  std::size_t least_words = 0;
  std::size_t most_words = 0;
  bool takes_anything = false;  ///< the words are not looked at
  ConsoleRights needs = ConsoleRights::admin;
};
std::span<const Verb> verbs();

/// A command that is known and may be used. `show` only for SHOW and SELECT.
struct Plan {
  const Verb* verb = nullptr;
  const Show* show = nullptr;
  Command command;
  /// Rows are only those with this value in this column.
  std::optional<std::pair<std::size_t, std::string>> filter = {};
  /// Columns of its rows; empty when it returns none.
  std::span<const Field> fields() const;
};

/// What `command` asks for, or why a user with `rights` cannot have it. Whatever the tables do not allow is refused.
std::optional<protocol::SqlError> make_plan(Command command, ConsoleRights rights, Plan& plan);

/// Runs it on the console's worker. The plan must stay where it is until then.
boost::asio::awaitable<Reply> run_plan(Console& console, const Plan& plan);

}  // namespace pgswitch::admin
