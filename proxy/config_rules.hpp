#pragma once
#include <optional>
#include <string>

#include "proxy/config.hpp"
#include "rules/engine.hpp"

namespace pgswitch {

/// The part of a configuration that a rules engine needs; the caller adds `log` and `now_us`.
rules::EngineOptions engine_options(const Config& config);

/// The same for a command that serves no clients: its clock stands, and what rules log goes to `err`.
rules::EngineOptions command_engine_options(const Config& config, std::ostream& err);

/// A session of `user` at `database`, from 127.0.0.1. An empty `database` is the first of the configuration. nullopt: there is no such database.
std::optional<rules::Facts> session_facts(const Config& config, const std::string& user, const std::string& database);

}  // namespace pgswitch
