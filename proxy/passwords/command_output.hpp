#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "proxy/passwords/command_words.hpp"

namespace pgswitch {

struct CommandLimits {
  std::int64_t time_us = 10'000'000;
  std::size_t output_bytes = 64 * 1024;
};

/// What a program has printed. Both texts may hold secrets.
struct CommandOutput {
  std::string output;
  std::string complaints;  ///< stderr, the beginning of it
  std::string error;       ///< "": it ended with exit status 0 and within its limits
};

/// Runs a program and waits for it: for a helper thread, never for a worker. It gets this process's environment, no standard input,
/// no other descriptor, and a process group of its own, which is killed when the time is over, when it prints more than it may, when
/// `stop` becomes true, and when it ends. Its words are its arguments: there is no shell.
CommandOutput run_command(const CommandWords& words, const CommandLimits& limits, const std::atomic<bool>& stop);

}  // namespace pgswitch
