// stmt:has_shape() and the condition `shape`: one statement, however it is spelled.
#include "rules/query_shape.hpp"

#include <span>

#include "rules/analyze.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

bool is_one(std::string_view shape, std::string_view sql) {
  std::string error;
  const auto compiled = QueryShape::compile(shape, error);
  EXPECT_NE(compiled, nullptr) << shape << ": " << error;
  const StatementPtr statement = analyze(sql).statements.front().statement;
  EXPECT_TRUE(statement->parsed) << sql;
  return compiled && compiled->may_match(*statement) && compiled->matches(sql, true);
}

constexpr std::string_view by_store =
    "SELECT storename, sum(total) FROM sales JOIN store USING (storeid) WHERE day > '2024-01-01' GROUP BY storename ORDER BY storename LIMIT 10";

TEST(QueryShape, is_the_statement_in_any_spelling) {
  constexpr std::string_view spellings[] = {
      "select storename,sum(total)from sales join store using(storeid)where day>'x'group by storename order by storename limit 5",
      "select \"storename\", SUM(Total) from \"sales\" inner join store using (storeid) where (day > '') group by storename order by storename asc limit 99 -- c",
      "/* a */ select storename, sum(total) from sales as s join store as t using (storeid) where day > E'x' group by storename order by storename fetch first 5 rows only",
      "select t.storename, sum(s.total) from sales s join store t using (storeid) where s.day > '1' group by t.storename order by t.storename limit 1",
      "select store.storename, sum(sales.total) from sales join store using (storeid) where sales.day > $$x$$ group by storename order by store.storename limit 1",
      "select storename, sum(store.total) from sales x join store using (storeid) where day > '1' group by store.storename order by storename limit -1;",
  };
  for (const std::string_view sql : spellings) EXPECT_TRUE(is_one(by_store, sql)) << sql;
}

TEST(QueryShape, is_no_other_statement) {
  constexpr std::string_view others[] = {
      "select storename, sum(total) from sales2 join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, sum(total) from a.sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, sum(total) from store join sales using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, sum(total) from sales left join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid, day) where day > '' group by storename order by storename limit 5",
      "select sum(total), storename from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, sum(total) as total from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, sum(distinct total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, avg(total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select distinct storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day >= '' group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where not day > '' group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > 5 group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > $1 group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > null group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > '' and true group by storename order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > '' group by storename, day order by storename limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by storename desc limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by day limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by 1 limit 5",
      "select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5 offset 1",
      "select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by storename",
      "select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5 for update",
      "select \"Storename\", sum(total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "explain select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
      "with x as (select 1) select storename, sum(total) from sales join store using (storeid) where day > '' group by storename order by storename limit 5",
  };
  for (const std::string_view sql : others) EXPECT_FALSE(is_one(by_store, sql)) << sql;
}

struct Pair {
  std::string_view one, other;
  bool same;
};

