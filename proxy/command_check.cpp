#include "proxy/command_check.hpp"

#include "proxy/config_rules.hpp"

namespace pgswitch {
namespace {

/// "1 database", "2 databases"
std::string count(std::size_t number, const char* noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

bool check_rules(const Config& config, std::ostream& err) {
  std::string error;
  const auto engine = rules::Engine::create(command_engine_options(config, err), 1, error);
  if (!engine) err << error << '\n';
  return engine != nullptr;
}

}  // namespace

void print_diagnostics(const LoadResult& result, std::ostream& err) {
  for (Diagnostic warning : result.warnings) {
    warning.message.insert(0, "warning: ");
    err << warning.to_string() << '\n';
  }
  for (const Diagnostic& error : result.errors) err << error.to_string() << '\n';
}

ConfigPtr load_for_command(const std::string& ini_path, std::ostream& err) {
  LoadResult result = load_config(ini_path);
  result.warnings.clear();
  print_diagnostics(result, err);
  return result.config;
}

int command_check(const std::string& ini_path, std::ostream& out, std::ostream& err) {
  const LoadResult result = load_config(ini_path);
  print_diagnostics(result, err);
  if (!result.config || !check_rules(*result.config, err)) return 1;
  const Config& config = *result.config;
  out << ini_path << ": OK (" << count(config.databases.size(), "database") << ", " << count(config.users.size(), "user")
      << ", " << (config.rules_file.empty() ? "no rules" : "rules " + config.rules_file) << ", "
      << count(result.warnings.size(), "warning") << ")\n";
  return 0;
}

}  // namespace pgswitch
