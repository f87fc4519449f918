#pragma once
#include <ostream>
#include <string>

#include "proxy/config.hpp"

namespace pgswitch {

/// `pgswitch check FILE.ini`: reads configuration, userlist and rules, starts nothing. Writes errors and warnings as
/// file:line to `err`, a summary to `out`. Returns the exit code: 0 when it would load, else 1.
int command_check(const std::string& ini_path, std::ostream& out, std::ostream& err);

/// The configuration that a command works on, its errors and not its warnings on `err`: `pgswitch check` is for these. nullptr: it
/// does not load.
ConfigPtr load_for_command(const std::string& ini_path, std::ostream& err);

/// Writes "file:line: message" for each error and "file:line: warning: message" for each warning.
void print_diagnostics(const LoadResult& result, std::ostream& err);

}  // namespace pgswitch
