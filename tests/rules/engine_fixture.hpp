#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "rules/engine.hpp"
#include "rules/route_names.hpp"
#include "tests/rules/lua_fixture.hpp"

namespace pgswitch::rules::test {

/// An Engine on a rules file of its own, with a clock that stands, the routes "analytics", "dev.1" and "dev.2", and what it
/// logged.
class EngineTest : public testing::Test {
 protected:
  bool load(std::string_view rules_text, std::uint64_t generation = 1) {
    EngineOptions options = options_;
    if (!rules_text.empty()) options.rules_file = folder_.write("rules.lua", rules_text);
    for (const char* name : {"analytics", "dev.1", "dev.2"}) options.routes.emplace_back(name, intern_route(name));
    options.log = [this](std::string_view line) { logged_.emplace_back(line); };
    options.now_us = [this] { return now_us_; };
    engine_ = Engine::create(std::move(options), generation, error_);
    return engine_ != nullptr;
  }
  static Facts facts_of(std::string user) {
    Facts facts;
    facts.user = std::move(user);
    facts.database = "shop";
    facts.application_name = "psql";
    facts.client_address = "127.0.0.1";
    facts.identity = next_identity();
    return facts;
  }
  const Script& decide(std::string_view sql) { return *engine_->decide(sql, facts_); }
  const Decision& decision(std::string_view sql) { return *decide(sql).items.front().decision; }
  /// Route of the only statement, "" for the client's own database.
  std::string route(std::string_view sql) { return route_name(decision(sql).route); }
  /// How often hooks were called that log("called").
  std::size_t calls() const { return static_cast<std::size_t>(std::count(logged_.begin(), logged_.end(), "called")); }

  EngineOptions options_;
  RulesFolder folder_;
  std::vector<std::string> logged_;
  std::int64_t now_us_ = 10'000'000;
  std::string error_;
  Facts facts_ = facts_of("alice");
  std::unique_ptr<Engine> engine_;
};

}  // namespace pgswitch::rules::test
