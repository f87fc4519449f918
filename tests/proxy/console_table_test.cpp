// Rows of the console in both result formats, byte by byte.
#include <gtest/gtest.h>

#include <string>

#include "proxy/admin/stats_history.hpp"
#include "proxy/admin/table.hpp"

namespace pgswitch::admin {
namespace {

/// Bytes from hexadecimal digits; blanks are skipped.
std::string hex(std::string_view digits) {
  std::string bytes;
  std::string pair;
  for (const char c : digits) {
    if (c == ' ') continue;
    pair += c;
    if (pair.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
    pair.clear();
  }
  return bytes;
}

TEST(console_table, values_in_binary_are_what_postgresql_would_send) {
  const struct {
    Type type;
    const char* value;
    const char* bytes;
  } cases[] = {
      {Type::int4, "0", "00000000"},
      {Type::int4, "65537", "00010001"},
      {Type::int4, "-1", "ffffffff"},
      {Type::int4, "4294967296", "7fffffff"},
      {Type::int4, "", "00000000"},
      {Type::int8, "4294967296", "0000000100000000"},
      {Type::int8, "-2", "fffffffffffffffe"},
      {Type::text, "a\xc3\xa9", "61c3a9"},
      // ndigits, weight, sign, dscale, digits of base 10000
      {Type::numeric, "0", "0000 0000 0000 0000"},
      {Type::numeric, "7", "0001 0000 0000 0000 0007"},
      {Type::numeric, "10000", "0001 0001 0000 0000 0001"},
      {Type::numeric, "12345678", "0002 0001 0000 0000 04d2 162e"},
      {Type::numeric, "120000000", "0002 0002 0000 0000 0001 07d0"},
      {Type::numeric, "-42", "0001 0000 4000 0000 002a"},
      {Type::numeric, "18446744073709551615", "0005 0004 0000 0000 0734 1a58 02e1 03bb 064f"},
      {Type::numeric, "007", "0001 0000 0000 0000 0007"},
  };
  for (const auto& one : cases) EXPECT_EQ(to_binary(one.type, one.value), hex(one.bytes)) << one.value;
}

constexpr Field two_fields[] = {{"name"}, {"n", Type::int4}};

TEST(console_table, a_description_names_type_size_and_format_of_each_column) {
  std::string out;
  write_fields(out, two_fields, {text_format, binary_format});
  EXPECT_EQ(out, hex("54 00000031 0002"
                     "6e616d6500 00000000 0000 00000019 ffff ffffffff 0000"
                     "6e00       00000000 0000 00000017 0004 ffffffff 0001"));
}

TEST(console_table, a_row_has_each_value_in_its_format_and_null_without_bytes) {
  const struct {
    Row row;
    Formats formats;
    const char* bytes;
  } cases[] = {
      {Row{"ab", "12"}, {}, "44 00000012 0002 00000002 6162 00000002 3132"},
      {Row{"ab", "12"}, {binary_format}, "44 00000014 0002 00000002 6162 00000004 0000000c"},
      {Row{"ab", "12"}, {text_format, binary_format}, "44 00000014 0002 00000002 6162 00000004 0000000c"},
      {Row{std::nullopt, ""}, {}, "44 0000000f 0002 ffffffff 00000001 30"},
      {Row{"a"}, {}, "44 0000000f 0002 00000001 61 ffffffff"},
      {Row{"", "99999999999"}, {}, "44 00000018 0002 00000000 0000000a 32313437343833363437"},
  };
  for (const auto& one : cases) {
    std::string out;
    write_row(out, two_fields, one.row, one.formats);
    EXPECT_EQ(out, hex(one.bytes)) << one.bytes;
  }
}

TEST(console_table, formats_must_be_none_one_or_one_per_column_and_known) {
  EXPECT_TRUE(are_valid({}, 3));
  EXPECT_TRUE(are_valid({1}, 3));
  EXPECT_TRUE(are_valid({0, 1, 1}, 3));
  EXPECT_FALSE(are_valid({0, 1}, 3));
  EXPECT_FALSE(are_valid({0, 1, 0, 0}, 3));
  EXPECT_FALSE(are_valid({2}, 3));
}

PoolStats some_stats(std::uint64_t queries, std::uint64_t query_time) {
  PoolStats stats;
  stats.query_count = queries;
  stats.query_time = query_time;
  return stats;
}

TEST(console_stats, averages_are_per_second_for_counts_and_per_event_for_times) {
  PoolStats sum = some_stats(300, 60'000);
  sum.received = 1500;
  sum.xact_time = 77;  // without a transaction
  const PoolStats averages = average(sum, 60'000'000);
  EXPECT_EQ(averages.query_count, 5u);
  EXPECT_EQ(averages.query_time, 200u);
  EXPECT_EQ(averages.received, 25u);
  EXPECT_EQ(averages.xact_time, 0u);
}

TEST(console_stats, a_difference_is_never_negative_and_knows_new_databases) {
  DatabaseStats older;
  older[1] = some_stats(10, 100);
  older[2] = some_stats(50, 500);
  DatabaseStats newer;
  newer[1] = some_stats(15, 90);
  newer[3] = some_stats(7, 70);
  const DatabaseStats result = difference(newer, older);
  ASSERT_EQ(result.size(), 2u);
  EXPECT_EQ(result.at(1).query_count, 5u);
  EXPECT_EQ(result.at(1).query_time, 0u);
  EXPECT_EQ(result.at(3).query_count, 7u);
}

TEST(console_stats, the_log_line_reads_like_that_of_pgbouncer) {
  PoolStats averages = some_stats(2, 3);
  averages.xact_count = 1;
  averages.client_parse_count = 4;
  averages.server_parse_count = 5;
  averages.bind_count = 6;
  averages.client_login_count = 7;
  averages.received = 8;
  averages.sent = 9;
  averages.xact_time = 10;
  averages.wait_time = 11;
  EXPECT_EQ(stats_line(averages),
            "stats: 1 xacts/s, 2 queries/s, 4 client parses/s, 5 server parses/s, 6 binds/s, 7 client logins/s, in 8 B/s, out 9 B/s, "
            "xact 10 us, query 3 us, wait 11 us");
}

}  // namespace
}  // namespace pgswitch::admin
