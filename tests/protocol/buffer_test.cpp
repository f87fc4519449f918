#include "protocol/buffer.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace pgswitch::protocol {
namespace {

constexpr std::size_t block = 1024;

void receive(LinearBuffer& buffer, std::string_view data) {
  const std::span<char> room = buffer.prepare();
  ASSERT_GE(room.size(), data.size());
  std::memcpy(room.data(), data.data(), data.size());
  buffer.commit(data.size());
}

TEST(BufferSlab, blocks_are_lent_again_and_only_so_many_are_kept) {
  BufferSlab slab(block, 2);
  std::vector<char*> blocks{slab.take(), slab.take(), slab.take()};
  EXPECT_EQ(slab.lent_blocks(), 3u);
  for (char* each : blocks) slab.give(each);
  EXPECT_EQ(slab.lent_blocks(), 0u);
  EXPECT_EQ(slab.free_blocks(), 2u);
  char* again = slab.take();
  EXPECT_EQ(again, blocks[1]);
  slab.give(again);
}

TEST(BufferSlab, trim_frees_what_nobody_has_needed_since_the_last_one) {
  BufferSlab slab(64);
  char* blocks[3] = {slab.take(), slab.take(), slab.take()};
  for (char* lent : blocks) slab.give(lent);
  slab.trim();
  EXPECT_EQ(slab.free_blocks(), 3u) << "all three were lent since the beginning";
  slab.give(slab.take());
  slab.trim();
  EXPECT_EQ(slab.free_blocks(), 1u);
  slab.trim();
  EXPECT_EQ(slab.free_blocks(), 0u);
}

TEST(LinearBuffer, idle_buffer_holds_no_memory) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, 4 * block);
  EXPECT_EQ(buffer.capacity(), 0u);
  receive(buffer, "abc");
  EXPECT_EQ(slab.lent_blocks(), 1u);
  EXPECT_FALSE(buffer.give_back());
  buffer.consume(buffer.parse(3).size());
  EXPECT_TRUE(buffer.give_back());
  EXPECT_EQ(slab.lent_blocks(), 0u);
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(LinearBuffer, bytes_come_out_in_the_order_they_went_in) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, block);
  receive(buffer, "abcdef");
  EXPECT_EQ(buffer.parse(2), "ab");
  EXPECT_EQ(buffer.outstanding(), "ab");
  EXPECT_EQ(buffer.received(), "cdef");
  EXPECT_EQ(buffer.parse(3), "cde");
  EXPECT_EQ(buffer.outstanding(), "abcde");
  buffer.consume(1);
  EXPECT_EQ(buffer.outstanding(), "bcde");
  EXPECT_EQ(buffer.received(), "f");
}

TEST(LinearBuffer, nothing_moves_while_a_range_is_outstanding) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, 4 * block);
  receive(buffer, std::string(block - 10, 'x') + "0123456789");
  buffer.consume(buffer.parse(block - 10).size());
  const ByteView range = buffer.parse(5);
  EXPECT_TRUE(buffer.prepare().empty());
  EXPECT_FALSE(buffer.reserve(block));
  EXPECT_EQ(range, "01234");
  EXPECT_EQ(buffer.outstanding().data(), range.data());
  buffer.consume(5);
  EXPECT_EQ(buffer.prepare().size(), block - 5);
  EXPECT_EQ(buffer.received(), "56789");
}

TEST(LinearBuffer, read_under_way_survives_consume) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, block);
  receive(buffer, "abc");
  buffer.parse(3);
  const std::span<char> room = buffer.prepare();
  buffer.consume(3);
  std::memcpy(room.data(), "def", 3);
  buffer.commit(3);
  EXPECT_EQ(buffer.received(), "def");
}

TEST(LinearBuffer, few_bytes_move_to_the_front_many_only_when_there_is_no_room) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, block);
  receive(buffer, std::string(200, 'a') + std::string(600, 'b'));
  buffer.consume(buffer.parse(200).size());
  EXPECT_EQ(buffer.prepare().size(), block - 800);  // 600 bytes stay where they are
  buffer.consume(buffer.parse(500).size());
  EXPECT_EQ(buffer.prepare().size(), block - 100);  // 100 bytes are moved
  EXPECT_EQ(buffer.received(), std::string(100, 'b'));
}

TEST(LinearBuffer, grows_for_one_long_message_up_to_the_maximum_and_no_further) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, 3 * block);
  receive(buffer, "start");
  EXPECT_FALSE(buffer.reserve(3 * block + 1));
  EXPECT_TRUE(buffer.reserve(2 * block + 1));
  EXPECT_EQ(slab.lent_blocks(), 0u);
  EXPECT_EQ(buffer.received(), "start");
  EXPECT_GE(buffer.prepare().size(), 2 * block + 1 - 5);
  EXPECT_LE(buffer.capacity(), 3 * block);
  buffer.consume(buffer.parse(5).size());
  EXPECT_TRUE(buffer.give_back());
  EXPECT_EQ(buffer.capacity(), 0u);
}

TEST(LinearBuffer, full_buffer_offers_no_room_instead_of_growing_by_itself) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, 4 * block);
  receive(buffer, std::string(block, 'x'));
  EXPECT_TRUE(buffer.prepare().empty());
  EXPECT_EQ(buffer.received().size(), block);
}

TEST(LinearBuffer, keeps_a_stream_intact_whatever_the_sizes_of_its_steps) {
  BufferSlab slab(block);
  LinearBuffer buffer(slab, block);
  std::uint32_t seed = 1, in = 0, out = 0;
  const auto step = [&](std::size_t most) { return (seed = seed * 1664525 + 1013904223, seed >> 8) % (most + 1); };
  while (out < 200'000) {
    const std::span<char> room = buffer.prepare();
    const std::size_t arrived = step(room.size());
    for (std::size_t i = 0; i < arrived; ++i) room[i] = static_cast<char>(in++ % 251);
    buffer.commit(arrived);
    buffer.parse(step(buffer.received().size()));
    const std::size_t sent = step(buffer.outstanding().size());
    for (std::size_t i = 0; i < sent; ++i)
      ASSERT_EQ(buffer.outstanding()[i], static_cast<char>(out++ % 251));
    buffer.consume(sent);
    if (step(8) == 0) {
      const std::size_t rest = buffer.outstanding().size();
      for (const char c : buffer.outstanding()) ASSERT_EQ(c, static_cast<char>(out++ % 251));
      buffer.consume(rest);
      buffer.give_back();
    }
  }
}

}  // namespace
}  // namespace pgswitch::protocol
