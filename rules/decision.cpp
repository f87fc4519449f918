#include "rules/decision.hpp"

#include <array>
#include <atomic>
#include <utility>

#include "rules/facts.hpp"

namespace pgswitch::rules {

std::uint64_t next_identity() {
  static std::atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

std::string describe(Dependencies dependencies) {
  static constexpr std::array<std::pair<Dependency, std::string_view>, 8> words = {{
      {Dependency::shape, "the statement's shape"},
      {Dependency::text, "its text"},
      {Dependency::user, "the user"},
      {Dependency::database, "the database"},
      {Dependency::application_name, "the application's name"},
      {Dependency::client_address, "the client's address"},
      {Dependency::in_transaction, "whether a transaction is open"},
      {Dependency::volatile_, "the moment"},
  }};
  std::string all;
  for (const auto& [dependency, word] : words) {
    if (!has(dependencies, dependency)) continue;
    if (!all.empty()) all += ", ";
    all += word;
  }
  return all;
}

}  // namespace pgswitch::rules
