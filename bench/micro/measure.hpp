#pragma once
#include <benchmark/benchmark.h>

#include <string>
#include <string_view>

#include "tests/rules/engine_allocations.hpp"

namespace pgswitch::bench {

/// pgbench -S, and what PostgreSQL answers.
inline constexpr std::string_view select_text = "SELECT abalance FROM pgbench_accounts WHERE aid = 4711;";
std::string select_query();   ///< a Query message
std::string select_answer();  ///< RowDescription, DataRow, CommandComplete, ReadyForQuery

/// Runs `work` as often as the library asks; a column "allocations" tells how many one call makes.
template <class Work>
void measure(benchmark::State& state, Work work) {
  work();
  rules::test::start_counting_allocations();
  for (auto _ : state) work();
  state.counters["allocations"] =
      benchmark::Counter(static_cast<double>(rules::test::stop_counting_allocations()), benchmark::Counter::kAvgIterations);
}

}  // namespace pgswitch::bench
