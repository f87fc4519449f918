#include "proxy/budget.hpp"

namespace pgswitch {

// Taking is a compare-and-swap and not an increment with a way back: a failed attempt must not make another one fail.
bool Budget::try_take(std::uint32_t extra) {
  const std::uint32_t most = limit();
  std::uint32_t used = used_.load(std::memory_order_relaxed);
  do {
    if (most != 0 && used >= std::uint64_t{most} + extra) return false;
  } while (!used_.compare_exchange_weak(used, used + 1, std::memory_order_relaxed));
  return true;
}

Permit Permit::try_take(const BudgetPtr& budget, std::uint32_t extra) {
  Permit permit;
  if (budget && budget->try_take(extra)) permit.budget_ = budget;
  return permit;
}

Permit& Permit::operator=(Permit&& other) noexcept {
  if (this != &other) {
    reset();
    budget_ = std::move(other.budget_);
  }
  return *this;
}

void Permit::reset() {
  if (const BudgetPtr budget = std::move(budget_)) budget->give_back();
}

}  // namespace pgswitch
