#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace pgswitch::rules {

/// A string that most have empty: one pointer then.
class RareString {
 public:
  RareString() = default;
  RareString(std::string_view from) { *this = from; }
  RareString(const RareString& other) : RareString(std::string_view(other)) {}
  RareString(RareString&&) = default;
  RareString& operator=(const RareString& other) { return *this = std::string_view(other); }
  RareString& operator=(RareString&&) = default;
  RareString& operator=(std::string_view from) {
    text_ = from.empty() ? nullptr : std::make_unique<const std::string>(from);
    return *this;
  }
  ~RareString() = default;

  operator std::string_view() const { return text_ ? std::string_view(*text_) : std::string_view(); }
  bool empty() const { return !text_; }
  void clear() { text_.reset(); }
  friend bool operator==(const RareString& one, std::string_view other) { return std::string_view(one) == other; }

 private:
  std::unique_ptr<const std::string> text_;
};

}  // namespace pgswitch::rules
