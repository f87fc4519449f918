#include "proxy/object_slab.hpp"

#include <cassert>
#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

namespace pgswitch {
namespace {

constexpr std::size_t region_blocks = 64;

}  // namespace

ObjectSlab::ObjectSlab(std::size_t object_size) : object_size_(object_size), per_block_((block_size - sizeof(Block)) / object_size) {
  assert(object_size % 8 == 0 && object_size >= sizeof(Link) && per_block_ > 0);
  room_.next = room_.previous = &room_;
}

ObjectSlab::~ObjectSlab() {
  assert(lent_ == 0 && "an object outlives its slab");
}

void* ObjectSlab::take() {
  Block* const block = room_.next != &room_ ? room_.next : new_block();
  char* object = reinterpret_cast<char*>(block->free);
  if (object) {
    block->free = block->free->next;
  } else {
    object = reinterpret_cast<char*>(block + 1) + block->touched++ * object_size_;
  }
  ++lent_;
  ++block->used;
  if (!has_room(*block)) remove(block);
  ASAN_UNPOISON_MEMORY_REGION(object, object_size_);
  return object;
}

void ObjectSlab::give(void* object) noexcept {
  auto* const block = reinterpret_cast<Block*>(reinterpret_cast<std::uintptr_t>(object) & ~(block_size - 1));
  ObjectSlab& slab = *block->slab;
  const bool had_room = slab.has_room(*block);
  block->free = new (object) Link{block->free};
  ASAN_POISON_MEMORY_REGION(static_cast<char*>(object) + sizeof(Link), slab.object_size_ - sizeof(Link));
  --slab.lent_;
  --block->used;
  if (had_room && block->used > 0) return;
  if (had_room) slab.remove(block);
  slab.insert(block, block->used > 0 ? slab.room_.next : &slab.room_);
}

void ObjectSlab::trim() {
  for (Block* last = room_.previous; last != &room_ && last->used == 0; last = room_.previous) {
    remove(last);
    ::madvise(last, block_size, MADV_DONTNEED);
    unused_.push_back(reinterpret_cast<char*>(last));  // has room for all of them
    --blocks_;
  }
}

ObjectSlab::Block* ObjectSlab::new_block() {
  if (unused_.empty()) add_region();
  auto* const block = new (unused_.back()) Block{this};
  unused_.pop_back();
  ++blocks_;
  insert(block, &room_);
  return block;
}

// Mapped on its own, as all that is so large: nothing else lies between the blocks.
void ObjectSlab::add_region() {
  unused_.reserve((regions_.size() + 1) * region_blocks);
  regions_.emplace_back(static_cast<char*>(::operator new(region_blocks * block_size, std::align_val_t(block_size))));
  for (std::size_t i = region_blocks; i-- > 0;) unused_.push_back(regions_.back().get() + i * block_size);
}

void ObjectSlab::insert(Block* block, Block* before) {
  block->next = before;
  block->previous = before->previous;
  block->previous->next = block;
  before->previous = block;
}

void ObjectSlab::remove(Block* block) {
  block->previous->next = block->next;
  block->next->previous = block->previous;
}

}  // namespace pgswitch
