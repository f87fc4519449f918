#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// The console's language: words, quoted names and quoted values, statements separated by semicolons. No I/O.
namespace pgswitch::admin {

/// The statements of a query string, without their semicolons; blank ones are left out. Views into `text`.
std::vector<std::string_view> split_statements(std::string_view text);

/// One statement, read as far as the console understands anything.
struct Command {
  /// "show", "pause", ... in lower case; empty: the statement holds no word.
  std::string verb;
  /// What follows, as it was written, without quotes: pgbouncer's names of databases are case-sensitive.
  std::vector<std::string> words;
  /// Characters outside the console's language were there, so nothing but `verb` and `words.front()` can be relied upon.
  bool foreign = false;
  /// Words before the one `=` that stands where the language has it; 0: none stands there.
  std::size_t equals = 0;
  /// The statement as it was, trimmed.
  std::string text;
};

/// ASCII letters in lower case.
std::string lower(std::string_view word);

Command parse_command(std::string_view statement);

}  // namespace pgswitch::admin
