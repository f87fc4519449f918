#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace pgswitch {

/// Whether the files that a set of rules was read from are still what they were: a look at each file's time, size and inode, without
/// reading it. A plain value; not thread-safe.
class RulesWatch {
 public:
  /// A file is about to be read, or was looked for in vain.
  void add(const std::string& path);
  /// Has one of the files changed, and none since the call before? A file that is still being written is left alone that way.
  bool has_settled_change();

 private:
  struct State {
    std::int64_t modified_ns = 0;
    std::int64_t size = -1;  ///< -1: there is no such file
    std::uint64_t inode = 0;
    bool operator==(const State&) const = default;
  };
  using States = std::map<std::string, State>;
  static State look(const std::string& path);

  States read_;  ///< when they were read
  States seen_;  ///< at the last call, if they were others than these
};

}  // namespace pgswitch
