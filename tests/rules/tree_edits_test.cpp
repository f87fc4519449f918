// Edits of the parse tree: what becomes of a statement, and what is refused.
#include "tests/rules/tree_editing.hpp"

namespace pgswitch::rules {
namespace {

using TreeEditing = test::TreeEditing;
using Case = test::EditCase;
using Verb = Decision::Verb;

TEST_F(TreeEditing, replace_table_gives_the_table_another_name_wherever_it_stands) {
  constexpr Case cases[] = {
      {"select * from sales", "select * from archive.sales_old AS sales"},
      {"SELECT  *\n FROM /* the */ Sales -- it\n;", "SELECT  *\n FROM /* the */ archive.sales_old AS sales -- it\n;"},
      {"select * from \"sales\"", "select * from archive.sales_old AS sales"},
      {"select * from U&\"s\\0061les\"", "select * from archive.sales_old AS sales"},
      {"select * from U&\"s!0061les\" UESCAPE '!' s", "select * from archive.sales_old s"},
      {"select * from \"Sales\"", ""},
      {"select 'sales', sales from orders as sales", ""},
      {"select * from sales s where s.id = 1", "select * from archive.sales_old s where s.id = 1"},
      {"select sales.id from sales where sales.id = $1", "select sales.id from archive.sales_old AS sales where sales.id = $1"},
      {"select public.sales.id, public.sales.* from public.sales", "select sales.id, sales.* from archive.sales_old AS sales"},
      {"select \"db\" . public /* x */ . sales.id from public.sales", "select  sales.id from archive.sales_old AS sales"},
      {"select public.sales.id from public.sales s, other", "select public.sales.id from archive.sales_old s, other"},
      {"select a.* from sales a join sales b using (id)", "select a.* from archive.sales_old a join archive.sales_old b using (id)"},
      {"select * from orders, sales, items", "select * from orders, archive.sales_old AS sales, items"},
      {"select * from only sales", "select * from only archive.sales_old AS sales"},
      {"select * from only (sales) x", "select * from only (archive.sales_old) x"},
      {"select * from sales *", "select * from archive.sales_old * AS sales"},
      {"select * from sales tablesample system (10)", "select * from archive.sales_old AS sales tablesample system (10)"},
      {"table sales", "SELECT * FROM archive.sales_old AS sales"},
      {"table only sales order by sales.id", "SELECT * FROM only archive.sales_old AS sales order by sales.id"},
      {"with sales as (select 1) select * from sales", ""},
      {"with sales as (select * from sales) select * from sales", "with sales as (select * from archive.sales_old AS sales) select * from sales"},
      {"with recursive sales as (select * from sales) select * from sales", ""},
      {"with x as (with sales as (select 1) select * from sales) select * from sales",
       "with x as (with sales as (select 1) select * from sales) select * from archive.sales_old AS sales"},
      {"with sales as (select 1) select * from public.sales", "with sales as (select 1) select * from archive.sales_old AS sales"},
      {"with sales as (select 1) insert into sales select * from sales", "with sales as (select 1) insert into archive.sales_old AS sales select * from sales"},
      {"select (select max(id) from sales) from orders where exists (select from sales s where s.id = orders.id)",
       "select (select max(id) from archive.sales_old AS sales) from orders where exists (select from archive.sales_old s where s.id = orders.id)"},
      {"select * from (select * from sales) sales", "select * from (select * from archive.sales_old AS sales) sales"},
      {"select 1 from sales union all select 2 from sales order by 1", "select 1 from archive.sales_old AS sales union all select 2 from archive.sales_old AS sales order by 1"},
      {"select * from orders o, lateral (select * from sales where sales.o = o.id) s",
       "select * from orders o, lateral (select * from archive.sales_old AS sales where sales.o = o.id) s"},
      {"select * from sales for update of sales", "select * from archive.sales_old AS sales for update of sales"},
      {"insert into sales (id) values (1) on conflict (id) do update set n = sales.n + excluded.n returning sales.id",
       "insert into archive.sales_old AS sales (id) values (1) on conflict (id) do update set n = sales.n + excluded.n returning sales.id"},
      {"insert into orders select * from sales", "insert into orders select * from archive.sales_old AS sales"},
      {"insert into orders table sales", "insert into orders SELECT * FROM archive.sales_old AS sales"},
      {"update sales set n = 1 where public.sales.id = 2", "update archive.sales_old AS sales set n = 1 where sales.id = 2"},
      {"update only sales s set n = 1", "update only archive.sales_old s set n = 1"},
      {"update orders set n = s.n from sales s", "update orders set n = s.n from archive.sales_old s"},
      {"delete from sales using sales b", "delete from archive.sales_old AS sales using archive.sales_old b"},
      {"delete from sales returning *", "delete from archive.sales_old AS sales returning *"},
      {"merge into sales using orders o on o.id = sales.id when matched then delete",
       "merge into archive.sales_old AS sales using orders o on o.id = sales.id when matched then delete"},
      {"explain (costs off) select * from sales", "explain (costs off) select * from archive.sales_old AS sales"},
      {"explain analyze delete from sales", "explain analyze delete from archive.sales_old AS sales"},
      {"declare c cursor for select * from sales", "declare c cursor for select * from archive.sales_old AS sales"},
      {"prepare p (int) as select * from sales where id = $1", "prepare p (int) as select * from archive.sales_old AS sales where id = $1"},
      {"copy (select * from sales) to stdout", "copy (select * from archive.sales_old AS sales) to stdout"},
      {"copy sales (id) from stdin", "copy archive.sales_old (id) from stdin"},
      {"copy sales to stdout", "copy archive.sales_old to stdout"},
      {"create table x as select * from sales", "create table x as select * from archive.sales_old AS sales"},
      {"create temp table x as table sales with no data", "create temp table x as SELECT * FROM archive.sales_old AS sales with no data"},
      {"select * into x from sales", "select * into x from archive.sales_old AS sales"},
      {"truncate orders, sales", "truncate orders, archive.sales_old"},
      {"lock table only (sales) in share mode", "lock table only (archive.sales_old) in share mode"},
      {"vacuum analyze sales (id)", "vacuum analyze archive.sales_old (id)"},
      {"select * from xmltable('/a' passing (select x from sales) columns y int)", "select * from xmltable('/a' passing (select x from archive.sales_old AS sales) columns y int)"},
      {"select case when exists (table sales) then 1 else coalesce((select 1 from sales), 2) end, array(select 1 from sales), row(1, (select 1 from sales))",
       "select case when exists (SELECT * FROM archive.sales_old AS sales) then 1 else coalesce((select 1 from archive.sales_old AS sales), 2) end, array(select 1 from "
       "archive.sales_old AS sales), row(1, (select 1 from archive.sales_old AS sales))"},
      {"select sum(x) filter (where x in (select id from sales)) over (partition by (select 1 from sales)) from t",
       "select sum(x) filter (where x in (select id from archive.sales_old AS sales)) over (partition by (select 1 from archive.sales_old AS sales)) from t"},
      {"values ((select 1 from sales))", "values ((select 1 from archive.sales_old AS sales))"},
      {"select 1 limit (select 1 from sales)", "select 1 limit (select 1 from archive.sales_old AS sales)"},
      {"begin", ""},
      {"set search_path = archive", ""},
      {"create table orders (id int)", ""},
      {"create table sales as select 1", "!it creates \"sales\""},
      {"create view v as select * from sales", "!CREATE VIEW on \"sales\" cannot be rewritten"},
      {"create materialized view v as select * from sales", "!CREATE MATERIALIZED VIEW on \"sales\""},
      {"create function f() returns int language sql as 'select 1 from sales'", "!cannot be seen"},
      {"alter table sales add x int", "!ALTER TABLE on \"sales\""},
      {"drop table public.sales", "!DROP TABLE on \"sales\""},
      {"create index on sales (id)", "!CREATE INDEX on \"sales\""},
      {"do $$ begin perform 1 from sales; end $$", "!what runs inside of DO cannot be seen"},
      {"call f()", "!what runs inside of CALL cannot be seen"},
      {"select query_to_xml('select * from sales', true, true, '')", "!query_to_xml() reads cannot be seen"},
      {"select top 5 * from sales", "!can be parsed"},
      {"select * from public.sales, other.sales", "!two tables of one query are called \"sales\""},
      {"select (select public.sales.id from orders sales) from public.sales", "!cannot be told from others"},
  };
  expect(":replace_table('sales', 'archive.sales_old')", cases);
}

TEST_F(TreeEditing, replace_table_needs_no_alias_for_the_same_name_and_takes_schemas_as_they_are_written) {
  constexpr Case same[] = {
      {"select public.sales.id, sales.n from public.sales", "select sales.id, sales.n from archive.sales"},
      {"table sales", "table archive.sales"},
      {"select * from other.sales", "select * from archive.sales"},
  };
  expect(":replace_table('sales', 'archive.sales')", same);
  constexpr Case qualified[] = {
      {"select * from public.sales", "select * from \"Ärger\".\"select\" AS sales"},
      {"select * from other.sales", ""},
      {"select * from sales", "!\"sales\" has no schema in front"},
      {"with sales as (select 1) select * from sales", ""},
  };
  expect(":replace_table('public.sales', 'Ärger.select')", qualified);
  constexpr Case swapped[] = {{"select * from a, b", "select * from b AS a, a AS b"}};
  expect(":replace_table('a', 'b'):replace_table('b', 'a')", swapped);
}

TEST_F(TreeEditing, replace_schema_and_replace_function_rename_what_is_written_with_them) {
  constexpr Case schemas[] = {
      {"select s.t.id, s.f(1)::s.kind, t.s, 's.t' from s.t join s.u on s.u.id = t.s", "select n.t.id, n.f(1)::n.kind, t.s, 's.t' from n.t join n.u on n.u.id = t.s"},
      {"insert into \"s\".t default values", "insert into n.t default values"},
      {"update s.t set x = 1", "update n.t set x = 1"},
      {"select * from t where s.id = 1", ""},
      {"create table s.t (id int)", "!CREATE TABLE on \"s.*\""},
  };
  expect(":replace_schema('s', 'n')", schemas);
  constexpr Case functions[] = {
      {"select old(1), x.old(old(2)) filter (where true) from old", "select util.fresh(1), util.fresh(util.fresh(2)) filter (where true) from old"},
      {"select * from old(1) o", "select * from util.fresh(1) o"},
      {"create index on t (old(a))", "!CREATE INDEX with the function \"old\""},
      {"call old()", "!cannot be seen"},
  };
  expect(":replace_function('old', 'util.fresh')", functions);
  constexpr Case words[] = {{"select substring('abc' from 2)", "!is called by words of SQL"}, {"select substring('abc', 2)", "select mine('abc', 2)"}};
  expect(":replace_function('substring', 'mine')", words);
}

TEST_F(TreeEditing, set_limit_adds_or_lowers_the_limit_of_the_outermost_query) {
  constexpr Case cases[] = {
      {"select * from t -- all\n;", "select * from t LIMIT 100 -- all\n;"},
      {"select * from t limit 5", "select * from t limit least(5, 100::bigint)"},
      {"select * from t limit $1 + 1 offset 3", "select * from t limit least($1 + 1, 100::bigint) offset 3"},
      {"select * from t offset 3", "select * from t offset 3 LIMIT 100"},
      {"select * from t limit all", "select * from t limit 100"},
      {"select * from t limit null for update", "select * from t limit 100 for update"},
      {"select * from t for update", "select * from t for update LIMIT 100"},
      {"select * from t fetch first 5 rows only", "select * from t fetch first least(5, 100::bigint) rows only"},
      {"select * from t order by x fetch next (2 + 3) row with ties", "select * from t order by x fetch next least((2 + 3), 100::bigint) row with ties"},
      {"select * from t fetch first row only", ""},
      {"select * from (select * from t limit 5) x", "select * from (select * from t limit 5) x LIMIT 100"},
      {"(select 1) union (select 2 limit 1)", "(select 1) union (select 2 limit 1) LIMIT 100"},
      {"values (1), (2)", "values (1), (2) LIMIT 100"},
      {"table t", "table t LIMIT 100"},
      {"with t as (select 1 limit 1) select * from t", "with t as (select 1 limit 1) select * from t LIMIT 100"},
      {"explain select * from t", "explain select * from t LIMIT 100"},
      {"declare c cursor with hold for select * from t", "declare c cursor with hold for select * from t LIMIT 100"},
      {"copy (select * from t) to stdout", "copy (select * from t LIMIT 100) to stdout"},
      {"prepare p as select * from t", "prepare p as select * from t LIMIT 100"},
      {"insert into t select * from u", ""},
      {"delete from t", ""},
      {"create table x as select 1", "!a LIMIT for CREATE TABLE AS"},
      {"(select 1 limit 500)", "!LIMIT of the query stands cannot be told"},
      {"select top 5 * from t", "!can be parsed"},
  };
  expect(":set_limit(100)", cases);
}

TEST_F(TreeEditing, drop_hint_takes_comments_out_of_the_statement) {
  constexpr Case cases[] = {
      {"/* pgswitch: route=x */ select 1 /* pgswitch is good */", "  select 1 /* pgswitch is good */"},
      {"select/*pgswitch: a*/1 -- pgswitch: b\n+ 2", "select 1  \n+ 2"},
      {"select '/* pgswitch: x */'", ""},
  };
  expect(":drop_hint()", cases);
  constexpr Case patterns[] = {{"select /*+ HashJoin(a b) */ 1", "select   1"}};
  expect(":drop_hint('+*')", patterns);
}

TEST_F(TreeEditing, rename_column_renames_where_it_is_sure_whose_the_column_is) {
  constexpr Case cases[] = {
      {"select total from orders where total > 1 order by total", "select total_cents AS total from orders where total_cents > 1 order by total"},
      {"select o.total as x, total + 1 from orders o group by total", "select o.total_cents as x, total_cents + 1 from orders o group by total_cents"},
      {"select o.total, i.total from orders o join items i on o.id = i.id", "select o.total_cents AS total, i.total from orders o join items i on o.id = i.id"},
      {"select public.orders.total from public.orders", "select public.orders.total_cents AS total from public.orders"},
      {"select (select o.total from items i) from orders o", "select (select o.total_cents AS total from items i) from orders o"},
      {"select total from items", ""},
      {"insert into orders (id, total) values (1, 2) returning total", "insert into orders (id, total_cents) values (1, 2) returning total_cents AS total"},
      {"insert into orders as o (total) values (1) on conflict (id) do update set total = o.total + excluded.total",
       "insert into orders as o (total_cents) values (1) on conflict (id) do update set total_cents = o.total_cents + excluded.total_cents"},
      {"update orders set total = 1 where total = 2", "update orders set total_cents = 1 where total_cents = 2"},
      {"delete from orders where total = 2", "delete from orders where total_cents = 2"},
      {"select id from orders order by total", "select id from orders order by total_cents"},
      {"select * from orders", "!a star stands for it"},
      {"select o.* from orders o", "!a star stands for it"},
      {"select count(*) from orders", ""},
      {"select o from orders o", "!a whole row holds it"},
      {"select total from orders, items", "!another table could have it too"},
      {"select (select total from items) from orders", "!another table could have it too"},
      {"select total::int from orders", "!an output column is called by it"},
      {"select 1 from orders natural join items", "!NATURAL JOIN"},
      {"select 1 from orders join items using (total)", "!JOIN USING"},
      {"select o.a from orders o (a, b)", "!other names for its columns"},
      {"select x as total_cents from orders order by total", "!ORDER BY would mean another column"},
  };
  expect(":rename_column('orders', 'total', 'total_cents')", cases);
}

TEST_F(TreeEditing, edits_are_made_together_in_one_pass) {
  constexpr Case cases[] = {
      {"select /* pgswitch: x */ public.sales.id from public.sales, s.items where f(items.id)",
       "select   sales.id from (SELECT * FROM archive.sales WHERE (sales.tenant = 'alice')) AS sales, n.items where g(items.id) LIMIT 10"},
      {"table sales", "SELECT * FROM (SELECT * FROM archive.sales WHERE (sales.tenant = 'alice')) AS sales LIMIT 10"},
      {"delete from sales", "delete from archive.sales WHERE (sales.tenant = 'alice')"},
  };
  expect(":replace_table('sales', 'archive.sales'):add_filter('sales', 'tenant = ?', session.user):replace_schema('s', 'n'):replace_function('f', 'g')"
         ":set_limit(10):drop_hint()",
         cases);
}

TEST_F(TreeEditing, statements_made_to_take_long_are_refused) {
  ASSERT_TRUE(load("function rewrite(stmt) return stmt:replace_table('t', 'x'):rename_column('t', 'c', 'd'):replace_schema('s', 'n') end")) << error_;
  const auto repeated = [](std::string_view head, std::string_view part, std::size_t count) {
    std::string sql(head);
    for (std::size_t i = 0; i < count; ++i) sql.append(i == 0 ? "" : ",").append(part).append(std::to_string(i));
    return sql;
  };
  expect(repeated("select 1 from ", "t a", 6000), "!too large to be edited");
  expect(repeated("select 1 from ", "t a", 600), "!too often");
  expect(repeated("select ", "s.t.c", 4000) + repeated(" from ", "o a", 1500), "!too large to be edited");
  std::string sent = repeated("select ", "s.o.c", 5000);
  const std::string sql = sent + " from s.o";
  for (std::size_t at = 0; (at = sent.find("s.o.", at)) != std::string::npos;) sent[at] = 'n';
  expect(sql, sent + " from n.o");
}

// ---- the rules

TEST_F(TreeEditing, a_table_of_rules_has_edits_as_data) {
  ASSERT_TRUE(load("rules { { name = 'archive', route = 'analytics', rewrite = { replace_table = { sales = 'archive.sales' },\n"
                   "  add_filter = { orders = 'tenant = $user AND db = $database' }, set_limit = 5, rename_column = { items = { a = 'b' } } } } }")) << error_;
  expect("select * from sales, orders", "select * from archive.sales, (SELECT * FROM orders WHERE (orders.tenant = 'alice' AND orders.db = 'shop')) AS orders LIMIT 5");
  EXPECT_EQ(route("select a from items"), "analytics");
  expect("select a from items", "select b AS a from items LIMIT 5");
  EXPECT_EQ(route("begin"), "analytics");
  expect("begin", "");
}

TEST_F(TreeEditing, wrong_edits_are_told_with_the_line_of_the_rule) {
  struct Wrong {
    std::string_view rule, error;
  };
  constexpr Wrong table[] = {
      {"rewrite = {}", "rewrite has no edit in it"},
      {"rewrite = { replace_tables = {} }", "unknown edit 'replace_tables'"},
      {"rewrite = { replace_table = 'x' }", "replace_table takes a table"},
      {"rewrite = { replace_table = { ['a.*'] = 'b' } }", "is no name of a table"},
      {"rewrite = { replace_table = { ['a.b.c'] = 'b' } }", "is no name of a table"},
      {"rewrite = { replace_schema = { a = 'b.c' } }", "is no name of a schema"},
      {"rewrite = { set_limit = 0 }", "a limit is 1 or more"},
      {"rewrite = { set_limit = 1.5 }", "a limit is a whole number"},
      {"rewrite = { add_filter = { t = 'a = ?' } }", "has 1 places for values (?), and is given 0 values"},
      {"rewrite = { add_filter = { t = 'a = $who' } }", "it knows $user, $database"},
      {"rewrite = { add_filter = { t = 'a = $1' } }", "has a parameter in it"},
      {"rewrite = { add_filter = { t = 'a = 1 --' } }", "has a comment in it"},
      {"rewrite = { add_filter = { t = 'a = 1; drop table x' } }", "is not one expression"},
      {"rewrite = { add_filter = { t = 'a = 1) or (true' } }", "is no expression"},
      {"rewrite = { add_filter = { t = 'a = 1 order by 1' } }", "is not one expression"},
      {"rewrite = { add_filter = { t = 'a = 1 union select 2' } }", "is not one expression"},
      {"rewrite = { add_filter = { t = '' } }", "is no expression"},
      {"rewrite = { add_filter = { t = 'a = ''x' } }", "does not end"},
      {"rewrite = { add_filter = { t = 's.t.a = 1' } }", "more than a table in front"},
      {"strict = true, route = 'analytics'", "strict belongs to a rewrite by edits"},
      {"strict = true, rewrite = 'select 1'", "strict belongs to a rewrite by edits"},
      {"strict = true, when = { kind = 'select' }, rewrite = { set_limit = 1 }", "a strict rule is for all statements"},
      {"unfiltered = 't', rewrite = { set_limit = 1 }", "unfiltered belongs to strict"},
      {"strict = true, unfiltered = { 'a*' }, rewrite = { set_limit = 1 }", "is no name of a table"},
  };
  for (const Wrong& row : table) {
    std::string rule(row.rule);
    for (std::size_t at; (at = rule.find("''x")) != std::string::npos;) rule.replace(at, 3, "\\'x");
    EXPECT_FALSE(load("rules {\n  { name = 'wrong', " + rule + " } }")) << rule;
    EXPECT_NE(error_.find("rules.lua:2: rule \"wrong\""), std::string::npos) << error_;
    EXPECT_NE(error_.find(row.error), std::string::npos) << error_;
  }
}

TEST_F(TreeEditing, what_a_hook_does_wrong_with_edits_is_an_error) {
  struct Wrong {
    std::string_view rules, error;
  };
  constexpr Wrong table[] = {
      {"function route(stmt) stmt:set_limit(1) end", "in rewrite(stmt, session) only"},
      {"function route(stmt) return stmt end", "a hook returns nil, a string"},
      {"function rewrite(stmt) stmt:set_limit(1) end", "return stmt"},
      {"function rewrite(stmt) stmt:set_limit(1) return 'select 2' end", "return stmt"},
      {"function rewrite(stmt) return stmt.set_limit(1) end", "with a colon"},
      {"function rewrite(stmt) return stmt:add_filter('t', 'a = ?') end", "is given 0 values"},
      {"function rewrite(stmt) return stmt:add_filter('t', 'a = ?', nil) end", "value 1 of the filter is a nil"},
      {"function rewrite(stmt) return stmt:add_filter('t', 'a = ?', {}) end", "value 1 of the filter is a table"},
      {"function rewrite(stmt) return stmt:add_filter('t', 'a = ?', 0/0) end", "no finite number"},
      {"function rewrite(stmt) return stmt:add_filter('t', 'a = ?', 'a\\0b') end", "holds a zero byte"},
      {"function rewrite(stmt) return stmt:replace_table('a', 'b'):replace_table('a', 'c') end", "is replaced twice"},
      {"function rewrite(stmt) return stmt:replace_table('a') end", "the new name is a string"},
      {"rules { { when = { where = function(stmt) stmt:set_limit(1) end }, route = 'analytics' } }", "in rewrite(stmt, session) only"},
  };
  for (const Wrong& row : table) {
    ASSERT_TRUE(load(row.rules)) << error_;
    const Decision& made = decision("select * from t");
    EXPECT_EQ(made.verb, Verb::reject) << row.rules;
    EXPECT_NE(made.refusal.detail.find(row.error), std::string::npos) << row.rules << ": " << made.refusal.detail;
  }
}

TEST_F(TreeEditing, an_edit_that_cannot_be_made_is_refused_whatever_rules_on_error_says) {
  options_.on_error = OnError::use_default;
  constexpr Case cases[] = {{"alter table sales add x int", "!cannot be rewritten"}};
  expect(":replace_table('sales', 'x')", cases);
  EXPECT_EQ(engine_->rule_stats().back().errors, 1u);
  EXPECT_EQ(logged_.size(), 1u);
}

TEST_F(TreeEditing, a_statement_that_rewrite_returned_is_not_rewritten_by_the_other_hook) {
  ASSERT_TRUE(load("function rewrite(stmt) if stmt:touches('t') then return stmt end end\n"
                   "function rewrite_query(username, query, in_transaction) return query .. ' limit 1' end")) << error_;
  expect("select * from t", "");
  expect("select * from u", "select * from u limit 1");
}

TEST_F(TreeEditing, each_statement_of_a_string_is_edited_by_itself) {
  ASSERT_TRUE(load("function rewrite(stmt) return stmt:replace_table('sales', 'x') end")) << error_;
  const Script& script = decide("select 1; select * from sales; /* c */ select 2 from sales -- end");
  ASSERT_EQ(script.items.size(), 3u);
  EXPECT_FALSE(script.items[0].decision->rewritten);
  EXPECT_EQ(script.items[1].decision->rewritten, "select * from x AS sales");
  EXPECT_EQ(script.items[2].decision->rewritten, "/* c */ select 2 from x AS sales -- end");
}

TEST_F(TreeEditing, statements_of_one_shape_share_the_edits_and_are_not_asked_about_again) {
  ASSERT_TRUE(load("function rewrite(stmt, session) log('called') return stmt:replace_table('sales', 'x'):add_filter('orders', 'tenant = ?', session.user):set_limit(7) end"))
      << error_;
  expect("select 1, 'a' from sales", "select 1, 'a' from x AS sales LIMIT 7");
  expect(" SELECT  22,\n'long''er' FROM sales ", " SELECT  22,\n'long''er' FROM x AS sales LIMIT 7 ");
  expect("select 1, 'a' from sales", "select 1, 'a' from x AS sales LIMIT 7");
  EXPECT_EQ(calls(), 1u);
  expect("delete from orders where id = 1", "delete from orders where (orders.tenant = 'alice') AND (id = 1)");
  expect("delete from orders where id = 200", "delete from orders where (orders.tenant = 'alice') AND (id = 200)");
  facts_ = facts_of("bob");
  expect("delete from orders where id = 3", "delete from orders where (orders.tenant = 'bob') AND (id = 3)");
  EXPECT_EQ(calls(), 3u);
  const PositionMap& positions = decision("delete from orders where id = 44").positions;
  EXPECT_EQ(positions.original(60), 31u);  // 44
  EXPECT_EQ(positions.original(30), 26u);  // in the condition
}

}  // namespace
}  // namespace pgswitch::rules
