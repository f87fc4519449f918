#include "tests/redshift/refusals.hpp"

#include <gtest/gtest.h>

namespace pgswitch::stand_in {
namespace {

struct RefusalCase {
  const char* text;
  const char* sqlstate;  ///< empty: not refused
  const char* message;
};

TEST(RedshiftRefusals, AreAsTheTableSays) {
  const RefusalCase cases[] = {
      {"DISCARD ALL", "42601", "syntax error at or near \"DISCARD\""},
      {"deallocate all", "42601", "syntax error at or near \"all\""},
      {"deallocate s1", "", ""},
      {"savepoint a", "0A000", "SQL command \"savepoint a\" not supported."},
      {"ROLLBACK TO SAVEPOINT a", "0A000", "SQL command \"ROLLBACK TO SAVEPOINT a\" not supported."},
      {"rollback", "", ""},
      {"abort transaction", "", ""},
      {"copy t from stdin", "0A000", "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)"},
      {"copy t (a, b) from stdin with (format csv)", "0A000",
       "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)"},
      {"copy t from 's3://b/k' iam_role default", "", ""},
      {"copy (select 1) to stdout", "0A000", "UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)"},
      {"insert into t values (1) on conflict do nothing", "42601", "syntax error at or near \"conflict\""},
      {"insert into t values (1), (2)", "", ""},
      {"insert into t (a) values (1) returning a", "42601", "syntax error at or near \"returning\""},
      {"select distinct on (a) a from t", "0A000", "SELECT DISTINCT ON is not supported"},
      {"select distinct a from t", "", ""},
      {"select count(*) filter (where a > 1) from t", "42601", "syntax error at or near \"(\""},
      {"select * from (values (1)) v", "42601", "syntax error at or near \"values\""},
      {"values (1)", "42601", "syntax error at or near \"values\""},
      {"select rank() over w from t window w as (order by a)", "42601", "syntax error at or near \"w\""},
      {"select a from t fetch first 3 rows only", "42601", "syntax error at or near \"first\""},
      {"fetch next from c", "", ""},
      {"select a from t for update", "0A000", "SELECT FOR UPDATE/SHARE is not supported"},
      {"select a is not distinct from b from t", "42601", "syntax error at or near \"distinct\""},
      {"select 1 except all select 2", "0A000", "except ALL is not supported"},
      {"select 1 except select 2", "", ""},
      {"select 1 union all select 2", "", ""},
      {"select array[1]", "42601", "syntax error at or near \"[\""},
      {"select a = any('{1}'::int[]) from t", "0A000", "array types are not supported"},
      {"select a = any($1) from t", "0A000", "ANY and ALL of an array are not supported"},
      {"select a = any (select 1) from t", "", ""},
      {"select rank() over (partition by a order by b nulls last) from t", "0A000", "NULLS clause in Window functions is not supported"},
      {"select rank() over (order by a) from (select 1) t order by 1 nulls last", "", ""},
      {"select * from (select rank() over (order by a) r from t order by b nulls last) x", "", ""},
      {"begin isolation level serializable read only deferrable", "42601", "syntax error at or near \"deferrable\""},
      {"begin isolation level repeatable read, read only", "", ""},
      {"show server_version", "42501", "must be superuser to examine \"server_version\""},
      {"create index i on t (a)", "0A000", "SQL command \"create index i on t (a)\" not supported on Redshift tables."},
      {"create table t (a int) partition by range (a)", "42601", "syntax error at or near \"partition\""},
      {"declare c scroll cursor for select 1", "0A000", "DECLARE CURSOR ... SCROLL is not supported"},
      {"declare c cursor with hold for select 1", "0A000", "DECLARE CURSOR ... WITH HOLD is not supported"},
      {"move 3 in c", "42601", "syntax error at or near \"move\""},
      {"unlisten *", "0A000", "SQL command \"unlisten *\" not supported."},
      {"select 'discard all'", "", ""},
      {"reset all", "", ""},
  };
  for (const RefusalCase& one : cases) {
    const Statement statement = read_statements(one.text).at(0);
    std::optional<TextError> error = refused_by_parser(one.text, statement);
    if (error)
      EXPECT_EQ(error->error.sqlstate, "42601") << one.text;
    else
      error = refused(one.text, statement);
    EXPECT_EQ(error ? error->error.sqlstate : "", one.sqlstate) << one.text;
    EXPECT_EQ(error ? error->error.message : "", one.message) << one.text;
  }
}

}  // namespace
}  // namespace pgswitch::stand_in
