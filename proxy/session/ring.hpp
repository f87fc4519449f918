#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

namespace pgswitch {

/// First in, first out, in one block of memory that grows by doubling and is kept: no allocation once it is warm, and none
/// at all while it was never used. Index 0 is the oldest element.
template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[(first_ + i) & (room_ - 1)]; }
  const T& operator[](std::size_t i) const { return items_[(first_ + i) & (room_ - 1)]; }
  T& front() { return items_[first_]; }
  const T& front() const { return items_[first_]; }
  T& back() { return (*this)[size_ - 1]; }

  void push(T&& item) {
    if (size_ == room_) grow();
    renew((*this)[size_++], std::move(item));
  }
  void push(const T& item) { push(T(item)); }
  /// Forgets the oldest element.
  void pop() {
    if constexpr (!std::is_trivially_destructible_v<T>) renew(items_[first_]);
    first_ = (first_ + 1) & (room_ - 1);
    --size_;
  }

 private:
  static_assert(std::is_nothrow_default_constructible_v<T> && std::is_nothrow_move_constructible_v<T>);
  /// Costs less than an assignment, which has to mind what was there.
  template <class... From>
  static void renew(T& item, From&&... from) {
    std::destroy_at(&item);
    std::construct_at(&item, std::forward<From>(from)...);
  }
  void grow() {
    const std::uint32_t larger = room_ == 0 ? 8 : room_ * 2;
    auto items = std::make_unique<T[]>(larger);
    for (std::size_t i = 0; i < size_; ++i) items[i] = std::move((*this)[i]);
    items_ = std::move(items);
    room_ = larger;
    first_ = 0;
  }
  std::unique_ptr<T[]> items_;
  std::uint32_t room_ = 0;  ///< elements that items_ has, a power of two
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace pgswitch
