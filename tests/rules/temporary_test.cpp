#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "rules/analyze.hpp"

namespace pgswitch::rules {
namespace {

Effects effects_of(const std::string& sql) { return analyze(sql).statements.at(0).statement->effects; }

TEST(Temporary, is_what_is_created_in_pg_temp_of_whatever_kind) {
  for (const char* sql : {"CREATE TABLE pg_temp.x (a int)",
                          "CREATE TABLE pg_temp_3.x (a int)",
                          "CREATE TYPE pg_temp.x AS (a int)",
                          "CREATE TYPE pg_temp.x AS ENUM ('a')",
                          "CREATE DOMAIN \"pg_temp\".x AS int",
                          "CREATE DOMAIN U&\"pg\\005ftemp\".x AS int",
                          "CREATE FUNCTION PG_TEMP.x() RETURNS int LANGUAGE sql AS 'select 1'",
                          "CREATE AGGREGATE pg_temp /**/ . x (int) (sfunc = int4pl, stype = int)",
                          "CREATE OPERATOR pg_temp.+ (leftarg = int, function = f)",
                          "CREATE SEQUENCE pg_temp.x",
                          "CREATE VIEW pg_temp.x AS SELECT 1",
                          "CREATE COLLATION pg_temp.x FROM \"C\"",
                          "ALTER TABLE x SET SCHEMA pg_temp",
                          "ALTER FUNCTION x() SET SCHEMA pg_temp",
                          "ALTER TYPE x SET SCHEMA pg_temp",
                          "EXPLAIN ANALYZE CREATE TABLE pg_temp.x AS SELECT 1",
                          "SELECT 1 AS a INTO pg_temp.x"})
    EXPECT_TRUE(has(effects_of(sql), Effect::temp_table)) << sql;
}

TEST(Temporary, is_what_may_be_created_where_the_search_path_has_pg_temp) {
  for (const char* sql : {"SET search_path TO pg_temp", "SET search_path TO public, \"pg_temp\"", "SET LOCAL search_path = 'PG_TEMP'", "SET SCHEMA 'pg_temp'",
                          "SELECT set_config('search_path', 'a, pg_temp', false)", "SELECT set_config('Search_Path', 'pg_temp', true)",
                          "SET search_path TO U&\"pg\\005ftemp\""})
    EXPECT_TRUE(has(effects_of(sql), Effect::temp_table)) << sql;
}

TEST(Temporary, is_a_table_of_redshift_whose_name_begins_with_a_number_sign) {
  for (const char* sql : {"create table #t (i int)", "create table #t as select 1 a", "create table if not exists #t (i int)", "create table \"#t\" (i int)",
                          "select 1 as i into #t", "with x as (select 1 i) select i into #t from x", "select top 1 id into #t from sales",
                          "select id into table #t from sales", "select id into \"#t\" from sales", "create table \"#t\" distkey(a) as select 1 a"})
    EXPECT_TRUE(has(effects_of(sql), Effect::temp_table)) << sql;
  EXPECT_FALSE(has(effects_of("SELECT 5 # 3, '#t' FROM x"), Effect::temp_table));
}

TEST(Temporary, is_nothing_else) {
  for (const char* sql : {"CREATE TABLE x (a text DEFAULT 'pg_temp.x')", "CREATE TABLE x (a int) -- pg_temp.x", "SET search_path TO public",
                          "SET application_name TO 'pg_temp'", "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = a, pg_temp AS 'select 1'",
                          "SELECT * FROM pg_temp.x", "CREATE TABLE x (temp int)", "SELECT temp FROM t"})
    EXPECT_FALSE(has(effects_of(sql), Effect::temp_table)) << sql;
}

// Where the words have to do, each of them may be what makes it so.
TEST(Temporary, is_what_has_a_word_for_it_in_a_text_decided_by_its_tokens) {
  const std::string pad = " /* " + std::string(100'000, 'x') + " */ ";
  for (const std::string& sql : std::vector<std::string>{"CREATE TEMP TABLE" + pad + "x AS SELECT 1", "SELECT" + pad + "1 AS a INTO TEMP x", "SELECT" + pad + "1 AS a INTO TEMPORARY TABLE x",
                                "CREATE TABLE pg_temp.x AS SELECT" + pad + "1", "ALTER TABLE x SET SCHEMA \"pg_temp\"" + pad, "SET search_path TO pg_temp" + pad})
    EXPECT_TRUE(has(effects_of(sql), Effect::temp_table)) << sql.substr(0, 40);
  EXPECT_FALSE(has(effects_of("SELECT 'temp'" + pad), Effect::temp_table));
}

}  // namespace
}  // namespace pgswitch::rules
