#include <nlohmann/json.hpp>

#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using nlohmann::json;

class ExplainJson : public test::EngineTest {
 protected:
  json explain(std::string_view sql) { return json::parse(to_json(engine_->account(sql, facts_))); }
};

TEST_F(ExplainJson, has_the_same_story_under_stable_names) {
  ASSERT_TRUE(load("function route(stmt, session)\n"
                   "  if stmt:touches('analytics.*') and session.user == 'alice' then return 'analytics' end\n"
                   "end\n"));
  const json told = explain("/* report */ SELECT sum(x) FROM analytics.sales LIMIT 5; listen jobs");
  EXPECT_EQ(told["database"], "shop");
  EXPECT_TRUE(told["syntax_error"].is_null());
  ASSERT_EQ(told["statements"].size(), 2u);
  json first = told["statements"][0];
  EXPECT_EQ(first["fingerprint"].get<std::string>().size(), 16u);
  first.erase("fingerprint");
  EXPECT_EQ(first, json::parse(R"({
    "text": "/* report */ SELECT sum(x) FROM analytics.sales LIMIT 5", "kind": "select", "command": "SELECT", "parsed": true, "read_only": true,
    "reads": ["analytics.sales"], "writes": [], "functions": ["sum"], "aggregate": true, "window": false, "group_by": false, "distinct": false,
    "limit": true, "joins": 0, "subquery": false, "for_update": false, "returning": false, "modifying_cte": false, "parameters": 0,
    "redshift_keyword": null, "effects": [], "hints": ["report"],
    "asked": [{"rule": "rules.lua:2 route", "said": "\"analytics\""}], "observed": [],
    "decision": {"verb": "route", "route": "analytics", "own_database": false, "rule": "rules.lua:2 route", "rewritten": null, "limits": null, "fallback": null, "refusal": null, "answer": null},
    "cached": {"by": "text", "depends_on": ["shape", "user"]}})"));
  EXPECT_EQ(told["statements"][1]["effects"], json::array({"LISTEN"}));
  EXPECT_EQ(told["statements"][1]["decision"]["route"], "shop");
  EXPECT_EQ(told["statements"][1]["decision"]["own_database"], true);
}

TEST_F(ExplainJson, tells_refusals_answers_rewrites_and_what_is_observed) {
  ASSERT_TRUE(load("rules { { name = 'trial', mode = 'observe', when = { tables = 'no' }, route = 'dev.1' },\n"
                   "{ name = 'no', when = { tables = 'no' }, reject = { message = 'no', hint = 'ask' } },\n"
                   "{ name = 'told', when = { tables = 'told' }, answer = { columns = { 'a', 'b' }, rows = { { 1 } } } },\n"
                   "{ name = 'old', when = { tables = 'old' }, rewrite = 'select * from new' } }")) << error_;
  const json refused = explain("select * from no")["statements"][0];
  EXPECT_EQ(refused["observed"], json::parse(R"([{"rule": "rules.lua:1 trial", "would": "route dev.1"}])"));
  EXPECT_EQ(refused["decision"]["verb"], "reject");
  EXPECT_TRUE(refused["decision"]["route"].is_null());
  EXPECT_EQ(refused["decision"]["refusal"], json::parse(R"({"sqlstate": "42501", "message": "no", "detail": null, "hint": "ask"})"));
  EXPECT_EQ(explain("select * from told")["statements"][0]["decision"]["answer"], json::parse(R"({"columns": ["a", "b"], "rows": [["1", null]]})"));
  EXPECT_EQ(explain("select * from old")["statements"][0]["decision"]["rewritten"], "select * from new");
}

TEST_F(ExplainJson, is_valid_for_what_does_not_parse_and_is_not_utf8) {
  ASSERT_TRUE(load(""));
  const json told = explain("selec '\xff'");
  EXPECT_TRUE(told["syntax_error"]["message"].get<std::string>().starts_with("syntax error"));
  EXPECT_EQ(told["statements"][0]["kind"], "unparsed");
}

}  // namespace
}  // namespace pgswitch::rules
