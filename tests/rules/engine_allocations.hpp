#pragma once
#include <cstddef>

namespace pgswitch::rules::test {

/// Counts the calls of operator new of this thread. The operator is replaced for the whole test program.
void start_counting_allocations();
/// How many there were.
std::size_t stop_counting_allocations();

}  // namespace pgswitch::rules::test
