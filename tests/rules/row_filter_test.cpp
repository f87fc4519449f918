// Row filters: add_filter, and what a strict rule refuses.
#include "tests/rules/tree_editing.hpp"

namespace pgswitch::rules {
namespace {

using RowFilters = test::TreeEditing;
using Case = test::EditCase;
using Verb = Decision::Verb;

TEST_F(RowFilters, add_filter_puts_the_condition_wherever_the_table_is_read_or_changed) {
  constexpr Case cases[] = {
      {"select * from orders", "select * from (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"select * from Orders o where o.id = $1", "select * from (SELECT * FROM Orders WHERE (orders.tenant = 'alice')) o where o.id = $1"},
      {"select * from public.\"orders\" as o (a, b)", "select * from (SELECT * FROM public.\"orders\" WHERE (orders.tenant = 'alice')) as o (a, b)"},
      {"select public.orders.id from public.orders", "select orders.id from (SELECT * FROM public.orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"select * from \"Orders\"", ""},
      {"select * from items", ""},
      {"table orders", "SELECT * FROM (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"select * from only (orders) for update of orders",
       "select * from (SELECT * FROM only (orders) WHERE (orders.tenant = 'alice')) AS orders for update of orders"},
      {"select * from orders * o", "select * from (SELECT * FROM orders * WHERE (orders.tenant = 'alice')) o"},
      {"select 1 from a join orders on true, orders b",
       "select 1 from a join (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders on true, (SELECT * FROM orders WHERE (orders.tenant = 'alice')) b"},
      {"with orders as (table orders) select * from orders",
       "with orders as (SELECT * FROM (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders) select * from orders"},
      {"insert into items select * from orders", "insert into items select * from (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"merge into items i using orders o on o.id = i.id when matched then delete",
       "merge into items i using (SELECT * FROM orders WHERE (orders.tenant = 'alice')) o on o.id = i.id when matched then delete"},
      {"update orders set n = 1", "update orders set n = 1 WHERE (orders.tenant = 'alice')"},
      {"update orders o set n = 1 where a or b returning *", "update orders o set n = 1 where (o.tenant = 'alice') AND (a or b) returning *"},
      {"update only orders as o set n = x.where from x where(a) -- c", "update only orders as o set n = x.where from x where (o.tenant = 'alice') AND ((a)) -- c"},
      {"update orders set n = (select 1 where true) returning id as returning",
       "update orders set n = (select 1 where true) WHERE (orders.tenant = 'alice') returning id as returning"},
      {"delete from orders;", "delete from orders WHERE (orders.tenant = 'alice');"},
      {"delete from orders using orders x where x.id = orders.id",
       "delete from orders using (SELECT * FROM orders WHERE (orders.tenant = 'alice')) x where (orders.tenant = 'alice') AND (x.id = orders.id)"},
      {"delete from a using orders", "delete from a using (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"delete from orders a using orders", "delete from orders a using (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders WHERE (a.tenant = 'alice')"},
      {"with d as (delete from orders where id in (1) returning *) select * from d",
       "with d as (delete from orders where (orders.tenant = 'alice') AND (id in (1)) returning *) select * from d"},
      {"with d as (delete from orders) select 1", "with d as (delete from orders WHERE (orders.tenant = 'alice')) select 1"},
      {"explain analyze select * from orders", "explain analyze select * from (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"prepare p as delete from orders where id = $1", "prepare p as delete from orders where (orders.tenant = 'alice') AND (id = $1)"},
      {"declare c cursor for table orders", "declare c cursor for SELECT * FROM (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"copy (select * from orders) to stdout", "copy (select * from (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders) to stdout"},
      {"create table x as table orders", "create table x as SELECT * FROM (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"execute p (1)", ""},
      {"fetch all from c", ""},
      {"select ctid from orders", "!system column \"ctid\""},
      {"select o.xmin from orders o", "!system column \"xmin\""},
      {"select (select ctid from orders limit 1) from items", "!system column \"ctid\""},
      {"delete from orders where ctid = '(0,1)'", "delete from orders where (orders.tenant = 'alice') AND (ctid = '(0,1)')"},
      {"select items.ctid from items, orders",
       "select items.ctid from items, (SELECT * FROM orders WHERE (orders.tenant = 'alice')) AS orders"},
      {"insert into orders values (1)", "!INSERT INTO \"orders\""},
      {"insert into orders (id) values (1) on conflict (id) do update set n = 1 returning *", "!INSERT INTO \"orders\""},
      {"merge into orders using items i on true when matched then delete", "!MERGE INTO \"orders\""},
      {"update orders set tenant = 'bob'", "!UPDATE of \"tenant\""},
      {"update orders set (n, tenant) = (1, 'bob')", "!UPDATE of \"tenant\""},
      {"delete from orders where current of c", "!WHERE CURRENT OF"},
      {"select * from orders tablesample bernoulli (10)", "!TABLESAMPLE"},
      {"copy orders to stdout", "!on \"orders\", which has a row filter"},
      {"copy orders from stdin", "!on \"orders\", which has a row filter"},
      {"truncate orders", "!on \"orders\", which has a row filter"},
      {"lock orders", "!on \"orders\", which has a row filter"},
      {"create table orders as select 1", "!the creation of \"orders\""},
      {"create view v as table orders", "!CREATE VIEW on \"orders\""},
      {"alter table orders rename to o", "!ALTER TABLE on \"orders\""},
      {"create rule r as on select to items do instead select * from orders", "!CREATE RULE on \"orders\""},
      {"do 'begin end'", "!DO"},
      {"select table_to_xml('orders', true, true, '')", "!table_to_xml()"},
      {"select * from ts_stat('select x from orders')", "!ts_stat()"},
  };
  expect(":add_filter('orders', 'tenant = ?', session.user)", cases);
}

TEST_F(RowFilters, conditions_have_any_expression_and_any_column_of_their_table) {
  constexpr Case cases[] = {
      {"select * from orders o", "select * from (SELECT * FROM orders WHERE (orders.a BETWEEN 1 AND (-2) OR orders.b IS NULL AND f(orders.\"C\", true) > 1.5)) o"},
      {"delete from orders o", "delete from orders o WHERE (o.a BETWEEN 1 AND (-2) OR o.b IS NULL AND f(o.\"C\", true) > 1.5)"},
  };
  expect(":add_filter('orders', 'a BETWEEN ? AND ? OR orders.b IS NULL AND f(\"C\", ?) > ?', 1, -2, true, 1.5)", cases);
  constexpr Case subqueries[] = {
      {"select * from orders o", "select * from (SELECT * FROM orders WHERE (orders.id IN (SELECT x FROM items i WHERE i.y = orders.y))) o"},
      {"delete from orders", "delete from orders WHERE (orders.id IN (SELECT x FROM items i WHERE i.y = orders.y))"},
      {"delete from orders o", "!subquery knows the table as \"orders\""},
  };
  expect(":add_filter('orders', 'id IN (SELECT x FROM items i WHERE i.y = orders.y)')", subqueries);
  constexpr Case two[] = {{"update orders set n = 1 where x", "update orders set n = 1 where (orders.a) AND (orders.b) AND (x)"}};
  expect(":add_filter('orders', 'a'):add_filter('orders', 'b')", two);
  constexpr Case other[] = {{"select * from orders", "!the condition has a column of \"items\""}};
  expect(":add_filter('orders', 'items.a = 1')", other);
  constexpr Case named[] = {{"select * from public.orders", "select * from (SELECT * FROM public.orders WHERE (orders.a)) AS orders"},
                            {"select * from other.orders", ""},
                            {"select * from orders", "!has no schema in front"}};
  expect(":add_filter('public.orders', 'a')", named);
}

TEST_F(RowFilters, values_are_literals_whatever_is_in_them) {
  struct Value {
    std::string_view user, literal;
  };
  constexpr Value table[] = {
      {"alice", "'alice'"},
      {"o'hara", "'o''hara'"},
      {"' OR true --", "''' OR true --'"},
      {"\\' OR 1=1 --", "E'\\\\'' OR 1=1 --'"},
      {"$1", "'$1'"},
      {"?", "'?'"},
      {"", "''"},
      {"m\xc3\xbcller", "'m\xc3\xbcller'"},
  };
  ASSERT_TRUE(load("function rewrite(stmt, session) return stmt:add_filter('t', 'a = ?', session.user) end")) << error_;
  for (const Value& row : table) {
    facts_ = facts_of(std::string(row.user));
    expect("delete from t", "delete from t WHERE (t.a = " + std::string(row.literal) + ")");
    facts_.standard_conforming_strings = false;
    expect("delete from t", "delete from t WHERE (t.a = " + std::string(row.literal) + ")");
  }
  for (const std::string_view bytes : {"\xff", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe9\\"}) {
    facts_ = facts_of(std::string(bytes));
    expect("delete from t", "!cannot be written safely");
  }
  facts_ = facts_of("m\xc3\xbcller");
  expect("delete from t", "delete from t WHERE (t.a = 'm\xc3\xbcller')");
  facts_.ascii_in_characters = true;
  expect("delete from t", "!cannot be written safely");
}

TEST_F(RowFilters, strings_are_read_as_the_session_has_them) {
  ASSERT_TRUE(load("function rewrite(stmt, session) return stmt:add_filter('t', 'a = 1') end")) << error_;
  facts_.standard_conforming_strings = false;
  expect("select '\\' from t', 1 from u where x = ' from t'", "");
  expect("select '\\'' from t", "select '\\'' from (SELECT * FROM t WHERE (t.a = 1)) AS t");
  ASSERT_TRUE(load("function rewrite(stmt, session) return stmt:add_filter('t', [[a = 'x\\y']]) end")) << error_;
  expect("select * from t", "!has a backslash");
  facts_.standard_conforming_strings = true;
  expect("select * from t", "select * from (SELECT * FROM t WHERE (t.a = 'x\\y')) AS t");
}

// ---- strict

constexpr std::string_view strict_rules =
    "rules {\n"
    "  { name = 'admins', when = { user = 'admin' }, pass = true },\n"
    "  { name = 'tenants', when = { database = 'shop' }, strict = true, unfiltered = { 'regions', 'pg_catalog.pg_type' },\n"
    "    rewrite = { add_filter = { orders = 'tenant = $user' } } },\n"
    "}";

TEST_F(RowFilters, a_strict_rule_refuses_what_is_not_proven_to_see_filtered_rows_alone) {
  constexpr Case cases[] = {
      {"select * from orders, regions", "select * from (SELECT * FROM orders WHERE (orders.tenant = 'alice') OFFSET 0) AS orders, regions"},
      {"update orders set n = 1 where f", "update orders set n = 1 where CASE WHEN (orders.tenant = 'alice') THEN (f) ELSE false END"},
      {"delete from orders", "delete from orders WHERE (orders.tenant = 'alice')"},
      {"select 1", ""},
      {"select now(), lower('x'), sum(n) over (), nextval('s') from regions", ""},
      {"select typname from pg_catalog.pg_type", ""},
      {"begin", ""},
      {"commit", ""},
      {"set work_mem = '1MB'", ""},
      {"show search_path", ""},
      {"prepare p as select * from orders where id = $1",
       "prepare p as select * from (SELECT * FROM orders WHERE (orders.tenant = 'alice') OFFSET 0) AS orders where id = $1"},
      {"execute p (1)", ""},
      {"insert into regions values (1)", ""},
      {"copy regions to stdout", ""},
      {"select * from orders_view", "!\"orders_view\" has no row filter"},
      {"select * from orders_2024", "!\"orders_2024\" has no row filter"},
      {"select * from \"Orders\"", "!\"Orders\" has no row filter"},
      {"select * from other.regions", "!\"regions\" has no row filter"},
      {"select typname from pg_type", "!\"pg_type\" has no row filter"},
      {"select * from pg_stats", "!\"pg_stats\" has no row filter"},
      {"with x as (select * from secret) select 1", "!\"secret\" has no row filter"},
      {"select my_function()", "!my_function() may read"},
      {"select public.lower('x')", "!lower() may read"},
      {"select lo_get(1)", "!lo_get() may read"},
      {"select query_to_xml('select * from orders', true, true, '')", "!query_to_xml() reads cannot be seen"},
      {"select dblink('', 'select * from orders')", "!dblink() may read"},
      {"select ('select to_tsvector(x) from secret'::text).ts_stat", "!ts_stat() reads cannot be seen"},
      {"select x.ts_stat from unnest(array['select to_tsvector(x) from secret']) x", "!ts_stat() reads cannot be seen"},
      {"select (1::oid).lo_get", "!lo_get() may read"},
      {"prepare p as select $1.pg_read_file", "!pg_read_file() may read"},
      {"select (r).length, r.name, (r.x).total from regions r", ""},
      {"select pg_relation_size('orders')", "!pg_relation_size() may read"},
      {"select * from pg_prepared_statement()", "!pg_prepared_statement() may read"},
      {"select * from pg_cursor()", "!pg_cursor() may read"},
      {"set debug_print_plan = on", "!SET debug_print_plan may change"},
      {"reset search_path", ""},
      {"reset role", "!SET role may change"},
      {"select set_config('search_path', null, false)", "!SET search_path may change"},
      {"select set_config('search_path', 'x', false)", "!SET search_path may change"},
      {"select set_config(current_user, 'x', false)", "!settings that cannot be seen"},
      {"select pg_read_file('x')", "!pg_read_file() may read"},
      {"select pg_stat_get_activity(null)", "!pg_stat_get_activity() may read"},
      {"set search_path = other", "!SET search_path may change"},
      {"set local search_path = other", "!SET search_path may change"},
      {"set role bob", "!SET role may change"},
      {"set session authorization bob", "!SET session_authorization may change"},
      {"set standard_conforming_strings = off", "!SET standard_conforming_strings may change"},
      {"set row_security = off", "!SET row_security may change"},
      {"do 'begin end'", "!DO"},
      {"call f()", "!CALL"},
      {"create view v as select 1", "!CREATE VIEW cannot be proven"},
      {"create function f() returns int language sql as 'select 1'", "!cannot be seen"},
      {"create temp table orders (id int)", "!CREATE TABLE"},
      {"select * into regions2 from orders", "!\"regions2\" has no row filter"},
      {"copy orders to stdout", "!which has a row filter"},
      {"copy regions from stdin", "!COPY cannot be proven"},
      {"truncate regions", "!TRUNCATE"},
      {"lock regions", "!LOCK"},
      {"explain analyze create materialized view v as select * from secret", "!"},
      {"select top 5 * from orders", "!can be parsed"},
      {"select 'unterminated from orders", "!can be parsed"},
  };
  ASSERT_TRUE(load(strict_rules)) << error_;
  for (const Case& row : cases) expect(row);
  facts_ = facts_of("admin");
  expect("select * from secret", "");
  facts_ = facts_of("alice");
  facts_.standard_conforming_strings = false;
  expect("select * from orders", "!standard_conforming_strings is off");
  facts_.standard_conforming_strings = true;
  facts_.ascii_in_characters = true;
  expect("select * from orders", "!client_encoding");
  for (const char* const way_out : {"set client_encoding = 'UTF8'", "set names 'UTF8'", "reset client_encoding", "reset all", "discard all", "rollback"}) expect(way_out, "");
  expect("set work_mem = '1MB'", "!client_encoding");
}

TEST_F(RowFilters, where_the_client_has_set_its_search_path_a_strict_rule_wants_schemas) {
  ASSERT_TRUE(load("rules { { name = 'r', strict = true, unfiltered = { 'regions', 'public.regions' }, rewrite = { add_filter = { orders = 'a' } } } }")) << error_;
  expect("select * from regions", "");
  facts_.search_path = "other";
  facts_.identity = next_identity();
  expect("select * from regions", "!has set its search_path, and \"regions\" has no schema");
  expect("select * from orders", "!has set its search_path, and \"orders\" has no schema");
  expect("select 1 from public.regions, public.orders", "select 1 from public.regions, (SELECT * FROM public.orders WHERE (orders.a) OFFSET 0) AS orders");
  for (const char* const path : {"other, pg_catalog", "*"}) {
    facts_.search_path = path;
    facts_.identity = next_identity();
    expect("select 1", "!hide what is built in");
    for (const char* const way_out : {"reset search_path", "set search_path to default", "reset all", "discard all", "rollback"}) expect(way_out, "");
  }
  facts_.search_path.clear();
  facts_.identity = next_identity();
  expect("select * from regions", "");
}

/// What a client may bring with its login.
class Brings final : public SessionState {
 public:
  explicit Brings(std::string_view name) : name_(name) {}
  std::optional<std::string> setting(std::string_view name) const override { return name == name_ ? std::optional<std::string>("x") : std::nullopt; }
  const std::vector<WrittenTable>& written() const override { return written_; }
  std::int64_t last_write_us() const override { return 0; }
  std::string pinned_by() const override { return {}; }

 private:
  std::string_view name_;
  std::vector<WrittenTable> written_;
};

TEST_F(RowFilters, a_login_brings_nothing_that_a_strict_rule_refuses_if_that_rule_decides_about_the_session) {
  const auto refused = [&](const std::string& user, const std::string& database, std::string_view setting) {
    Facts facts = facts_of(user);
    facts.database = database;
    const Brings state(setting);
    facts.state = &state;
    const Refusal* const refusal = engine_->connect(facts);
    return refusal != nullptr && refusal->sqlstate == "0A000";
  };
  ASSERT_TRUE(load(strict_rules)) << error_;
  for (const char* const setting : {"replication", "role", "session_authorization"}) {
    EXPECT_TRUE(refused("alice", "shop", setting)) << setting;
    EXPECT_FALSE(refused("admin", "shop", setting)) << setting;
    EXPECT_FALSE(refused("alice", "other", setting)) << setting;
  }
  EXPECT_FALSE(refused("alice", "shop", "work_mem"));
  ASSERT_TRUE(load("rules { { name = 'some', when = { kind = 'select' }, pass = true }, { name = 'strict', strict = true, rewrite = { add_filter = { t = 'a' } } } }"));
  EXPECT_TRUE(refused("alice", "shop", "role"));
  ASSERT_TRUE(load("rules { { name = 'r', when = { user = 'alice' }, rewrite = { add_filter = { t = 'a' } } } }"));
  EXPECT_FALSE(refused("alice", "shop", "role"));
  ASSERT_TRUE(load("function connect(session) if session:setting('replication') then return reject { message = 'no', sqlstate = '0A000' } end end")) << error_;
  EXPECT_TRUE(refused("alice", "shop", "replication"));
  EXPECT_FALSE(refused("alice", "shop", "role"));
}

TEST_F(RowFilters, a_text_over_the_limits_is_refused_by_a_strict_rule) {
  options_.parse_max_bytes = 100;
  ASSERT_TRUE(load(strict_rules)) << error_;
  expect("select * from regions where id in (" + std::string(200, ' ') + "1)", "!can be parsed");
}

TEST_F(RowFilters, errors_in_front_of_a_strict_rule_deny_too) {
  options_.on_error = OnError::use_default;
  ASSERT_TRUE(load("rules { { when = { where = function() error('x') end }, route = 'analytics' },\n"
                   "        { strict = true, rewrite = function(stmt, session) if session.user == 'alice' then return stmt end end } }")) << error_;
  EXPECT_EQ(decision("select 1").verb, Verb::reject);
}

TEST_F(RowFilters, a_function_of_a_strict_rule_returns_stmt) {
  ASSERT_TRUE(load("rules { { strict = true, rewrite = function(stmt, session) if session.user == 'alice' then return stmt end end } }")) << error_;
  expect("select 1", "");
  expect("select * from t", "!\"t\" has no row filter");
  facts_ = facts_of("bob");
  expect("select 1", "!a strict rule returns stmt");
}

TEST_F(RowFilters, a_hook_can_be_strict_too) {
  constexpr Case cases[] = {
      {"select * from orders, regions", "select * from (SELECT * FROM orders WHERE (orders.a = 1) OFFSET 0) AS orders, regions"},
      {"select * from secret", "!\"secret\" has no row filter"},
      {"call f()", "!CALL"},
  };
  expect(":add_filter('orders', 'a = 1'):strict('regions')", cases);
}

}  // namespace
}  // namespace pgswitch::rules
