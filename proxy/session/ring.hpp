#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace pgswitch {

/// First in, first out, in one block of memory that grows by doubling and is kept: no allocation once it is warm, and none
/// at all while it was never used. Index 0 is the oldest element.
template <class T>
class Ring {
 public:
  bool empty() const { return size_ == 0; }
  std::size_t size() const { return size_; }
  T& operator[](std::size_t i) { return items_[(first_ + i) & (items_.size() - 1)]; }
  const T& operator[](std::size_t i) const { return items_[(first_ + i) & (items_.size() - 1)]; }
  T& front() { return (*this)[0]; }
  const T& front() const { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }

  void push(T&& item) {
    if (size_ == items_.size()) grow();
    renew((*this)[size_++], std::move(item));
  }
  void push(const T& item) { push(T(item)); }
  T pop() {
    T item = std::move(items_[first_]);
    drop();
    return item;
  }
  /// Forgets the oldest element.
  void drop() {
    renew(items_[first_]);
    first_ = static_cast<std::uint32_t>((first_ + 1) & (items_.size() - 1));
    --size_;
  }
  /// Removes the newest element.
  T pop_back() { return std::exchange((*this)[--size_], T{}); }

 private:
  static_assert(std::is_nothrow_default_constructible_v<T> && std::is_nothrow_move_constructible_v<T>);
  /// Costs less than an assignment, which has to mind what was there.
  template <class... From>
  static void renew(T& item, From&&... from) {
    std::destroy_at(&item);
    std::construct_at(&item, std::forward<From>(from)...);
  }
  void grow() {
    std::vector<T> larger(items_.empty() ? 8 : items_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    items_ = std::move(larger);
    first_ = 0;
  }
  std::vector<T> items_;  ///< size is a power of two
  std::uint32_t first_ = 0;
  std::uint32_t size_ = 0;
};

}  // namespace pgswitch
