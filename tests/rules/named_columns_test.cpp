// stmt.columns and stmt.literals.
#include "rules/named_columns.hpp"

#include "rules/text_literals.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

std::string columns_of(std::string_view sql) {
  std::string all;
  for (const NamedColumn& column : named_columns(sql, true)) {
    all += all.empty() ? "" : " ";
    all += column.table.empty() ? column.name : column.table + ":" + column.name;
  }
  return all;
}

struct Case {
  std::string_view sql, seen;
};

TEST(NamedColumns, are_told_with_the_table_where_that_is_sure) {
  constexpr Case cases[] = {
      {"select x, y from a where x > 1", "a:x a:y"},
      {"select b.x, \"Y\", x from s.a b", "s.a:x s.a:Y"},
      {"select p.x, q.x, y from a p, b q", "a:x b:x y"},
      {"select * from a", "a:*"},
      {"select p.*, y from a p join b using (z)", "a:* y z"},
      {"select x from a where exists (select 1 from b where y = a.z)", "a:x y a:z"},
      {"select q.x from (select y from a) q", "a:y x"},
      {"with q as (select y from a) select x from q", "a:y x"},
      {"select x as total from a order by total, z", "a:x a:z"},
      {"select c.orders.id from customers c", "customers:orders"},
      {"select public.a.x from public.a", "public.a:x"},
      {"insert into a (x, y) select z from b", "b:z a:x a:y"},
      {"insert into a (x) values (1) on conflict (x) do update set y = excluded.x returning z", "x z a:x a:y"},
      {"update a set x = y where z", "a:y a:z a:x"},
      {"delete from a using b where a.x = b.y", "a:x b:y"},
      {"merge into a using b on a.x = b.y when matched then update set z = 1 when not matched then insert (w) values (b.v)", "a:x b:y b:v a:z a:w"},
      {"explain select x from a", "a:x"},
      {"select x", "x"},
      {"select 1", ""},
      {"create table a (x int)", ""},
      {"selec x from a", ""},
  };
  for (const Case& row : cases) EXPECT_EQ(columns_of(row.sql), row.seen) << row.sql;
}

TEST(NamedColumns, of_a_very_large_statement_have_no_table) {
  std::string sql = "select x, a1.y from a a0";
  for (int i = 1; i < 1500; ++i) sql += ", a a" + std::to_string(i);
  EXPECT_EQ(columns_of(sql), "x a:y");
  sql += " where true";
  for (int i = 0; i < 800; ++i) sql += " and a5.x = 1";
  EXPECT_EQ(columns_of(sql), "x y");
}

std::string literals_of(std::string_view sql, bool conforming = true) {
  std::string all;
  for (const TextLiteral& literal : text_literals(sql, conforming, true)) {
    all += all.empty() ? "" : ", ";
    all += std::to_string(literal.position) + " " + to_string(literal.type) + " " + literal.value;
  }
  return all;
}

TEST(TextLiterals, have_type_value_and_place) {
  constexpr Case cases[] = {
      {"select 1, -2.5, 'a''b', E'a\\tb'", "8 number 1, 12 number 2.5, 17 string a'b, 25 string a\tb"},
      {"select $$a'b$$, $q$c$q$, N'n', U&'\\0041'", "8 string a'b, 17 string c, 26 string n, 32 string A"},
      {"select B'01', x'1F'", "8 bit b01, 15 bit x1F"},
      {"select true, FALSE, null", "8 boolean true, 14 boolean false, 21 null "},
      {"select x is null, not true from a limit null", "23 boolean true, 41 null "},
      {"select /* 1 */ x::numeric(10, 2) from a order by 1", "27 number 10, 31 number 2, 50 number 1"},
      {"set work_mem = '1MB'", "16 string 1MB"},
      {"select extract(year from x)", ""},
      {"selec 5, 'a', E'b\\n'", "7 number 5, 10 string a, 15 string b\\n"},
      {"select 'a'\n'b'", "8 string ab"},
      {"select 1, 'unterminated", "8 number 1"},
  };
  for (const Case& row : cases) EXPECT_EQ(literals_of(row.sql), row.seen) << row.sql;
  EXPECT_EQ(literals_of(R"(select 'a\'b', 1)", false), "8 string a'b, 16 number 1");
}

using StmtLists = test::EngineTest;

TEST_F(StmtLists, show_columns_and_literals_to_rules) {
  ASSERT_TRUE(load(R"(function route(stmt)
    local seen = {}
    for _, column in ipairs(stmt.columns) do seen[#seen + 1] = tostring(column.table) .. "." .. column.name end
    for _, literal in ipairs(stmt.literals) do
      seen[#seen + 1] = literal.type .. " " .. (math.type(literal.value) or tostring(literal.value)) .. " " .. literal.position
    end
    return reject { message = table.concat(seen, ", ") }
  end)")) << error_;
  EXPECT_EQ(decision("select p.x, y from a p, b where y = 5 or z = 'v' or true or null").refusal.message,
            "a.x, nil.y, nil.z, number integer 37, string v 46, boolean true 53, null nil 61");
}

TEST_F(StmtLists, columns_are_of_the_shape_and_literals_of_the_text) {
  ASSERT_TRUE(load("function route(stmt) log('called') return #stmt.columns == 2 and 'analytics' or nil end")) << error_;
  EXPECT_EQ(route("select x, y from a where x = 1"), "analytics");
  EXPECT_EQ(route("select x, y from a where x = 2"), "analytics");
  EXPECT_EQ(calls(), 1U);
  ASSERT_TRUE(load("function route(stmt) return stmt.literals[1].value == 1 and 'analytics' or nil end")) << error_;
  EXPECT_EQ(route("select x, y from a where x = 1"), "analytics");
  EXPECT_EQ(route("select x, y from a where x = 2"), "");
}

}  // namespace
}  // namespace pgswitch::rules
