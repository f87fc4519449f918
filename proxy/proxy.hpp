#pragma once
#include <string>

#include "proxy/config.hpp"

namespace pgswitch {

struct RunOptions {
  std::string config_file;
  bool quiet = false;
  bool daemon = false;
  int verbose = 0;
  std::string user;
};

/// Runs the proxy until it is told to stop. Returns the exit code.
int run_proxy(ConfigPtr config, const RunOptions& options);

}  // namespace pgswitch
