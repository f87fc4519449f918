#include "tests/fuzz/fuzz_input.hpp"
#include "tests/script/random_session.hpp"

/// The input makes up a session (see random_session.hpp); SessionCore must keep its promises whatever happens in it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const pgswitch::fuzz::Input input(data, size);
  pgswitch::fuzz::require(pgswitch::script::random_session(input.rest()).empty());
  return 0;
}
