#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

namespace pgswitch {

/// Memory for objects of one size that live long, in blocks of their own: what is allocated and freed between two of them, as in a storm
/// of logins, leaves no holes beside them. Owned by a worker, used on its thread only, outlives its objects.
///
/// A class whose objects live here has these three, and is made by `new (slab) T(...)`:
///   void* operator new(std::size_t, ObjectSlab& slab), void operator delete(void*, ObjectSlab&), void operator delete(void*)
class ObjectSlab {
 public:
  static constexpr std::size_t block_size = 16 * 1024;

  /// `object_size`: a multiple of 8, as the address of an object is.
  explicit ObjectSlab(std::size_t object_size);
  ~ObjectSlab();
  ObjectSlab(const ObjectSlab&) = delete;
  ObjectSlab& operator=(const ObjectSlab&) = delete;

  void* take();
  /// Back to the slab from which `object` was taken.
  static void give(void* object) noexcept;
  /// Gives the memory of the blocks back to the system in which there is no object.
  void trim();

  std::size_t object_size() const { return object_size_; }
  std::size_t lent() const { return lent_; }
  std::size_t free() const { return blocks_ * per_block_ - lent_; }
  /// That hold memory.
  std::size_t blocks() const { return blocks_; }
  std::size_t objects_of_block() const { return per_block_; }

 private:
  struct Link {
    Link* next;
  };
  /// What a block begins with.
  struct Block {
    ObjectSlab* slab;
    Link* free = nullptr;  ///< given back
    Block* previous = nullptr;
    Block* next = nullptr;
    std::uint32_t used = 0;     ///< objects that are lent
    std::uint32_t touched = 0;  ///< objects that have ever been: those behind them cost no memory yet
  };
  struct FreeRegion {
    void operator()(char* region) const { ::operator delete(region, std::align_val_t(block_size)); }
  };

  Block* new_block();
  void add_region();
  void insert(Block* block, Block* before);
  void remove(Block* block);
  bool has_room(const Block& block) const { return block.used < per_block_; }

  std::size_t object_size_;
  std::size_t per_block_;
  std::size_t lent_ = 0;
  std::size_t blocks_ = 0;
  /// The blocks with room, in a ring around this one; those without any object stand last.
  Block room_{this};
  std::vector<std::unique_ptr<char, FreeRegion>> regions_;
  std::vector<char*> unused_;  ///< blocks without memory
};

}  // namespace pgswitch
