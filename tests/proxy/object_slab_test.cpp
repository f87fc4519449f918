#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <stdexcept>
#include <vector>

#include "proxy/object_slab.hpp"

namespace pgswitch {
namespace {

constexpr std::size_t object_size = 1000;

std::uintptr_t block_of(const void* object) { return reinterpret_cast<std::uintptr_t>(object) / ObjectSlab::block_size; }

std::vector<void*> take(ObjectSlab& slab, std::size_t count) {
  std::vector<void*> objects;
  for (std::size_t i = 0; i < count; ++i) std::memset(objects.emplace_back(slab.take()), static_cast<int>(i), object_size);
  return objects;
}

TEST(object_slab, objects_lie_side_by_side_in_few_blocks) {
  ObjectSlab slab(object_size);
  const std::vector<void*> objects = take(slab, 1000);
  std::set<std::uintptr_t> blocks;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    blocks.insert(block_of(objects[i]));
    EXPECT_EQ(static_cast<unsigned char*>(objects[i])[object_size - 1], i % 256) << "nobody else has written there";
  }
  EXPECT_EQ(slab.objects_of_block(), 16u);
  EXPECT_EQ(blocks.size(), (1000u + 15) / 16);
  EXPECT_EQ(slab.blocks(), blocks.size());
  EXPECT_EQ(slab.lent(), 1000u);
  for (void* const object : objects) ObjectSlab::give(object);
  EXPECT_EQ(slab.lent(), 0u);
}

TEST(object_slab, what_was_given_back_is_taken_again) {
  ObjectSlab slab(object_size);
  std::vector<void*> objects = take(slab, 100);
  const std::set<void*> before(objects.begin(), objects.end());
  for (void* const object : objects) ObjectSlab::give(object);
  objects = take(slab, 100);
  EXPECT_EQ(std::set<void*>(objects.begin(), objects.end()).size(), 100u);
  EXPECT_EQ(slab.blocks(), 7u);
  for (void* const object : objects) ObjectSlab::give(object);
}

TEST(object_slab, blocks_that_are_in_use_already_are_filled_first) {
  ObjectSlab slab(object_size);
  const std::vector<void*> objects = take(slab, 48);
  for (std::size_t i = 0; i < 32; ++i) ObjectSlab::give(objects[i]);
  ObjectSlab::give(objects[40]);
  EXPECT_EQ(slab.take(), objects[40]);
  for (std::size_t i = 32; i < 48; ++i) ObjectSlab::give(objects[i]);
}

TEST(object_slab, trim_gives_back_the_blocks_without_objects) {
  ObjectSlab slab(object_size);
  std::vector<void*> objects = take(slab, 160);
  for (std::size_t i = 8; i < 160; ++i) ObjectSlab::give(objects[i]);
  EXPECT_EQ(slab.blocks(), 10u);
  slab.trim();
  EXPECT_EQ(slab.blocks(), 1u);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(static_cast<unsigned char*>(objects[i])[object_size - 1], i) << "those that are lent stay as they are";
  const std::vector<void*> more = take(slab, 152);
  EXPECT_EQ(slab.blocks(), 10u);
  for (std::size_t i = 0; i < 8; ++i) ObjectSlab::give(objects[i]);
  for (void* const object : more) ObjectSlab::give(object);
  slab.trim();
  EXPECT_EQ(slab.blocks(), 0u);
}

struct Guest {
  explicit Guest(bool fails) {
    if (fails) throw std::runtime_error("no");
  }
  static void* operator new(std::size_t, ObjectSlab& slab) { return slab.take(); }
  static void operator delete(void* guest) { ObjectSlab::give(guest); }
  static void operator delete(void* guest, ObjectSlab&) { ObjectSlab::give(guest); }
  char bytes[24] = {};
};

TEST(object_slab, a_class_may_live_there) {
  ObjectSlab slab(sizeof(Guest));
  auto guest = std::unique_ptr<Guest>(new (slab) Guest(false));
  EXPECT_EQ(slab.lent(), 1u);
  EXPECT_THROW(new (slab) Guest(true), std::runtime_error);
  EXPECT_EQ(slab.lent(), 1u);
  guest.reset();
  EXPECT_EQ(slab.lent(), 0u);
}

}  // namespace
}  // namespace pgswitch
