#include "protocol/trace.hpp"

#include <gtest/gtest.h>

#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol {
namespace {

constexpr Direction front = Direction::from_frontend, back = Direction::from_backend;

std::string line(Direction direction, char type, std::string_view body) {
  const FrameHeader header{type, static_cast<std::uint32_t>(body.size())};
  std::string out;
  trace(out, direction, header, body);
  return out;
}

struct TraceCase {
  Direction direction;
  char type;
  std::string body;
  std::string expected;
};

const TraceCase trace_cases[] = {
    {front, 'Q', text("select 1"), "F\t13\tQuery\t \"select 1\""},
    {front, 'P', text("s") + text("select $1") + int16(1) + int32(23), "F\t22\tParse\t \"s\" \"select $1\" 1 23"},
    {front, 'B', text("") + text("s") + int16(1) + int16(0) + int16(2) + int32(1) + "7" + int32(0xffffffff) + int16(1) + int16(1),
     "F\t26\tBind\t \"\" \"s\" 1 0 2 1 '7' -1 1 1"},
    {front, 'E', text("") + int32(100), "F\t9\tExecute\t \"\" 100"},
    {front, 'D', "S" + text("s"), "F\t7\tDescribe\t S \"s\""},
    {front, 'S', "", "F\t4\tSync\t"},
    {front, 'd', bytes("a\tb\n\xff"), "F\t9\tCopyData\t 'a\\x09b\\x0a\\xff'"},
    {front, '!', "abc", "F\t7\tUnknown\t <3 bytes>"},
    {back, 'Z', "I", "B\t5\tReadyForQuery\t I"},
    {back, 'C', text("SELECT 1"), "B\t13\tCommandComplete\t \"SELECT 1\""},
    {back, 'D', int16(1) + int32(2) + "42", "B\t12\tDataRow\t 1 2 '42'"},
    {back, 'T', int16(1) + text("n") + int32(0) + int16(0) + int32(23) + int16(4) + int32(0xffffffff) + int16(0),
     "B\t26\tRowDescription\t 1 \"n\" 0 0 23 4 -1 0"},
    {back, 'E', "S" + text("ERROR") + "C" + text("42P01") + bytes("\0"), "B\t19\tErrorResponse\t S \"ERROR\" C \"42P01\""},
    {back, 'G', bytes("\0") + int16(1) + int16(0), "B\t9\tCopyInResponse\t 0 1 0"},
    {back, 'R', int32(0), "B\t8\tAuthentication\t 0"},
    {back, 'R', int32(10) + text("SCRAM-SHA-256") + bytes("\0"), "B\t23\tAuthentication\t 10 \"SCRAM-SHA-256\""},
    {back, 'Z', "IX", "B\t6\tReadyForQuery\t I +1 bytes"},
    {back, 'C', "SELECT", "B\t10\tCommandComplete\t ..."},
};

TEST(Trace, prints_one_line_for_each_message) {
  for (const TraceCase& test : trace_cases) EXPECT_EQ(line(test.direction, test.type, test.body), test.expected);
}

TEST(Trace, never_prints_what_proves_who_somebody_is) {
  const std::string secret = "hunter2";
  const std::pair<Direction, std::string> frames[] = {
      {front, frame('p', text(secret))},
      {front, frame('p', text("SCRAM-SHA-256") + int32(7) + secret)},
      {back, frame('R', int32(5) + secret)},
      {back, frame('R', int32(11) + secret)},
      {back, frame('R', int32(12) + secret)},
      {back, frame('R', int32(13) + secret)},
      {back, frame('K', int32(42) + secret)},
      {front, frame('Q', text("ALTER ROLE app PassWord '" + secret + "'"))},
      {front, frame('P', text("") + text("select dblink('password=" + secret + "')") + int16(0))},
      {back, frame('E', "M" + text("syntax error at \"password '" + secret + "'\"") + bytes("\0"))},
  };
  for (const auto& [direction, wire] : frames) {
    const std::string printed = line(direction, wire[0], body_of(wire));
    EXPECT_EQ(printed.find(secret), std::string::npos) << printed;
    EXPECT_NE(printed.find("bytes>"), std::string::npos) << printed;
  }
}

TEST(Trace, line_stays_short_whatever_the_message) {
  const std::string rows = int16(60000) + std::string(240000, '\0');
  EXPECT_LT(line(back, 'D', rows).size(), max_trace_line + 100);
  EXPECT_LT(line(front, 'Q', text(std::string(1 << 20, '\1'))).size(), max_trace_line + 100);
}

TEST(Trace, every_truncation_of_a_body_prints_a_line) {
  for (const TraceCase& test : trace_cases)
    for (std::size_t size = 0; size < test.body.size(); ++size) {
      const FrameHeader header{test.type, static_cast<std::uint32_t>(test.body.size())};
      std::string out;
      trace(out, test.direction, header, std::string(test.body, 0, size));
      EXPECT_TRUE(out.ends_with(" ...")) << out;
    }
}

TEST(Trace, every_type_of_both_directions_has_its_name) {
  for (const char type : std::string_view("BCcDdEFfHPpQSX")) EXPECT_NE(message_name(front, type), "Unknown") << type;
  for (const char type : std::string_view("RK23CWdcGHDIEVvnNAtS1sZT")) EXPECT_NE(message_name(back, type), "Unknown") << type;
  EXPECT_EQ(message_name(front, 'Z'), "Unknown");
  EXPECT_EQ(message_name(front, 'D'), "Describe");
  EXPECT_EQ(message_name(back, 'D'), "DataRow");
}

}  // namespace
}  // namespace pgswitch::protocol
