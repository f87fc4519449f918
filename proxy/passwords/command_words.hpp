#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgswitch {

using CommandWords = std::vector<std::string>;

/// What the placeholders of a command stand for.
struct CommandSubject {
  std::string user;      ///< %u: who logs in at the server
  std::string host;      ///< %h: as configured
  int port = 0;          ///< %p
  std::string database;  ///< %d: its name on the server
};

/// The words of a command line: blanks separate, '...' and "..." hold them together, a backslash outside of '...' takes the next
/// character as it is. No shell reads it: nothing else has a meaning. nullopt with `error`: an open quote, no word at all, a
/// placeholder that does not exist.
std::optional<CommandWords> split_command(std::string_view text, std::string& error);

/// Puts the subject in place of %u, %h, %p and %d, and % for %%. Each word stays one word, whatever is in the names; nullopt with
/// `error` where a name would make a word begin with '-', for a program would take it for an option.
std::optional<CommandWords> fill_in(const CommandWords& words, const CommandSubject& subject, std::string& error);

}  // namespace pgswitch
