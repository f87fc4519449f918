#include "proxy/redshift/cursor_spool.hpp"

#include <algorithm>
#include <utility>

#include "protocol/frame.hpp"

namespace pgswitch::redshift {

namespace {

/// Of a block; a row that is larger has one of its own.
constexpr std::size_t block_size = 64 * 1024;
/// Asked of the storage at once.
constexpr std::uint64_t reserve_step = 64 * 1024;

/// The size of the message at the start of `bytes`, which are whole messages.
std::size_t message_size(std::string_view bytes) {
  protocol::FrameHeader header;
  read_header(bytes, 0x7fffffff, header);
  return header.frame_size();
}

}  // namespace

void CursorSpool::add(std::string_view piece, std::size_t row_size) {
  if (file_ && !fault_) check_file();
  if (fault_ || !reserve(piece.size())) return;
  if (row_size > 0) {
    begin_block();
    row_size_ = row_rest_ = row_size;
  }
  Block& tail = blocks_.back();
  tail.bytes.append(piece);
  tail.size += piece.size();
  bytes_ += piece.size();
  memory_ += piece.size();
  row_rest_ -= piece.size();
  rows_ += row_rest_ == 0;
  if (memory_ > storage_.limits().memory && !file_) spill();
}

/// False: a limit is reached.
bool CursorSpool::reserve(std::size_t more) {
  if (const SpoolLimits limits = storage_.limits(); bytes_ + more > limits.most) {
    fail(protocol::sqlstate::program_limit_exceeded, "the rows of a cursor take more than " + std::to_string(limits.most) + " bytes", "",
         "Raise cursor_spool_max, or ask for fewer rows.");
    return false;
  }
  if (bytes_ + more <= reserved_) return true;
  const std::uint64_t step = std::max<std::uint64_t>(reserve_step, bytes_ + more - reserved_);
  if (!storage_.take(step)) {
    fail("53400", "the rows of all cursors take as many bytes as they may", "", "Raise cursor_spool_total, or have fewer cursors open.");
    return false;
  }
  reserved_ += step;
  return true;
}

/// Where the next row goes.
void CursorSpool::begin_block() {
  if (!blocks_.empty() && blocks_.back().size < block_size) return;
  if (!blocks_.empty() && file_) move_to_file(blocks_.back());
  blocks_.push_back({rows_, 0, 0, false, {}});
}

void CursorSpool::move_to_file(Block& block) {
  block.offset = file_bytes_;
  block.in_file = true;
  memory_ -= block.size;
  file_bytes_ += block.size;
  file_->write(std::exchange(block.bytes, {}));
}

/// There is too much of them for memory: all but the last block, which may have room.
void CursorSpool::spill() {
  std::string error;
  file_ = storage_.open(error);
  if (!file_) return fail("58030", "the rows of a cursor could not be put into a file: " + error, "", "See cursor_spool_dir.");
  for (std::size_t i = 0; i + 1 < blocks_.size(); ++i) move_to_file(blocks_[i]);
}

void CursorSpool::check_file() {
  if (file_->fault().empty()) return;
  const std::string said = file_->fault();
  fail("58030", "the file with the rows of a cursor failed: " + said, "", "See cursor_spool_dir.");
}

void CursorSpool::fail(std::string_view sqlstate, std::string message, std::string detail, std::string hint) {
  clear();
  fault_ = std::make_unique<protocol::SqlError>(
      protocol::SqlError{protocol::Severity::error, std::string(sqlstate), std::move(message), std::move(detail), std::move(hint), 0});
}

void CursorSpool::clear() {
  blocks_.clear();
  file_.reset();
  loaded_ = {};
  loaded_offset_ = ~std::uint64_t{0};
  storage_.give_back(std::exchange(reserved_, 0));
  rows_ = row_rest_ = bytes_ = memory_ = file_bytes_ = near_row_ = near_at_ = 0;
}

/// nullptr: it has to be read, or fault().
const std::string* CursorSpool::bytes_of(std::size_t i) {
  const Block& block = blocks_[i];
  if (!block.in_file) return &block.bytes;
  if (loaded_offset_ == block.offset) return &loaded_;
  if (!file_->read(block.offset, block.size, loaded_)) return check_file(), nullptr;
  loaded_offset_ = block.offset;
  return &loaded_;
}

CursorSpool::Found CursorSpool::find(std::uint64_t first, std::uint64_t most, std::size_t most_bytes) {
  const auto behind = std::upper_bound(blocks_.begin(), blocks_.end(), first, [](std::uint64_t row, const Block& block) { return row < block.first_row; });
  if (behind == blocks_.begin()) return {};
  const std::size_t i = static_cast<std::size_t>(behind - blocks_.begin()) - 1;
  const std::string* const bytes = bytes_of(i);
  if (!bytes) return {};
  const std::uint64_t begin_row = blocks_[i].first_row;
  const std::uint64_t end_row = i + 1 < blocks_.size() ? blocks_[i + 1].first_row : rows_;
  const bool from_near = near_row_ >= begin_row && near_row_ <= first;
  std::uint64_t row = from_near ? near_row_ : begin_row;
  std::size_t at = from_near ? near_at_ : 0;
  const std::string_view all(*bytes);
  for (; row < first; ++row) at += message_size(all.substr(at));
  near_row_ = first;
  near_at_ = at;
  const std::size_t from = at;
  const std::uint64_t wanted = std::min(end_row - first, most);
  while (row < first + wanted && (row == first || at - from < most_bytes)) {
    at += message_size(all.substr(at));
    ++row;
  }
  if (row < end_row) {
    near_row_ = row;
    near_at_ = at;
  }
  return {all.substr(from, at - from), row - first};
}

std::string CursorSpool::take_unfinished() {
  if (row_rest_ == 0) return {};
  Block& tail = blocks_.back();
  const std::size_t size = row_size_ - std::exchange(row_rest_, 0);
  std::string begun = tail.bytes.substr(tail.bytes.size() - size);
  tail.bytes.resize(tail.bytes.size() - size);
  tail.size -= size;
  bytes_ -= size;
  memory_ -= size;
  return begun;
}

void CursorSpool::forget_before(std::uint64_t row) {
  while (blocks_.size() > 1 && blocks_[1].first_row <= row && !blocks_.front().in_file) {
    const std::size_t size = blocks_.front().size;
    memory_ -= size;
    bytes_ -= size;
    blocks_.pop_front();
  }
  if (blocks_.size() == 1 && row == rows_ && row_rest_ == 0 && !file_) {
    memory_ = bytes_ = 0;
    blocks_.clear();
  }
  if (reserved_ > bytes_ + 2 * reserve_step) {
    const std::uint64_t extra = reserved_ - bytes_ - reserve_step;
    reserved_ -= extra;
    storage_.give_back(extra);
  }
}

}  // namespace pgswitch::redshift
