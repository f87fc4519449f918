#pragma once
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

namespace pgswitch::rules {

/// The `shared` of the rules: a few keys and values that all workers see, each for a time. For quotas, and for splits that hold.
/// One for the process, it outlives reloads. Any thread; locked, which only rules pay that use it. Nothing of it throws.
class SharedStore {
 public:
  using Value = std::variant<std::int64_t, double, std::string>;
  static constexpr std::size_t longest_key = 256, longest_value = 4096;  ///< bytes

  explicit SharedStore(std::size_t most_bytes = std::size_t{16} << 20) : most_bytes_(most_bytes) {}

  /// False: there is none, or its time is over. `now_us`, `until_us`: of one steady clock.
  bool get(std::string_view key, std::int64_t now_us, Value& value) const noexcept;
  /// False: there is no room, not even where the time of others is over, or something is too long.
  bool set(std::string_view key, Value&& value, std::int64_t now_us, std::int64_t until_us) noexcept;
  /// Adds to a whole number, which is 0 and lasts until `until_us` when it is not there. False: as set(), or it is no whole number, or too large.
  bool add(std::string_view key, std::int64_t number, std::int64_t now_us, std::int64_t until_us, std::int64_t& sum) noexcept;
  void remove(std::string_view key) noexcept;
  /// Forgets all.
  void clear() noexcept;

  std::size_t size() const;
  /// About what it holds.
  std::size_t bytes() const;

 private:
  struct Entry {
    Value value;
    std::int64_t until_us = 0;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const { return std::hash<std::string_view>{}(key); }
  };
  using Entries = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  static std::size_t cost(std::string_view key, const Value& value);
  void forget(Entries::iterator entry);
  bool make_room(std::size_t size, std::int64_t now_us);
  bool put(std::string_view key, Value&& value, std::int64_t now_us, std::int64_t until_us);

  const std::size_t most_bytes_;
  mutable std::mutex mutex_;
  Entries entries_;
  std::size_t bytes_ = 0;
  std::int64_t next_sweep_us_ = INT64_MIN;
};

/// The same number for the same bytes on every machine and in every version, evenly spread: [0, 2^53).
std::int64_t stable_hash(std::string_view text);

}  // namespace pgswitch::rules
