// The rows of a cursor: memory, file, limits, random access.
#include "proxy/redshift/cursor_spool.hpp"

#include <gtest/gtest.h>

#include <random>

#include "tests/script/memory_storage.hpp"

namespace pgswitch::redshift {
namespace {

using script::MemoryStorage;

/// A DataRow of about `size` bytes that says which one it is.
std::string row(std::uint64_t number, std::size_t size = 20) {
  std::string text = std::to_string(number) + ':';
  text.resize(std::max(text.size(), size), 'x');
  std::string frame = "D";
  const std::uint32_t length = static_cast<std::uint32_t>(text.size() + 4);
  for (const int shift : {24, 16, 8, 0}) frame += static_cast<char>(length >> shift & 0xff);
  return frame + text;
}

void add(CursorSpool& spool, const std::string& whole) { spool.add(whole, whole.size()); }

void fill(CursorSpool& spool, std::uint64_t rows, std::size_t size = 20) {
  for (std::uint64_t i = 0; i < rows; ++i) add(spool, row(i, size));
}

/// All rows from `first` on, asked for in pieces; waits where it must.
std::string read_all(CursorSpool& spool, MemoryStorage& storage, std::uint64_t first) {
  std::string all;
  for (int waits = 0; first < spool.rows() && waits < 1000;) {
    const auto found = spool.find(first, UINT64_MAX, 5000);
    if (found.rows == 0) {
      storage.finish();
      ++waits;
      continue;
    }
    all += found.messages;
    first += found.rows;
  }
  return all;
}

}  // namespace

TEST(CursorSpool, has_what_was_added_in_its_order) {
  MemoryStorage storage;
  CursorSpool spool(storage);
  std::string all;
  for (std::uint64_t i = 0; i < 1000; ++i) all += row(i);
  fill(spool, 1000);
  EXPECT_EQ(spool.rows(), 1000u);
  EXPECT_EQ(spool.bytes(), all.size());
  EXPECT_EQ(spool.bytes_in_memory(), all.size());
  EXPECT_EQ(read_all(spool, storage, 0), all);
  EXPECT_EQ(storage.files, 0);
}

TEST(CursorSpool, a_row_in_pieces_is_there_when_it_is_whole) {
  MemoryStorage storage;
  CursorSpool spool(storage);
  const std::string whole = row(7, 500);
  spool.add(whole.substr(0, 1), whole.size());
  EXPECT_EQ(spool.rows(), 0u);
  spool.add(whole.substr(1, 400), 0);
  EXPECT_EQ(spool.rows(), 0u);
  spool.add(whole.substr(401), 0);
  ASSERT_EQ(spool.rows(), 1u);
  EXPECT_EQ(spool.find(0, 1, 1).messages, whole);
}

TEST(CursorSpool, goes_to_a_file_when_memory_is_full_and_keeps_little_of_it) {
  for (const bool slow : {false, true}) {
    MemoryStorage storage({.memory = 200'000, .most = 1 << 30});
    storage.slow = slow;
    CursorSpool spool(storage);
    std::string all;
    for (std::uint64_t i = 0; i < 20'000; ++i) all += row(i, 100);
    fill(spool, 20'000, 100);
    EXPECT_EQ(storage.files, 1);
    EXPECT_LT(spool.bytes_in_memory(), 70'000u);
    EXPECT_EQ(spool.bytes_in_memory() + spool.bytes_in_file(), all.size());
    EXPECT_EQ(read_all(spool, storage, 0), all);
    EXPECT_EQ(read_all(spool, storage, 0), all) << "a second time";
  }
}

TEST(CursorSpool, finds_any_row_in_memory_and_in_the_file) {
  for (const std::uint64_t memory : {std::uint64_t{1} << 30, std::uint64_t{100'000}}) {
    MemoryStorage storage({.memory = memory, .most = 1 << 30});
    CursorSpool spool(storage);
    std::mt19937 random(1);
    std::vector<std::string> rows;
    for (std::uint64_t i = 0; i < 5000; ++i) rows.push_back(row(i, random() % 200));
    for (const std::string& one : rows) add(spool, one);
    for (int i = 0; i < 5000; ++i) {
      const std::uint64_t at = random() % rows.size();
      const auto found = spool.find(at, 1 + random() % 3, 1000);
      ASSERT_GE(found.rows, 1u);
      std::string expected;
      for (std::uint64_t k = 0; k < found.rows; ++k) expected += rows[at + k];
      ASSERT_EQ(found.messages, expected) << at;
    }
    for (std::uint64_t at = rows.size(); at-- > 0;) ASSERT_EQ(spool.find(at, 1, 1).messages, rows[at]);
  }
}

TEST(CursorSpool, a_row_that_is_larger_than_memory_goes_to_the_file_too) {
  MemoryStorage storage({.memory = 1000, .most = 1 << 30});
  CursorSpool spool(storage);
  add(spool, row(0, 300'000));
  add(spool, row(1, 10));
  add(spool, row(2, 300'000));
  EXPECT_EQ(spool.find(0, 9, 1).messages, row(0, 300'000));
  EXPECT_EQ(spool.find(1, 1, 1).messages, row(1, 10));
  EXPECT_EQ(spool.find(2, 1, 1).messages, row(2, 300'000));
  EXPECT_EQ(storage.files, 1);
}

TEST(CursorSpool, more_than_the_limit_is_a_fault_that_names_the_setting_and_frees_all) {
  MemoryStorage storage({.memory = 100'000, .most = 500'000});
  CursorSpool spool(storage);
  fill(spool, 10'000, 100);
  ASSERT_TRUE(spool.fault());
  EXPECT_EQ(spool.fault()->sqlstate, "54000");
  EXPECT_NE(spool.fault()->hint.find("cursor_spool_max"), std::string::npos);
  EXPECT_EQ(spool.rows(), 0u);
  EXPECT_EQ(storage.used, 0u);
  EXPECT_EQ(storage.files, 0);
}

TEST(CursorSpool, the_limit_of_all_cursors_is_another_fault) {
  MemoryStorage storage({}, 300'000);
  CursorSpool first(storage), second(storage);
  fill(first, 1500, 100);
  fill(second, 5000, 100);
  EXPECT_FALSE(first.fault());
  ASSERT_TRUE(second.fault());
  EXPECT_EQ(second.fault()->sqlstate, "53400");
  EXPECT_NE(second.fault()->hint.find("cursor_spool_total"), std::string::npos);
  first.clear();
  EXPECT_EQ(storage.used, 0u);
  CursorSpool third(storage);
  fill(third, 1500, 100);
  EXPECT_FALSE(third.fault());
}

TEST(CursorSpool, a_file_that_cannot_be_opened_or_written_is_a_fault) {
  MemoryStorage storage({.memory = 100'000, .most = 1 << 30});
  storage.open_fault = "No such file or directory";
  CursorSpool spool(storage);
  fill(spool, 10'000, 100);
  ASSERT_TRUE(spool.fault());
  EXPECT_EQ(spool.fault()->sqlstate, "58030");
  EXPECT_NE(spool.fault()->message.find("No such file"), std::string::npos);
  storage.open_fault.clear();
  CursorSpool other(storage);
  fill(other, 2000, 100);
  storage.write_fault = "No space left on device";
  fill(other, 10, 100);
  ASSERT_TRUE(other.fault());
  EXPECT_NE(other.fault()->message.find("No space left"), std::string::npos);
  EXPECT_EQ(storage.used, 0u);
  EXPECT_EQ(storage.files, 0);
}

TEST(CursorSpool, says_that_it_is_full_while_its_file_is_slow) {
  MemoryStorage storage({.memory = 100'000, .most = 1 << 30});
  storage.slow = true;
  CursorSpool spool(storage);
  fill(spool, 500, 100);
  EXPECT_FALSE(spool.is_full());
  fill(spool, 2000, 100);
  EXPECT_TRUE(spool.is_full());
  storage.finish();
  EXPECT_FALSE(spool.is_full());
}

TEST(CursorSpool, forgets_what_was_read_of_a_queue) {
  MemoryStorage storage;
  CursorSpool spool(storage);
  std::uint64_t most = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    add(spool, row(i, 100));
    ASSERT_EQ(spool.find(i, 1, 1).messages, row(i, 100));
    spool.forget_before(i + 1);
    most = std::max(most, storage.used);
  }
  EXPECT_LT(most, 400'000u);
  EXPECT_EQ(spool.rows(), 100'000u);
  EXPECT_FALSE(spool.fault());
}

TEST(CursorSpool, is_empty_and_usable_when_cleared) {
  MemoryStorage storage({.memory = 100'000, .most = 1 << 30});
  CursorSpool spool(storage);
  fill(spool, 5000, 100);
  spool.clear();
  EXPECT_EQ(spool.rows(), 0u);
  EXPECT_EQ(storage.files, 0);
  fill(spool, 3, 10);
  EXPECT_EQ(spool.find(2, 1, 1).messages, row(2, 10));
}

TEST(CursorSpool, gives_up_a_row_that_is_not_whole) {
  MemoryStorage storage;
  CursorSpool spool(storage);
  fill(spool, 3);
  EXPECT_EQ(spool.take_unfinished(), "");
  spool.add(row(3).substr(0, 9), row(3).size());
  spool.add(row(3).substr(9, 2), 0);
  EXPECT_EQ(spool.rows(), 3u);
  EXPECT_EQ(spool.take_unfinished(), row(3).substr(0, 11));
  add(spool, row(4));
  EXPECT_EQ(spool.rows(), 4u);
  EXPECT_EQ(read_all(spool, storage, 0), row(0) + row(1) + row(2) + row(4));
}

}  // namespace pgswitch::redshift
