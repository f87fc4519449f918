#include "rules.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "rules/route_names.hpp"

namespace pgswitch::script {

namespace {

constexpr char lua_rules[] = R"(
function route(stmt, session)
  if stmt:touches("forbidden") then return reject { message = "forbidden is forbidden" } end
  if stmt:touches("told") then return answer { columns = { "c" }, rows = { { "1" } } } end
  if stmt:touches("early") and next(session.written) then return reject { message = "not behind a write" } end
  if stmt:touches("calm") and session.in_transaction then return reject { message = "not in a transaction" } end
  for _, table in ipairs(stmt.tables) do
    if table:sub(1, 2) == "b." or table:sub(1, 2) == "b_" then return "b" end
  end
end

function rewrite(stmt, session)
  if stmt:touches("few") then stmt:max_rows(2) end
  if stmt:touches("takes_over") then stmt:fallback("b") end
  if stmt:touches("stays") then stmt:fallback(false) end
  if stmt:touches("brief") then stmt:timeout(1) end
  if stmt:touches("later") then stmt:delay(1) end
  if stmt:touches("edited") then return stmt:replace_table("edited", "wide.named") end
  if stmt:touches("old") then return (stmt.text:gsub("old", "renamed")) end
end
)";

}  // namespace

std::unique_ptr<rules::Engine> new_engine(std::uint64_t generation) {
  std::string name = std::filesystem::temp_directory_path() / "session_script_rules_XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0 || write(file, lua_rules, sizeof lua_rules - 1) != static_cast<ssize_t>(sizeof lua_rules - 1)) std::abort();
  close(file);
  rules::EngineOptions options;
  options.rules_file = name;
  options.routes = {{"app", rules::intern_route("app")}, {"b", rules::intern_route("b")}};
  options.now_us = [] { return std::int64_t{0}; };
  options.log = [](std::string_view message) { std::fprintf(stderr, "rules: %.*s\n", static_cast<int>(message.size()), message.data()); };
  std::string error;
  auto created = rules::Engine::create(std::move(options), generation, error);
  std::remove(name.c_str());
  if (!created) std::fprintf(stderr, "%s\n", error.c_str()), std::abort();
  return created;
}

rules::Engine& engine() {
  static const std::unique_ptr<rules::Engine> shared = new_engine(1);
  return *shared;
}

rules::Facts facts_of_tests() {
  rules::Facts facts;
  facts.user = "alice";
  facts.database = "app";
  facts.application_name = "tests";
  facts.default_route = rules::intern_route("app");
  facts.identity = rules::next_identity();
  return facts;
}

}  // namespace pgswitch::script
