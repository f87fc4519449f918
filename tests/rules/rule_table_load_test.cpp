#include "rules/lua_lines.hpp"
#include "tests/rules/engine_fixture.hpp"

/// What is wrong in a table of rules is told when the file is loaded, with its place.
namespace pgswitch::rules {
namespace {

using RuleTableLoads = test::EngineTest;

struct Wrong {
  const char* rules;
  const char* says;  ///< beginning of the error
};

constexpr Wrong wrong[] = {
    {"\nrules(5)", "rules.lua:2: bad argument #1 to 'rules' (table expected, got number)"},
    {"rules { name = 'x', pass = true }", "rules.lua:1: rules{} takes a list of rules"},
    {"rules {\n { pass = true, when = { kind = 'select' } },\n 5 }", "rules.lua:3: rule \"rule 2\": a rule is a table, not a number"},
    {"rules {\n\n { name = 'x', rout = 'dev.1' } }", "rules.lua:3: rule \"x\": unknown key 'rout'; a rule has name, mode, when, route,"},
    {"rules { { 'x', route = 'dev.1' } }", "rules.lua:1: rule \"rule 1\": unknown key '1'"},
    {"rules { { name = 5, pass = true } }", "rules.lua:1: rule \"rule 1\": name takes a string, not a number"},
    {"rules { { name = '', pass = true } }", "rules.lua:1: rule \"rule 1\": name takes 1 to 64 characters"},
    {"rules { { name = 'a\\nb', pass = true } }", "rules.lua:1: rule \"rule 1\": name takes 1 to 64 characters"},
    {"rules { { name = 'x' } }", "rules.lua:1: rule \"x\": it has no action: give it route,"},
    {"rules { { name = 'x', route = 'dev.1', reject = 'no' } }", "rules.lua:1: rule \"x\": it has two actions, route and reject"},
    {"rules { { rewrite = 'select 1', pass = true } }", "rules.lua:1: rule \"rule 1\": it has two actions, rewrite and pass"},
    {"rules { { route = 'dev.1', rewrite = 'select 1', pass = true } }", "rules.lua:1: rule \"rule 1\": it has two actions, rewrite and pass"},
    {"rules { { pass = false } }", "rules.lua:1: rule \"rule 1\": pass takes true"},
    {"rules { { route = 'dev.3' } }", "rules.lua:1: rule \"rule 1\": there is no route named \"dev.3\""},
    {"rules { { route = function() end } }", "rules.lua:1: rule \"rule 1\": route takes a string, not a function"},
    {"rules { { route = 'dev.3', rewrite = 'select 1' } }", "rules.lua:1: rule \"rule 1\": there is no route named \"dev.3\""},
    {"rules { { reject = {} } }", "rules.lua:1: rule \"rule 1\": reject{} needs a message"},
    {"rules { { reject = '' } }", "rules.lua:1: rule \"rule 1\": reject needs a message"},
    {"rules { { reject = { message = 'x', sqlsate = 'y' } } }", "rules.lua:1: rule \"rule 1\": reject{} knows message, sqlstate, detail and hint, not 'sqlsate'"},
    {"rules { { reject = 5 } }", "rules.lua:1: rule \"rule 1\": reject takes a message or a table, not a number"},
    {"rules { { answer = { columns = {} } } }", "rules.lua:1: rule \"rule 1\": answer{} needs at least one column"},
    {"rules { { answer = 'x' } }", "rules.lua:1: rule \"rule 1\": answer takes a table, not a string"},
    {"rules { { rewrite = 5 } }", "rules.lua:1: rule \"rule 1\": rewrite takes a function, a table of edits or a text, not a number"},
    {"rules { { rewrite = '' } }", "rules.lua:1: rule \"rule 1\": the rewritten text is empty"},
    {"rules { { rewrite = 'select 1; select 2' } }", "rules.lua:1: rule \"rule 1\": the rewritten text has 2 statements, not one"},
    {"rules { { rewrite = 'selec 1' } }", "rules.lua:1: rule \"rule 1\": the rewritten text does not parse: syntax error"},
    {"rules { { when = 'select', pass = true } }", "rules.lua:1: rule \"rule 1\": when takes a table of conditions, not a string"},
    {"rules { { when = { 'select' }, pass = true } }", "rules.lua:1: rule \"rule 1\": 'when' takes conditions by name"},
    {"rules { { when = { usr = 'x' }, pass = true } }", "rules.lua:1: rule \"rule 1\": unknown condition 'usr'; conditions are kind, parsed,"},
    {"rules { { when = { not_where = 'x' }, pass = true } }", "rules.lua:1: rule \"rule 1\": unknown condition 'not_where'"},
    {"rules { { when = { not_limit = true }, pass = true } }", "rules.lua:1: rule \"rule 1\": unknown condition 'not_limit': write limit = false"},
    {"rules { { when = { limit = 5 }, pass = true } }", "rules.lua:1: rule \"rule 1\": limit takes true or false, not a number"},
    {"rules { { when = { where = 'x' }, pass = true } }", "rules.lua:1: rule \"rule 1\": where takes a function, not a string"},
    {"rules { { when = { user = 5 }, pass = true } }", "rules.lua:1: rule \"rule 1\": user takes a string or a list of strings, not a number"},
    {"rules { { when = { user = {} }, pass = true } }", "rules.lua:1: rule \"rule 1\": user takes a string or a list of strings, and this table"},
    {"rules { { when = { user = { 'a', x = 'b' } }, pass = true } }", "rules.lua:1: rule \"rule 1\": user takes a string or a list of strings, and this table"},
    {"rules { { when = { not_user = { 'a', 5 } }, pass = true } }", "rules.lua:1: rule \"rule 1\": not_user takes a string or a list of strings, not a number"},
    {"rules { { when = { tables = '' }, pass = true } }", "rules.lua:1: rule \"rule 1\": tables: an empty string is never found"},
    {"rules { { when = { tables = 'a\\0' }, pass = true } }", "rules.lua:1: rule \"rule 1\": tables: a string holds a zero byte"},
    {"rules { { when = { kind = 'selct' }, pass = true } }", "rules.lua:1: rule \"rule 1\": kind: there is no kind 'selct'"},
    {"rules { { when = { fingerprint = '12' }, pass = true } }", "rules.lua:1: rule \"rule 1\": fingerprint: '12' is not a fingerprint"},
    {"rules { { when = { client_address = '10.0.0.0/33' }, pass = true } }", "rules.lua:1: rule \"rule 1\": client_address: '10.0.0.0/33' is neither"},
    {"rules { { when = { client_address = '10.0.0.1/8' }, pass = true } }", "rules.lua:1: rule \"rule 1\": client_address: '10.0.0.1/8' is neither"},
    {"rules { { when = { client_address = 'localhost' }, pass = true } }", "rules.lua:1: rule \"rule 1\": client_address: 'localhost' is neither"},
    {"rules { { when = { matches = '(' }, pass = true } }", "rules.lua:1: rule \"rule 1\": matches: the regular expression '(' is wrong: missing )"},
    {"rules { { when = { matches = '((a{100}){100}){10}' }, pass = true } }", "rules.lua:1: rule \"rule 1\": matches: the regular expression '((a{100}"},
    {"rules { { when = { hour = 5 }, pass = true } }", "rules.lua:1: rule \"rule 1\": hour takes two hours of the day"},
    {"rules { { when = { hour = { 5, 25 } }, pass = true } }", "rules.lua:1: rule \"rule 1\": hour takes two hours of the day"},
    {"rules { { when = { hour = { 5, 5 } }, pass = true } }", "rules.lua:1: rule \"rule 1\": hour takes two hours of the day"},
    {"rules { { when = { hour = { '5', '6' } }, pass = true } }", "rules.lua:1: rule \"rule 1\": hour takes two hours of the day"},
    {"rules {\n { name = 'x', when = { kind = 'select' }, pass = true },\n { name = 'x', pass = true } }", "rules.lua:3: rule \"x\": another rule has this name (rules.lua:2)"},
    {"rules {\n { name = 'all', pass = true },\n { name = 'late', when = { kind = 'select' }, pass = true } }",
     "rules.lua:3: rule \"late\": it can never be reached: the rule \"all\" (rules.lua:2) has no 'when'"},
    {"rules { { name = 'all', route = 'analytics' } }\nfunction route() end",
     "rules.lua:2: hook route can never be reached: the rule \"all\" (rules.lua:1) has no 'when'"},
    {"rules { { name = 'all', when = {}, pass = true } }\nrules { { name = 'late', pass = true } }", "rules.lua:2: rule \"late\": it can never be reached"},
    {"local list = {} for i = 1, 10001 do list[i] = { when = { kind = 'select' }, pass = true } end rules(list)", "rules.lua:1: rule \"rule 10001\": there are more than 10000 rules"},
};

TEST_F(RuleTableLoads, tell_what_is_wrong_and_where) {
  for (const Wrong& row : wrong) {
    EXPECT_FALSE(load(row.rules)) << row.rules;
    EXPECT_TRUE(error_.starts_with(row.says)) << row.rules << "\n  says " << error_ << "\n  not  " << row.says;
  }
}

TEST_F(RuleTableLoads, a_text_that_does_not_parse_may_stand_for_one_that_does_not) {
  ASSERT_TRUE(load("rules { { when = { parsed = false }, rewrite = 'select top 5 * from other' } }")) << error_;
  EXPECT_EQ(decision("select top 5 * from sales").rewritten, "select top 5 * from other");
}

TEST_F(RuleTableLoads, what_uses_up_the_budget_of_loading_is_not_caught) {
  EXPECT_FALSE(load("local list = {} for i = 1, 100000 do list[i] = 'x' .. i end\n"
                    "while true do pcall(rules, { { when = { user = list }, route = 'nowhere' } }) end"));
  EXPECT_NE(error_.find("budget is used up"), std::string::npos) << error_;
}

TEST_F(RuleTableLoads, a_rule_that_was_refused_in_a_pcall_leaves_nothing) {
  ASSERT_TRUE(load("pcall(rules, { { name = 'x', when = { user = 'alice', kind = 'selct' }, route = 'dev.1' } })\n"
                   "rules { { name = 'x', when = { user = 'bob' }, route = 'dev.2' } }")) << error_;
  EXPECT_EQ(engine_->rule_stats().size(), 2u);
  EXPECT_EQ(route("select 1"), "");
}

TEST_F(RuleTableLoads, two_hundred_rules_with_every_kind_of_value_load) {
  std::string text = "rules {\n";
  for (int i = 0; i < 200; ++i) {
    text += "  { name = 'r" + std::to_string(i) + "', when = { tables = 't" + std::to_string(i) + "', not_user = { 'a', 'b' } }, route = 'dev.1' },\n";
  }
  ASSERT_TRUE(load(text + "}")) << error_;
  EXPECT_EQ(decision("select * from t199").rule, "rules.lua:201 r199");
}

// ---- lines

struct Lines {
  const char* text;
  int line;
  std::vector<int> lines;
};

TEST(ElementLines, are_those_on_which_each_element_begins) {
  const Lines table[] = {
      {"rules { {}, {} }", 1, {1, 1}},
      {"\nrules {\n {},\n\n {} }", 2, {3, 5}},
      {"rules({\n {},\n {}; \n })", 1, {2, 3}},
      {"local rules = rules rules {\n {} }", 1, {2}},
      {"x = 1 rules {\n -- {},\n --[[ {},\n ]] --[==[ ]] ]==] { a = ',}', b = \"\\\"}\", c = [[ }\n ]], d = function(a, b) return a, b end },\n {} }", 1, {4, 6}},
      {"rules {\n {\n  when = {\n   x = { 1,\n 2 } } },\n f(1,\n 2),\n t[{1,2}] }", 1, {2, 6, 8}},
      {"rules(list)", 1, {}},
      {"r {\n {} }", 1, {}},
      {"rules {\n {}", 1, {}},
      {"rules { 'x\\", 1, {}},
      {"rules { [[ x", 1, {}},
      {"", 7, {}},
  };
  for (const Lines& row : table) EXPECT_EQ(element_lines(row.text, row.line, "rules"), row.lines) << row.text;
}

}  // namespace
}  // namespace pgswitch::rules
