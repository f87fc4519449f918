#pragma once
#include <atomic>
#include <cstdint>
#include <utility>

namespace pgswitch {

/// A value that never changes and that all its copies share, on whatever thread; or none. std::shared_ptr<const T> in the size of one
/// pointer.
template <class T>
class Shared {
 public:
  Shared() = default;
  explicit Shared(T value) : counted_(new Counted(std::move(value))) {}
  Shared(const Shared& other) : counted_(other.counted_) {
    if (counted_) counted_->users.fetch_add(1, std::memory_order_relaxed);
  }
  Shared(Shared&& other) noexcept : counted_(std::exchange(other.counted_, nullptr)) {}
  Shared& operator=(Shared other) noexcept {
    std::swap(counted_, other.counted_);
    return *this;
  }
  ~Shared() {
    if (counted_ && counted_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) delete counted_;
  }

  explicit operator bool() const { return counted_ != nullptr; }
  const T& operator*() const { return counted_->value; }
  const T* operator->() const { return &counted_->value; }
  /// The same value in the same memory, or none in both.
  bool operator==(const Shared& other) const { return counted_ == other.counted_; }

 private:
  struct Counted {
    explicit Counted(T of) : value(std::move(of)) {}
    const T value;
    std::atomic<std::uint32_t> users{1};
  };
  Counted* counted_ = nullptr;
};

}  // namespace pgswitch
