#pragma once
#include <memory>
#include <utility>

namespace pgswitch {

/// An optional whose value lies on the heap: one pointer where there is mostly nothing. For what is rare and large.
template <class T>
class Boxed {
 public:
  explicit operator bool() const { return value_ != nullptr; }
  T& operator*() { return *value_; }
  const T& operator*() const { return *value_; }
  T* operator->() { return value_.get(); }
  const T* operator->() const { return value_.get(); }
  Boxed& operator=(T value) {
    value_ = std::make_unique<T>(std::move(value));
    return *this;
  }
  /// A new one if there is none.
  T& made() {
    if (!value_) value_ = std::make_unique<T>();
    return *value_;
  }
  void reset() { value_.reset(); }
  T value_or(const T& other) const { return value_ ? *value_ : other; }

 private:
  std::unique_ptr<T> value_;
};

}  // namespace pgswitch
