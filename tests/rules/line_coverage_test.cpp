#include "rules/line_coverage.hpp"

#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

TEST(CodeLines, are_those_that_lua_can_run) {
  const std::pair<const char*, std::vector<int>> cases[] = {
      {"", {}},
      {"-- nothing\n\n-- here\n", {}},
      {"local a = 1\nlocal b = 2\n", {1, 2}},
      {"function f(x)\n  if x then\n    return 1\n  else\n    return 2\n  end\nend\n", {1, 2, 3, 5, 7}},
      {"local t = {\n  a = 1,\n  b = f(),\n}\n", {1, 2, 3}},
      {"function outer()\n  return function()\n    return inner\n  end\nend\n", {1, 3, 4, 5}},
      {"local s = [[\ntext\n]]\nreturn 1.5, 7, nil, true, 'x'\n", {3, 4}},
      {"this is no Lua", {}},
  };
  for (const auto& [text, lines] : cases) EXPECT_EQ(code_lines(text), lines) << text;
}

TEST(CodeLines, of_a_long_function_are_found_behind_a_jump_of_lines) {
  std::string text = "local a = 0\n";
  text.append(300, '\n');
  text += "a = a + 1\n";
  for (int i = 0; i < 400; ++i) text += "a = a + 1\n";
  const std::vector<int> lines = code_lines(text);
  ASSERT_EQ(lines.size(), 402u);
  EXPECT_EQ(lines.front(), 1);
  EXPECT_EQ(lines[1], 302);
  EXPECT_EQ(lines.back(), 702);
}

using Coverage = test::EngineTest;

TEST_F(Coverage, marks_the_lines_that_have_run_in_the_file_and_its_modules) {
  LineCoverage coverage;
  options_.coverage = &coverage;
  folder_.write("names.lua", "local names = {}\nfunction names.is_old(name)\n  return name == 'old'\nend\nreturn names\n");
  ASSERT_TRUE(load("local names = require 'names'\nfunction route(stmt)\n  if stmt:touches('sales') then\n    return 'analytics'\n  end\n"
                   "  if names.is_old(stmt.tables[1]) then\n    return 'dev.1'\n  end\nend\n")) << error_;
  decide("select * from sales");
  EXPECT_EQ(coverage.report(),
            "names.lua: 4 of 5 lines have run (80.0 %)\n"
            "+     1  local names = {}\n"
            "+     2  function names.is_old(name)\n"
            "!     3    return name == 'old'\n"
            "+     4  end\n"
            "+     5  return names\n"
            "rules.lua: 5 of 7 lines have run (71.4 %)\n"
            "+     1  local names = require 'names'\n"
            "+     2  function route(stmt)\n"
            "+     3    if stmt:touches('sales') then\n"
            "+     4      return 'analytics'\n"
            "      5    end\n"
            "!     6    if names.is_old(stmt.tables[1]) then\n"
            "!     7      return 'dev.1'\n"
            "      8    end\n"
            "+     9  end\n");
  decide("select * from old");
  EXPECT_EQ(coverage.totals().ran, coverage.totals().lines);
}

}  // namespace
}  // namespace pgswitch::rules
