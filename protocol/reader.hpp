#pragma once
#include <cstddef>
#include <cstdint>

#include "protocol/frame.hpp"

namespace pgswitch::protocol {

/// A cursor over a message body. A read past the end yields zero or an empty view and makes ok() false for good, so a
/// reader asks once, at its end. Never allocates, never throws; views point into the body.
class BodyReader {
 public:
  explicit BodyReader(ByteView body) : rest_(body) {}

  std::uint8_t byte() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t int16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t int32() { return number(4); }

  /// Text up to its NUL, which is taken and not returned.
  ByteView string() {
    const std::size_t end = rest_.starts_with('\0') ? 0 : rest_.find('\0');  // most are empty
    if (end == ByteView::npos) return fail("invalid string in message");
    const ByteView text = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return text;
  }
  ByteView bytes(std::size_t count) {
    if (count > rest_.size()) return fail(rest_.empty() && count == 1 ? "no data left in message" : "insufficient data left in message");
    const ByteView taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  ByteView rest() const { return rest_; }
  bool ok() const { return ok_; }
  /// Nothing was missing and nothing is left over: PostgreSQL's pq_getmsgend.
  bool at_end() const { return ok_ && rest_.empty(); }
  /// What PostgreSQL says of a message that is not at_end() where it should be.
  std::string_view fault() const { return ok_ ? std::string_view("invalid message format") : fault_; }

 private:
  ByteView fail(const char* fault) {
    if (ok_) fault_ = fault;
    ok_ = false;
    rest_ = {};
    return {};
  }
  std::uint32_t number(std::size_t size) {
    std::uint32_t value = 0;
    for (const char octet : bytes(size)) value = value << 8 | static_cast<unsigned char>(octet);
    return value;
  }

  ByteView rest_;
  bool ok_ = true;
  const char* fault_ = "";
};

}  // namespace pgswitch::protocol