TEST(QueryShape, columns_are_the_same_where_they_must_be) {
  constexpr Pair pairs[] = {
      {"select a.x, b.x from a, b", "select b.x, a.x from a, b", false},
      {"select a.x, b.x from a, b", "select p.x, q.x from a p, b q", true},
      {"select p.x from a p, a q", "select q.x from a p, a q", false},
      {"select p.x from a p, a q", "select q.x from a q, a p", true},
      {"select p.x from a p, b q", "select p.x from a q, b p", false},
      {"select s.* from sales s", "select * from sales", true},
      {"select s.* from sales s, t", "select * from sales, t", false},
      {"select s.*, t.* from s, t", "select t.*, s.* from s, t", false},
      {"select s from sales s", "select s from sales", false},
      {"select s from sales s", "select x from sales x", false},
      {"select (s).x from sales s", "select (s).x from s sales, t s", false},
      {"select 1 from a full join b using (x) where x > 1", "select 1 from a full join b using (x) where a.x > 1", false},
      {"select 1 from a full join b using (x) where y > 1", "select 1 from a full join b using (x) where a.y > 1", true},
      {"select 1 from a natural join b where y > 1", "select 1 from a natural join b where a.y > 1", false},
      {"select 1 from a where exists (select 1 from b where x = 1)", "select 1 from a where exists (select 1 from b where b.x = 1)", true},
      {"select 1 from a where exists (select 1 from b where x = 1)", "select 1 from a where exists (select 1 from b where a.x = 1)", false},
      {"select 1 from a where exists (select 1 from b where a.x = b.x)", "select 1 from a p where exists (select 1 from b q where p.x = q.x)", true},
      {"select 1 from a where exists (select 1 from b where a.x = b.x)", "select 1 from a q where exists (select 1 from b p where p.x = q.x)", false},
      {"select lower(x) as x from a order by x", "select lower(x) as x from a order by a.x", false},
      {"select lower(x) as x from a order by x", "select lower(a.x) as x from a order by x", true},
      {"select x from a order by x", "select a.x from a order by a.x", true},
      {"select a.x from a, b order by x", "select a.x from a, b order by b.x", false},
      {"select a.x from a, b order by x", "select a.x from a, b order by a.x", true},
      {"select a.* from a, b order by x", "select a.* from a, b order by b.x", false},
      {"select a.y as x from a order by x", "select a.y as x from a order by a.x", false},
      {"select a.y as x from a order by x", "select y as x from a order by x", true},
      {"select distinct on (x) lower(x) as x from a", "select distinct on (a.x) lower(x) as x from a", false},
      {"select lower(x) as x from a group by x", "select lower(x) as x from a group by a.x", true},
      {"select q.x from (select x from a) q", "select z.x from (select b.x from a b) as z", true},
      {"select q.x from (select x from a) q (x)", "select q.x from (select x from a) q (y)", false},
      {"select q.x from (select x from a) q, b r", "select q.x from (select x from a) r, b q", false},
      {"select public.a.x from public.a", "select x from public.a", true},
      {"select public.a.x from public.a", "select a.x from public.a", true},
      {"select x from a union select y from b order by x", "select p.x from a p union select b.y from b order by x", true},
      {"select x from a union select y from b", "select x from a union all select y from b", false},
      {"select x from a tablesample system (1)", "select x from a tablesample bernoulli (1)", false},
      {"select x from only a", "select x from a", false},
  };
  for (const Pair& row : pairs) {
    EXPECT_EQ(is_one(row.one, row.other), row.same) << row.one << " | " << row.other;
    EXPECT_EQ(is_one(row.other, row.one), row.same) << row.other << " | " << row.one;
    EXPECT_TRUE(is_one(row.one, row.one)) << row.one;
  }
}

TEST(QueryShape, literals_are_the_same_where_they_are_values) {
  constexpr Pair pairs[] = {
      {"select 1", "select -2.5e3", true},
      {"select 1", "select '1'", false},
      {"select x from a where x = 1", "select x from a where x = - 1", true},
      {"select x from a where x = 1", "select x from a where x = - y", false},
      {"select x from a where x in (1, 2)", "select x from a where x in (3, 4)", true},
      {"select x from a where x in (1, 2)", "select x from a where x in (3, 4, 5)", false},
      {"select x from a where x = true", "select x from a where x = false", false},
      {"select extract(year from x) from a", "select extract(month from x) from a", false},
      {"select extract('year' from x) from a", "select extract('month' from x) from a", true},
      {"select extract('year' from x) from a", "select extract(year from x) from a", false},
      {"select x from a order by 1", "select x from a order by 2", false},
      {"select x from a group by 1", "select x from a group by 2", false},
      {"select x from a group by rollup (1)", "select x from a group by rollup (2)", false},
      {"select x::numeric(10, 2) from a", "select x::numeric(10, 3) from a", false},
      {"select date '2024-01-01'", "select '2024-01-02'::date", true},
      {"select interval '1' day", "select interval '1' year", false},
      {"select x from a where x = 'a \"location\":5'", "select x from a where x = 'b'", true},
      {"select \"location\":: int from \"\"\"location\"\":5\"", "select \"location\":: int from \"\"\"location\"\":6\"", false},
      {"insert into a (x) values (1), (2)", "insert into a (x) values (5), (6)", true},
      {"insert into a (x) values (1), (2)", "insert into a (y) values (1), (2)", false},
      {"insert into a values (1)", "insert into a values (default)", false},
      {"update a set x = 1 where y = 2", "update a b set x = 5 where b.y = 9", true},
      {"update a set x = 1 where y = 2", "update a set y = 1 where x = 2", false},
      {"delete from a where y = 2", "delete from a z where z.y = 3", true},
      {"delete from a where y = $1", "delete from a where y = $2", false},
      {"merge into a using b on a.x = b.x when matched then delete", "merge into a p using b q on p.x = q.x when matched then delete", true},
      {"merge into a using b on a.x = b.x when matched then delete", "merge into a using b on a.x = b.x when matched then do nothing", false},
      {"select cast(x as int), a <> b from t", "select x::integer, a != b from t", true},
  };
  for (const Pair& row : pairs) {
    EXPECT_EQ(is_one(row.one, row.other), row.same) << row.one << " | " << row.other;
    EXPECT_EQ(is_one(row.other, row.one), row.same) << row.other << " | " << row.one;
  }
}

