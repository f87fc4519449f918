#include "protocol/buffer.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace pgswitch::protocol {
namespace {

/// Moving this much costs less than the system call that a short read adds.
constexpr std::size_t cheap_move = 256;

/// nullptr when LargeMemory has no room.
char* try_take(std::size_t size) {
  if (!LargeMemory::of_process().try_take(size)) return nullptr;
  try {
    return static_cast<char*>(::operator new(size));
  } catch (const std::bad_alloc&) {
    LargeMemory::of_process().give(size);
    throw;
  }
}

void give_large(char* memory, std::size_t size) {
  ::operator delete(memory);
  LargeMemory::of_process().give(size);
}

}  // namespace

LargeMemory& LargeMemory::of_process() {
  static LargeMemory memory;
  return memory;
}

bool LargeMemory::try_take(std::uint64_t bytes) {
  const std::uint64_t limit = this->limit();
  const std::uint64_t now = used_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  if (limit == 0 || now <= limit) return true;
  give(bytes);
  refused_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

BufferSlab::BufferSlab(std::size_t block_size, std::size_t keep_free)
    : block_size_(std::max<std::size_t>(block_size, 64)), keep_free_(keep_free) {}

BufferSlab::~BufferSlab() {
  assert(lent_blocks_ == 0 && "a buffer outlives its slab");
  while (free_ != nullptr) ::operator delete(std::exchange(free_, free_->next));
}

char* BufferSlab::take() {
  ++lent_blocks_;
  if (free_ == nullptr) return static_cast<char*>(::operator new(block_size_));
  least_free_ = std::min(least_free_, --free_blocks_);
  return reinterpret_cast<char*>(std::exchange(free_, free_->next));
}

void BufferSlab::trim() {
  for (; least_free_ > 0; --least_free_, --free_blocks_) ::operator delete(std::exchange(free_, free_->next));
  least_free_ = free_blocks_;
}

void BufferSlab::give(char* block) {
  --lent_blocks_;
  if (free_blocks_ >= keep_free_) return ::operator delete(block);
  ++free_blocks_;
  free_ = new (block) Link{free_};
}

LinearBuffer::LinearBuffer(BufferSlab& slab, std::size_t max_size)
    : slab_(slab), max_size_(static_cast<std::uint32_t>(std::max(max_size, slab.block_size()))) {}

LinearBuffer::~LinearBuffer() { free_memory(); }

std::span<char> LinearBuffer::prepare() {
  if (data_ == nullptr) {
    data_ = slab_.take();
    capacity_ = static_cast<std::uint32_t>(slab_.block_size());
  }
  if (sent_ == parsed_ && (end_ == capacity_ || end_ - parsed_ <= cheap_move)) compact();
  return {data_ + end_, capacity_ - end_};
}

void LinearBuffer::commit(std::size_t count) {
  assert(count <= capacity_ - end_);
  end_ += static_cast<std::uint32_t>(count);
}

bool LinearBuffer::reserve(std::size_t size) {
  if (size <= capacity_ - parsed_) return true;
  if (size > max_size_ || sent_ != parsed_) return false;
  if (size <= capacity_) {
    compact();
  } else if (size <= slab_.block_size()) {
    move_to(slab_.take(), slab_.block_size());
  } else {
    const std::size_t capacity = std::min<std::size_t>(max_size_, std::max(size, std::size_t{capacity_} * 2));
    char* const memory = try_take(capacity);
    if (memory == nullptr) return false;
    move_to(memory, capacity);
  }
  return true;
}

ByteView LinearBuffer::parse(std::size_t count) {
  assert(count <= end_ - parsed_);
  const ByteView taken = received().substr(0, count);
  parsed_ += static_cast<std::uint32_t>(count);
  return taken;
}

void LinearBuffer::consume(std::size_t count) {
  assert(count <= parsed_ - sent_);
  sent_ += static_cast<std::uint32_t>(count);
}

bool LinearBuffer::give_back() {
  if (empty()) free_memory();
  return data_ == nullptr;
}

void LinearBuffer::compact() {
  if (parsed_ == 0) return;
  std::memmove(data_, data_ + parsed_, end_ - parsed_);
  end_ -= parsed_;
  sent_ = parsed_ = 0;
}

void LinearBuffer::move_to(char* memory, std::size_t capacity) {
  const ByteView bytes = received();
  if (!bytes.empty()) std::memcpy(memory, bytes.data(), bytes.size());
  free_memory();
  data_ = memory;
  capacity_ = static_cast<std::uint32_t>(capacity);
  end_ = static_cast<std::uint32_t>(bytes.size());
}

void LinearBuffer::free_memory() {
  if (data_ == nullptr) return;
  if (is_block()) slab_.give(data_);
  else give_large(data_, capacity_);
  data_ = nullptr;
  capacity_ = sent_ = parsed_ = end_ = 0;
}

}  // namespace pgswitch::protocol
