#pragma once
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/pool.hpp"
#include "proxy/server_conn.hpp"
#include "proxy/session/server_state.hpp"

namespace pgswitch {

/// ParameterStatus set for a client that begins a session.
struct Welcome {
  ParameterList parameters;  ///< as the server reported them, in its order
  TrackedCopy tracked;       ///< the tracked ones among them
};

using StartupSettings = std::vector<std::pair<std::string, std::string>>;

/// Welcomes that a server has once confirmed, by route, pool user and settings. One per worker; bounded, oldest out first.
class WelcomeCache {
 public:
  explicit WelcomeCache(std::size_t capacity = 1024) : capacity_(capacity) {}
  /// The same for settings in any order and spelling of names; application_name is no part of it.
  static std::string key(const PoolKey& pool, const StartupSettings& settings);
  const ParameterList* find(const std::string& key) const;
  void insert(std::string key, ParameterList parameters);
  void clear();
  std::size_t size() const { return entries_.size(); }

 private:
  std::size_t capacity_;
  std::unordered_map<std::string, ParameterList> entries_;
  std::deque<std::string> age_;  ///< oldest first
};

/// The value PostgreSQL would report: cut at 63 bytes, whole characters of UTF-8, then '?' for all but printable ASCII.
std::string clean_application_name(std::string_view name);

/// One SELECT that first puts the tracked settings back to the values in `base` where `reported` differs, for "SET DateStyle
/// TO ISO" keeps half of the old value, and then sets `settings`. Empty when there is nothing to set.
std::string settings_query(const StartupSettings& settings, const ParameterList& base, const TrackedValues& reported);

/// What a fresh server would report after `settings`: `base` with everything that was set or changed meanwhile.
ParameterList merge_parameters(const ParameterList& base, const ParameterList& before, const ParameterList& after,
                               const StartupSettings& settings);

TrackedValues tracked_of(const ParameterList& parameters);

}  // namespace pgswitch
