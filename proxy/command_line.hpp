#pragma once
#include <optional>
#include <ostream>
#include <string>
#include <variant>

#include "proxy/command_explain.hpp"
#include "proxy/command_replay.hpp"
#include "proxy/command_test.hpp"
#include "proxy/proxy.hpp"

namespace pgswitch {

/// What the command line asks for. `reboot` (-R): take over from the process that runs with this configuration.
struct RunCommand {
  RunOptions options;
  bool reboot = false;
};
struct CheckCommand {
  std::string ini_path;
};
/// Everything is said already: end with this code.
struct ExitCommand {
  int code = 0;
};
using Command = std::variant<RunCommand, CheckCommand, ExplainRequest, TestRequest, ReplayRequest, ExitCommand>;

/// Reads the arguments as pgbouncer does (getopt_long), and the commands of ours: check, explain, test and replay. A file of that
/// name is reached as ./check. Help and version go to `out`, complaints to `err`.
Command parse_command_line(int argc, char** argv, std::ostream& out, std::ostream& err);

/// "pgswitch 0.1.0", then the versions of the libraries, one a line.
std::string version_text();

}  // namespace pgswitch
