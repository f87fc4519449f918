// stmt:where(): the bounds that a statement puts on a column, and days().
#include "rules/column_bounds.hpp"

#include <span>

#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

std::string written(const BoundEnd& end) {
  if (end.state == BoundEnd::State::open) return "";
  return end.state == BoundEnd::State::parameter ? "$" : end.value.text;
}

/// "min..max {values}", "none".
std::string bounds_of(std::string_view sql, std::string_view table = "sales", std::string_view column = "t") {
  const std::optional<ColumnBounds> bounds = column_bounds(sql, true, table, column);
  if (!bounds) return "none";
  std::string text = written(bounds->min) + ".." + written(bounds->max);
  for (const BoundValue& value : bounds->values) text += " " + value.text;
  return text;
}

struct BoundsCase {
  std::string_view condition;
  std::string_view bounds;
};

void expect_all(std::span<const BoundsCase> cases, std::string_view before) {
  for (const BoundsCase& row : cases) {
    const std::string sql = std::string(before) + std::string(row.condition);
    EXPECT_EQ(bounds_of(sql), row.bounds) << sql;
  }
}

TEST(ColumnBounds, comparisons_with_literals_are_bounds) {
  constexpr BoundsCase cases[] = {
      {"t >= 1", "1.."},
      {"t > 1", "1.."},
      {"t < 1", "..1"},
      {"1 <= t", "1.."},
      {"-5 > t", "..-5"},
      {"t = 1.5", "1.5..1.5 1.5"},
      {"'a' = t", "a..a a"},
      {"t = true", "true..true true"},
      {"t between 1 and 2", "1..2"},
      {"t between symmetric 2 and 1", "1..2"},
      {"t between symmetric 'b' and 'a'", "none"},
      {"t between 1 and f(2)", "1.."},
      {"t in (3, 1, 2)", "1..3 3 1 2"},
      {"t in ('eu', 'us')", ".. eu us"},
      {"t in ('eu', f())", "none"},
      {"t in ('eu', null)", "none"},
      {"t = any (array[1, 2])", "1..2 1 2"},
      {"t = any ('{1,2}')", "none"},
      {"\"t\" >= 1 and T < 5", "1..5"},
      {"t >= 1 and t < 5 and t >= 3 and x = 9", "3..5"},
      {"t >= '2024-01-01' and t >= '2024-02-01'", "2024-02-01.."},
      {"t >= '10' and t >= '9'", "10.."},
      {"t in (1, 100) and t < 50", "1..50 1 100"},
  };
  expect_all(cases, "select * from sales where ");
}

TEST(ColumnBounds, what_is_not_understood_is_no_bound) {
  constexpr BoundsCase cases[] = {
      {"t <> 1", "none"},
      {"not (t > 1)", "none"},
      {"t not in (1, 2)", "none"},
      {"t not between 1 and 2", "none"},
      {"t is null", "none"},
      {"t = null", "none"},
      {"t > x", "none"},
      {"t + 1 > 2", "none"},
      {"t::date = '2024-01-01'", "none"},
      {"date_trunc('day', t) > '2024-01-01'", "none"},
      {"t > now() - interval '1 day'", "none"},
      {"t > current_date", "none"},
      {"t like 'a%'", "none"},
      {"(t > 1) is not true", "none"},
      {"(t, x) > (1, 2)", "none"},
      {"t > all (array[1, 2])", "none"},
      {"t <> any (array[1, 2])", "none"},
      {"t operator(other.>) 1", "none"},
      {"case when t > 1 then true else true end", "none"},
      {"t > (select 1)", "none"},
      {"x > 1", "none"},
      {"other.t > 1", "none"},
      {"t[1] > 1", "none"},
      {"(t).a > 1", "none"},
      {"true or t > 1", "none"},
  };
  expect_all(cases, "select * from sales where ");
}

