#include <gtest/gtest.h>

#include <memory>

#include "proxy/session/ring.hpp"

namespace pgswitch {
namespace {

TEST(ring, is_first_in_first_out_over_many_turns) {
  Ring<int> ring;
  int in = 0, out = 0;
  for (int turn = 0; turn < 100; ++turn) {
    for (int i = 0; i < turn % 13; ++i) ring.push(in++);
    for (int i = 0; i < turn % 11 && !ring.empty(); ++i, ring.pop()) ASSERT_EQ(ring.front(), out++);
  }
  for (; !ring.empty(); ring.pop()) ASSERT_EQ(ring.front(), out++);
  EXPECT_EQ(in, out);
}

TEST(ring, keeps_its_order_when_it_grows_in_the_middle_of_a_turn) {
  Ring<int> ring;
  for (int i = 0; i < 8; ++i) ring.push(i);
  for (int i = 0; i < 5; ++i) ring.pop();
  for (int i = 8; i < 30; ++i) ring.push(i);
  for (std::size_t i = 0; i < ring.size(); ++i) EXPECT_EQ(ring[i], static_cast<int>(i) + 5);
  EXPECT_EQ(ring.front(), 5);
  EXPECT_EQ(ring.back(), 29);
}

TEST(ring, lets_go_of_what_is_popped) {
  Ring<std::shared_ptr<int>> ring;
  const auto value = std::make_shared<int>(1);
  ring.push(value);
  ring.push(value);
  ring.pop();
  EXPECT_EQ(value.use_count(), 2);
  ring.pop();
  EXPECT_EQ(value.use_count(), 1);
}

}  // namespace
}  // namespace pgswitch
