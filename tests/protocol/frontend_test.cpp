#include "protocol/frontend.hpp"

#include <gtest/gtest.h>

#include "tests/protocol/bytes.hpp"

namespace pgswitch::protocol::frontend {
namespace {

bool valid_query(ByteView body) { return read_query(body).has_value(); }
bool valid_parse(ByteView body) { return read_parse(body).has_value(); }
bool valid_bind_names(ByteView body) { return read_bind_names(body).has_value(); }
bool valid_execute(ByteView body) { return read_execute(body).has_value(); }
bool valid_describe(ByteView body) { return read_describe(body).has_value(); }
bool valid_close(ByteView body) { return read_close(body).has_value(); }

struct Case {
  const char* name;
  bool (*is_valid)(ByteView);
  std::string body;
  bool expected;
};

const std::string two_parameters = int16(2) + int32(3) + "abc" + int32(0xffffffff);

const Case cases[] = {
    {"query", valid_query, text("select 1"), true},
    {"empty query", valid_query, text(""), true},
    {"query without NUL", valid_query, "select 1", false},
    {"query with a NUL inside", valid_query, bytes("select\0 1\0"), false},
    {"query with a byte behind its NUL", valid_query, bytes("select 1\0x"), false},
    {"query of no bytes", valid_query, "", false},

    {"parse", valid_parse, text("s") + text("select $1") + int16(1) + int32(23), true},
    {"parse without types", valid_parse, text("") + text("") + int16(0), true},
    {"parse with fewer types than it says", valid_parse, text("s") + text("q") + int16(2) + int32(23), false},
    {"parse with more types than it says", valid_parse, text("s") + text("q") + int16(0) + int32(23), false},
    {"parse with 65535 types that are missing", valid_parse, text("s") + text("q") + int16(65535), false},
    {"parse without a text", valid_parse, text("s"), false},

    {"bind", is_valid_bind, text("p") + text("s") + int16(0) + two_parameters + int16(0), true},
    {"bind, one format for all", is_valid_bind, text("") + text("") + int16(1) + int16(1) + two_parameters + int16(0), true},
    {"bind, a format each", is_valid_bind, text("") + text("") + int16(2) + int16(1) + int16(0) + two_parameters + int16(1) + int16(1), true},
    {"bind, 3 formats for 2 parameters", is_valid_bind, text("") + text("") + int16(3) + std::string(6, '\0') + two_parameters + int16(0), false},
    {"bind, parameter length -2", is_valid_bind, text("") + text("") + int16(0) + int16(1) + int32(0xfffffffe) + int16(0), false},
    {"bind, parameter of 2 GB that is not there", is_valid_bind, text("") + text("") + int16(0) + int16(1) + int32(0x7fffffff) + int16(0), false},
    {"bind, bytes left over", is_valid_bind, text("") + text("") + int16(0) + int16(0) + int16(0) + "x", false},
    {"bind, no result formats", is_valid_bind, text("") + text("") + int16(0) + int16(0), false},
    {"bind names, the rest is not looked at", valid_bind_names, text("p") + text("s") + "\xff", true},
    {"bind names, the second cut", valid_bind_names, text("p") + "s", false},

    {"execute", valid_execute, text("p") + int32(100), true},
    {"execute without rows", valid_execute, text("p"), false},
    {"execute with three bytes of rows", valid_execute, text("p") + "abc", false},
    {"execute, bytes left over", valid_execute, text("p") + int32(0) + "x", false},

    {"describe statement", valid_describe, "S" + text("s"), true},
    {"describe portal", valid_describe, "P" + text(""), true},
    {"describe something else", valid_describe, "X" + text("s"), false},
    {"describe without NUL", valid_describe, "Ss", false},
    {"close statement", valid_close, "S" + text("s"), true},
    {"close something else", valid_close, "s" + text("s"), false},
    {"close of no bytes", valid_close, "", false},
};

TEST(Frontend, bodies_are_accepted_exactly_when_postgresql_accepts_them) {
  for (const Case& test : cases) EXPECT_EQ(test.is_valid(test.body), test.expected) << test.name;
}

TEST(Frontend, result_formats_are_one_for_all_or_one_for_each_column) {
  const auto fault = [](std::uint16_t formats, std::optional<std::size_t> columns) {
    std::string body = text("") + text("") + int16(0) + int16(0) + int16(formats);
    for (int i = 0; i < formats; ++i) body += int16(1);
    return bind_values_fault(body, columns);
  };
  EXPECT_EQ(fault(0, 2), "");
  EXPECT_EQ(fault(1, 2), "");
  EXPECT_EQ(fault(2, 2), "");
  EXPECT_EQ(fault(3, std::nullopt), "");
  EXPECT_EQ(fault(3, 2), "bind message has 3 result formats but query has 2 columns");
}

struct FaultCase {
  char type;
  std::string body;
  std::string expected;
};

TEST(Frontend, a_body_that_cannot_be_read_is_told_in_postgresqls_words) {
  const std::string string = "invalid string in message", short_of = "insufficient data left in message",
                    nothing = "no data left in message", format = "invalid message format";
  const FaultCase faults[] = {
      {query, "", string},
      {query, "select 1", string},
      {query, bytes("select\0 1\0"), format},
      {parse, "", string},
      {parse, text("s"), string},
      {parse, text("s") + "select", string},
      {parse, text("s") + text("q"), short_of},
      {parse, text("s") + text("q") + "x", short_of},
      {parse, text("s") + text("q") + int16(2) + int32(23), short_of},
      {parse, text("s") + text("q") + int16(65535), short_of},
      {parse, text("s") + text("q") + int16(0) + int32(23), format},
      {bind, "", string},
      {bind, "p", string},
      {bind, text("p") + "s", string},
      {execute, "", string},
      {execute, "abcd", string},
      {execute, text(""), short_of},
      {execute, text("") + "abc", short_of},
      {execute, text("") + int32(0) + "x", format},
      {describe, "", nothing},
      {describe, "S", string},
      {describe, "Sabc", string},
      {describe, "S" + text("") + "abc", format},
      {describe, "x" + text(""), "invalid DESCRIBE message subtype 120"},
      {describe, "\xff" + text(""), "invalid DESCRIBE message subtype 255"},
      {describe, "x" + text("") + "abc", format},
      {close, "", nothing},
      {close, "Pabc", string},
      {close, "x" + text("s"), "invalid CLOSE message subtype 120"},
  };
  for (const FaultCase& test : faults) EXPECT_EQ(fault(test.type, test.body), test.expected) << test.type << test.body;
}

TEST(Frontend, a_message_is_as_long_as_postgresql_lets_it_be) {
  for (const char type : std::string_view("CDEHSXcf")) EXPECT_EQ(longest(type), 10000u) << type;
  for (const char type : std::string_view("BFPQd")) EXPECT_EQ(longest(type), 0x3ffffffeu) << type;
}

TEST(Frontend, every_truncation_and_every_extension_of_a_valid_body_is_refused) {
  for (const Case& test : cases) {
    if (!test.expected || test.is_valid == valid_bind_names) continue;
    for (std::size_t size = 0; size < test.body.size(); ++size) {
      // A copy of its own on the heap, so that the sanitizer sees any look beyond it.
      const std::string cut(test.body, 0, size);
      EXPECT_FALSE(test.is_valid(cut)) << test.name << " cut to " << size;
    }
    EXPECT_FALSE(test.is_valid(test.body + '\0')) << test.name;
  }
}

TEST(Frontend, fields_are_views_of_the_body) {
  const std::string body = text("name") + text("select $1, $2") + int16(2) + int32(23) + int32(25);
  const std::optional<Parse> parse = read_parse(body);
  ASSERT_TRUE(parse);
  EXPECT_EQ(parse->statement, "name");
  EXPECT_EQ(parse->text, "select $1, $2");
  EXPECT_EQ(parse->parameter_type_count, 2);
  EXPECT_EQ(parse->parameter_types, int32(23) + int32(25));
  EXPECT_GE(parse->statement.data(), body.data());
  EXPECT_LT(parse->statement.data(), body.data() + body.size());

  const std::optional<Execute> execute = read_execute(text("p") + int32(0xffffffff));
  ASSERT_TRUE(execute);
  EXPECT_EQ(execute->max_rows, -1);
}

TEST(Frontend, bind_names_say_how_many_bytes_they_take) {
  const std::string body = text("portal") + text("stmt") + int16(0);
  const std::optional<BindNames> names = read_bind_names(body);
  ASSERT_TRUE(names);
  EXPECT_EQ(names->portal, "portal");
  EXPECT_EQ(names->statement, "stmt");
  EXPECT_EQ(names->names_size, 12u);
  for (std::size_t size = 0; size < 12; ++size)
    EXPECT_FALSE(read_bind_names(std::string(body, 0, size))) << size;
  EXPECT_TRUE(read_bind_names(ByteView(body).substr(0, 12)));
}

TEST(Frontend, exactly_the_fourteen_message_types_are_known) {
  const std::string_view known = "BCcDdEFfHPpQSX";
  for (int code = 0; code < 256; ++code) {
    const char type = static_cast<char>(code);
    EXPECT_EQ(is_known(type), known.find(type) != std::string_view::npos) << code;
  }
}

}  // namespace
}  // namespace pgswitch::protocol::frontend
