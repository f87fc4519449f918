#include "proxy/command_test.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "proxy/command_check.hpp"
#include "proxy/config_rules.hpp"
#include "proxy/parser_stack.hpp"
#include "rules/line_coverage.hpp"
#include "rules/rule_test_run.hpp"

namespace pgswitch {
namespace {

/// False and a message on `err` when one of the files does not load.
bool load_tests(const TestRequest& request, const rules::Facts& session, std::ostream& err, std::vector<rules::RuleTest>& tests) {
  const auto log = [&err](std::string_view message) { err << message << '\n'; };
  for (const std::string& file : request.test_files) {
    std::string error;
    auto more = rules::load_rule_tests(file, session, log, error);
    if (!more) return err << error << '\n', false;
    if (more->empty()) return err << file << ": there is no test in it\n", false;
    std::move(more->begin(), more->end(), std::back_inserter(tests));
  }
  return true;
}

bool write_junit(const std::string& path, const std::string& xml, std::ostream& err) {
  std::ofstream file(path, std::ios::binary);
  file << xml;
  file.close();
  if (!file) err << path << ": " << std::strerror(errno) << '\n';
  return !file.fail();
}

int test(const TestRequest& request, std::ostream& out, std::ostream& err) {
  const ConfigPtr config = load_for_command(request.ini_path, err);
  if (!config) return 1;
  if (config->rules_file.empty()) return err << request.ini_path << ": there are no rules to test (rules_file)\n", 1;
  const auto session = session_facts(*config, "app", "");
  if (!session) return err << request.ini_path << ": there is no database in it\n", 1;
  std::vector<rules::RuleTest> tests;
  if (!load_tests(request, *session, err, tests)) return 1;
  rules::LineCoverage coverage;
  rules::EngineOptions options = command_engine_options(*config, err);
  if (request.coverage) options.coverage = &coverage;
  std::string error;
  const auto run = rules::run_rule_tests(std::move(options), std::move(tests), error);
  if (!run) return err << error << '\n', 1;
  if (request.coverage) out << coverage.report();
  out << to_text(*run, !request.allow_unhit, request.verbose);
  if (!request.junit_file.empty() && !write_junit(request.junit_file, to_junit(*run, !request.allow_unhit), err)) return 1;
  return run->failures() > 0 || (!request.allow_unhit && !run->unhit.empty()) ? 1 : 0;
}

}  // namespace

int command_test(const TestRequest& request, std::ostream& out, std::ostream& err) {
  return on_parser_stack([&] { return test(request, out, err); });
}

}  // namespace pgswitch
