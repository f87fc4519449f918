#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/frame.hpp"

namespace pgswitch::protocol {

/// Bytes that all buffers hold beyond their slabs' blocks, and a limit on them. One for the process; any thread.
class LargeMemory {
 public:
  static LargeMemory& of_process();
  /// 0 = unlimited.
  void set_limit(std::uint64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
  std::uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }
  std::uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  /// How often there was no room.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  bool try_take(std::uint64_t bytes);
  void give(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> limit_{0}, used_{0}, refused_{0};
};

/// Free list of memory blocks of one size, lent to the LinearBuffers of one worker. Owned by the worker, used on its
/// thread only, outlives every buffer that borrows from it. Keeps at most `keep_free` blocks; the rest goes back to the
/// heap.
class BufferSlab {
 public:
  /// `block_size` in bytes, at least 64.
  explicit BufferSlab(std::size_t block_size, std::size_t keep_free = 1024);
  ~BufferSlab();
  BufferSlab(const BufferSlab&) = delete;
  BufferSlab& operator=(const BufferSlab&) = delete;

  char* take();
  /// `block` came from take().
  void give(char* block);

  /// Gives the blocks back to the heap that nobody has needed since the last call.
  void trim();

  std::size_t block_size() const { return block_size_; }
  std::size_t free_blocks() const { return free_blocks_; }
  std::size_t lent_blocks() const { return lent_blocks_; }

 private:
  struct Link {
    Link* next;
  };
  std::size_t block_size_;
  std::size_t keep_free_;
  std::size_t free_blocks_ = 0;
  std::size_t lent_blocks_ = 0;
  std::size_t least_free_ = 0;  ///< since the last trim()
  Link* free_ = nullptr;
};

/// Bytes of one direction of one connection, in one piece: [sent | parsed | received | free].
/// prepare() and commit() add at the end, parse() says that a consumer took ranges of the data, consume() that the oldest
/// of them are done with. While a parsed range is outstanding nothing moves, so views of it stay valid; views of received
/// bytes are valid until the next prepare(), reserve() or give_back(). An empty buffer holds no memory after give_back().
class LinearBuffer {
 public:
  /// Borrows blocks from `slab`; grows to `max_size` bytes, less than 4 GB, on the heap when a message has to lie in one piece.
  LinearBuffer(BufferSlab& slab, std::size_t max_size);
  ~LinearBuffer();
  LinearBuffer(const LinearBuffer&) = delete;
  LinearBuffer& operator=(const LinearBuffer&) = delete;

  /// Room for a read. Empty when the buffer is full and nothing can be moved: consume() or reserve() first. Moves received
  /// bytes to the front only when no range is outstanding and it is cheap (few bytes) or there is no other room.
  std::span<char> prepare();
  /// `count` bytes were written to the front of what prepare() returned.
  void commit(std::size_t count);

  /// Makes room for `size` received bytes in one piece, counting those that are here already. False, and nothing changes,
  /// when that is more than the maximum, an outstanding range is in the way, or LargeMemory has no room.
  bool reserve(std::size_t size);

  /// Received bytes nobody has taken yet.
  ByteView received() const { return {data_ + parsed_, end_ - parsed_}; }
  /// Ranges taken by parse() and not yet consumed.
  ByteView outstanding() const { return {data_ + sent_, parsed_ - sent_}; }
  bool empty() const { return sent_ == end_; }

  /// Moves the first `count` received bytes to the outstanding range; returns them.
  ByteView parse(std::size_t count);
  /// The first `count` outstanding bytes are done with.
  void consume(std::size_t count);

  /// Returns the memory when the buffer is empty; not between prepare() and commit(). True when no memory is held.
  bool give_back();
  /// Bytes of memory held.
  std::size_t capacity() const { return capacity_; }
  std::size_t max_size() const { return max_size_; }

 private:
  void compact();
  void move_to(char* memory, std::size_t capacity);
  void free_memory();
  bool is_block() const { return capacity_ == slab_.block_size(); }

  BufferSlab& slab_;
  char* data_ = nullptr;
  std::uint32_t max_size_;
  std::uint32_t capacity_ = 0;
  std::uint32_t sent_ = 0;
  std::uint32_t parsed_ = 0;
  std::uint32_t end_ = 0;
};

}  // namespace pgswitch::protocol
