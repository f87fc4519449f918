#include "proxy/cancel_peer.hpp"

#include <gtest/gtest.h>

#include <set>

namespace pgswitch {
namespace {

TEST(peer_key, tells_the_peer_in_a_process_id_that_is_positive) {
  for (const int peer : {1, 2, 255, 256, 1000, 16383, 65535}) {
    const auto process_id = PeerKey::make_process_id(peer);
    ASSERT_TRUE(process_id);
    EXPECT_EQ(PeerKey::peer_of(*process_id), peer);
    EXPECT_LT(*process_id, 1u << 31);
  }
}

TEST(peer_key, has_pgbouncers_layout) {
  // Second and third octet, the low one first.
  EXPECT_EQ(PeerKey::peer_of(0x7f'34'12'ffu), 0x1234);
  EXPECT_EQ(PeerKey::peer_of(0x00'01'00'00u), 1);
}

TEST(peer_key, makes_many_different_ones) {
  std::set<std::uint32_t> made;
  for (int i = 0; i < 100; ++i) made.insert(*PeerKey::make_process_id(7));
  EXPECT_GT(made.size(), 90u);
}

TEST(peer_key, counts_how_often_a_secret_is_passed_on) {
  const std::string told = PeerKey::at_home(std::string("ab") + '\x80');
  EXPECT_EQ(told, std::string("ab") + '\x83');
  std::string secret = told;
  for (int hop = 0; hop < 3; ++hop) {
    const auto next = PeerKey::passed_on(secret);
    ASSERT_TRUE(next);
    EXPECT_EQ(PeerKey::at_home(*next), told) << "it is the client's secret, however far it has come";
    secret = *next;
  }
  EXPECT_EQ(PeerKey::passed_on(secret), std::nullopt);
  EXPECT_EQ(PeerKey::passed_on(""), std::nullopt);
  EXPECT_EQ(PeerKey::at_home(""), "");
}

}  // namespace
}  // namespace pgswitch
