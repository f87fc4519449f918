#include "proxy/config_rules.hpp"

#include <ostream>

#include "proxy/clock.hpp"

namespace pgswitch {

rules::EngineOptions engine_options(const Config& config) {
  rules::EngineOptions options;
  options.rules_file = config.rules_file;
  options.routes = config.routes();
  for (const auto& [name, database] : config.databases)
    if (name != "*" && database->translate != rules::redshift::Translate::off) options.translations.emplace_back(database->route, database->translate);
  options.route_users = config.route_users.items;
  options.on_error = config.rules_on_error;
  options.mode = config.rules_mode;
  options.parse_max_bytes = config.parse_max_bytes;
  options.cache_bytes = config.statement_cache_bytes;
  options.lua_memory_bytes = config.rules_memory;
  options.lua_instructions = config.rules_instructions;
  options.unix_us = unix_us;
  return options;
}

rules::EngineOptions command_engine_options(const Config& config, std::ostream& err) {
  rules::EngineOptions options = engine_options(config);
  options.log = [&err](std::string_view message) { err << message << '\n'; };
  options.now_us = [] { return std::int64_t{0}; };
  return options;
}

std::optional<rules::Facts> session_facts(const Config& config, const std::string& user, const std::string& database) {
  rules::Facts facts;
  facts.user = user;
  facts.database = database;
  facts.client_address = "127.0.0.1";
  if (const auto routes = config.routes(); database.empty() && !routes.empty()) facts.database = routes.front().first;
  const DatabasePtr found = config.find_database(facts.database);
  if (!found) return std::nullopt;
  facts.default_route = found->route;
  return facts;
}

}  // namespace pgswitch
