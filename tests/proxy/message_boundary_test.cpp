#include <gtest/gtest.h>

#include <string>

#include "proxy/replication_session.hpp"

namespace pgswitch {
namespace {

TEST(message_boundary, is_between_messages_and_nowhere_else) {
  const std::string copy_done("c\0\0\0\4", 5);
  const std::string data("d\0\0\0\7abc", 8);
  const std::string bytes = copy_done + data;
  MessageBoundary boundary;
  EXPECT_TRUE(boundary.is_here()) << "nothing has been said";
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    boundary.pass(bytes.substr(i, 1));
    EXPECT_EQ(boundary.is_here(), i + 1 == copy_done.size() || i + 1 == bytes.size()) << i;
  }
}

TEST(message_boundary, does_not_depend_on_the_pieces) {
  const std::string large = std::string("w\0\1\0\0", 5) + std::string(0x10000 - 4, 'x');
  for (const std::size_t cut : {1u, 4u, 5u, 6u, 1000u}) {
    MessageBoundary boundary;
    boundary.pass(large.substr(0, cut));
    EXPECT_FALSE(boundary.is_here()) << cut;
    boundary.pass(large.substr(cut) + large);
    EXPECT_TRUE(boundary.is_here()) << cut;
  }
}

}  // namespace
}  // namespace pgswitch
