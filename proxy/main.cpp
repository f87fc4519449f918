#include <malloc.h>

#include <csignal>
#include <iostream>

#include "proxy/command_check.hpp"
#include "proxy/command_explain.hpp"
#include "proxy/command_line.hpp"
#include "proxy/command_replay.hpp"
#include "proxy/command_run.hpp"
#include "proxy/command_test.hpp"

namespace {

using namespace pgswitch;

/// One call for each command; the result is the exit code.
struct Execute {
  int operator()(const RunCommand& command) const { return command_run(command); }
  int operator()(const CheckCommand& command) const { return command_check(command.ini_path, std::cout, std::cerr); }
  int operator()(const ExplainRequest& request) const { return command_explain(request, std::cout, std::cerr); }
  int operator()(const TestRequest& request) const { return command_test(request, std::cout, std::cerr); }
  int operator()(const ReplayRequest& request) const { return command_replay(request, std::cout, std::cerr); }
  int operator()(const ExitCommand& command) const { return command.code; }
};

/// A large message's memory goes back when it is freed. Left to itself glibc takes the first that is freed for the size of all to come, and
/// keeps them in its heap.
void give_large_memory_back() {
  constexpr int large = 1024 * 1024;
  mallopt(M_MMAP_THRESHOLD, large);
  mallopt(M_TRIM_THRESHOLD, 2 * large);
}

}  // namespace

int main(int argc, char** argv) {
  give_large_memory_back();
  // A peer that has gone is an error code of write(), not a reason to die.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a log file that may not grow costs its lines
  return std::visit(Execute{}, parse_command_line(argc, argv, std::cout, std::cerr));
}
