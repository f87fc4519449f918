#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/micro/measure.hpp"
#include "rules/analyze.hpp"
#include "rules/engine.hpp"
#include "rules/route_names.hpp"
#include "rules/tokens.hpp"
#include "tests/rules/lua_fixture.hpp"

namespace pgswitch::bench {
namespace {

using namespace rules;

constexpr std::string_view routing = R"(
function route(stmt, session)
  if stmt:touches("sales", "event", "date") then return "analytics" end
end
)";
constexpr std::string_view rewriting = R"(
function rewrite(stmt, session)
  if stmt:touches("pgbench_accounts") then return (stmt.text:gsub("pgbench_accounts", "accounts")) end
end
)";

/// An engine with these rules, and the facts of one session.
struct Rules {
  test::RulesFolder folder;
  std::unique_ptr<Engine> engine;
  Facts facts;

  explicit Rules(std::string_view text) {
    EngineOptions options;
    options.rules_file = folder.write("rules.lua", text);
    options.routes = {{"analytics", intern_route("analytics")}};
    options.now_us = [] { return std::int64_t{0}; };
    std::string error;
    engine = Engine::create(std::move(options), 1, error);
    if (!engine) throw std::runtime_error(error);
    facts.user = facts.database = "app";
    facts.identity = next_identity();
  }
  void decide(std::string_view sql) { benchmark::DoNotOptimize(engine->decide(sql, facts)); }
};

std::string with_literal(std::size_t number) {
  return "SELECT abalance FROM pgbench_accounts WHERE aid = " + std::to_string(number) + ";";
}

std::string new_shape(std::size_t number) { return "SELECT c" + std::to_string(number) + " FROM pgbench_accounts WHERE aid = 1"; }

/// Texts that are asked for in turn: prepared before, so that making them is not measured.
std::vector<std::string> texts(std::string (*make)(std::size_t), std::size_t count) {
  std::vector<std::string> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(make(1'000'000 + i));
  return made;
}

void in_turn(benchmark::State& state, Rules& rules, const std::vector<std::string>& texts) {
  std::size_t next = 0;
  measure(state, [&] { rules.decide(texts[next++ % texts.size()]); });
}

void tokens_of_a_select(benchmark::State& state) {
  char scratch[256];
  Literal literals[16];
  measure(state, [&] { benchmark::DoNotOptimize(scan(select_text, scratch, literals)); });
}
BENCHMARK(tokens_of_a_select);

void cache_hit_same_text(benchmark::State& state) {
  Rules rules(routing);
  measure(state, [&] { rules.decide(select_text); });
}
BENCHMARK(cache_hit_same_text);

void cache_hit_fresh_literal(benchmark::State& state) {
  Rules rules(routing);
  in_turn(state, rules, texts(with_literal, 4096));
}
BENCHMARK(cache_hit_fresh_literal);

/// Each text has a shape of its own, and there are more of them than the cache holds: parsed, and the rules asked.
void cache_miss(benchmark::State& state) {
  Rules rules(routing);
  in_turn(state, rules, texts(new_shape, 50'000));
}
BENCHMARK(cache_miss);

void analysis_of_a_select(benchmark::State& state) {
  measure(state, [] { benchmark::DoNotOptimize(analyze(select_text)); });
}
BENCHMARK(analysis_of_a_select);

void lua_route_call(benchmark::State& state) {
  test::LoadedRules loaded(routing);
  const AnalyzedScript script = analyze(select_text);
  Facts facts;
  facts.user = facts.database = "app";
  measure(state, [&] { benchmark::DoNotOptimize(loaded.rules->ask(Hook::route, script.statements[0].statement.get(), select_text, facts)); });
}
BENCHMARK(lua_route_call);

void rewritten_same_text(benchmark::State& state) {
  Rules rules(rewriting);
  measure(state, [&] { rules.decide(select_text); });
}
BENCHMARK(rewritten_same_text);

void rewritten_fresh_literal(benchmark::State& state) {
  Rules rules(rewriting);
  in_turn(state, rules, texts(with_literal, 50'000));
}
BENCHMARK(rewritten_fresh_literal);

constexpr std::string_view filtering = "rules { { rewrite = { add_filter = { pgbench_accounts = 'aid < $user' } } } }";

void edited_same_text(benchmark::State& state) {
  Rules rules(filtering);
  measure(state, [&] { rules.decide(select_text); });
}
BENCHMARK(edited_same_text);

void edited_fresh_literal(benchmark::State& state) {
  Rules rules(filtering);
  in_turn(state, rules, texts(with_literal, 50'000));
}
BENCHMARK(edited_fresh_literal);

/// What a shape costs the first time: the edits are found out, and the new text is analysed.
void edited_miss(benchmark::State& state) {
  Rules rules(filtering);
  in_turn(state, rules, texts(new_shape, 50'000));
}
BENCHMARK(edited_miss);

/// 200 rules of a table, of which none is for pgbench_accounts.
std::string table_rules() {
  std::string text = "rules {\n";
  for (int i = 0; i < 200; ++i) {
    const std::string number = std::to_string(i);
    text += "  { name = 'rule " + number + "', when = { tables = { 'sales" + number + "', 'analytics" + number + ".*' }, user = 'bi_*' }, route = 'analytics' },\n";
  }
  return text + "}\n";
}

void table_rules_hit(benchmark::State& state) {
  Rules rules(table_rules());
  in_turn(state, rules, texts(with_literal, 4096));
}
BENCHMARK(table_rules_hit);

void table_rules_miss(benchmark::State& state) {
  Rules rules(table_rules());
  in_turn(state, rules, texts(new_shape, 50'000));
}
BENCHMARK(table_rules_miss);

/// A miss as before, with a rule that is asked for each: by its user, by a regular expression.
void table_rule_for_the_user_miss(benchmark::State& state) {
  Rules rules("rules { { when = { user = 'bi_*' }, route = 'analytics' } }");
  in_turn(state, rules, texts(new_shape, 50'000));
}
BENCHMARK(table_rule_for_the_user_miss);

void table_rule_with_a_regular_expression_miss(benchmark::State& state) {
  Rules rules("rules { { when = { matches = '(?i)from\\\\s+(sales|event)' }, route = 'analytics' } }");
  in_turn(state, rules, texts(new_shape, 50'000));
}
BENCHMARK(table_rule_with_a_regular_expression_miss);

}  // namespace
}  // namespace pgswitch::bench
