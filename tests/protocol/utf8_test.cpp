#include "protocol/utf8.hpp"

#include <gtest/gtest.h>

namespace pgswitch::protocol {
namespace {

struct Utf8Case {
  std::string text;
  std::string shown;  ///< the bytes PostgreSQL names; empty: the text is UTF-8
};

TEST(Utf8, what_is_not_is_told_as_postgresql_does) {
  const Utf8Case cases[] = {
      {"", ""},
      {"plain", ""},
      {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", ""},
      {"\xf4\x8f\xbf\xbf", ""},
      {"\xff", " 0xff"},
      {"\x80", " 0x80"},
      {"a\xc3", " 0xc3"},
      {"a\xc3(b", " 0xc3 0x28"},
      {"\xe2\x98", " 0xe2 0x98"},
      {"\xc0\x80", " 0xc0 0x80"},
      {"\xed\xa0\x80", " 0xed 0xa0 0x80"},
      {"\xf4\x90\x80\x80x", " 0xf4 0x90 0x80 0x80"},
      {"\xf8\x88\x80\x80\x80", " 0xf8"},
  };
  for (const Utf8Case& test : cases)
    EXPECT_EQ(utf8_fault(test.text), test.shown.empty() ? "" : "invalid byte sequence for encoding \"UTF8\":" + test.shown) << test.shown;
}

}  // namespace
}  // namespace pgswitch::protocol
