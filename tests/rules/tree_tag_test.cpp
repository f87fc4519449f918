// Tags: comments at the end of statements that say who sends them, and why they went where they went.
#include "tests/rules/tree_editing.hpp"

namespace pgswitch::rules {
namespace {

using TreeEditing = test::TreeEditing;
using Case = test::EditCase;

TEST_F(TreeEditing, a_tag_stands_at_the_end) {
  constexpr Case cases[] = {
      {"select 1", "select 1 /*rule='rewrite',user='alice'*/"},
      {"select 1 -- it\n ;; ", "select 1 /*rule='rewrite',user='alice'*/ -- it\n ;; "},
      {"/* one */ insert into t values ($1) /* two */", "/* one */ insert into t values ($1) /*rule='rewrite',user='alice'*/ /* two */"},
      {"copy t from stdin", "copy t from stdin /*rule='rewrite',user='alice'*/"},
      {"create table t (a int)", "create table t (a int) /*rule='rewrite',user='alice'*/"},
      {"begin", "begin /*rule='rewrite',user='alice'*/"},
      {"select top 5 * from t", ""},
  };
  expect(":tag { user = '$user', rule = '$rule' }", cases);
}

TEST_F(TreeEditing, nothing_in_a_tag_can_end_it) {
  ASSERT_TRUE(load("function rewrite(stmt, session) return stmt:tag { ['a b'] = session.application_name, [\"'*/\"] = 'x' } end")) << error_;
  facts_.application_name = "it's */ drop table t; -- \xc3\xa4";
  facts_.identity = next_identity();
  EXPECT_EQ(decision("select 1").rewritten.value_or(""),
            "select 1 /*%27%2A%2F='x',a%20b='it%27s%20%2A%2F%20drop%20table%20t%3B%20--%20%C3%A4'*/");
}

TEST_F(TreeEditing, a_rule_of_the_table_tags_beside_other_edits) {
  ASSERT_TRUE(load("rules { { name = 'bi', when = { tables = 'sales' }, route = 'analytics',\n"
                   "  rewrite = { tag = { rule = '$rule', db = '$database' }, set_limit = 5, replace_table = { sales = 'a.s' } } } }")) << error_;
  EXPECT_EQ(decision("select * from sales").rewritten.value_or(""), "select * from a.s AS sales LIMIT 5 /*db='shop',rule='bi'*/");
  EXPECT_EQ(decision("select * from sales where x = 7").rewritten.value_or(""), "select * from a.s AS sales where x = 7 LIMIT 5 /*db='shop',rule='bi'*/");
  EXPECT_EQ(route("select * from sales"), "analytics");
}

TEST_F(TreeEditing, a_tag_is_remembered_for_each_user) {
  ASSERT_TRUE(load("rules { { rewrite = { tag = { user = '$user' } } } }")) << error_;
  EXPECT_EQ(decision("select 1").rewritten.value_or(""), "select 1 /*user='alice'*/");
  facts_ = facts_of("bob");
  EXPECT_EQ(decision("select 2").rewritten.value_or(""), "select 2 /*user='bob'*/");
}

TEST_F(TreeEditing, a_tag_is_a_table_of_short_strings) {
  for (const char* tag : {"'x'", "{ a = 1 }", "{ a = ('x'):rep(300) }", "{ [''] = 'x' }"}) {
    ASSERT_TRUE(load("function rewrite(stmt) return stmt:tag(" + std::string(tag) + ") end")) << error_;
    EXPECT_EQ(decision("select 1").refusal.sqlstate, "XX000") << tag;
  }
}

}  // namespace
}  // namespace pgswitch::rules