TEST(QueryShape, what_cannot_be_compared_is_none) {
  constexpr Pair wrong[] = {
      {"select from where", "the shape does not parse: syntax error", false},
      {"select 1; select 2", "a shape is one statement, not 2", false},
      {"create table a (x int)", "a shape is one SELECT, INSERT, UPDATE, DELETE or MERGE", false},
      {"", "a shape is one SELECT", false},
      {"select z.x from a", "it cannot be told whose column \"x\" is", false},
      {"select a.x from s.a, t.a", "it cannot be told whose column \"x\" is", false},
      {"select x::numeric(10, -2) from a", "a negative scale cannot be compared", false},
      {"select x from a for update of a", "FOR UPDATE OF cannot be compared", false},
  };
  for (const Pair& row : wrong) {
    std::string error;
    EXPECT_EQ(QueryShape::compile(row.one, error), nullptr) << row.one;
    EXPECT_NE(error.find(row.other), std::string::npos) << row.one << ": " << error;
  }
}

using Shapes = test::EngineTest;

TEST_F(Shapes, rules_and_hooks_match_by_them) {
  ASSERT_TRUE(load(R"(rules {
    { name = "summary", when = { shape = "SELECT day, sum(total) FROM sales WHERE day > '2024-01-01' GROUP BY day" }, rewrite = "SELECT day, total FROM sales_by_day" },
    { name = "one", when = { shape = { "SELECT * FROM a WHERE id = $1", "SELECT * FROM b WHERE id = $1" } }, rewrite = "SELECT * FROM ab WHERE id = $1" } }
  function route(stmt) if stmt:has_shape("select 1 from c", "select 1 from d") then return "analytics" end end)")) << error_;
  EXPECT_EQ(decision("select s.day, sum(s.total) from sales s where s.day > 'x' group by s.day").rewritten, "SELECT day, total FROM sales_by_day");
  EXPECT_FALSE(decision("select s.day, sum(s.total) from sales s where s.day < 'x' group by s.day").rewritten);
  EXPECT_EQ(decision("select * from b where b.id = $1").rewritten, "SELECT * FROM ab WHERE id = $1");
  EXPECT_EQ(route("select 2 from d x"), "analytics");
  EXPECT_EQ(route("select 2 from e x"), "");
}

TEST_F(Shapes, are_found_by_tables_of_any_name) {
  ASSERT_TRUE(load(R"(rules { { when = { shape = { 'select 1 from "a.b"', 'select 1 from "*"', 'select 1' } }, route = "analytics" } })")) << error_;
  for (const char* sql : {"select 2 from \"a.b\"", "select 2 from \"*\"", "select 2"}) EXPECT_EQ(route(sql), "analytics") << sql;
  EXPECT_EQ(route("select 2 from b"), "");
}

TEST_F(Shapes, a_match_holds_for_all_texts_of_the_shape_if_literals_do_not_count) {
  ASSERT_TRUE(load("function route(stmt) log('called') if stmt:has_shape('select x from a where y = 1') then return 'analytics' end end")) << error_;
  EXPECT_EQ(route("select x from a z where y = 5"), "analytics");
  EXPECT_EQ(route("select x from a z where y = 6"), "analytics");
  EXPECT_EQ(calls(), 1U);
  ASSERT_TRUE(load("function route(stmt) log('called') if stmt:has_shape('select x, y from a order by 1') then return 'analytics' end end")) << error_;
  EXPECT_EQ(route("select x, y from a order by 2"), "");
  EXPECT_EQ(route("select x, y from a order by 1"), "analytics");
  EXPECT_EQ(route("select x from b order by 1"), "");
}

TEST_F(Shapes, what_is_wrong_in_one_is_told_when_the_file_loads) {
  EXPECT_FALSE(load("rules {\n { name = 'a', when = { shape = 'select from where' }, pass = true } }"));
  EXPECT_NE(error_.find("rules.lua:2: rule \"a\": shape: the shape does not parse: syntax error"), std::string::npos) << error_;
  EXPECT_FALSE(load("rules { { name = 'a', when = { shape = 'select $1' }, rewrite = 'select 1' } }"));
  EXPECT_NE(error_.find("the rewritten text has 0 parameters, the shape has 1"), std::string::npos) << error_;
  EXPECT_FALSE(load("rules { { when = { shape = { 'select $1', 'select 1' } }, pass = true } }"));
  EXPECT_NE(error_.find("the shapes have different numbers of parameters"), std::string::npos) << error_;
  ASSERT_TRUE(load("function route(stmt)\n return stmt:has_shape('select from where') and nil end")) << error_;
  EXPECT_NE(decision("select 1").refusal.detail.find("rules.lua:2: the shape does not parse"), std::string::npos);
}

}  // namespace
}  // namespace pgswitch::rules
