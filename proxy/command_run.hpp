#pragma once
#include "proxy/command_line.hpp"

namespace pgswitch {

/// `pgswitch FILE.ini`: loads the configuration, changes identity, goes to the background, opens the log, writes the
/// pidfile, serves until told to stop. Returns the exit code; 1 when the start fails, with the reason in the log.
int command_run(const RunCommand& command);

}  // namespace pgswitch
