#include "rules/cache.hpp"

#include <gtest/gtest.h>

namespace pgswitch::rules {
namespace {

std::vector<ScriptItem> items() { return {ScriptItem{std::make_shared<Statement>(), nullptr, 0, 0}}; }

ScriptPtr script(std::uint64_t generation) {
  auto made = std::make_shared<Script>();
  made->generation = generation;
  return made;
}

Facts facts(std::string user, std::uint64_t identity = 0) {
  Facts made;
  made.user = std::move(user);
  made.identity = identity;
  return made;
}

constexpr Dependencies by_shape = bit(Dependency::shape);
constexpr Dependencies by_user = by_shape | bit(Dependency::user);

TEST(Cache, texts_of_one_hash_are_told_apart) {
  CacheLevel level(1 << 20);
  CacheEntry* a = level.insert(7, "a", items());
  CacheEntry* b = level.insert(7, "b", items());
  EXPECT_EQ(level.find(7, "a"), a);
  EXPECT_EQ(level.find(7, "b"), b);
  EXPECT_EQ(level.find(7, "c"), nullptr);
  EXPECT_EQ(level.find(8, "a"), nullptr);
}

TEST(Cache, evicts_what_was_used_longest_ago) {
  CacheLevel probe(1 << 20);
  probe.insert(1, "a", items());
  const std::size_t one = probe.bytes();
  CacheLevel level(one * 4 + 3);
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_NE(level.insert(i, "a", items()), nullptr);
  ASSERT_NE(level.find(0, "a"), nullptr);
  ASSERT_NE(level.insert(4, "a", items()), nullptr);
  EXPECT_EQ(level.find(1, "a"), nullptr);
  for (const std::uint64_t kept : {0, 2, 3, 4}) EXPECT_NE(level.find(kept, "a"), nullptr) << kept;
  EXPECT_EQ(level.evictions(), 1u);
  EXPECT_EQ(level.entries(), 4u);
  EXPECT_EQ(level.bytes(), one * 4);
}

TEST(Cache, finds_everything_after_it_has_grown) {
  CacheLevel level(1 << 24);
  for (std::uint64_t i = 0; i < 3000; ++i) level.insert(i * 0x9e3779b97f4a7c15u, std::to_string(i), items());
  for (std::uint64_t i = 0; i < 3000; ++i) ASSERT_NE(level.find(i * 0x9e3779b97f4a7c15u, std::to_string(i)), nullptr);
  EXPECT_EQ(level.entries(), 3000u);
}

TEST(Cache, keeps_nothing_larger_than_a_quarter_of_it) {
  CacheLevel level(40000);
  EXPECT_EQ(level.insert(1, std::string(10000, 'x'), items()), nullptr);
  CacheEntry* entry = level.insert(1, "a", items());
  ASSERT_NE(entry, nullptr);
  auto large = std::make_shared<Script>();
  large->items.reserve(10000);
  level.add_variant(*entry, by_shape, facts("alice"), large);
  EXPECT_EQ(entry->find_variant(facts("alice")), nullptr);
}

TEST(Cache, a_variant_holds_for_the_facts_it_depends_on) {
  CacheLevel level(1 << 20);
  CacheEntry* entry = level.insert(1, "a", items());
  level.add_variant(*entry, by_user, facts("alice", 1), script(1));
  level.add_variant(*entry, by_user, facts("bob", 2), script(2));
  EXPECT_EQ((*entry->find_variant(facts("alice", 1)))->generation, 1u);
  EXPECT_EQ((*entry->find_variant(facts("bob", 3)))->generation, 2u);
  EXPECT_EQ((*entry->find_variant(facts("alice")))->generation, 1u);
  EXPECT_EQ(entry->find_variant(facts("carol", 4)), nullptr);
}

TEST(Cache, has_a_bounded_number_of_variants_and_counts_their_bytes) {
  CacheLevel level(1 << 20);
  CacheEntry* entry = level.insert(1, "a", items());
  for (std::size_t i = 0; i < CacheEntry::max_variants; ++i) level.add_variant(*entry, by_user, facts("u" + std::to_string(i)), script(i));
  const std::size_t full = level.bytes();
  for (std::size_t i = 0; i < 100; ++i) level.add_variant(*entry, by_user, facts("v" + std::to_string(i)), script(i));
  EXPECT_EQ(entry->variants.size(), CacheEntry::max_variants);
  EXPECT_EQ(level.bytes(), full);
  EXPECT_NE(entry->find_variant(facts("v99")), nullptr);
  EXPECT_EQ(entry->find_variant(facts("u0")), nullptr);
}

}  // namespace
}  // namespace pgswitch::rules
