#pragma once
#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "proxy/pool.hpp"
#include "proxy/server_conn.hpp"
#include "proxy/session/server_state.hpp"

namespace pgswitch {

/// ParameterStatus set for a client that begins a session. Shared by all who are told the same.
struct Welcome {
  std::shared_ptr<const std::string> frames;  ///< as the server reported them, in its order
  Shared<std::string> server_version;         ///< of them
  TrackedCopy tracked;                        ///< the tracked ones among them
};

/// The welcomes that were made last: most clients of a pool are told the same. One per worker.
class WelcomeMaker {
 public:
  /// `application_name`: the client's own, or nullptr.
  const Welcome& make(const ParametersPtr& parameters, const std::string* application_name);

 private:
  struct Made {
    ParametersPtr parameters;
    std::optional<std::string> application_name;
    Welcome welcome;
  };
  std::array<Made, 8> made_;
  std::size_t next_ = 0;  ///< to be replaced
  TrackedCopy latest_tracked_;
};

using StartupSettings = std::vector<std::pair<std::string, std::string>>;

/// Welcomes that a server has once confirmed, by route, pool user and settings. One per worker; bounded, oldest out first.
class WelcomeCache {
 public:
  explicit WelcomeCache(std::size_t capacity = 1024) : capacity_(capacity) {}
  /// The same for settings in any order and spelling of names; application_name is no part of it.
  static std::string key(const PoolKey& pool, const StartupSettings& settings);
  /// nullptr when it is not there.
  ParametersPtr find(const std::string& key) const;
  void insert(std::string key, ParametersPtr parameters);
  void clear();
  std::size_t size() const { return entries_.size(); }

 private:
  std::size_t capacity_;
  std::unordered_map<std::string, ParametersPtr> entries_;
  std::deque<std::string> age_;  ///< oldest first
};

/// The value PostgreSQL would report: cut at 63 bytes, whole characters of UTF-8, then '?' for all but printable ASCII.
std::string clean_application_name(std::string_view name);

/// One SELECT that first puts the tracked settings back to the values in `base` where `reported` differs, for "SET DateStyle
/// TO ISO" keeps half of the old value, and then sets `settings`. Empty when there is nothing to set. What a server has not reported it
/// does not have.
std::string settings_query(const StartupSettings& settings, const ParameterList& base, const TrackedValues& reported);

/// What a fresh server would report after `settings`: `base` with everything that was set or changed meanwhile.
ParameterList merge_parameters(const ParameterList& base, const ParameterList& before, const ParameterList& after,
                               const StartupSettings& settings);

TrackedValues tracked_of(const ParameterList& parameters);

}  // namespace pgswitch
