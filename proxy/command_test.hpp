#pragma once
#include <ostream>
#include <string>
#include <vector>

namespace pgswitch {

struct TestRequest {
  std::string ini_path;
  std::vector<std::string> test_files;
  std::string junit_file;    ///< empty: none is written
  bool coverage = false;     ///< show which lines of the rules ran
  bool allow_unhit = false;  ///< a rule that no test hits is no failure
  bool verbose = false;      ///< name the tests that passed
};

/// `pgswitch test FILE.ini TESTS.lua...`: runs unit tests of the rules, without any server. Returns the exit code: 0 when all passed and
/// every rule was hit, else 1.
int command_test(const TestRequest& request, std::ostream& out, std::ostream& err);

}  // namespace pgswitch
