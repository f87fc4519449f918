// functions{} and super_columns{}: what a rules file says that no statement tells.
#include "rules/declarations.hpp"

#include "rules/analyze.hpp"
#include "tests/rules/engine_fixture.hpp"

namespace pgswitch::rules {
namespace {

using Declared = test::EngineTest;

struct DeclarationCase {
  const char* sql;
  bool read_only;
};

TEST_F(Declared, functions_that_do_not_write_leave_a_query_read_only) {
  ASSERT_TRUE(load(R"(functions { read_only = { "app.report", "fmt_*", "*.pure" }, writing = "fmt_log*" }
    functions { read_only = "pg_*", writing = { "app.fmt_audit", "lower" } }
    function route(stmt) if stmt.read_only then return "analytics" end end)")) << error_;
  constexpr DeclarationCase cases[] = {
      {"select app.report(1)", true},
      {"select report(1)", false},
      {"select other.report(1)", false},
      {"select fmt_date(1)", true},
      {"select app.fmt_date(1)", true},
      {"select fmt_logged(1)", false},
      {"select app.fmt_audit(1)", false},
      {"select fmt_audit(1)", false},
      {"select other.fmt_audit(1)", true},
      {"select x.pure(1)", true},
      {"select upper('a')", true},
      {"select lower('a')", false},
      {"select nextval('s')", false},
      {"select pg_advisory_lock(1)", false},
      {"select pg_own(1)", true},
      {"select unknown(1)", false},
      {"select * from app.report(1) r, fmt_all()", true},
      {"insert into t select app.report(1)", false},
  };
  for (const DeclarationCase& row : cases) EXPECT_EQ(route(row.sql) == "analytics", row.read_only) << row.sql;
}

TEST_F(Declared, explain_knows_of_them) {
  ASSERT_TRUE(load("functions { read_only = 'report' }")) << error_;
  EXPECT_NE(engine_->explain("select report()", facts_).find("read only  yes"), std::string::npos) << engine_->explain("select report()", facts_);
}

struct Tables {
  const char* sql;
  const char* reads;
};

TEST_F(Declared, columns_of_super_are_no_tables) {
  ASSERT_TRUE(load(R"(super_columns { customers = { "orders", "visits" }, ["lake.*"] = "items" }
    function route(stmt) return reject { message = table.concat(stmt.reads, " ") } end)")) << error_;
  constexpr Tables cases[] = {
      {"select * from customers c, c.orders o", "customers"},
      {"select * from customers c, c.orders o, o.lines l, l.parts", "customers"},
      {"select * from customers, customers.orders", "customers"},
      {"select * from s.customers c left join c.visits v on true", "s.customers"},
      {"select * from customers c, c.secrets o", "customers c.secrets"},
      {"select * from others c, c.orders o", "others c.orders"},
      {"select * from c.orders o, customers c", "c.orders customers"},
      {"select * from lake.x a, a.items", "lake.x"},
      {"select * from x a, a.items", "x a.items"},
      {"select * from (select 1 from customers c) q, c.orders", "customers c.orders"},
      {"select * from customers c where exists (select 1 from c.orders)", "customers"},
      {"with customers as (select 1) select * from customers c, c.orders", "c.orders"},
  };
  for (const Tables& row : cases) EXPECT_EQ(decision(row.sql).refusal.message, row.reads) << row.sql;
}

TEST_F(Declared, without_a_word_of_them_they_are_tables) {
  const StatementPtr statement = analyze("select * from customers c, c.orders o").statements.front().statement;
  EXPECT_EQ(statement->reads, (std::vector<TableName>{{"", "customers"}, {"c", "orders"}}));
}

TEST_F(Declared, what_is_wrong_is_told_when_the_file_loads) {
  const struct {
    const char* text;
    const char* says;
  } table[] = {
      {"functions { readonly = 'a' }", "rules.lua:1: functions{} takes read_only and writing"},
      {"functions { read_only = { 1 } }", "rules.lua:1: the name of a function is a string, not a number"},
      {"functions { read_only = '' }", "rules.lua:1: the name of a function is empty"},
      {"functions 'a'", "bad argument #1 to 'functions' (table expected, got string)"},
      {"super_columns { 'a' }", "rules.lua:1: the name of a table is a string, not a number"},
      {"super_columns { a = true }", "rules.lua:1: the name of a column is a string, not a boolean"},
  };
  for (const auto& row : table) {
    EXPECT_FALSE(load(row.text)) << row.text;
    EXPECT_NE(error_.find(row.says), std::string::npos) << row.text << ": " << error_;
  }
  ASSERT_TRUE(load("function route(stmt) functions { read_only = 'a' } end")) << error_;
  EXPECT_NE(decision("select 1").refusal.detail.find("functions{} works only while the rules file is loaded"), std::string::npos);
}

}  // namespace
}  // namespace pgswitch::rules
