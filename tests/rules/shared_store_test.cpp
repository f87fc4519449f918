#include "rules/shared_store.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace pgswitch::rules {
namespace {

TEST(SharedStore, HoldsAValueUntilItsTimeIsOver) {
  SharedStore store;
  SharedStore::Value value;
  EXPECT_FALSE(store.get("a", 0, value));
  EXPECT_TRUE(store.set("a", std::string("x"), 10, 20));
  EXPECT_TRUE(store.get("a", 19, value));
  EXPECT_EQ(value, SharedStore::Value(std::string("x")));
  EXPECT_FALSE(store.get("a", 20, value));
}

TEST(SharedStore, AddsToAWholeNumberWithinItsTime) {
  SharedStore store;
  std::int64_t sum = 0;
  EXPECT_TRUE(store.add("n", 2, 0, 100, sum));
  EXPECT_EQ(sum, 2);
  EXPECT_TRUE(store.add("n", 3, 99, 500, sum));
  EXPECT_EQ(sum, 5);
  EXPECT_TRUE(store.add("n", 1, 100, 200, sum)) << "its time is that of the first";
  EXPECT_EQ(sum, 1);
  EXPECT_FALSE(store.add("n", INT64_MAX, 100, 200, sum));
  EXPECT_TRUE(store.set("text", std::string("x"), 0, 100));
  EXPECT_FALSE(store.add("text", 1, 0, 100, sum));
}

TEST(SharedStore, IsBoundedAndTakesTheRoomOfWhatIsOver) {
  SharedStore store(1000);
  int held = 0;
  while (store.set("key " + std::to_string(held), std::int64_t{1}, 0, 1'000'000)) ++held;
  EXPECT_GT(held, 3);
  EXPECT_LE(store.bytes(), 1000u);
  EXPECT_FALSE(store.set("another", std::int64_t{1}, 500'000, 2'000'000));
  EXPECT_TRUE(store.set("key 0", std::int64_t{2}, 500'000, 2'000'000)) << "one that is there";
  EXPECT_TRUE(store.set("another", std::int64_t{1}, 1'000'000, 2'000'000));
  EXPECT_EQ(store.size(), 2u);
  store.remove("another");
  store.remove("key 0");
  EXPECT_EQ(store.bytes(), 0u);
}

TEST(SharedStore, RefusesWhatIsTooLong) {
  SharedStore store;
  EXPECT_FALSE(store.set(std::string(257, 'k'), std::int64_t{1}, 0, 1));
  EXPECT_FALSE(store.set("k", std::string(4097, 'v'), 0, 1));
}

TEST(SharedStore, CountsForAllThreads) {
  SharedStore store;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      std::int64_t sum = 0;
      for (int n = 0; n < 1000; ++n) store.add("n", 1, 0, 1, sum);
    });
  }
  threads.clear();
  SharedStore::Value value;
  ASSERT_TRUE(store.get("n", 0, value));
  EXPECT_EQ(value, SharedStore::Value(std::int64_t{4000}));
}

// Splits are kept over versions: these numbers are promised.
TEST(StableHash, IsTheSameForEver) {
  EXPECT_EQ(stable_hash(""), stable_hash(""));
  std::set<std::int64_t> hashes;
  std::vector<int> in_ten(10);
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t hash = stable_hash("user" + std::to_string(i));
    EXPECT_GE(hash, 0);
    EXPECT_LT(hash, std::int64_t{1} << 53);
    hashes.insert(hash);
    ++in_ten[static_cast<std::size_t>(hash % 10)];
  }
  EXPECT_EQ(hashes.size(), 10'000u);
  for (const int count : in_ten) EXPECT_NEAR(count, 1000, 150);
}

}  // namespace
}  // namespace pgswitch::rules
