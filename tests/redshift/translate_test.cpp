#include "tests/redshift/translate.hpp"

#include <gtest/gtest.h>

namespace pgswitch::stand_in {
namespace {

Translation translated(std::string_view text, TranslateOptions options = {"app"}) {
  return translate(text, read_statements(text).at(0), options);
}

TEST(RedshiftTranslation, SpellsForPostgres) {
  const std::pair<const char*, const char*> cases[] = {
      {R"(select 'it\'s', "ABC")", R"(select 'it''s', "abc")"},
      {"select e'x'", "select redshift_absent.e 'x'"},
      {"select u&'x'", "select u & 'x'"},
      {"select a->>'x' from t", "select a OPERATOR(redshift_absent.->>)'x' from t"},
      {"select pg_sleep(1), pg_catalog.txid_current(), s.pg_sleep(1)",
       "select redshift_absent.pg_sleep(1), redshift_absent.txid_current(), s.pg_sleep(1)"},
      {"select version(), getdate(), sysdate", "select redshift.version(), redshift.getdate(), redshift.sysdate()"},
      {"select nvl(a, 1) from t", "select coalesce(a, 1) from t"},
      {"select nvl2(a, b, c)", "select CASE WHEN (a) IS NOT NULL THEN b ELSE c END"},
      {"select decode(a, 1, 'x', 'y')", "select CASE WHEN (a) IS NOT DISTINCT FROM (1) THEN 'x' ELSE 'y' END"},
      {"select listagg(a, ',') within group (order by b) from t", "select redshift.listagg(a, ',' order by b) from t"},
      {"select dateadd(month, 1, d)", "select redshift.dateadd('month', 1, d)"},
      {"select date_part(year, d)", "select date_part('year', d)"},
      {"select top 3 a from t", "select a from t LIMIT 3"},
      {"select 1 minus select 2", "select 1 EXCEPT select 2"},
      {"create table t (a int distkey encode zstd, b varchar(max), c text, d identity(1,1)) diststyle all sortkey(a, b)",
       "create table t (a int, b varchar(65535), c varchar(256), d GENERATED ALWAYS AS IDENTITY (START WITH 1 MINVALUE 1 INCREMENT BY 1))"},
      {"create table #t (a int)", "create temp table \"#t\" (a int)"},
      {"create table if not exists #t (a int)", "create temp table if not exists \"#t\" (a int)"},
      {"select a into #t from b", "select a into TEMP \"#t\" from b"},
      {"create table t (a varbyte(64), b varbyte, c super)", "create table t (a redshift.varbyte, b redshift.varbyte, c redshift.super)"},
      {"create table t (a jsonb)", "create table t (a redshift_absent.jsonb)"},
      {"select '{}'::json, '1'::text", "select '{}'::redshift_absent.json, '1'::varchar"},
      {"select * from pg_enum, pg_class, stl_load_errors", "select * from redshift_absent.pg_enum, pg_class, redshift.stl_load_errors"},
      {"set query_group to 'x'", "set redshift.query_group to 'x'"},
      {"show query_group", "show redshift.query_group"},
      {"set session authorization default", "SET SESSION AUTHORIZATION \"app\""},
      {"begin isolation level read committed, read only", "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY"},
      {"start transaction", "BEGIN ISOLATION LEVEL SERIALIZABLE"},
      {"set session characteristics as transaction isolation level read committed", "SET default_transaction_read_only = DEFAULT"},
  };
  for (const auto& [text, sql] : cases) EXPECT_EQ(translated(text).sql, sql) << text;
}

TEST(RedshiftTranslation, RefusesSettings) {
  for (const char* text :
       {"set lock_timeout = 1", "show row_security", "reset bytea_output", "set intervalstyle = postgres", "set extra_float_digits = 3"})
    EXPECT_THROW(translated(text), TextError) << text;
  EXPECT_NO_THROW(translated("set extra_float_digits = 2"));
  EXPECT_NO_THROW(translated("set intervalstyle = postgres", {"app", "SERIALIZABLE", true}));
}

TEST(RedshiftTranslation, KnowsWhatAStatementTouches) {
  struct Case {
    const char* text;
    bool user_tables, catalog;
    std::size_t leader_functions;
  };
  const Case cases[] = {
      {"select now()", false, true, 1},
      {"select now() from t", true, false, 1},
      {"select a from (select current_timestamp as a) q join t on true", true, false, 1},
      {"select * from pg_class, pg_catalog.pg_namespace", false, true, 0},
      {"with x as (select 1) select * from x", false, false, 0},
      {"with x as (select a from t) select * from x", true, false, 0},
      {"select extract(year from d)", false, false, 0},
      {"select extract(year from d) from t", true, false, 0},
      {"insert into t select generate_series(1, 3)", true, false, 1},
      {"insert into t (a) values (1)", true, false, 0},
      {"update t set a = 1", true, false, 0},
      {"select * from generate_series(1, 3)", false, true, 1},
      {"select * from a, b where now() > c", true, false, 1},
      {"select s.now() from t", true, false, 0},
  };
  for (const Case& one : cases) {
    const Translation translation = translated(one.text);
    EXPECT_EQ(translation.uses_user_tables, one.user_tables) << one.text;
    EXPECT_EQ(translation.reads_catalog, one.catalog) << one.text;
    EXPECT_EQ(translation.leader_functions.size(), one.leader_functions) << one.text;
  }
}

TEST(RedshiftTranslation, LeadsPlacesBack) {
  const std::string text = "select 'a''b', sysdate, x from t";
  const Translation translation = translated(text);
  EXPECT_EQ(place_before(translation, translation.sql.find(", x") + 2), text.find(", x") + 2);
  EXPECT_EQ(without_own_schemas("function redshift_absent.pg_sleep(integer) does not exist"), "function pg_sleep(integer) does not exist");
}

}  // namespace
}  // namespace pgswitch::stand_in