TEST(ColumnBounds, of_several_arms_the_widest_holds) {
  constexpr BoundsCase cases[] = {
      {"t > 5 or t > 3", "3.."},
      {"t > 5 or t < 3", "none"},
      {"t = 5 or t = 3", "3..5 5 3"},
      {"t = 5 or t > 7", "5.."},
      {"t > 5 or x = 1", "none"},
      {"(t > 5 and x = 1) or (t > 3 and t < 9 and x = 2)", "3.."},
      {"(t between 1 and 2) or (t between 8 and 9)", "1..9"},
      {"t > '10' or t > '9'", "none"},
      {"t > '2024-01-01' or t > '2023-12-31 10:00'", "2023-12-31 10:00.."},
      {"t > '2024-01-01' or t > '2023-12-31 10:00+01'", "none"},
      {"t > '1/2/2024' or t > '2023-12-31'", "none"},
      {"t > 5 or t > 5.0", "none"},
      {"t > 1 and (x = 1 or t > 3)", "1.."},
  };
  expect_all(cases, "select * from sales where ");
}

TEST(ColumnBounds, casts_are_seen_through_where_they_keep_the_value) {
  constexpr BoundsCase cases[] = {
      {"t >= date '2024-01-01'", "2024-01-01.."},
      {"t >= '2024-01-01'::date", "2024-01-01.."},
      {"t >= cast('2024-01-01 10:00' as timestamp)", "2024-01-01 10:00.."},
      {"t >= timestamptz '2024-01-01 10:00+02'", "2024-01-01 10:00+02.."},
      {"t >= '2024-01-01 15:00'::date", "2024-01-01.."},
      {"t >= '1/1/2024 15:00'::date", "none"},
      {"t >= '2024-01-01 15:00+02'::timestamp", "none"},
      {"t >= '2024-01-01 15:00:00.6'::timestamp(0)", "none"},
      {"t >= '5'::int", "5.."},
      {"t >= 5.7::int", "none"},
      {"t >= 5.71::numeric(3,1)", "none"},
      {"t >= '5.71'::numeric", "5.71.."},
      {"t = 'abc'::varchar", "abc..abc abc"},
      {"t = 'abc'::varchar(2)", "none"},
      {"t = 'abc'::mytype", "none"},
      {"t > '1 day'::interval", "none"},
  };
  expect_all(cases, "select * from sales where ");
}

TEST(ColumnBounds, parameters_are_ends_without_a_value) {
  constexpr BoundsCase cases[] = {
      {"t >= $1", "$.."},
      {"t between $1 and $2::date", "$..$"},
      {"t = $1", "$..$"},
      {"t = any ($1)", "$..$"},
      {"t in (1, $1)", "$..$"},
      {"t >= $1 and t >= 5", "5.."},
      {"t >= $1 or t >= 5", "$.."},
      {"t >= $1 or x", "none"},
  };
  expect_all(cases, "select * from sales where ");
}

TEST(ColumnBounds, names_are_those_of_the_table_where_it_stands) {
  constexpr BoundsCase cases[] = {
      {"sales", "none"},
      {"sales s where s.t > 1", "1.."},
      {"sales s where sales.t > 1", "none"},
      {"a.sales where a.sales.t > 1", "1.."},
      {"a.sales where b.sales.t > 1", "none"},
      {"a.sales where sales.t > 1", "1.."},
      {"sales, stores where t > 1", "1.."},
      {"sales, stores where stores.t > 1", "none"},
      {"sales s (a, t) where t > 1", "none"},
      {"(sales s join stores on true) as j (a, t) where t > 1", "none"},
      {"sales s join stores x on s.t > 1", "1.."},
      {"sales s left join stores x on s.t > 1", "none"},
      {"stores x left join sales s on s.t > 1", "1.."},
      {"sales s right join stores x on s.t > 1", "1.."},
      {"sales s full join stores x on s.t > 1", "none"},
      {"stores x left join sales s on s.t > 1 where s.t < 5", "1..5"},
      {"(a join sales s on s.t > 1) left join b on s.t > 2", "1.."},
      {"sales tablesample system (1) where t > 1", "1.."},
      {"sales one, sales two where one.t > 1", "none"},
      {"sales one, sales two where one.t > 1 and two.t > 5", "1.."},
      {"a.sales, b.sales where sales.t > 1", "none"},
      {"stores x where exists (select 1 from sales where t > 1 and x.t > 2)", "1.."},
      {"sales s where exists (select 1 from stores where s.t > 1)", "none"},
      {"(select * from sales) q where q.t > 1", "none"},
      {"(select * from sales where t > 1) q", "1.."},
      {"sales where t > 1 union select * from sales where t > 0", "0.."},
      {"sales where t > 1 union select * from sales", "none"},
      {"other where t > 1", "none"},
  };
  expect_all(cases, "select * from ");
}

