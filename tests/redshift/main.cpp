#include <cstdio>
#include <exception>
#include <thread>

#include "tests/redshift/options.hpp"
#include "tests/redshift/session.hpp"

/// A PostgreSQL 15 that behaves as Redshift does (README.md). Runs until it is killed.
int main(int count, char** arguments) try {
  using namespace pgswitch::stand_in;
  static const Options options = read_options(count, arguments);
  Listener listener(options.listen_address, options.port);
  for (;;) std::thread([client = listener.accept()]() mutable { Session(std::move(client), options).run(); }).detach();
} catch (const std::exception& error) {
  std::fprintf(stderr, "redshift_stand_in: %s\n", error.what());
  return 1;
}
