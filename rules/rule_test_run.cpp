#include "rules/rule_test_run.hpp"

#include <algorithm>
#include <ctime>

#include "rules/route_names.hpp"

namespace pgswitch::rules {

namespace {

constexpr std::int64_t one_second_us = 1'000'000;

/// Some day's hour in the time zone of the process, in µs since 1970.
std::int64_t at_hour(int hour) {
  std::tm day{};
  day.tm_year = 2026 - 1900;
  day.tm_mon = 0;
  day.tm_mday = 15;
  day.tm_hour = hour;
  day.tm_isdst = -1;
  return static_cast<std::int64_t>(std::mktime(&day)) * one_second_us;
}

std::string in_words(const Refusal& refusal) { return "refused: " + refusal.sqlstate + " " + refusal.message + (refusal.detail.empty() ? "" : "\n" + refusal.detail); }

std::string in_words(const Answer& answer) {
  std::string words;
  for (const std::string& column : answer.columns) words.append(words.empty() ? "" : " | ").append(column);
  for (const auto& row : answer.rows) {
    words += '\n';
    for (std::size_t i = 0; i < row.size(); ++i) words.append(i == 0 ? "" : " | ").append(row[i].value_or("NULL"));
  }
  return words;
}

/// A statement as it was decided, beside what is expected of it.
class Comparison {
 public:
  Comparison(const RuleTest& test, std::string prefix, std::vector<Mismatch>& out) : session_(test.session), prefix_(std::move(prefix)), out_(out) {}

  void statement(const Expectation& expect, const Decision& decision, std::string_view text) {
    const std::string route = route_of(decision);
    if (expect.pass) pass(decision, route);
    if (expect.route) differ("route", *expect.route, route);
    if (expect.text) differ("text", *expect.text, sent(decision, text));
    if (expect.reject) reject(*expect.reject, decision, route);
    if (expect.any_answer && decision.verb != Decision::Verb::answer) add("answer", "rows of a rule", route);
    if (expect.answer) answer(*expect.answer, decision, route);
    if (expect.rule && !names(decision.rule, *expect.rule)) add("rule", *expect.rule, decision.rule);
    if (expect.observed) observed(*expect.observed, decision);
  }

  void login(const Expectation& expect, const Refusal* refusal) {
    const std::string got = refusal != nullptr ? in_words(*refusal) : "may log in";
    if (expect.pass && refusal != nullptr) add("login", "may log in", got);
    if (expect.reject && refusal == nullptr) add("login", "refused", got);
    if (expect.reject && refusal != nullptr) parts(*expect.reject, *refusal);
    if (expect.route || expect.text || expect.answer || expect.any_answer || expect.rule || expect.observed) {
      add("expect", "pass or reject, as without sql it is a login", "something else");
    }
  }

 private:
  /// The name of a route, or what else became of the statement.
  std::string route_of(const Decision& decision) const {
    if (decision.verb == Decision::Verb::reject) return in_words(decision.refusal);
    if (decision.verb == Decision::Verb::answer) return "answered by a rule";
    return decision.route != no_route ? route_name(decision.route) : session_.database;
  }
  static std::string sent(const Decision& decision, std::string_view text) {
    if (decision.verb == Decision::Verb::reject) return in_words(decision.refusal);
    if (decision.verb == Decision::Verb::answer) return "answered by a rule";
    return decision.rewritten.value_or(std::string(text));
  }
  /// Does "rules.lua:12 analytics, rules.lua:30 rewrite" name the rule, with or without its place?
  static bool names(const std::string& rules, const std::string& rule) {
    const std::string all = " " + rules + ",";
    return all.find(" " + rule + ",") != std::string::npos;
  }

  void add(const std::string& what, const std::string& expected, const std::string& got) { out_.push_back({prefix_ + what, expected, got}); }
  void differ(const std::string& what, const std::string& expected, const std::string& got) {
    if (expected != got) add(what, expected, got);
  }
  void pass(const Decision& decision, const std::string& route) {
    differ("route", session_.database, route);
    if (decision.rewritten) add("text", "as it was", *decision.rewritten);
  }
  void parts(const ExpectedRefusal& expect, const Refusal& refusal) {
    if (expect.sqlstate) differ("reject.sqlstate", *expect.sqlstate, refusal.sqlstate);
    if (expect.message) differ("reject.message", *expect.message, refusal.message);
    if (expect.detail) differ("reject.detail", *expect.detail, refusal.detail);
    if (expect.hint) differ("reject.hint", *expect.hint, refusal.hint);
  }
  void reject(const ExpectedRefusal& expect, const Decision& decision, const std::string& route) {
    if (decision.verb != Decision::Verb::reject) return add("reject", expect.message.value_or("refused"), route);
    const bool failed = decision.refusal.sqlstate == "XX000" && expect.sqlstate != "XX000";
    if (failed) add("reject", "refused by a rule", in_words(decision.refusal));
    parts(expect, decision.refusal);
  }
  void answer(const Answer& expect, const Decision& decision, const std::string& route) {
    if (decision.verb != Decision::Verb::answer) return add("answer", in_words(expect), route);
    differ("answer", in_words(expect), in_words(decision.answer));
  }
  void observed(const std::string& rule, const Decision& decision) {
    std::string all;
    for (const Observation& one : decision.observed) all.append(all.empty() ? "" : ", ").append(one.rule);
    if (!names(all, rule)) add("observed", rule, all.empty() ? "nothing" : all);
  }