TEST(ColumnBounds, statements_are_seen_through) {
  EXPECT_EQ(bounds_of("update sales set x = 1 where t > 1"), "1..");
  EXPECT_EQ(bounds_of("update sales s set x = 1 from stores where s.t > 1"), "1..");
  EXPECT_EQ(bounds_of("update stores set x = 1 from sales where sales.t > 1"), "1..");
  EXPECT_EQ(bounds_of("delete from sales where t < 1"), "..1");
  EXPECT_EQ(bounds_of("delete from stores using sales s where s.t < 1"), "..1");
  EXPECT_EQ(bounds_of("delete from sales where current of c"), "none");
  EXPECT_EQ(bounds_of("merge into stores using sales on sales.t > 1 when matched then delete"), "none");
  EXPECT_EQ(bounds_of("insert into sales select * from sales where t > 1"), "1..");
  EXPECT_EQ(bounds_of("insert into sales values (1)"), "none");
  EXPECT_EQ(bounds_of("create table x as select * from sales where t > 1"), "1..");
  EXPECT_EQ(bounds_of("explain analyze select * from sales where t > 1"), "1..");
  EXPECT_EQ(bounds_of("declare c cursor for select * from sales where t > 1"), "1..");
  EXPECT_EQ(bounds_of("copy (select * from sales where t > 1) to stdout"), "1..");
  EXPECT_EQ(bounds_of("copy sales to stdout"), "none");
  EXPECT_EQ(bounds_of("create view v as select * from sales where t > 1"), "none");
  EXPECT_EQ(bounds_of("with sales as (select 1) select * from sales where t > 1"), "none");
  EXPECT_EQ(bounds_of("with q as (select * from sales where t > 1) select * from q"), "1..");
  EXPECT_EQ(bounds_of("select from where"), "none");
}

TEST(ColumnBounds, a_table_is_a_pattern_and_may_be_any_of_the_schema_that_is_not_told) {
  EXPECT_EQ(bounds_of("select * from sales_2024 where t > 1", "sales_*"), "1..");
  EXPECT_EQ(bounds_of("select * from a.sales where t > 1", "a.sales"), "1..");
  EXPECT_EQ(bounds_of("select * from sales where t > 1", "a.sales"), "1..");
  EXPECT_EQ(bounds_of("select * from a.sales s, sales z where s.t > 1", "a.sales"), "none");
  EXPECT_EQ(bounds_of("select * from a.sales s, b.sales z where s.t > 1", "a.sales"), "1..");
}

TEST(ColumnBounds, moments_of_the_iso_form_are_told_apart) {
  EXPECT_EQ(days_between("2024-01-01", "2024-03-01"), 60);
  EXPECT_EQ(days_between("2023-01-01", "2023-03-01"), 59);
  EXPECT_EQ(days_between("1969-12-31", "1970-01-01"), 1);
  EXPECT_EQ(days_between("2024-01-01 00:00", "2024-01-01T12:00:00.000"), 0.5);
  EXPECT_EQ(days_between("2024-01-01 00:00+01", "2024-01-01 00:00:00-01:30"), 2.5 / 24);
  EXPECT_EQ(days_between("20240101", "2024-01-02"), 1);
  for (const char* wrong : {"", "2024", "2024-13-01", "2024-02-30", "2024-1-1", "today", "infinity", "2024-01-01x", "2024-01-01 25:00",
                            "2024-01-01 10", "2024-01-01 10:00+", "2024-01-01 10:00:00.", "0000-01-01", "2024-01-01 00:00Z"}) {
    EXPECT_FALSE(days_between("2024-01-01", wrong)) << wrong;
  }
}

using Where = test::EngineTest;

