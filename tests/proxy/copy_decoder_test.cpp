#include "proxy/copy/copy_decoder.hpp"

#include <gtest/gtest.h>

#include "proxy/copy/redshift_encoder.hpp"
#include "tests/proxy/copy_reader.hpp"

namespace pgswitch::copy {
namespace {

constexpr auto null = std::nullopt;

CopyStatement statement(std::string_view options) {
  protocol::SqlError error;
  const auto parsed = parse_copy("COPY s.t FROM STDIN " + std::string(options), true, error);
  EXPECT_TRUE(parsed) << options << ": " << error.message;
  return parsed.value_or(CopyStatement{});
}

struct Case {
  std::string_view options;
  std::string_view data;
  std::vector<TestRow> rows;
  std::string_view error = "";
  std::vector<std::string> columns = {"a", "b"};
};

using namespace std::string_literals;
using namespace std::string_view_literals;

/// What PostgreSQL 15 makes of the same.
const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"", "1\tx\n2\ty\n", {{"1", "x"}, {"2", "y"}}},
      {"", "1\tx\n2\ty", {{"1", "x"}, {"2", "y"}}},
      {"", "", {}},
      {"", "\\N\t\\N\n", {{null, null}}},
      {"", "\\\\N\t\\N\n", {{"\\N", null}}},
      {"", "\t\n", {{"", ""}}},
      {"", "a\\tb\tc\\nd\\r\\\\\\b\\f\\v\n", {{"a\tb", "c\nd\r\\\b\f\v"}}},
      {"", "\\x41\\x4\\xg\t\\101\\60\\7\\8\n", {{"A\x04xg", "A0\a8"}}},
      {"", "a\\\tb\tc\\\nd\n", {{"a\tb", "c\nd"}}},
      {"", "a\\q\tb\\\n", {{"aq", "b\n"}}},
      {"", "1\tx\r\n2\ty\r\n", {{"1", "x"}, {"2", "y"}}},
      {"", "1\tx\r2\ty\r", {{"1", "x"}, {"2", "y"}}},
      {"", "1\tx\n2\ty\n\\.\n3\tz\n", {{"1", "x"}, {"2", "y"}}},
      {"", "1\tx\r\n\\.\r\nrest", {{"1", "x"}}},
      {"", "1\tx\n\\.", {{"1", "x"}}},
      {"", "1\tx\\.\n", {{"1", "x"}}},
      {"", "1\tx\n\\.y\n", {{"1", "x"}}, "22P04 end-of-copy marker corrupt | COPY t, line 2"},
      {"", "1\tx\n\\.\r\n", {{"1", "x"}}, "22P04 end-of-copy marker does not match previous newline style | COPY t, line 2"},
      {"", "1\tx\r\n\\.\n", {{"1", "x"}}, "22P04 end-of-copy marker does not match previous newline style | COPY t, line 2"},
      {"", "1\n", {}, "22P04 missing data for column \"b\" | COPY t, line 1: \"1\""},
      {"", "1\tx\n1\t2\t3\n", {{"1", "x"}}, "22P04 extra data after last expected column | COPY t, line 2: \"1\t2\t3\""},
      {"", "1\tx\n\n", {{"1", "x"}}, "22P04 missing data for column \"b\" | COPY t, line 2"},
      {"", "1\tx\n2\ty\r", {{"1", "x"}}, "22P04 literal carriage return found in data | COPY t, line 2"},
      {"", "1\tx\r\n2\ty\n", {{"1", "x"}}, "22P04 literal newline found in data | COPY t, line 2"},
      {"", "1\t\xff\n", {}, "22021 invalid byte sequence for encoding \"UTF8\": 0xff | COPY t, line 1"},
      {"", "1\t\\xff\n", {}, "22021 invalid byte sequence for encoding \"UTF8\": 0xff | COPY t, line 1"},
      {"", "1\ta\0\n"sv, {}, "22021 invalid byte sequence for encoding \"UTF8\": 0x00 | COPY t, line 1"},
      {"", "1\t\\x00\n", {}, "22021 invalid byte sequence for encoding \"UTF8\": 0x00 | COPY t, line 1"},
      {"", "\\xc3\\xa4\t\xc3\xa4\n", {{"\xc3\xa4", "\xc3\xa4"}}},
      {"(DELIMITER '|', NULL 'nil')", "1|nil\nnil|\\N\n", {{"1", null}, {null, "N"}}},
      {"DELIMITER '|' NULL AS ''", "1|\n|x\n", {{"1", null}, {null, "x"}}},
      {"(HEADER)", "foo\n1\tx\n", {{"1", "x"}}},
      {"(HEADER MATCH)", "a\tb\n1\tx\n", {{"1", "x"}}},
      {"(HEADER MATCH)", "a\n", {}, "22P04 wrong number of fields in header line: got 1, expected 2 | COPY t, line 1: \"a\""},
      {"(HEADER MATCH)",
       "a\tc\n",
       {},
       "22P04 column name mismatch in header line field 2: got \"c\", expected \"b\" | COPY t, line 1: \"a\tc\""},
      {"(HEADER MATCH)",
       "\\N\tb\n",
       {},
       "22P04 column name mismatch in header line field 1: got null value (\"\\N\"), expected \"a\" | COPY t, line 1: \"\\N\tb\""},
      {"", "x\n\n", {{"x"}, {""}}, "", {"a"}},
      {"CSV", "1,x\n2,\"y\"\n", {{"1", "x"}, {"2", "y"}}},
      {"CSV", "1,\n,\"\"\n", {{"1", null}, {null, ""}}},
      {"CSV", "\"a\"\"b\",\"c\nd\"\n", {{"a\"b", "c\nd"}}},
      {"CSV", "a\"b,c\"d,e\n1,2\n", {{"ab,cd", "e"}, {"1", "2"}}},
      {"CSV", "\" x \", y \n", {{" x ", " y "}}},
      {"CSV", "\"a\r\nb\",2\r\n3,4\r\n", {{"a\r\nb", "2"}, {"3", "4"}}},
      {"CSV", "\\N,\\n\n", {{"\\N", "\\n"}}},
      {"CSV", "1,2\n\\.\n3,4\n", {{"1", "2"}}},
      {"CSV", "1,2\n\\.x,3\n", {{"1", "2"}, {"\\.x", "3"}}},
      {"CSV", "1,\"2\n\\.\n\"\n", {{"1", "2\n\\.\n"}}},
      {"CSV", "1,\"2\n", {}, "22P04 unterminated CSV quoted field | COPY t, line 1: \"1,\"2\n\""},
      {"CSV", "1,2\n3\n", {{"1", "2"}}, "22P04 missing data for column \"b\" | COPY t, line 2: \"3\""},
      {"CSV", "1,2\n\"a\nb\",2\n3\n", {{"1", "2"}, {"a\nb", "2"}}, "22P04 missing data for column \"b\" | COPY t, line 4: \"3\""},
      // Line ends inside quotes count when it is known what a line end is.
      {"CSV", "\"a\nb\",2\n3\n", {{"a\nb", "2"}}, "22P04 missing data for column \"b\" | COPY t, line 2: \"3\""},
      {"CSV", "1,2\n3,4\r\n", {{"1", "2"}}, "22P04 unquoted carriage return found in data | COPY t, line 2"},
      {"CSV", "1,2\r\n3,4\n", {{"1", "2"}}, "22P04 unquoted newline found in data | COPY t, line 2"},
      {"(FORMAT csv, QUOTE '''', ESCAPE '\\')", "'it\\'s','a\\\\b'\n", {{"it's", "a\\b"}}},
      {"(FORMAT csv, QUOTE '''', ESCAPE '\\')", "'it\\'s\n','a\\b'\n", {{"it's\n", "a\\b"}}},
      {"(FORMAT csv, FORCE_NOT_NULL (b))", "1,\n,x\n", {{"1", ""}, {null, "x"}}},
      {"(FORMAT csv, FORCE_NULL (b))", "1,\"\"\n\"\",\"x\"\n", {{"1", null}, {"", "x"}}},
      {"CSV FORCE NOT NULL a, b", ",\n", {{"", ""}}},
      {"CSV NULL 'nil'", "nil,\"nil\"\n,x\n", {{null, "nil"}, {"", "x"}}},
      {"CSV HEADER", "\"x\ny\",z\n1,2\n3\n", {{"1", "2"}}, "22P04 missing data for column \"b\" | COPY t, line 3: \"3\""},
      {"(FORMAT csv, HEADER match)", "a,b\n1,2\n", {{"1", "2"}}},
      {"(FORMAT csv, DELIMITER E'\\t')", "1\t2\n", {{"1", "2"}}},
  };
  return all;
}

