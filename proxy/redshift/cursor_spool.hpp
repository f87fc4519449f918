#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

#include "protocol/sql_error.hpp"
#include "proxy/redshift/spool_storage.hpp"

namespace pgswitch::redshift {

/// The rows of one cursor, as DataRow messages: in memory first, all of them in a file when they become too many. Random access by number,
/// by an index of blocks. One owner, one thread.
class CursorSpool {
 public:
  explicit CursorSpool(SpoolStorage& storage) : storage_(storage) {}
  ~CursorSpool() { clear(); }
  CursorSpool(const CursorSpool&) = delete;
  CursorSpool& operator=(const CursorSpool&) = delete;

  /// A piece of the next row's message: its beginning, with the size of the whole, or (0) what follows. Behind a fault() it is dropped.
  void add(std::string_view piece, std::size_t row_size);
  /// Rows that are there as a whole.
  std::uint64_t rows() const { return rows_; }
  /// Of all rows that are kept.
  std::uint64_t bytes() const { return bytes_; }
  std::uint64_t bytes_in_memory() const { return memory_; }
  std::uint64_t bytes_in_file() const { return file_bytes_; }
  /// The file is slower than whoever adds.
  bool is_full() const { return file_ && file_->is_writing(); }

  /// Messages that lie one behind the other.
  struct Found {
    std::string_view messages;  ///< good until the next call
    std::uint64_t rows = 0;     ///< 0: they have to be waited for, or fault()
  };
  /// The rows from number `first` (0, 1, ...) on, at most `most` of them and about `most_bytes`, at least one. `first` < rows().
  Found find(std::uint64_t first, std::uint64_t most, std::size_t most_bytes);
  /// What has come of a row that is not there as a whole, and is taken out; what follows of it must not be added.
  std::string take_unfinished();
  /// Rows before that one are not asked for any more: what memory they take is free.
  void forget_before(std::uint64_t row);
  /// Memory and file are free; rows() is 0.
  void clear();

  /// Why rows are missing; nullptr: none are. The rows are gone then.
  const protocol::SqlError* fault() const { return fault_.get(); }

 private:
  struct Block {
    std::uint64_t first_row;
    std::uint64_t offset;  ///< in the file, when it lies there
    std::size_t size;
    bool in_file;
    std::string bytes;
  };
  bool reserve(std::size_t more);
  void begin_block();
  void move_to_file(Block& block);
  void spill();
  void fail(std::string_view sqlstate, std::string message, std::string detail, std::string hint);
  void check_file();
  const std::string* bytes_of(std::size_t block);

  SpoolStorage& storage_;
  std::deque<Block> blocks_;
  std::unique_ptr<SpoolFile> file_;
  std::string loaded_;                 ///< the block of the file that was read last,
  std::uint64_t loaded_offset_ = ~std::uint64_t{0};  ///< and where it lies
  std::uint64_t rows_ = 0;
  std::size_t row_size_ = 0;           ///< bytes of the last row,
  std::size_t row_rest_ = 0;           ///< and those that are missing
  std::uint64_t bytes_ = 0, memory_ = 0, file_bytes_ = 0, reserved_ = 0;
  std::uint64_t near_row_ = 0;         ///< a row that was looked for: where it begins in its block
  std::size_t near_at_ = 0;
  std::unique_ptr<protocol::SqlError> fault_;
};

}  // namespace pgswitch::redshift