TEST_F(Where, a_rule_refuses_scans_that_are_too_wide) {
  ASSERT_TRUE(load(R"(rules {{ name = 'wide', reject = 'too wide', when = { reads = 'sales', where = function(stmt)
    local bounds = stmt:where('sales', 'saletime')
    return bounds == nil or days(bounds.min, bounds.max) > 30
  end } }})")) << error_;
  const auto verb = [&](std::string_view sql) { return decision(sql).verb; };
  EXPECT_EQ(verb("select * from sales where saletime between '2024-01-01' and '2024-01-31'"), Decision::Verb::route);
  EXPECT_EQ(verb("select * from sales where saletime between '2024-01-01' and '2024-02-01'"), Decision::Verb::reject);
  EXPECT_EQ(verb("select * from sales where saletime >= '2024-01-01'"), Decision::Verb::reject);
  EXPECT_EQ(verb("select * from sales where saletime >= $1"), Decision::Verb::reject);
  EXPECT_EQ(verb("select * from sales"), Decision::Verb::reject);
  EXPECT_EQ(verb("select * from sales where saletime = '2024-01-01'"), Decision::Verb::route);
  EXPECT_EQ(verb("select * from stores"), Decision::Verb::route);
}

TEST_F(Where, values_are_those_of_lua) {
  ASSERT_TRUE(load(R"(function route(stmt)
    local b = stmt:where('sales', 't')
    if b == nil then return reject { message = 'nil' } end
    local shown = { tostring(b.min), tostring(b.max), tostring(b.min_parameter), tostring(b.max_parameter) }
    for i, value in ipairs(b.values or {}) do shown[i + 4] = math.type(value) or type(value) end
    return reject { message = table.concat(shown, ' ') }
  end)")) << error_;
  const auto told = [&](const std::string& condition) { return decision("select * from sales where " + condition).refusal.message; };
  EXPECT_EQ(told("t in (1, 2.5)"), "1 2.5 nil nil integer float");
  EXPECT_EQ(told("t = 'a'"), "a a nil nil string");
  EXPECT_EQ(told("t = false"), "false false nil nil boolean");
  EXPECT_EQ(told("t > $1 and t < 99999999999999999999"), "nil 1e+20 true nil");
  EXPECT_EQ(told("x"), "nil");
}

TEST_F(Where, a_decision_by_literals_is_one_for_the_text) {
  ASSERT_TRUE(load("function route(stmt) log('called') if stmt:where('sales', 't') then return 'analytics' end end")) << error_;
  EXPECT_EQ(route("select * from sales where t > 1"), "analytics");
  EXPECT_EQ(route("select * from sales where t > 2"), "analytics");
  EXPECT_EQ(route("select * from sales where t > 2"), "analytics");
  EXPECT_EQ(calls(), 2U);
  EXPECT_TRUE(has(decision("select * from sales where t > 1").depends_on, Dependency::text));
}

TEST_F(Where, the_text_is_read_as_the_session_has_it) {
  ASSERT_TRUE(load("function route(stmt) return reject { message = tostring(stmt:where('sales', 't').min) } end")) << error_;
  facts_.standard_conforming_strings = false;
  EXPECT_EQ(decision(R"(select * from sales where t = 'a\'b')").refusal.message, "a'b");
}

TEST_F(Where, what_is_wrong_in_a_call_is_the_rules_error) {
  ASSERT_TRUE(load("function route(stmt) return stmt:where('sales') end")) << error_;
  EXPECT_NE(decision("select 1").refusal.detail.find("the column is a string, not a no value"), std::string::npos);
}

TEST_F(Where, days_are_without_end_where_they_cannot_be_told) {
  ASSERT_TRUE(load(R"(function route(stmt)
    local seen = { days('2024-01-01', '2024-01-31'), days(20240101, 20240102), days('2024-01-02', '2024-01-01'), days('2024-01-01', nil),
                   days('a', 'b'), days({}, 1.5) }
    for i, value in ipairs(seen) do seen[i] = tostring(value) end
    return reject { message = table.concat(seen, ' ') }
  end)")) << error_;
  EXPECT_EQ(decision("select 1").refusal.message, "30.0 1.0 -1.0 inf inf inf");
}

}  // namespace
}  // namespace pgswitch::rules
