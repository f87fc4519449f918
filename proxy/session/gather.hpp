#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <vector>

namespace pgswitch {

/// What is to be written to one peer, in order: ranges that stay in the buffer they were read into, and bytes of our own.
/// Neighbouring ranges become one, and a small one that ends up behind bytes of our own is copied there, so that a usual batch is one piece
/// and one system call. Owned by a SessionCore; the shell takes pieces() and says with written() how much went out. Ranges must stay
/// where they are until then.
class Gather {
 public:
  bool empty() const { return size_ == 0; }
  /// Bytes not written yet.
  std::size_t size() const { return size_; }

  /// A range of the reader's buffer.
  void add(std::string_view range) {
    if (!empty()) {
      Piece& last = pieces_.back();
      if (last.data && last.data + last.size == range.data()) {
        size_ += static_cast<std::uint32_t>(range.size());
        last.size += range.size();
        return;
      }
    }
    add_piece(range);
  }
  /// Copies.
  void append(std::string_view bytes);
  /// Lets `write(std::string&)` append bytes of our own.
  template <class Write>
  void compose(Write write) {
    join();
    const std::size_t start = own_.size();
    write(own_);
    own_added(start);
  }

  /// Fills `out` with at most `max` pieces; returns how many.
  int pieces(iovec* out, int max);
  /// The first `count` bytes were written.
  void written(std::size_t count);
  /// Copies what is left, so that the buffers it lies in may go.
  void detach();
  /// Everything that is left, in one string (tests, traces).
  std::string text() const;
  void clear();

 private:
  struct Piece {
    const char* data;     ///< nullptr: `offset` bytes into own_
    std::size_t offset;
    std::size_t size;
  };
  void add_piece(std::string_view range);
  /// No more is going to be added to the last range: where it is small and stands behind bytes of our own, it becomes some of them. A copy
  /// costs less than another piece in the kernel.
  void join() {
    constexpr std::size_t small = 512;
    if (!empty() && pieces_.back().data && pieces_.back().size <= small) copy_last();
  }
  void copy_last();
  void own_added(std::size_t start);
  const char* begin_of(const Piece& piece) const { return piece.data ? piece.data : own_.data() + piece.offset; }

  std::vector<Piece> pieces_;
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;  ///< messages, and so what waits, are smaller than 2 GB
  std::string own_;
};

}  // namespace pgswitch
