#pragma once
#include <ostream>
#include <string>

namespace pgswitch {

struct ExplainRequest {
  std::string ini_path;
  std::string user = "app";
  std::string database;  ///< empty: the first one of the file
  std::string sql;
  bool json = false;
};

/// `pgswitch explain FILE.ini [-u user] [-d database] [--json] "SQL"`: what the rules would make of a statement, without any
/// server. Returns the exit code.
int command_explain(const ExplainRequest& request, std::ostream& out, std::ostream& err);

}  // namespace pgswitch
