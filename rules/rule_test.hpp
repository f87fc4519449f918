#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/facts.hpp"
#include "rules/lua_library.hpp"
#include "rules/route_state.hpp"
#include "rules/shared_store.hpp"

namespace pgswitch::rules {

/// A refusal that a test expects: the parts it names, each as it must be.
struct ExpectedRefusal {
  std::optional<std::string> sqlstate, message, detail, hint;
};

/// What a test expects of one statement, or of a login. What is not set may be anything.
struct Expectation {
  bool pass = false;                        ///< the client's own database, the text as it was; of a login: it may
  std::optional<std::string> route;         ///< name of the route; that of the session's database is the client's own
  std::optional<std::string> text;          ///< what is sent
  std::optional<ExpectedRefusal> reject;
  bool any_answer = false;
  std::optional<Answer> answer;
  std::optional<std::string> rule;          ///< "analytics", "route", "default", or with the place in front of it
  std::optional<std::string> observed;      ///< a rule that only observes and would have decided
};

/// What a test says of its session beside Facts.
struct TestedSession {
  std::optional<double> since_write;  ///< seconds; none: it has written nothing
  std::vector<std::pair<std::string, std::string>> settings;
};

/// A test of rules, as one call of test() says it. A plain value.
struct RuleTest {
  std::string name;
  std::string file;                         ///< "rules_test.lua"
  int line = 0;
  std::optional<std::string> sql;           ///< none: the test is about connect(session)
  Facts session;
  TestedSession state;
  std::optional<int> hour;                  ///< of the local time
  std::vector<std::pair<std::string, RouteState>> routes;          ///< the state of Routes; of others nothing is known
  std::vector<std::pair<std::string, SharedStore::Value>> shared;  ///< what `shared` holds, and nothing else
  std::vector<Expectation> expect;          ///< one for each statement of the text, or one for all
};

/// Loads a file of tests in the sandbox of the rules, where test(name, { ... }) is known; its modules are those of its own folder.
/// `session` is what a test that says nothing else begins with. nullopt and `error` ("rules_test.lua:3: ...") when it does not load.
std::optional<std::vector<RuleTest>> load_rule_tests(const std::string& file, const Facts& session, const std::function<void(std::string_view)>& log,
                                                     std::string& error);

}  // namespace pgswitch::rules
