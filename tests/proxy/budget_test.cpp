#include "proxy/budget.hpp"

#include <gtest/gtest.h>
#include <atomic>
#include <thread>
#include <vector>

namespace pgswitch {
namespace {

TEST(Budget, gives_as_many_permits_as_its_limit) {
  const auto budget = std::make_shared<Budget>(2);
  const Permit first = Permit::try_take(budget);
  Permit second = Permit::try_take(budget);
  EXPECT_TRUE(first);
  EXPECT_TRUE(second);
  EXPECT_FALSE(Permit::try_take(budget));
  second.reset();
  EXPECT_EQ(budget->used(), 1u);
  EXPECT_TRUE(Permit::try_take(budget));
}

TEST(Budget, of_zero_is_unlimited_but_counts) {
  const auto budget = std::make_shared<Budget>(0);
  std::vector<Permit> permits;
  for (int i = 0; i < 100; ++i) permits.push_back(Permit::try_take(budget));
  EXPECT_TRUE(permits.back());
  EXPECT_EQ(budget->used(), 100u);
  permits.clear();
  EXPECT_EQ(budget->used(), 0u);
}

TEST(Budget, lets_the_reserve_go_above_the_limit) {
  const auto budget = std::make_shared<Budget>(1);
  const Permit usual = Permit::try_take(budget);
  EXPECT_FALSE(Permit::try_take(budget));
  const Permit reserve = Permit::try_take(budget, 1);
  EXPECT_TRUE(reserve);
  EXPECT_FALSE(Permit::try_take(budget, 1));
}

TEST(Budget, lowered_below_its_use_gives_nothing_until_enough_has_come_back) {
  const auto budget = std::make_shared<Budget>(2);
  Permit first = Permit::try_take(budget);
  Permit second = Permit::try_take(budget);
  budget->set_limit(1);
  first.reset();
  EXPECT_FALSE(Permit::try_take(budget));
  second.reset();
  EXPECT_TRUE(Permit::try_take(budget));
}

TEST(Permit, moved_from_holds_nothing_and_assignment_gives_back_the_old_one) {
  const auto budget = std::make_shared<Budget>(2);
  Permit first = Permit::try_take(budget);
  Permit second = std::move(first);
  EXPECT_FALSE(first);
  EXPECT_EQ(budget->used(), 1u);
  first = Permit::try_take(budget);
  EXPECT_EQ(budget->used(), 2u);
  first = std::move(second);
  EXPECT_EQ(budget->used(), 1u);
}

TEST(Budget, is_never_exceeded_and_never_leaks_with_many_threads) {
  constexpr std::uint32_t limit = 3;
  const auto budget = std::make_shared<Budget>(limit);
  std::atomic<std::uint32_t> held{0};
  std::atomic<bool> exceeded{false};
  std::atomic<std::uint64_t> taken{0};
  const auto work = [&] {
    for (int i = 0; i < 20'000; ++i) {
      const Permit permit = Permit::try_take(budget);
      if (!permit) continue;
      taken.fetch_add(1, std::memory_order_relaxed);
      if (held.fetch_add(1) + 1 > limit) exceeded = true;
      held.fetch_sub(1);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(budget->used(), 0u);
  EXPECT_GT(taken.load(), 0u);
}

}  // namespace
}  // namespace pgswitch
