#pragma once
#include <ostream>
#include <string>
#include <vector>

namespace pgswitch {

struct ReplayRequest {
  std::string ini_path;
  std::string against;         ///< another ini file; empty: none
  std::vector<std::string> logs;
  std::string user = "app";    ///< of what a log does not tell
  std::string database;        ///< the same; empty: the first one of the file
  bool json = false;
};

/// `pgswitch replay FILE.ini LOG...`: what the rules would make of the statements of PostgreSQL's logs, of a pg_stat_statements export or of
/// files of statements, summed up by shape. Shows a bar on stderr when that is a terminal. Returns the exit code.
int command_replay(const ReplayRequest& request, std::ostream& out, std::ostream& err);

}  // namespace pgswitch
