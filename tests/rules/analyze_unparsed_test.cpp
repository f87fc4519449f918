#include <gtest/gtest.h>

#include "rules/analyze.hpp"
#include "tests/rules/analyze_summary.hpp"

namespace pgswitch::rules {
namespace {

struct UnparsedRow {
  const char* sql;
  const char* expected;
};

void expect_unparsed_rows(std::initializer_list<UnparsedRow> rows) {
  for (const UnparsedRow& row : rows) EXPECT_EQ(summary(analyze(row.sql)), row.expected) << row.sql;
}

TEST(AnalyzeUnparsed, finds_the_words_and_tables_of_redshift) {
  expect_unparsed_rows({
      {R"q(CREATE TABLE sales (id int DISTKEY SORTKEY, name varchar(10) ENCODE lzo))q",
       R"q(unparsed unparsed w=sales f=varchar redshift=DISTKEY literal)q"},
      {R"q(CREATE TABLE t (a int) DISTSTYLE ALL)q",
       R"q(unparsed unparsed w=t redshift=DISTSTYLE literal)q"},
      {R"q(CREATE TABLE t (a int) COMPOUND SORTKEY (a))q",
       R"q(unparsed unparsed w=t redshift=COMPOUND literal)q"},
      {R"q(CREATE TABLE t (a int) INTERLEAVED SORTKEY (a))q",
       R"q(unparsed unparsed w=t redshift=INTERLEAVED literal)q"},
      {R"q(CREATE TABLE t (id int IDENTITY(1, 1)))q",
       R"q(unparsed unparsed w=t redshift=IDENTITY literal)q"},
      {R"q(CREATE TABLE t (a varchar(max)))q",
       R"q(unparsed unparsed w=t f=varchar redshift=VARCHAR(MAX) literal)q"},
      {R"q(CREATE TABLE #scratch (a int))q",
       R"q(unparsed unparsed e=temp_table redshift=# literal)q"},
      {R"q(CREATE TEMP TABLE t (a int DISTKEY))q",
       R"q(unparsed unparsed w=t e=temp_table redshift=DISTKEY literal)q"},
      {R"q(UNLOAD ('SELECT * FROM venue') TO 's3://b/p' IAM_ROLE 'arn')q",
       R"q(unparsed unparsed r=venue redshift=UNLOAD literal)q"},
      {R"q(unload /* ( */ ($x$SELECT sum(a) FROM s.sales JOIN "Event" ON true WHERE c = 'from x'$x$) TO 's3://b/p')q",
       R"q(unparsed unparsed r=s.sales,Event f=sum redshift=UNLOAD h=( +agg literal)q"},
      {R"q(UNLOAD ('SELECT ''from a'', \'from b\' FROM c') TO 's3://b/p')q",
       R"q(unparsed unparsed r=c redshift=UNLOAD literal)q"},
      {R"q(UNLOAD (x) TO 's3://b/p')q",
       R"q(unparsed unparsed redshift=UNLOAD literal)q"},
      {R"q(SELECT TOP 5 "pg_sleep"(1), "Lower" (x) FROM t)q",
       R"q(unparsed unparsed r=t f=pg_sleep redshift=TOP literal)q"},
      {R"q(COPY public.sales FROM 's3://bucket/x' IAM_ROLE 'arn:aws:iam::1:role/r' COMPUPDATE OFF)q",
       R"q(unparsed unparsed w=public.sales redshift=S3 literal)q"},
      {R"q(COPY sales FROM 's3://bucket/x' CREDENTIALS 'aws_access_key_id=x')q",
       R"q(unparsed unparsed w=sales redshift=S3 literal)q"},
      {R"q(SELECT TOP 10 * FROM sales ORDER BY pricepaid)q",
       R"q(unparsed unparsed r=sales redshift=TOP literal)q"},
      {R"q(SELECT DISTINCT TOP 5 eventid FROM sales)q",
       R"q(unparsed unparsed r=sales redshift=TOP +dist literal)q"},
      {R"q(SELECT APPROXIMATE count(DISTINCT eventid) FROM sales)q",
       R"q(unparsed unparsed r=sales f=count redshift=APPROXIMATE +agg literal)q"},
      {R"q(SELECT eventid FROM sales QUALIFY row_number() OVER (PARTITION BY eventid ORDER BY x) = 1)q",
       R"q(unparsed unparsed r=sales f=row_number redshift=QUALIFY +win literal)q"},
      {R"q(SELECT * FROM (SELECT a, b FROM t) PIVOT (sum(a) FOR b IN (1, 2)))q",
       R"q(unparsed unparsed r=t f=sum redshift=PIVOT +agg +sub literal)q"},
      {R"q(SELECT eventid FROM sales MINUS SELECT eventid FROM event)q",
       R"q(unparsed unparsed r=sales,event redshift=MINUS literal)q"},
      {R"q(CREATE EXTERNAL TABLE s.t (a int) STORED AS PARQUET LOCATION 's3://b')q",
       R"q(unparsed unparsed w=s.t redshift=EXTERNAL literal)q"},
      {R"q(ALTER TABLE a APPEND FROM b)q",
       R"q(unparsed unparsed r=b w=a redshift=APPEND literal)q"},
      {R"q(CREATE DATASHARE d)q",
       R"q(unparsed unparsed redshift=DATASHARE literal)q"},
      {R"q(VACUUM REINDEX sales)q",
       R"q(unparsed unparsed redshift=REINDEX literal)q"},
      {R"q(DELETE sales)q",
       R"q(unparsed unparsed w=sales literal)q"},
      {R"q(SELECT * FROM a, s.b x JOIN "C d" y ON x.i = y.i QUALIFY f() = 1)q",
       R"q(unparsed unparsed r=a,s.b,C d redshift=QUALIFY joins=1 literal)q"},
      {R"q(WITH c AS (SELECT TOP 1 * FROM a) SELECT * FROM c, d)q",
       R"q(unparsed unparsed r=a,d redshift=TOP +sub literal)q"},
      {R"q(SELECT TOP 1 extract(day FROM ts), trim(both FROM x) FROM t WHERE a IS DISTINCT FROM b)q",
       R"q(unparsed unparsed r=t f=extract redshift=TOP literal)q"},
      {R"q(INSERT INTO s.t SELECT TOP 3 * FROM u)q",
       R"q(unparsed unparsed r=u w=s.t redshift=TOP literal)q"},
      {R"q(SELECT TOP 1 sum(x), nvl(y, 0) FROM t GROUP BY 2 LIMIT 1)q",
       R"q(unparsed unparsed r=t f=sum,nvl redshift=TOP +agg +grp +lim literal)q"},
  });
}

TEST(AnalyzeUnparsed, keeps_evidence_of_other_text) {
  expect_unparsed_rows({
      {R"q(SELEC 1)q",
       R"q(unparsed unparsed e=unknown_settings literal)q"},
      {R"q(SELECT * FORM t)q",
       R"q(unparsed unparsed literal)q"},
      {R"q(SELECT 'unterminated)q",
       R"q(unparsed unparsed literal)q"},
      {R"q(SELECT (1)q",
       R"q(unparsed unparsed literal)q"},
      {"/* unterminated",
       "unparsed unparsed e=unknown_settings h=unterminated literal"},
      {R"q(SELECT 1 /* unterminated)q",
       R"q(unparsed unparsed h=unterminated literal)q"},
      {R"q(BEGIN FOO)q",
       R"q(unparsed unparsed literal)q"},
      {R"q(SET x)q",
       R"q(unparsed unparsed e=unknown_settings literal)q"},
      {R"q(SELECT set_config('a', 'b', false), FROM t)q",
       R"q(unparsed unparsed r=t f=set_config e=unknown_settings literal)q"},
      {R"q(SELECT pg_advisory_lock(1) pg_advisory_unlock(2))q",
       R"q(unparsed unparsed f=pg_advisory_lock,pg_advisory_unlock e=advisory_lock,advisory_unlock literal)q"},
      {R"q(IDENTIFY_SYSTEM)q",
       R"q(unparsed unparsed e=replication literal)q"},
      {R"q(START_REPLICATION SLOT s LOGICAL 0/0)q",
       R"q(unparsed unparsed e=replication literal)q"},
      {R"q(SELECT 1; SELEC 2; SELECT 3 FROM t)q",
       R"q(select SELECT ro ; unparsed unparsed e=unknown_settings literal ; select SELECT ro r=t)q"},
      {R"q(CREATE TEMP TABEL x (a int))q",
       R"q(unparsed unparsed e=temp_table literal)q"},
      {R"q(SELECT $1 $2)q",
       R"q(unparsed unparsed params=2 literal)q"},
  });
}

}  // namespace
}  // namespace pgswitch::rules
