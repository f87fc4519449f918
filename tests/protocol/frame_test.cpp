#include "protocol/frame.hpp"

#include <gtest/gtest.h>

#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

struct Case {
  const char* name;
  std::string in;
  HeaderStatus status;
  std::size_t body_size = 0;
};

constexpr std::size_t limit = 1000;

const Case cases[] = {
    {"nothing", "", HeaderStatus::need_more},
    {"type only", "Q", HeaderStatus::need_more},
    {"all but one byte of the header", bytes("Q\0\0\0"), HeaderStatus::need_more},
    {"empty body", bytes("S\0\0\0\4"), HeaderStatus::complete, 0},
    {"body not yet here", bytes("Q\0\0\0\x0e"), HeaderStatus::complete, 10},
    {"any type byte, the session judges it", bytes("\xff\0\0\0\5"), HeaderStatus::complete, 1},
    {"length 0", bytes("Q\0\0\0\0"), HeaderStatus::malformed},
    {"length 3", bytes("Q\0\0\0\3"), HeaderStatus::malformed},
    {"negative length", bytes("Q\xff\xff\xff\xff"), HeaderStatus::malformed},
    {"lowest negative length", bytes("Q\x80\0\0\0"), HeaderStatus::malformed},
    {"greatest positive length", bytes("Q\x7f\xff\xff\xff"), HeaderStatus::malformed},
    {"one gigabyte", bytes("Q\x3f\xff\xff\xff"), HeaderStatus::malformed},
    {"exactly the limit", 'Q' + int32(limit - 1), HeaderStatus::complete, limit - 5},
    {"one byte over the limit", 'Q' + int32(limit), HeaderStatus::malformed},
};

TEST(Frame, header_is_judged_before_its_body_is_here) {
  for (const Case& test : cases) {
    SCOPED_TRACE(test.name);
    FrameHeader header;
    EXPECT_EQ(read_header(test.in, limit, header), test.status);
    if (test.status != HeaderStatus::complete) continue;
    EXPECT_EQ(header.type, test.in[0]);
    EXPECT_EQ(header.body_size, test.body_size);
    EXPECT_EQ(header.frame_size(), test.body_size + 5);
  }
}

TEST(Frame, no_limit_lets_a_length_beyond_int32_pass) {
  FrameHeader header;
  const std::size_t none = ~std::size_t{0};
  EXPECT_EQ(read_header(bytes("d\x7f\xff\xff\xf4"), none, header), HeaderStatus::complete);
  EXPECT_EQ(read_header(bytes("d\x7f\xff\xff\xf5"), none, header), HeaderStatus::malformed);
}

TEST(Frame, run_ends_at_the_first_frame_that_is_another_or_not_all_there) {
  const std::string row = bytes("D\0\0\0\6ab"), empty_row = bytes("D\0\0\0\4");
  EXPECT_EQ(run_of('D', "", limit), 0u);
  EXPECT_EQ(run_of('D', bytes("C\0\0\0\4"), limit), 0u);
  EXPECT_EQ(run_of('D', row + empty_row + row, limit), 19u);
  EXPECT_EQ(run_of('D', row + row + bytes("C\0\0\0\4") + row, limit), 14u);
  EXPECT_EQ(run_of('D', row + row.substr(0, 6), limit), 7u);
  EXPECT_EQ(run_of('D', row + row.substr(0, 3), limit), 7u);
  EXPECT_EQ(run_of('D', row + bytes("D\0\0\0\3"), limit), 7u);
  EXPECT_EQ(run_of('D', row + 'D' + int32(limit) + std::string(limit, 'x'), limit), 7u);
}

}  // namespace
}  // namespace pgswitch::protocol
