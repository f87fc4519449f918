#include <gtest/gtest.h>

#include <array>

#include "proxy/session/gather.hpp"

namespace pgswitch {
namespace {

int piece_count(Gather& gather) {
  std::array<iovec, 16> pieces;
  return gather.pieces(pieces.data(), 16);
}

TEST(gather, neighbouring_ranges_are_one_piece) {
  const std::string buffer = "abcdef";
  Gather gather;
  gather.add(std::string_view(buffer).substr(0, 2));
  gather.add(std::string_view(buffer).substr(2, 2));
  gather.add({});
  EXPECT_EQ(piece_count(gather), 1);
  gather.add(std::string_view(buffer).substr(5, 1));
  EXPECT_EQ(piece_count(gather), 2);
  EXPECT_EQ(gather.text(), "abcdf");
}

TEST(gather, small_ranges_become_own_bytes_where_they_stand_behind_some) {
  const std::string buffer = "abcdef", large(1000, 'x');
  Gather gather;
  gather.append("own");
  gather.add(std::string_view(buffer).substr(0, 2));
  gather.add(std::string_view(buffer).substr(2, 2));
  EXPECT_EQ(piece_count(gather), 1);
  gather.add(std::string_view(buffer).substr(5, 1));
  gather.append("more");
  EXPECT_EQ(piece_count(gather), 1);
  gather.add(large);
  gather.add(std::string_view(buffer).substr(0, 1));
  gather.append("end");
  EXPECT_EQ(gather.text(), "ownabcdfmore" + large + "aend");
  EXPECT_EQ(piece_count(gather), 4);
}

TEST(gather, own_bytes_survive_the_growth_of_their_memory) {
  Gather gather;
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    gather.append(std::to_string(i));
    expected += std::to_string(i);
  }
  EXPECT_EQ(piece_count(gather), 1);
  EXPECT_EQ(gather.text(), expected);
}

TEST(gather, written_in_any_portions_loses_nothing) {
  const std::string buffer = "0123456789";
  for (std::size_t portion = 1; portion <= 14; ++portion) {
    Gather gather;
    gather.add(std::string_view(buffer).substr(0, 4));
    gather.append("own");
    gather.add(std::string_view(buffer).substr(6, 4));
    gather.append("end");
    std::string out;
    while (!gather.empty()) {
      const std::size_t size = std::min(portion, gather.size());
      out += gather.text().substr(0, size);
      gather.written(size);
    }
    EXPECT_EQ(out, "0123own6789end");
    EXPECT_EQ(gather.size(), 0u);
  }
}

TEST(gather, detached_needs_its_buffers_no_more) {
  std::string buffer = "abc";
  Gather gather;
  gather.append("x");
  gather.add(buffer);
  gather.detach();
  buffer = "???";
  EXPECT_EQ(gather.text(), "xabc");
  EXPECT_EQ(gather.size(), 4u);
}

TEST(gather, gives_no_more_pieces_than_asked) {
  Gather gather;
  const std::string a = "a", b = "b";
  gather.add(a);
  gather.append("-");
  gather.add(b);
  std::array<iovec, 2> pieces;
  EXPECT_EQ(gather.pieces(pieces.data(), 2), 2);
}

}  // namespace
}  // namespace pgswitch
