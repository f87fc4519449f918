#pragma once
#include <map>
#include <mutex>
#include <string>
#include <utility>

#include "proxy/budget.hpp"
#include "proxy/config.hpp"

namespace pgswitch {

/// A Permit in the size of a pointer: of a budget that lives for as long as somebody holds one of it.
class ClientPermit {
 public:
  ClientPermit() = default;
  static ClientPermit try_take(Budget& budget) { return ClientPermit(budget.try_take() ? &budget : nullptr); }
  ClientPermit(ClientPermit&& other) noexcept : budget_(std::exchange(other.budget_, nullptr)) {}
  ClientPermit& operator=(ClientPermit&& other) noexcept {
    std::swap(budget_, other.budget_);
    return *this;
  }
  ~ClientPermit() {
    if (budget_) budget_->give_back();
  }
  explicit operator bool() const { return budget_ != nullptr; }

 private:
  explicit ClientPermit(Budget* budget) : budget_(budget) {}
  Budget* budget_ = nullptr;
};

/// The places a client takes in the limits on clients, given back when it dies.
struct ClientPermits {
  ClientPermit total;
  ClientPermit database;
  ClientPermit user;
};

/// max_client_conn, max_db_client_connections and max_user_client_connections, over all workers. One for the process; any
/// thread, locked, used once per login.
class ClientLimits {
 public:
  /// "" and the permits, or pgbouncer's text of the limit that is reached.
  std::string take(const Config& config, const Database& database, const std::string& user, ClientPermits& permits);
  /// Clients that have logged in.
  std::uint32_t clients() const { return total_.used(); }
  std::uint32_t clients_of_database(const std::string& database) const;
  std::uint32_t clients_of_user(const std::string& user) const;

 private:
  struct Budgets {
    std::map<std::string, Budget, std::less<>> by_name;
    std::size_t sweep_at = 1024;  ///< forget the names without clients when there are so many
  };
  static ClientPermit take_one(Budgets& budgets, const std::string& key, int limit);
  static std::uint32_t used(const Budgets& budgets, const std::string& key);

  mutable std::mutex mutex_;
  Budget total_{0};
  Budgets databases_;
  Budgets users_;
};

}  // namespace pgswitch
