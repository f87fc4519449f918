// PostgreSQL's SQL for Redshift: what is translated, what is refused, and what stays.
#include "rules/redshift/translate.hpp"

#include <gtest/gtest.h>

#include <string>

namespace pgswitch::rules::redshift {
namespace {

struct Row {
  const char* sql;
  const char* result;  ///< "=": it stays
};

std::string translated(std::string_view sql, Translate how = Translate::automatic) {
  const Translation made = translate(sql, true, how);
  if (made.refused()) return made.refusal.sqlstate + " at " + std::to_string(made.at) + ": " + made.refusal.message;
  return made.text.empty() ? "=" : made.text;
}

void expect(const Row& row) { EXPECT_EQ(translated(row.sql), row.result) << row.sql; }

TEST(Translate, queries) {
  constexpr Row rows[] = {
      {"select distinct on (a) a, b from t order by a, b desc limit 5",
       "SELECT pgswitch_1 AS a, pgswitch_2 AS b FROM (SELECT a AS pgswitch_1, b AS pgswitch_2, a AS pgswitch_o1, b AS pgswitch_o2, row_number() OVER ( PARTITION BY a "
       "ORDER BY b DESC) AS pgswitch_n FROM t) AS pgswitch_d WHERE (pgswitch_n = 1) ORDER BY pgswitch_o1, pgswitch_o2 DESC LIMIT 5"},
      {"select distinct on (1) a as x, b+1 from t order by x, b desc nulls last",
       "SELECT pgswitch_1 AS x, pgswitch_2 AS \"?column?\" FROM (SELECT a AS pgswitch_1, b + 1 AS pgswitch_2, a AS pgswitch_o1, b AS pgswitch_o2, row_number() OVER ( "
       "PARTITION BY a ORDER BY CASE WHEN (b IS NULL) THEN 1 ELSE 0 END, b DESC) AS pgswitch_n FROM t) AS pgswitch_d WHERE (pgswitch_n = 1) ORDER BY pgswitch_o1, "
       "pgswitch_o2 DESC NULLS LAST"},
      {"values (1, 'a'), (2, null)", " (SELECT 1 AS column1 , 'a' AS column2) UNION ALL (SELECT 2, null)"},
      {"select * from (values (null),(null),(3)) v(a)",
       "select * from ( ((SELECT CAST(NULL AS integer) AS column1) UNION ALL (SELECT NULL)) UNION ALL (SELECT 3)) AS  v(a)"},
      {"select rank() over w, sum(x) over (w order by b rows unbounded preceding) from t window w as (partition by a)",
       "select rank() over  ( PARTITION BY a), sum(x) OVER ( PARTITION BY a ORDER BY b ROWS UNBOUNDED PRECEDING) FROM t "},
      {"select a from t fetch first 3 rows only", "select a from t  LIMIT  3  "},
      {"select a from t order by a offset 2 rows fetch next row only", "SELECT a FROM t ORDER BY a OFFSET 2 LIMIT 1"},
      {"with x as materialized (select 1 a) select * from x", "with x as   (select 1 AS  a) select * from x"},
      {"table t", " SELECT * FROM  t"},
      {"delete from only t where a = 1", "delete from  t WHERE (  a = 1 ) "},
      {"update t set (a, b) = (1, 2) where c = 3", "update t set  a = 1, b =  2 WHERE (  c = 3 ) "},
      {"select a from t where b = 1 /* why */", "="},
      {"insert into t values (1,'a'), (2, default)", "="},
      {"merge into t using s on t.a = s.a when matched then delete", "="},
  };
  for (const Row& row : rows) expect(row);
}

TEST(Translate, expressions) {
  constexpr Row rows[] = {
      {"select count(*) filter (where x > 1), sum(distinct y) filter (where z) as s from t",
       "select count( CASE WHEN (  x > 1) THEN TRUE END), sum(DISTINCT CASE WHEN z THEN y END ) as s from t"},
      {"select string_agg(a, ', ' order by b desc nulls last) from t group by c",
       "SELECT substr(listagg(', ' || a) WITHIN GROUP (ORDER BY CASE WHEN (b IS NULL) THEN 1 ELSE 0 END, b DESC), 3) AS string_agg FROM t GROUP BY c"},
      {"SELECT string_agg(note, ','::text ORDER BY id ASC NULLS LAST) FROM public.sales",
       "SELECT substr(listagg(',' || note) WITHIN GROUP (ORDER BY id ASC), 2) AS string_agg FROM public.sales"},
      {"select a is distinct from b, a is not distinct from null from t",
       "select  (NOT ((a IS NULL) AND (b IS NULL))) AND ((a IS NULL) OR (b IS NULL) OR (a <> b)), a IS  null from t"},
      {"select a is not distinct from b from t", "select  ((a IS NULL) AND (b IS NULL)) OR ((a IS NOT NULL) AND (b IS NOT NULL) AND (a = b))  from t"},
      {"select a from t where a is distinct from b and c and d",
       "select a from t where  ((NOT ((a IS NULL) AND (b IS NULL))) AND ((a IS NULL) OR (b IS NULL) OR (a <> b)) AND c AND d) "},
      {"select a from t where (b is not distinct from 1 or c) and d = any('{x}'::text[])",
       "SELECT a FROM t WHERE ((((b IS NULL) AND (1 IS NULL)) OR ((b IS NOT NULL) AND (1 IS NOT NULL) AND (b = 1)) OR c) AND (d IN ('x')))"},
      {"select a from t where d like any(array['a%','b%']) or c", "select a from t where  ((d ~~ 'a%' ) OR (d ~~ 'b%' ) OR c) "},
      {"select pg_catalog.generate_series(1, 3) from pg_catalog.pg_class, pg_type", "select  generate_series(1, 3) from pg_catalog.pg_class, pg_type"},
      {"select pg_advisory_unlock_all()", "="},
      {"select now(), current_timestamp, localtimestamp, now()::date from t",
       "select  CAST(sysdate AS timestamp with time zone) AS now, CAST(sysdate AS timestamp with time zone) AS \"current_timestamp\", sysdate AS \"localtimestamp\", "
       "CAST(CAST(sysdate AS timestamp with time zone) AS date) AS now  from t"},
      {"select a from t where b = any('{1,NULL,-3}'::int[])", "SELECT a FROM t WHERE (b IN (1, NULL, CAST('-3' AS integer)))"},
      {"select a from t where b = any(array[1,2]) and c <> all (array['x','y'])", "select a from t where  ((b IN ( 1,2 )) AND (c NOT IN ( 'x','y' )) )"},
      {"select a from t where d like any(array['a%','b%'])", "select a from t where  ((d ~~ 'a%' ) OR (d ~~ 'b%' ) )"},
      {"select a from t where b > all('{}'::int[])", "SELECT a FROM t WHERE TRUE"},
      {"select a from t where b = any('{}'::int[])", "SELECT a FROM t WHERE FALSE"},
      {"select rank() over (order by a nulls first, b desc nulls first) from t",
       "SELECT rank() OVER ( ORDER BY CASE WHEN (a IS NULL) THEN 0 ELSE 1 END, a, b DESC) FROM t"},
      {"select a::text, b::varchar, c::varchar(10) from t", "SELECT CAST(a AS varchar(65535)), CAST(b AS varchar(65535)), CAST(c AS varchar(10)) FROM t"},
      {"select 1.5::numeric, '12'::numeric, 10::numeric", "SELECT 1.5 AS \"numeric\", 12 AS \"numeric\", CAST(10 AS numeric)"},
      {"select a OPERATOR(pg_catalog.=) b, pg_catalog.count(*) from t", "select a  = b, count(*) from t"},
      {"select interval '30', '1 day 2 hours'::interval, interval '1' day, a like 'b' escape 'c', a similar to 'b'", "="},
      {"select interval '1' day, interval '1-2' year to month, now() as n", "select interval '1' day, interval '1-2' year to month,  CAST(sysdate AS timestamp with time zone ) as n"},
      {"select a like 'b' escape 'c', a not ilike b escape d from t fetch first 1 row only", "select a like 'b' escape 'c', a not ilike b escape d from t  LIMIT  1  "},
      {"select to_timestamp(a) from t", "SELECT (timestamp with time zone '1970-01-01 00:00:00+00') + (a * (interval '1 second')) AS to_timestamp FROM t"},
      {"select every(a) from t", "select  bool_and(a) AS every  from t"},
      {"select regexp_replace(a, 'x', 'y', 'g') from t", "SELECT regexp_replace(a, 'x', 'y') FROM t"},
      {"select a collate \"C\" from t", "select a   from t"},
      {"select date_part('dow', a), extract(year from a), (a, b) = (c, d), left(a, 1) from t", "="},
      {"SELECT id FROM public.t WHERE ((note ~~ 'n1%'))", "="},
      {"select current_role", "select  CURRENT_USER AS \"current_role\" "},
  };
  for (const Row& row : rows) expect(row);
}

TEST(Translate, looks_inside_of_other_statements) {
  constexpr Row rows[] = {
      {"declare c1 cursor for select a from t fetch first 1 row only", "declare c1 cursor for select a from t  LIMIT  1  "},
      {"explain (verbose) select a from t fetch first 1 row only", "explain (verbose) select a from t  LIMIT  1  "},
      {"explain verbose declare c cursor for select now()", "explain verbose declare c cursor for select  CAST(sysdate AS timestamp with time zone) AS now "},
      {"prepare p(int) as select a from t where a is distinct from null and b = $1", "prepare p(int) as select a from t where  ((a IS NOT NULL) AND (b = $1)) "},
      {"create view v as select distinct on (a) a from t order by a",
       "create view v as SELECT pgswitch_1 AS a FROM (SELECT a AS pgswitch_1, a AS pgswitch_o1, row_number() OVER ( PARTITION BY a) AS pgswitch_n FROM t) AS pgswitch_d "
       "WHERE (pgswitch_n = 1) ORDER BY pgswitch_o1"},
      {"create table n as select now() as t", "create table n as select  CAST(sysdate AS timestamp with time zone ) as t"},
      {"create temp table n as values (1)", "create temp table n as  SELECT 1 AS column1 "},
      {"copy (select a from t fetch first 2 rows only) to stdout", "copy (select a from t  LIMIT  2  ) to stdout"},
      {"insert into t (a) select a from u where a is distinct from null", "insert into t (a) select a from u where  (a IS NOT NULL) "},
      {"/* x */ select a from t fetch first 1 row only;", "/* x */ select a from t  LIMIT  1  ;"},
  };
  for (const Row& row : rows) expect(row);
}

TEST(Translate, definitions) {
  constexpr Row rows[] = {
      {"create table t (id serial primary key, a text not null, b bytea, c varchar(10), n numeric(10,2), d character varying, e bigserial)",
       "create table t (id integer IDENTITY(1, 1) primary key, a varchar(65535) not null, b varbyte, c varchar(10), n numeric(10,2), d varchar(65535), e bigint IDENTITY(1, 1) "
       "NOT NULL)"},
      {"create table t (a int generated by default as identity)", "create table t (a int GENERATED BY DEFAULT AS IDENTITY(1, 1))"},
      {"create table t (a int generated always as identity)", "create table t (a int IDENTITY(1, 1))"},
      {"alter table t add column a pg_catalog.text", "alter table t add column a varchar(65535)"},
      {"create table t (a int[])", "0A000 at 18: Redshift has no arrays"},
      {"create table t (a uuid)", "0A000 at 18: Redshift has no type uuid"},
      {"create table t (a numeric)", "0A000 at 18: Redshift has no numeric of any precision: numeric alone is numeric(18,0) there"},
      {"create table t (b int check (b > 0))", "0A000 at 22: Redshift has no CHECK"},
      {"create index i on t (a)", "0A000 at 0: Redshift has no indexes"},
      {"create table t (a int) partition by range (a)", "0A000 at 0: Redshift has no partitions"},
      {"create table t as select 1 with no data", "0A000 at 35: Redshift has no WITH NO DATA"},
  };
  for (const Row& row : rows) expect(row);
}

TEST(Translate, refuses_what_has_no_equivalent_and_says_what_and_where) {
  constexpr Row rows[] = {
      {"insert into t select * from u on conflict do nothing", "0A000 at 30: Redshift has no ON CONFLICT"},
      {"insert into t values (1) returning a", "0A000 at 35: Redshift has no RETURNING"},
      {"select a from t for update", "0A000 at 16: Redshift has no row locks (FOR UPDATE, FOR SHARE)"},
      {"select * from t, lateral (select 1) x", "0A000 at 17: Redshift has no LATERAL"},
      {"select a from t except all select a from u", "0A000 at 16: Redshift has no EXCEPT ALL"},
      {"select a from t intersect all select a from u", "0A000 at 16: Redshift has no INTERSECT ALL"},
      {"select a from t order by a fetch first 3 rows with ties", "0A000 at 27: Redshift has no FETCH FIRST ... WITH TIES"},
      {"select * from t tablesample system(10)", "0A000 at 28: Redshift has no TABLESAMPLE"},
      {"select * from t, generate_series(1,3) g", "0A000 at 17: Redshift has no generate_series together with tables"},
      {"select generate_series(1,3) from pg_class, public.pg_own", "0A000 at 7: Redshift has no generate_series together with tables"},
      {"select array_agg(a) from t", "0A000 at 7: Redshift has no function array_agg"},
      {"select array[1,2]", "0A000 at 7: Redshift has no arrays"},
      {"select a->>'x' from t", "0A000 at 8: Redshift has no operator ->>"},
      {"select a from t where b = any($1)", "0A000 at 24: Redshift has no ANY of an array that is no list of values in the statement"},
      {"select string_agg(a, b) from t", "0A000 at 7: Redshift has no string_agg with a delimiter that is no literal, or empty"},
      {"select string_agg(distinct a, ',') from t", "0A000 at 7: Redshift has no string_agg(DISTINCT ...)"},
      {"select mode() within group (order by a) filter (where b) from t", "0A000 at 7: Redshift has no FILTER, and it cannot be written otherwise for mode()"},
      {"select c::numeric from t", "0A000 at 10: Redshift has no numeric of any precision: numeric alone is numeric(18,0) there"},
      {"select 'x'::jsonb", "0A000 at 12: Redshift has no type jsonb"},
      {"select (a, b) < (c, d) from t", "0A000 at 14: Redshift has no comparison of rows by their order"},
      {"select distinct on (a) * from t", "0A000 at 23: Redshift has no DISTINCT ON, and * cannot be written without it"},
      {"select random() is distinct from a from t", "0A000 at 16: Redshift has no IS DISTINCT FROM, and what differs from call to call cannot be looked at twice"},
      {"select format('%s', a) from t", "0A000 at 7: Redshift has no function format"},
      {"select extract(isodow from a) from t", "0A000 at 7: Redshift has no date part isodow"},
      {"select a collate \"de_DE\" from t", "0A000 at 9: Redshift has no collation \"de_DE\""},
      {"with x as (delete from t where a = 1) select 1", "0A000 at 5: Redshift has no WITH query that writes"},
      {"select sum(a) over (order by b groups unbounded preceding) from t", "0A000 at 19: Redshift has no GROUPS in a window"},
  };
  for (const Row& row : rows) {
    expect(row);
  }
}

TEST(Translate, leaves_out_locks_where_that_is_wished) {
  EXPECT_EQ(translated("select a from t where b = 1 for update", Translate::drop_locks), "select a from t where (  b = 1  ) ");
  EXPECT_EQ(translated("select a from t for share of t skip locked", Translate::drop_locks), "select a from t  ");
  EXPECT_EQ(translated("select now()", Translate::off), "=");
}

TEST(Translate, stays_out_of_what_is_written_for_redshift) {
  for (const char* sql : {"select getdate(), now()", "select a, row_number() over (order by a) from t qualify 1 = 1", "select top 5 a from t for update",
                          "copy t from 's3://b/p' csv", "selec 1 filter", "select 1; select now()", ""})
    EXPECT_EQ(translated(sql), "=") << sql;
}

TEST(Translate, changes_between_literals_are_good_for_every_text_of_the_shape) {
  for (const char* sql : {"select count(*) filter (where x > 1) from t", "select now() - interval '1 day'", "select a from t fetch first 3 rows only", "values (1, 'a')"})
    EXPECT_FALSE(translate(sql, true).edits.empty()) << sql;
  // Literals are doubled, read or made.
  for (const char* sql : {"select x is distinct from 1", "select string_agg(a, ',') from t", "select a = any('{1}'::int[])", "select distinct on (1) a from t"})
    EXPECT_TRUE(translate(sql, true).edits.empty()) << sql;
}

TEST(Translate, reads_literals_as_the_session_does) {
  const Translation made = translate(R"(select 'a\'b' from t fetch first 1 row only)", false);
  EXPECT_EQ(made.text, "SELECT 'a''b' FROM t LIMIT 1");
  EXPECT_EQ(translate("select 'it''s' is distinct from null", true).text, "select 'it''s' is  NOT  null");
}

TEST(Translate, refuses_what_would_grow_without_end) {
  const auto nested = [](std::size_t levels) {
    std::string sql = "select " + std::string(levels, '(') + "a";
    for (std::size_t i = 0; i < levels; ++i) sql += " is distinct from b)";
    return translate(sql + " from t", true);
  };
  EXPECT_FALSE(nested(4).refused());
  EXPECT_TRUE(nested(40).refused());
  std::string arms, elements = "0";
  for (int i = 0; i < 100; ++i) arms += " when a = " + std::to_string(i) + " then " + std::to_string(i);
  for (int i = 1; i < 1000; ++i) elements += ", " + std::to_string(i);
  EXPECT_TRUE(translate("select (case" + arms + " end) > any (array[" + elements + "]) from t", true).refused());
  EXPECT_FALSE(translate("select a > any (array[" + elements + "]) from t", true).refused());
}

}  // namespace
}  // namespace pgswitch::rules::redshift
