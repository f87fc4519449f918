#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "rules/lua_rules.hpp"
#include "rules/route_names.hpp"

namespace pgswitch::rules::test {

/// A folder of its own with a rules file in it, gone with the object.
class RulesFolder {
 public:
  RulesFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "pgswitch-rules-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = name;
  }
  ~RulesFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  RulesFolder(const RulesFolder&) = delete;
  RulesFolder& operator=(const RulesFolder&) = delete;

  std::string write(const std::string& name, std::string_view text) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path.string();
  }
  const std::filesystem::path& path() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

/// A rules file in memory, loaded, with what it logged.
struct LoadedRules {
  RulesFolder folder;
  std::vector<std::string> logged;
  std::string error;
  std::unique_ptr<LuaRules> rules;

  explicit LoadedRules(std::string_view text, std::size_t memory = 4 * 1024 * 1024, std::uint32_t instructions = 100'000) {
    load(text, memory, instructions);
  }
  void load(std::string_view text, std::size_t memory = 4 * 1024 * 1024, std::uint32_t instructions = 100'000) {
    LuaOptions options;
    options.file = folder.write("rules.lua", text);
    options.memory_bytes = memory;
    options.instructions = instructions;
    options.log = [this](std::string_view line) { logged.emplace_back(line); };
    options.now_us = [] { return std::int64_t{5'000'000}; };
    rules = LuaRules::load(std::move(options), error);
  }
  HookResult ask(Hook hook = Hook::routing_rules, std::string_view text = "select 1", Statement statement = {}) {
    Facts facts;
    facts.user = "alice";
    facts.database = "shop";
    facts.application_name = "psql";
    facts.client_address = "127.0.0.1";
    return rules->ask(hook, &statement, text, facts);
  }
};

/// What the body of a routing_rules hook comes to.
inline HookResult run_body(std::string_view body) {
  LoadedRules loaded("function routing_rules(username, query, in_transaction)\n" + std::string(body) + "\nend\n");
  if (loaded.rules == nullptr) {
    HookResult failed;
    failed.said = HookResult::Said::failed;
    failed.failure = "load: " + loaded.error;
    return failed;
  }
  return loaded.ask();
}

}  // namespace pgswitch::rules::test
