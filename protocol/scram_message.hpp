#pragma once
#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

/// The grammar of SCRAM messages (RFC 5802, 7): attributes `x=value` with commas between them.
namespace pgswitch::protocol {

/// Takes the attribute `name` and the comma behind it from the front of `rest`; nullopt when another one stands there.
inline std::optional<std::string_view> take_attribute(std::string_view& rest, char name) {
  if (rest.size() < 2 || rest[0] != name || rest[1] != '=') return std::nullopt;
  rest.remove_prefix(2);
  const std::string_view value = rest.substr(0, rest.find(','));
  rest.remove_prefix(std::min(rest.size(), value.size() + 1));
  return value;
}

/// RFC 5802: printable ASCII without a comma.
inline bool is_printable(std::string_view text) {
  const auto printable = [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; };
  return std::all_of(text.begin(), text.end(), printable);
}

/// Reads a client's message from its front; what is the first thing wrong is told in PostgreSQL's words (auth-scram.c). After
/// that reads yield nothing.
class AttributeReader {
 public:
  explicit AttributeReader(std::string_view message) : rest_(message) {}

  std::string_view rest() const { return rest_; }
  /// The next character; NUL at the end.
  char next() const { return rest_.empty() ? '\0' : rest_.front(); }
  void skip() { rest_.remove_prefix(std::min<std::size_t>(rest_.size(), 1)); }
  void comma();
  /// The value of the attribute `name`, which must be the next.
  std::string_view take(char name);
  /// The value of whatever attribute is the next; `name` gets which.
  std::string_view take_any(char& name);

  bool ok() const { return fault_.empty(); }
  /// DETAIL of a "malformed SCRAM message"; empty while ok().
  const std::string& fault() const { return fault_; }
  std::string_view fail(std::string fault);

 private:
  std::string_view value(char name);

  std::string_view rest_;
  std::string fault_;
};

/// A character in such a text: 'c' or 0x0a.
std::string shown(char c);

}  // namespace pgswitch::protocol
