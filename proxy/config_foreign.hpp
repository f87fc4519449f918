#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace pgswitch {

/// Settings of pgbouncer's relatives (pgbouncer-rr, pgbouncer-fast-switchover) that mean something here that is done another way.
struct ForeignSetting {
  std::string_view key;
  /// The value that asks for nothing: it is accepted.
  std::string_view harmless;
  /// What to do instead; a sentence without its full stop.
  std::string_view advice;
};

/// nullptr for a key that is none of theirs.
const ForeignSetting* find_foreign_setting(std::string_view key);

}  // namespace pgswitch
