#pragma once
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>

namespace pgswitch {

class LoginPlaces;

/// That a client logs in; move-only, ends when it dies. Default: holds nothing.
class LoginPlace {
 public:
  LoginPlace() = default;
  LoginPlace(LoginPlaces& places, std::string address) : places_(&places), address_(std::move(address)) {}
  LoginPlace(LoginPlace&& other) noexcept;
  LoginPlace& operator=(LoginPlace&& other) noexcept;
  ~LoginPlace();
  explicit operator bool() const { return places_ != nullptr; }

 private:
  LoginPlaces* places_ = nullptr;
  std::string address_;
};

/// How many clients of each address are logging in (max_login_conn_per_address): whoever has no password cannot take all
/// descriptors by logging in slowly. One for the process; any thread, locked, used only while there is such a limit.
class LoginPlaces {
 public:
  /// Empty when `limit` clients of that address are logging in.
  LoginPlace take(const std::string& address, int limit);
  /// Clients that got none, since the start.
  std::uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }
  /// Addresses of which somebody logs in.
  std::size_t size() const;

 private:
  friend class LoginPlace;
  void give_back(const std::string& address);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> taken_;
  std::atomic<std::uint64_t> refused_{0};
};

}  // namespace pgswitch
