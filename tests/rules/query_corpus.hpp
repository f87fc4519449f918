#pragma once
#include <string_view>

namespace pgswitch::rules::test {

/// Statements that have every part of a query in them somewhere.
inline constexpr std::string_view queries[] = {
    "select",
    "select 1, -5, 0, 1.5, -2.5e3, 99999999999, null, true, false, 'a''b', E'a\\\\b', '', B'01', X'1F', $1",
    "select distinct a, b.c as \"D\", s.t.u, x.*, * from s.x as x (p, q), only y, z as \"select\"",
    "select distinct on (a, b) a from t order by a, b desc nulls last, c asc nulls first, d using <",
    "select 1 from a join b on a.x = b.x left join c using (x, y) right join (d full join e on true) on true cross join f natural join g",
    "select 1 from (a join b using (x) as u) as j (p, q), lateral (select 1) z, (values (1, 'a'), (2, default)) v (m, n)",
    "select 1 from f(1), g(2) with ordinality as u (v, w), h() as (a int, b text[]), h() as t (a int), rows from (f(1), g(2) as (a numeric(10, 2))) r",
    "select 1 from a tablesample bernoulli (10) repeatable (5)",
    "select 1 from a where x = 1 and not y or (a and b) and c is null or d is not null and e is true and f is not unknown",
    "select 1 from a where (x = 1 or y) and z and (p and q or r)",
    "select a + b * -c, (a + b) * c, a - (b - c), - x, !! y, a || b, a <> b, a operator(pg_catalog.+) b, 2 - -5",
    "select a in (1, 2), a not in (1), a between 1 and 2, a not between symmetric b and c, a is distinct from b, a is not distinct from b",
    "select a like 'x', a not like 'x' escape '!', a ilike b, a not ilike b, a similar to 'x', a not similar to 'x' escape '!'",
    "select a = any (array[1, 2]), a <> all ($1), a = any (select 1), a in (select 2), a not in (select 3), a > all (select 4)",
    "select exists (select 1), array(select 1), (select 1), array[[1, 2], [3, 4]], row(1, 2), (1, 2) = (a, b), row()",
    "select case a when 1 then 2 else 3 end, case when b then c end, coalesce(a, b), greatest(a, b), least(a), nullif(a, b)",
    "select cast(a as int), a::numeric(10, 2)[], a::varchar(5), a::char, interval '1' day, time with time zone '10:00', a::my.type[3][]",
    "select x[1], x[1:2], x[:], (x).y, (x).y[1].z, (f(1)).*, a collate \"C\", a.b[2].c",
    "select count(*), count(distinct a), sum(a order by b desc), string_agg(a, ',' order by b), f(variadic a), f(x => 1, y := 2)",
    "select percentile_cont(0.5) within group (order by a), count(*) filter (where a > 1), \"left\"(a, 1), pg_catalog.now()",
    "select rank() over (partition by a order by b), sum(a) over w, sum(a) over (w rows 2 preceding), sum(a) over () from t window w as (order by c)",
    "select sum(a) over (order by b range between unbounded preceding and current row exclude ties), sum(a) over (groups between 1 preceding and 2 following)",
    "select extract(year from a), a at time zone 'utc', position(a in b), substring(a from 1 for 2), overlay(a placing b from 1), trim(a), trim(leading 'x' from a)",
    "select (a, b) overlaps (c, d + 1), collation for (a || b)",
    "select current_date, current_timestamp, current_time(3), localtime, current_user, session_user, current_schema, user",
    "select a, b from t group by a, rollup (a, b), cube (c), grouping sets ((a), (b), ()), () having grouping(a) > 0",
    "select a from t group by distinct a, b limit 5 offset 2",
    "select a from t order by a fetch first 3 rows with ties",
    "select a from t limit all",
    "select a from t for update of t nowait for share skip locked",
    "select 1 union all (select 2 order by 1 limit 1) intersect select 3 except select 4 order by 1",
    "with recursive a (x) as (select 1 union select x from a), b as materialized (select 2), c as not materialized (table a) select * from a, b, c",
    "with d as (delete from a returning *), i as (insert into b select 1 returning x as y) select * from d, i",
    "values (1, 2), (3, 4) order by 1",
    "table a",
    "insert into a as b (x[1], y.z) overriding user value values (1, default) on conflict (x, lower(y)) where true do update set y = excluded.y where true returning *",
    "insert into a default values",
    "insert into a select 1 on conflict on constraint c do nothing",
    "insert into a (x) values (1) on conflict do nothing",
    "update only s.a as b set x[1] = 2, (y, z) = (select 1, 2), (v, w) = (1, default), u = default from c where true returning x as q",
    "delete from a using b, c where current of d",
    "delete from a",
};

}  // namespace pgswitch::rules::test