TEST(CopyDecoder, makes_of_data_what_postgresql_makes_of_it) {
  for (const Case& one : cases()) {
    const Decoded decoded = decode(statement(one.options), one.columns, {one.data});
    EXPECT_EQ(decoded.rows, one.rows) << one.options << ": " << one.data;
    EXPECT_EQ(decoded.error, one.error) << one.options << ": " << one.data;
  }
}

TEST(CopyDecoder, does_not_care_how_data_is_cut) {
  for (const Case& one : cases()) {
    const CopyStatement copy = statement(one.options);
    const Decoded whole = decode(copy, one.columns, {one.data});
    for (std::size_t cut = 0; cut <= one.data.size(); ++cut)
      for (std::size_t size = 0; cut + size <= one.data.size(); ++size)
        ASSERT_EQ(decode(copy, one.columns, {one.data.substr(0, cut), one.data.substr(cut, size), one.data.substr(cut + size)}), whole)
            << one.options << ": " << one.data << " cut at " << cut << " and " << cut + size;
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i < one.data.size(); ++i) bytes.push_back(one.data.substr(i, 1));
    ASSERT_EQ(decode(copy, one.columns, bytes), whole) << one.options << ": " << one.data;
  }
}

TEST(CopyDecoder, refuses_a_line_that_cannot_be_loaded) {
  const CopyStatement copy = statement("");
  const std::string long_line(CopyDecoder::longest_line + 1, 'x');
  EXPECT_EQ(decode(copy, {"a"}, {"1\n", long_line}).error, "54000 row is too large | COPY t, line 2");
}

