#include "proxy/config.hpp"

#include <algorithm>

#include "proxy/config_values.hpp"
#include "rules/route_names.hpp"

namespace pgswitch {

bool is_console(std::string_view database) { return database == "pgswitch" || database == "pgbouncer"; }
namespace {

constexpr std::size_t longest_database_name = 63;

/// The user's own value, else the fallback.
template <class T>
T of_user(const User* user, std::optional<T> User::*member, T fallback) {
  return user ? (user->*member).value_or(fallback) : fallback;
}

std::string_view first_set(const std::string& own, const std::string& global) { return own.empty() ? global : own; }

}  // namespace

CommaList::CommaList(std::string list) : text(std::move(list)) {
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(','), rest.size());
    if (const auto item = trim(rest.substr(0, end)); !item.empty()) items.emplace_back(item);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

bool CommaList::contains(std::string_view item) const { return std::find(items.begin(), items.end(), item) != items.end(); }

const Database* Config::database_entry(std::string_view name) const {
  auto found = databases.find(name);
  if (found == databases.end()) found = databases.find("*");
  return found == databases.end() ? nullptr : found->second.get();
}

DatabasePtr Config::find_database(std::string_view name) const {
  if (const auto found = databases.find(name); found != databases.end() && name != "*") return found->second;
  const auto fallback = databases.find("*");
  if (fallback == databases.end() || name.empty() || name.size() > longest_database_name) return nullptr;
  auto copy = std::make_shared<Database>(*fallback->second);
  copy->name = name;
  copy->automatic = true;
  copy->route = rules::intern_route(name);
  if (copy->dbname.empty()) copy->dbname = name;
  return copy;
}

DatabasePtr Config::find_database(rules::RouteId route) const {
  return route == rules::no_route ? nullptr : find_database(rules::route_name(route));
}

const User* Config::find_user(std::string_view name) const {
  const auto found = users.find(name);
  return found == users.end() ? nullptr : &found->second;
}

std::vector<std::pair<std::string, rules::RouteId>> Config::routes() const {
  std::vector<std::pair<std::string, rules::RouteId>> list;
  for (const auto& [name, database] : databases)
    if (name != "*") list.emplace_back(name, database->route);
  return list;
}

PoolMode Config::pool_mode_of(const Database& database, const User* pool_user) const {
  return of_user(pool_user, &User::pool_mode, database.pool_mode.value_or(pool_mode));
}

int Config::pool_size_of(const Database& database, const User* pool_user) const {
  return of_user(pool_user, &User::pool_size, database.pool_size.value_or(default_pool_size));
}

int Config::reserve_pool_size_of(const Database& database, const User* pool_user) const {
  return of_user(pool_user, &User::reserve_pool_size, database.reserve_pool_size.value_or(reserve_pool_size));
}

int Config::min_pool_size_of(const Database& database, const User* pool_user) const {
  const int wanted = database.min_pool_size.value_or(min_pool_size);
  const int size = pool_size_of(database, pool_user);
  return size == unlimited ? wanted : std::min(wanted, size);
}

int Config::max_db_connections_of(const Database& database) const {
  return database.max_db_connections.value_or(max_db_connections);
}

int Config::max_db_client_connections_of(const Database& database) const {
  return database.max_db_client_connections.value_or(max_db_client_connections);
}

int Config::max_user_connections_of(const User* pool_user) const {
  return of_user(pool_user, &User::max_user_connections, max_user_connections);
}

int Config::max_user_client_connections_of(const User* login_user) const {
  return of_user(login_user, &User::max_user_client_connections, max_user_client_connections);
}

Microseconds Config::server_lifetime_of(const Database& database) const {
  return database.server_lifetime.value_or(server_lifetime);
}

Microseconds Config::query_wait_timeout_of(const Database& database, const User* login_user) const {
  return of_user(login_user, &User::query_wait_timeout, database.query_wait_timeout.value_or(query_wait_timeout));
}

Microseconds Config::query_timeout_of(const User* pool_user) const {
  return of_user(pool_user, &User::query_timeout, query_timeout);
}

Microseconds Config::idle_transaction_timeout_of(const User* pool_user) const {
  return of_user(pool_user, &User::idle_transaction_timeout, idle_transaction_timeout);
}

Microseconds Config::transaction_timeout_of(const User* pool_user) const {
  return of_user(pool_user, &User::transaction_timeout, transaction_timeout);
}

Microseconds Config::client_idle_timeout_of(const User* login_user) const {
  return of_user(login_user, &User::client_idle_timeout, client_idle_timeout);
}

std::string_view Config::auth_user_of(const Database& database) const { return first_set(database.auth_user, auth_user); }
std::string_view Config::auth_query_of(const Database& database) const { return first_set(database.auth_query, auth_query); }
std::string_view Config::auth_dbname_of(const Database& database) const {
  return first_set(database.auth_dbname, auth_dbname);
}

std::string_view Config::password_command_of(const Database& database) const {
  if (!database.password_command.empty()) return database.password_command;
  return database.password.empty() ? std::string_view(password_command) : std::string_view();
}

DatabasePtr Config::face_of(const Database& database) const {
  if (!face_database.empty()) return face_database == database.name ? nullptr : find_database(face_database);
  if (rules_file.empty()) return nullptr;
  DatabasePtr only;
  for (const auto& [name, entry] : databases) {
    if (name == "*" || entry->kind != ServerKind::postgres) continue;
    if (only) return nullptr;
    only = entry;
  }
  return only;
}

const std::string* Config::server_secret(const Database& database, std::string_view pool_user) const {
  if (!database.password.empty() && pool_user == database.user) return &database.password;
  const User* user_entry = find_user(pool_user);
  return user_entry && user_entry->secret ? &*user_entry->secret : nullptr;
}

std::string Diagnostic::to_string() const {
  return line > 0 ? file + ":" + std::to_string(line) + ": " + message : file + ": " + message;
}

}  // namespace pgswitch
