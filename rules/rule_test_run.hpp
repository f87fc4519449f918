#pragma once
#include <string>
#include <vector>

#include "rules/engine.hpp"
#include "rules/rule_test.hpp"

namespace pgswitch::rules {

/// One thing that is not as a test expects it. Texts may have several lines.
struct Mismatch {
  std::string what;  ///< "route", "text", "reject.sqlstate", ...
  std::string expected;
  std::string got;
};

/// What came of a test: nothing in `mismatches` when all is as expected.
struct RuleTestResult {
  RuleTest test;
  std::vector<Mismatch> mismatches;
  std::string story;  ///< of a failed one: what explain says, empty for a login
};

/// What came of all tests of a rules file.
struct RuleTestRun {
  std::vector<RuleTestResult> results;
  std::vector<std::string> unhit;  ///< rules of the table and hooks that decided nothing in any test: "rules.lua:12 analytics"

  std::size_t failures() const;
};

/// Runs tests against the rules that `options` name, all of them on one engine, as statements of a worker are decided: rules_mode is
/// `enforce` and what a rule does wrong is a refusal, whatever the options say. nullopt and `error` when the rules do not load.
std::optional<RuleTestRun> run_rule_tests(EngineOptions options, std::vector<RuleTest> tests, std::string& error);

/// What a person reads: each failed test with its place, the differences and the story; then what was never hit, then a summary.
/// Without `tell_unhit` rules that were not hit are no failure and are not named. `verbose`: the tests that passed, too.
std::string to_text(const RuleTestRun& run, bool tell_unhit, bool verbose);
/// The same as a JUnit XML file; that every rule was hit is one more test then.
std::string to_junit(const RuleTestRun& run, bool tell_unhit);

}  // namespace pgswitch::rules
