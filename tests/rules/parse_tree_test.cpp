// stmt.tree: parse trees as values, and the statements that are written from them.
#include "rules/parse_tree.hpp"

#include <random>
#include <string_view>
#include <vector>

#include "tests/rules/engine_fixture.hpp"
#include "tests/rules/query_corpus.hpp"

namespace pgswitch::rules {
namespace {

ParseTree tree_of(std::string_view sql) {
  std::string error;
  const auto tree = read_tree(sql, true, error);
  EXPECT_TRUE(tree) << sql << ": " << error;
  return tree.value_or(ParseTree());
}

constexpr std::string_view merges[] = {
    "merge into a using b on a.x = b.x when matched then delete",
    "with c as (select 1 as x) merge into only s.a as t using c on t.x = c.x when matched and c.x > 1 then update set n = c.x, (m, o) = (select 1, 2) "
    "when matched then do nothing when not matched and c.x < 5 then insert (x, n[1]) overriding user value values (c.x, default) "
    "when not matched then insert default values",
    "merge into a using (select * from b) b (x) on true or false when not matched then insert overriding system value values (b.x, $1) when matched then do nothing",
};

TEST(ParseTree, a_statement_is_written_that_has_the_same_tree) {
  std::vector<std::string_view> all(std::begin(test::queries), std::end(test::queries));
  all.insert(all.end(), std::begin(merges), std::end(merges));
  for (const std::string_view sql : all) {
    std::string error;
    const auto written = write_tree(tree_of(sql), true, error);
    ASSERT_TRUE(written) << sql << ": " << error;
    EXPECT_EQ(write_tree(tree_of(*written), true, error), written) << error;
  }
}

TEST(ParseTree, shows_what_a_statement_is_made_of) {
  const ParseTree tree = tree_of("select s.total as t from sales s where x > -5");
  const ParseTree& select = tree["SelectStmt"];
  EXPECT_EQ(select["target_list"][0]["ResTarget"]["name"], "t");
  EXPECT_EQ(select["target_list"][0]["ResTarget"]["val"]["ColumnRef"]["fields"][1]["String"]["sval"], "total");
  EXPECT_EQ(select["from_clause"][0]["RangeVar"]["alias"]["aliasname"], "s");
  EXPECT_EQ(select["where_clause"]["A_Expr"]["kind"], "AEXPR_OP");
  EXPECT_EQ(select["where_clause"]["A_Expr"]["rexpr"]["A_Const"]["ival"]["ival"], -5);
  EXPECT_FALSE(select.contains("having_clause"));
}

/// All values inside of a value.
void collect(ParseTree& value, std::vector<ParseTree*>& all) {
  all.push_back(&value);
  if (!value.is_structured()) return;
  for (ParseTree& inner : value) collect(inner, all);
}

/// Any change makes another statement or none, and never one with another tree: write_tree() compares them itself.
TEST(ParseTree, any_value_is_written_as_what_it_is_or_refused) {
  std::vector<ParseTree> known;
  for (const std::string_view sql : test::queries) known.push_back(tree_of(sql));
  std::mt19937 random(7);
  std::size_t written = 0, refused = 0;
  for (int round = 0; round < 2000; ++round) {
    ParseTree tree = known[random() % known.size()];
    std::vector<ParseTree*> places, parts;
    collect(tree, places);
    ParseTree other = known[random() % known.size()];
    collect(other, parts);
    ParseTree part = *parts[random() % parts.size()];
    ParseTree& place = *places[random() % places.size()];
    switch (random() % 4) {
      case 0: place = std::move(part); break;
      case 1: place = nullptr; break;
      case 2:
        if (place.is_structured() && !place.empty()) place.erase(place.begin());
        break;
      default:
        if (place.is_object()) place["name"] = "x' -- \"";
        else place = "/* ';";
    }
    std::string error;
    const auto text = write_tree(tree, true, error);
    EXPECT_TRUE(text || !error.empty());
    ++(text ? written : refused);
    if (!text) continue;
    EXPECT_EQ(write_tree(tree_of(*text), true, error), text) << *text;
  }
  EXPECT_GT(written, 100U);
  EXPECT_GT(refused, 500U);
}

TEST(ParseTree, what_is_no_statement_is_refused) {
  const struct {
    ParseTree tree;
    std::string_view says;
  } table[] = {
      {nullptr, "it has no statement"},
      {5, "it has no statement"},
      {tree_of("create table a (x int)"), "a statement is a SelectStmt, InsertStmt, UpdateStmt, DeleteStmt or MergeStmt, not CreateStmt"},
      {tree_of("explain select 1"), "not ExplainStmt"},
      {tree_of("select xmlelement(name x)"), "\"XmlExpr\" as an expression"},
      {tree_of("select 1 into x"), "is not that of a statement"},
      {ParseTree{{"UpdateStmt", {{"relation", {{"relname", "a"}}}}}}, "nothing is assigned"},
  };
  for (const auto& row : table) {
    std::string error;
    EXPECT_FALSE(write_tree(row.tree, true, error)) << row.tree;
    EXPECT_NE(error.find(row.says), std::string::npos) << error;
  }
  std::string error, deep = "1";
  for (int i = 0; i < 600; ++i) deep += " + 1";
  EXPECT_FALSE(write_tree(tree_of("select " + deep), true, error));
  EXPECT_NE(error.find("over the limit depth of parentheses"), std::string::npos) << error;
  EXPECT_FALSE(read_tree("select '" + std::string(20'000, 'x') + "'", true, error));
  EXPECT_EQ(error, "the statement is too long for its tree");
}

using StmtTree = test::EngineTest;

TEST_F(StmtTree, is_read_and_written_by_a_rewrite) {
  ASSERT_TRUE(load(R"(function rewrite(stmt)
    if stmt.kind ~= "select" then return end
    local tree = stmt.tree
    local select = tree.SelectStmt
    select.limit_count = { A_Const = { ival = { ival = 10 } } }
    select.sort_clause = nil
    for _, item in ipairs(select.from_clause) do
      if item.RangeVar then item.RangeVar.schemaname = "archive" end
    end
    stmt.tree = tree
    return stmt
  end)")) << error_;
  EXPECT_EQ(decision("select a, 'it''s' from sales s, t where a > -5 order by a").rewritten,
            "SELECT a, 'it''s' FROM archive.sales AS s, archive.t WHERE (a > (-5)) LIMIT 10");
  EXPECT_EQ(decision("select a from sales where x = $1").rewritten, "SELECT a FROM archive.sales WHERE (x = $1) LIMIT 10");
  EXPECT_FALSE(decision("delete from sales").rewritten);
  EXPECT_TRUE(has(decision("select 1").depends_on, Dependency::text));
}

TEST_F(StmtTree, is_whole_after_it_was_written_for_a_rule_that_goes_on) {
  ASSERT_TRUE(load(R"(rules { { rewrite = function(stmt)
    stmt.tree.SelectStmt.target_list[1] = { ResTarget = { val = { ParamRef = { number = 1 } } } }
    stmt.tree = stmt.tree
    return stmt
  end } })")) << error_;
  EXPECT_EQ(decision("select $1 + 1").rewritten, "SELECT $1");
  EXPECT_NE(decision("select 1").refusal.detail.find("the tree is one of SELECT with 1 parameters, the statement is SELECT with 0"), std::string::npos);
}

TEST_F(StmtTree, what_is_wrong_in_it_is_the_rules_error) {
  const struct {
    const char* change;
    const char* says;
  } table[] = {
      {"stmt.tree = nil", "rules.lua:2: a tree is made of tables"},
      {"stmt.tree = { SelectStmt = { target_list = { 1.5 } } }", "rules.lua:2: a number in a tree is a whole one"},
      {"stmt.tree = { SelectStmt = { target_list = { function() end } } }", "rules.lua:2: a tree is made of tables"},
      {"stmt.tree = { SelectStmt = { [true] = 1 } }", "rules.lua:2: a list in a tree has a hole"},
      {"local t = {} t.x = t stmt.tree = t", "rules.lua:2: the tree is too deep, or holds itself"},
      {"local t = {} for i = 1, 40 do t = { t, t } end stmt.tree = { SelectStmt = t }", "rules.lua:2: the tree is too large"},
      {"stmt.tree = { DeleteStmt = { relation = { relname = 'a', inh = true } } }", "rules.lua:2: the tree is one of DELETE"},
      {"stmt.tree = { SelectStmt = { target_list = { { ResTarget = {} } } } }", "rules.lua:2: the tree cannot be written: an expression is missing"},
      {"stmt.tree = { SelectStmt = { unknown = true } }", "is not that of a statement"},
      {"stmt.text = 'x'", "stmt is read-only, but for stmt.tree"},
      {"stmt:set_limit(5) stmt.tree = stmt.tree", "a statement is given edits or a tree, not both"},
  };
  for (const auto& row : table) {
    ASSERT_TRUE(load("function rewrite(stmt)\n " + std::string(row.change) + "\n return stmt end")) << error_;
    const Decision& made = decision("select 1");
    EXPECT_EQ(made.verb, Decision::Verb::reject) << row.change;
    EXPECT_NE(made.refusal.detail.find(row.says), std::string::npos) << row.change << ": " << made.refusal.detail;
  }
  ASSERT_TRUE(load("function route(stmt) stmt.tree = stmt.tree end")) << error_;
  EXPECT_NE(decision("select 1").refusal.detail.find("a statement is edited in rewrite(stmt, session) only"), std::string::npos);
  ASSERT_TRUE(load("function route(stmt) return stmt.tree end")) << error_;
  EXPECT_NE(decision("selec 1").refusal.detail.find("a statement that is not parsed has no tree"), std::string::npos);
}

}  // namespace
}  // namespace pgswitch::rules
