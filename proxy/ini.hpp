#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "proxy/config.hpp"

namespace pgswitch {

/// One `key = value` line and where it stands.
struct IniEntry {
  std::string section;
  std::string key;
  std::string value;
  std::string file;
  int line = 0;
  /// How often its section has been opened, from 1: pgbouncer resets all settings at a second [pgbouncer].
  int section_number = 1;
};

/// The lines of an ini file and its includes, in order. Entries are usable only when there are no errors.
struct Ini {
  std::vector<IniEntry> entries;
  std::vector<std::string> sections;  ///< as opened, repetitions included
  std::vector<Diagnostic> errors;
};

/// Reads a file with pgbouncer's grammar (libusual cfparser): [section], key = value, comments only where ';' or '#' is a
/// line's first character, %include up to ten deep, keys bare or in '...' or "..." (the quote doubled inside "..." only).
/// Knows nothing of what sections and keys mean. Errors never quote a value.
Ini read_ini(const std::string& path);

/// The same for text in memory; `path` is what errors name and includes may be relative to.
Ini parse_ini(std::string_view text, const std::string& path);

/// The path to open for a file named in a configuration: as it is (relative to the working directory, as pgbouncer has
/// it) or, when no such file is there, relative to the folder of `ini_path`.
std::string find_file(const std::string& path, const std::string& ini_path);
/// `path` relative to the folder of `ini_path`; absolute paths as they are.
std::string beside(const std::string& path, const std::string& ini_path);

/// Whole file into `text`; false with the system's message in `error`. Refuses folders and files above 64 MB.
bool read_file(const std::string& path, std::string& text, std::string& error);

}  // namespace pgswitch
