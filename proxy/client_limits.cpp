#include "proxy/client_limits.hpp"

#include <algorithm>

namespace pgswitch {

std::string ClientLimits::take(const Config& config, const Database& database, const std::string& user,
                               ClientPermits& permits) {
  const std::lock_guard lock(mutex_);
  total_.set_limit(static_cast<std::uint32_t>(config.max_client_conn));
  permits.total = ClientPermit::try_take(total_);
  if (!permits.total || config.max_client_conn == 0) return "no more connections allowed (max_client_conn)";
  permits.database = take_one(databases_, database.name, config.max_db_client_connections_of(database));
  if (!permits.database) return "client connections exceeded (max_db_client_connections)";
  permits.user = take_one(users_, user, config.max_user_client_connections_of(config.find_user(user)));
  if (!permits.user) return "client connections exceeded (max_user_client_connections)";
  return {};
}

ClientPermit ClientLimits::take_one(Budgets& budgets, const std::string& key, int limit) {
  if (budgets.by_name.size() >= budgets.sweep_at) {
    std::erase_if(budgets.by_name, [](const auto& entry) { return entry.second.used() == 0; });
    budgets.sweep_at = std::max<std::size_t>(1024, 2 * budgets.by_name.size());
  }
  Budget& budget = budgets.by_name.try_emplace(key, 0u).first->second;
  budget.set_limit(static_cast<std::uint32_t>(limit));
  return ClientPermit::try_take(budget);
}

std::uint32_t ClientLimits::used(const Budgets& budgets, const std::string& key) {
  const auto found = budgets.by_name.find(key);
  return found == budgets.by_name.end() ? 0 : found->second.used();
}

std::uint32_t ClientLimits::clients_of_database(const std::string& database) const {
  const std::lock_guard lock(mutex_);
  return used(databases_, database);
}

std::uint32_t ClientLimits::clients_of_user(const std::string& user) const {
  const std::lock_guard lock(mutex_);
  return used(users_, user);
}

}  // namespace pgswitch