  const Facts& session_;
  std::string prefix_;
  std::vector<Mismatch>& out_;
};

/// Far enough from the beginning for a write before it; no whole second, as clocks have it.
constexpr std::int64_t now_us = 1'000'000'500'000;

/// The session of a test.
class TestedState : public SessionState {
 public:
  explicit TestedState(const TestedSession& about) : about_(about) {}
  std::optional<std::string> setting(std::string_view name) const override {
    for (const auto& [known, value] : about_.settings)
      if (known == name) return value;
    return std::nullopt;
  }
  const std::vector<WrittenTable>& written() const override { return written_; }
  std::int64_t last_write_us() const override {
    return about_.since_write ? now_us - static_cast<std::int64_t>(*about_.since_write * one_second_us) : 0;
  }
  std::string pinned_by() const override { return {}; }

 private:
  const TestedSession& about_;
  std::vector<WrittenTable> written_;
};

/// One engine with the hour and the counters of all tests.
class Runner {
 public:
  bool load(EngineOptions options, std::string& error) {
    options.mode = RulesMode::enforce;
    options.on_error = OnError::reject;
    options.unix_us = [this] { return unix_us_; };
    options.now_us = [] { return now_us; };
    options.route_state = [this](RouteId route) { return state_of(route); };
    options.shared = shared_;
    routes_ = options.routes;
    engine_ = Engine::create(std::move(options), 1, error);
    return engine_ != nullptr;
  }

  RuleTestResult run(RuleTest test) {
    RuleTestResult result{std::move(test), {}, {}};
    RuleTest& asked = result.test;
    unix_us_ = at_hour(asked.hour.value_or(12));
    for (const auto& [name, route] : routes_)
      if (name == asked.session.database) asked.session.default_route = route;
    prepare(asked, result.mismatches);
    const TestedState state(asked.state);
    asked.session.state = &state;
    judge(result);
    asked.session.state = nullptr;
    return result;
  }

  std::vector<std::string> unhit() const {
    std::vector<std::string> names;
    const auto& stats = engine_->rule_stats();
    for (std::size_t i = 1; i < stats.size(); ++i) {
      if (stats[i].hits + stats[i].observed == 0) names.push_back(stats[i].rule);
    }
    return names;
  }

 private:
  void judge(RuleTestResult& result) {
    const RuleTest& asked = result.test;
    if (!asked.sql) return Comparison(asked, "", result.mismatches).login(asked.expect.front(), engine_->connect(asked.session));
    compare(asked, result.mismatches);
    if (result.mismatches.empty()) return;
    fill_shared(asked);
    result.story = engine_->explain(*asked.sql, asked.session);
  }
  void compare(const RuleTest& test, std::vector<Mismatch>& out) {
    const ScriptPtr script = engine_->decide(*test.sql, test.session);
    const std::size_t count = script->items.size();
    if (test.expect.size() > 1 && test.expect.size() != count) {
      out.push_back({"statements", std::to_string(test.expect.size()), std::to_string(count)});
      return;
    }
    for (std::size_t i = 0; i < count; ++i) {
      const ScriptItem& item = script->items[i];
      const std::string_view text = std::string_view(*test.sql).substr(item.begin, item.size);
      Comparison(test, count > 1 ? "statement " + std::to_string(i + 1) + ": " : "", out)
          .statement(test.expect[test.expect.size() > 1 ? i : 0], *item.decision, text);
    }
  }

  /// The test's states of routes and its `shared`, in the place of those of the test before.
  void prepare(const RuleTest& test, std::vector<Mismatch>& out) {
    states_.clear();
    for (const auto& [name, state] : test.routes) {
      const auto known = std::find_if(routes_.begin(), routes_.end(), [&wanted = name](const auto& route) { return route.first == wanted; });
      if (known == routes_.end()) out.push_back({"routes", "a route of the configuration", name});
      else states_.emplace_back(known->second, state);
    }
    fill_shared(test);
  }
  void fill_shared(const RuleTest& test) {
    shared_->clear();
    for (const auto& [key, value] : test.shared) shared_->set(key, SharedStore::Value(value), now_us, INT64_MAX);
  }
  const RouteState* state_of(RouteId route) const {
    const auto known = std::find_if(states_.begin(), states_.end(), [route](const auto& state) { return state.first == route; });
    return known != states_.end() ? &known->second : nullptr;
  }

  std::vector<std::pair<std::string, RouteId>> routes_;
  std::vector<std::pair<RouteId, RouteState>> states_;
  std::shared_ptr<SharedStore> shared_ = std::make_shared<SharedStore>();
  std::unique_ptr<Engine> engine_;
  std::int64_t unix_us_ = 0;
};

}  // namespace

std::size_t RuleTestRun::failures() const {
  return static_cast<std::size_t>(std::count_if(results.begin(), results.end(), [](const RuleTestResult& one) { return !one.mismatches.empty(); }));
}

std::optional<RuleTestRun> run_rule_tests(EngineOptions options, std::vector<RuleTest> tests, std::string& error) {
  Runner runner;
  if (!runner.load(std::move(options), error)) return std::nullopt;
  RuleTestRun run;
  for (RuleTest& test : tests) run.results.push_back(runner.run(std::move(test)));
  run.unhit = runner.unhit();
  return run;
}

}  // namespace pgswitch::rules
