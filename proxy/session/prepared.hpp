#pragma once
#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace pgswitch {

/// 128-bit content address of a prepared statement: cut SHA-256 of its text, its parameter types, and of the settings under which
/// it was parsed. All zero: none.
struct PreparedKey {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const PreparedKey&) const = default;
};
PreparedKey prepared_key(std::string_view text, std::string_view parameter_types, std::string_view settings = {});

/// Name under which the statement is known on servers: "pgs_" and 32 hex digits. Not NUL-terminated.
using ServerName = std::array<char, 36>;
ServerName server_name(const PreparedKey& key);
inline std::string_view as_view(const ServerName& name) { return {name.data(), name.size()}; }

struct PreparedKeyHash {
  std::size_t operator()(const PreparedKey& key) const { return static_cast<std::size_t>(key.low); }
};

/// The statements prepared on one server connection, least recently used first to go. Part of ServerState.
/// An entry is added when its Parse is sent and erased again when that Parse fails: until the reply is there it is pending,
/// which makes no difference to later messages of the same batch, for a failed Parse skips them too.
class PreparedSet {
 public:
  /// Looks up and marks as just used.
  bool contains(const PreparedKey& key);
  /// The key whose lowest bits these are. Linear: for errors only.
  std::optional<PreparedKey> find(std::uint32_t low) const;
  void insert(const PreparedKey& key);
  void erase(const PreparedKey& key);
  void clear();
  std::size_t size() const { return index_.size(); }
  /// Least recently used; only when size() > 0.
  const PreparedKey& oldest() const { return order_.back(); }

  /// The unnamed statement.
  PreparedKey unnamed;
  /// Not in the set, but they may still exist on the server: to be closed there before they can be prepared again.
  std::vector<PreparedKey> stale;

 private:
  using Order = std::list<PreparedKey>;
  Order order_;  ///< most recently used first
  std::unordered_map<PreparedKey, Order::iterator, PreparedKeyHash> index_;
};

}  // namespace pgswitch
