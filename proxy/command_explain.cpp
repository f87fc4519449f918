#include "proxy/command_explain.hpp"

#include "proxy/command_check.hpp"
#include "proxy/config_rules.hpp"

namespace pgswitch {
namespace {

std::string first_database(const Config& config) {
  const auto routes = config.routes();
  return routes.empty() ? "" : routes.front().first;
}

}  // namespace

int command_explain(const ExplainRequest& request, std::ostream& out, std::ostream& err) {
  LoadResult result = load_config(request.ini_path);
  result.warnings.clear();  // `pgswitch check` is for these
  print_diagnostics(result, err);
  if (!result.config) return 1;
  const Config& config = *result.config;

  rules::Facts facts;
  facts.user = request.user;
  facts.database = request.database.empty() ? first_database(config) : request.database;
  facts.client_address = "127.0.0.1";
  const DatabasePtr database = config.find_database(facts.database);
  if (!database) return err << "no such database: " << facts.database << '\n', 1;
  facts.default_route = database->route;

  rules::EngineOptions options = engine_options(config);
  options.log = [&err](std::string_view message) { err << message << '\n'; };
  options.now_us = [] { return std::int64_t{0}; };
  std::string error;
  const auto engine = rules::Engine::create(std::move(options), 1, error);
  if (!engine) return err << error << '\n', 1;
  out << engine->explain(request.sql, facts);
  return 0;
}

}  // namespace pgswitch