TEST(CopyDecoder, shortens_what_it_shows_of_a_line) {
  const std::string line = std::string(99, 'x') + "\xc3\xa4yz\t1\t2\n";
  EXPECT_EQ(decode(statement(""), {"a", "b"}, {line}).error,
            "22P04 extra data after last expected column | COPY t, line 1: \"" + std::string(99, 'x') + "...\"");
}

TEST(RedshiftEncoder, writes_what_redshift_reads) {
  for (const Case& one : cases()) {
    std::vector<Column> columns;
    for (const std::string& name : one.columns) columns.push_back({name, 1043});
    RedshiftEncoder encoder(columns, "Null7Zq");
    CopyDecoder decoder(statement(one.options), one.columns, encoder);
    if (decoder.feed(one.data)) decoder.finish();
    EXPECT_EQ(read_as_redshift(encoder.out(), "Null7Zq"), one.rows) << one.options << ": " << one.data;
  }
}

TEST(RedshiftEncoder, tells_the_clients_line_of_a_line_of_the_file) {
  RedshiftEncoder encoder({{"a", 1043}, {"b", 1043}}, "Null7Zq");
  CopyDecoder decoder(statement("CSV HEADER"), {"a", "b"}, encoder);
  ASSERT_TRUE(decoder.feed("a,b\n1,2\n\"x\ny\",2\n3,4\n5,6\n") && decoder.finish());
  EXPECT_EQ(encoder.out(), "1\t2\nx\\\ny\t2\n3\t4\n5\t6\n");
  EXPECT_EQ(encoder.lines().client_line(1), 2u);
  EXPECT_EQ(encoder.lines().client_line(2), 4u) << "the line on which the row ends";
  EXPECT_EQ(encoder.lines().client_line(4), 5u);
  EXPECT_EQ(encoder.lines().client_line(5), 6u);
}

TEST(RedshiftEncoder, refuses_an_empty_value_that_redshift_would_take_for_null) {
  RedshiftEncoder encoder({{"a", 23}, {"b", 1043}}, "Null7Zq");
  CopyDecoder decoder(statement(""), {"a", "b"}, encoder);
  EXPECT_FALSE(decoder.feed("1\t\n\tx\n"));
  EXPECT_EQ(decoder.error().message, "invalid input syntax for type integer: \"\"");
  EXPECT_EQ(decoder.error().sqlstate, "22P02");
  EXPECT_EQ(decoder.error().context, "COPY t, line 2, column a: \"\"");
}

TEST(RedshiftEncoder, refuses_a_row_of_more_than_4_MB) {
  RedshiftEncoder encoder({{"a", 1043}}, "Null7Zq");
  CopyDecoder decoder(statement(""), {"a"}, encoder);
  ASSERT_TRUE(decoder.feed(std::string(RedshiftEncoder::longest_row - 1, 'x') + "\n"));
  EXPECT_FALSE(decoder.feed(std::string(RedshiftEncoder::longest_row, 'x') + "\n"));
  EXPECT_EQ(decoder.error().message, "row is too large: size 4194305, maximum size 4194304");
  EXPECT_EQ(decoder.error().context, "COPY t, line 2");
}

}  // namespace
}  // namespace pgswitch::copy
