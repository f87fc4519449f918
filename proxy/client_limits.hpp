#pragma once
#include <map>
#include <mutex>
#include <string>

#include "proxy/budget.hpp"
#include "proxy/config.hpp"

namespace pgswitch {

/// The places a client takes in the limits on clients, given back when it dies.
struct ClientPermits {
  Permit total;
  Permit database;
  Permit user;
};

/// max_client_conn, max_db_client_connections and max_user_client_connections, over all workers. One for the process; any
/// thread, locked, used once per login.
class ClientLimits {
 public:
  /// "" and the permits, or pgbouncer's text of the limit that is reached.
  std::string take(const Config& config, const Database& database, const std::string& user, ClientPermits& permits);
  /// Clients that have logged in.
  std::uint32_t clients() const { return total_->used(); }
  std::uint32_t clients_of_database(const std::string& database) const;
  std::uint32_t clients_of_user(const std::string& user) const;

 private:
  struct Budgets {
    std::map<std::string, BudgetPtr> by_name;
    std::size_t sweep_at = 1024;  ///< forget the names without clients when there are so many
  };
  static Permit take_one(Budgets& budgets, const std::string& key, int limit);
  static std::uint32_t used(const Budgets& budgets, const std::string& key);

  mutable std::mutex mutex_;
  BudgetPtr total_ = std::make_shared<Budget>(0);
  Budgets databases_;
  Budgets users_;
};

}  // namespace pgswitch
