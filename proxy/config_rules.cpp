#include "proxy/config_rules.hpp"

#include <chrono>

namespace pgswitch {
namespace {

std::int64_t unix_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

}  // namespace

rules::EngineOptions engine_options(const Config& config) {
  rules::EngineOptions options;
  options.rules_file = config.rules_file;
  options.routes = config.routes();
  options.on_error = config.rules_on_error;
  options.parse_max_bytes = config.parse_max_bytes;
  options.cache_bytes = config.statement_cache_bytes;
  options.lua_memory_bytes = config.rules_memory;
  options.lua_instructions = config.rules_instructions;
  options.unix_us = unix_us;
  return options;
}

}  // namespace pgswitch
