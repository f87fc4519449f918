"""Statements of PostgreSQL translated for Redshift: the translation has the same rows, on a PostgreSQL where both are valid there and on the stand-in
for Redshift; rules and routes ask for it; what has no equivalent is refused with its place."""
import json
import random

import psycopg
import pytest
from endpoint import failure
from launch import temporary_folder, write_file
from pooler import ini_text, run_command
from redshift import StandIn
from rewriting import PROTOCOLS

pytestmark = pytest.mark.pgswitch
TRANSLATE = "rules { { name = 'all', rewrite = { translate = true } } }\n"
# On both servers; with an order, or sorted here.
SAME = [
    "select distinct on (a) a, b, c from d order by a, b desc, c limit 7",
    "select distinct on (a) a, b, c from d order by a desc, b nulls first, c",
    "select distinct on (a) a as x, b from d order by x nulls first, 2",
    "select distinct on (1, c) a % 2, c, b from d order by 1, c nulls last, b",
    "select distinct on (a) a, count(*) from d group by a, b order by a, 2 desc offset 1 fetch first 3 rows only",
    "select x from (select distinct on (a) a, b as x from d order by a, b) s order by x",
    "select count(*) filter (where b > 2), sum(b) filter (where a is distinct from b), count(distinct c) filter (where a is null), avg(n) filter (where b < a) from d",
    "select a, max(b) filter (where c <> 'x') over (partition by a) from d",
    "select a, b from d where a is distinct from b order by a, b",
    "select a, b, a is not distinct from b, c is distinct from null, null is not distinct from b from d order by a, b, c",
    "values (1, 'a'), (2, null), (null, 'c') order by 1",
    "values (null), (null), (3)",
    "select v.a, d.b from d, (values (1, 2), (3, null), (null, 4)) v(a, b) where d.a = v.a order by 1, 2",
    "select a, (select max(column1) from (values (b), (a)) z) from d order by a, b",
    "select a from d where (a, b) in (values (1, 2), (3, 4)) order by a",
    "select rank() over w, row_number() over (w order by b, c, n), sum(b) over (w order by b, c, n rows unbounded preceding), a from d window w as (partition by a) order by 4, 2",
    "select a, rank() over (order by a nulls first), rank() over (order by b desc nulls last), rank() over (order by c nulls last) from d order by a, b, c, n",
    "select a from d where b = any('{1,3,NULL}'::int[]) order by a",
    "select a, b = any(array[1, null]), b <> all('{1,3}'::int[]), b <> all(array[1, null]), b > any(array[2, 4]), b < all('{5,9}'::int[]) from d order by a, b, c, n",
    "select a, b = any('{}'::int[]), b <> all('{}'::int[]) from d order by a, b",
    "select c from d where c = any('{\"x\",\"a b\",null,\"q\\\\\\\\s\"}'::text[]) or c like any(array['y%', '%z']) order by c",
    "select a from d order by a, b fetch first 3 rows only",
    "select a from d order by a, b, c offset 2 rows fetch next 2 rows only",
    "with x as materialized (select a from d), y as not materialized (select b from d) select count(*) from x, y where a = b",
    "select d.a operator(pg_catalog.=) d.b, pg_catalog.upper(c) from only d order by a, b, c",
    "select c::text, c::varchar, 1.50::numeric, '12.5'::numeric, 10::numeric, -3::numeric from d order by 1",
    "select every(a > 0), every(b is not null) filter (where a > 2) from d",
    "select date '2024-01-31' + interval '1' day, (interval '2' month)::text",
    "select c collate \"C\" from d order by c collate \"C\"",
    "select to_timestamp(86400.5)",
    "select left(c, 1), right(c, 1), substring(c, 2), substring(c from 1 for 1) from d order by c, a",
    "(select a from d order by a fetch first 2 rows only) union all (values (7))",
]
# Of what the stand-in alone has: SYSDATE, LISTAGG.
ON_REDSHIFT = [
    "select now() = current_timestamp, localtimestamp <= now()::timestamp from d limit 1",
    "select a, string_agg(c, ', ' order by c desc, b) from d group by a order by a",
    "select string_agg(c, '--' order by c nulls first) from d where c is not null",
    "select string_agg(c, ',') from d where false",
    "select string_agg(c, ','::text order by c asc nulls last) filter (where (a > 2)) from d",
]
REFUSED = {
    "insert into d values (1) on conflict do nothing": "ON CONFLICT",
    "insert into d (a) values (1) returning a": "RETURNING",
    "select a from d except all select b from d": "EXCEPT ALL",
    "select array_agg(a) from d": "function array_agg",
    "select a from d for update": "row locks",
    "select * from d, lateral (select d.a) x": "LATERAL",
    "select n::numeric from d": "numeric of any precision",
}


def make_table(server):
    """The same rows on each: small numbers, empty texts, and NULL in every column."""
    chance = random.Random(5)
    pick = lambda values: chance.choice([*values, None])  # noqa: E731
    text = lambda value: "NULL" if value is None else "'" + value.replace("'", "''") + "'"  # noqa: E731
    texts = ["", "x", "yes", "fizz", "a b", "it's"]
    rows = [f"({pick(range(1, 6)) or 'NULL'}, {pick(range(1, 6)) or 'NULL'}, {text(pick(texts))}, {pick([1.5, 2.25]) or 'NULL'})" for _ in range(40)]
    server.sql(f"CREATE TABLE d (a int, b int, c varchar(20), n numeric(10, 2)); INSERT INTO d VALUES {', '.join(rows)}; GRANT ALL ON d TO app, other", "app")


@pytest.fixture(scope="module", autouse=True)
def table(oltp, analytics):
    for server in (oltp, analytics):
        make_table(server)
    yield
    for server in (oltp, analytics):
        server.sql("DROP TABLE d", "app")


def answer(connection, sql):
    cursor = connection.execute(sql)
    return [column.name for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_translation_has_the_same_columns_and_rows(start_proxy, direct, protocol):
    proxy = start_proxy(rules=TRANSLATE)
    with direct.connect(**PROTOCOLS[protocol]) as original, proxy.connect(**PROTOCOLS[protocol]) as translated:
        for sql in SAME * 2:
            assert answer(translated, sql) == answer(original, sql), sql


def translation(tmp_path, sql):
    """What `pgswitch explain --json` says is sent for it."""
    write_file(tmp_path / "users.txt", '"app" "secret"\n')
    rules = write_file(tmp_path / "rules.lua", TRANSLATE)
    ini = write_file(tmp_path / "pgswitch.ini", ini_text({"app": "host=127.0.0.1"}, {"auth_file": tmp_path / "users.txt", "rules_file": rules}))
    status, out, err = run_command("explain", ini, "--json", sql)
    assert status == 0, out + err
    decision = json.loads(out)["statements"][0]["decision"]
    assert decision["verb"] == "route", (sql, decision)
    return decision["rewritten"] or sql


def test_redshift_has_the_same_rows(oltp, direct, tmp_path):
    """On the stand-in, with the literals spelled as it reads them: what of E'...' the translations write has doubled backslashes."""
    with StandIn(oltp, temporary_folder()) as stand_in:
        there = psycopg.connect(host="127.0.0.1", port=stand_in.port, user="app", dbname="app", client_encoding="utf8", prepare_threshold=None,
                                autocommit=True, cursor_factory=psycopg.ClientCursor)
        with there, direct.connect() as here:
            for sql in SAME + ON_REDSHIFT:
                sent = translation(tmp_path, sql).replace("E'", "'")
                assert answer(there, sent)[1] == answer(here, sql)[1], (sql, sent)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_has_no_equivalent_is_refused_with_its_place(start_proxy, protocol):
    proxy = start_proxy(rules=TRANSLATE)
    with proxy.connect(**PROTOCOLS[protocol]) as connection:
        for sql, what in REFUSED.items():
            error = failure(connection, sql)
            assert error.sqlstate == "0A000" and f"Redshift has no {what}" in error.diag.message_primary, sql
            assert 1 <= int(error.diag.statement_position) <= len(sql), sql
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_route_asks_for_it(start_proxy, oltp):
    target = f"host=127.0.0.1 port={oltp.port} dbname=app"
    databases = {"app": target, "app.redshift": f"{target} translate=auto", "app.locks": f"{target} translate=drop_locks"}
    by_name = "function route(stmt, session)\n  return session.application_name\nend"
    proxy = start_proxy(rules=by_name, databases=databases)
    with proxy.connect(application_name="app") as plain, proxy.connect(application_name="app.redshift") as translated:
        assert plain.execute("select array_agg(1)").fetchone() == ([1],)
        assert failure(translated, "select array_agg(1)").sqlstate == "0A000"
        assert failure(translated, "select a from d for update").sqlstate == "0A000"
        filtered = "select count(*) filter (where a is null) from d"
        assert translated.execute(filtered).fetchone() == plain.execute(filtered).fetchone()
    with proxy.connect(application_name="app.locks") as without_locks:
        assert without_locks.execute("select count(*) from (select a from d for update) x").fetchone() == (40,)
    # A client's own database may be such a route.
    with proxy.connect(dbname="app.redshift", application_name="app.redshift") as own:
        assert failure(own, "select array_agg(1)").sqlstate == "0A000"


def test_what_postgres_fdw_sends_is_translated(start_proxy, direct):
    """Shapes of statements that postgres_fdw 15 makes, literals and all; each text of a shape by itself."""
    proxy = start_proxy(rules=TRANSLATE)
    sent = [
        "SELECT count(*) FILTER (WHERE (a > 3)) FROM public.d",
        "SELECT a, count(*), sum(b) FROM public.d GROUP BY 1 ORDER BY a ASC NULLS LAST",
        "SELECT r1.a, r2.b FROM (public.d r1 INNER JOIN public.d r2 ON (((r1.a = r2.b)) AND ((r2.b IS NOT NULL)))) ORDER BY r1.a ASC NULLS LAST, r2.b ASC NULLS LAST",
        "SELECT a FROM public.d WHERE ((a = ANY ('{1,2,3}'::integer[]))) ORDER BY a ASC NULLS LAST LIMIT 10::bigint",
        "SELECT a, c FROM public.d WHERE ((c = 'it''s'::text)) AND ((n OPERATOR(pg_catalog.>) 1.5::numeric))",
        "SELECT a FROM public.d WHERE ((c ~~ 'f%'::text)) AND ((a IS DISTINCT FROM 3))",
        "SELECT c FROM public.d WHERE ((c <> ALL ('{x,\"a b\"}'::text[])))",
        "SELECT avg(n), max((c)::text) FROM public.d",
    ]
    with direct.connect() as original, proxy.connect() as translated:
        for sql in sent:
            for other in (sql, sql.replace("3", "4").replace("'f%'", "'y%'")):
                assert sorted(answer(translated, other)[1], key=repr) == sorted(answer(original, other)[1], key=repr), other
        for connection in (original, translated):
            connection.execute("BEGIN")
            connection.execute("DECLARE c1 CURSOR FOR\nSELECT count(*) FILTER (WHERE (a > 3)) FROM public.d")
        assert translated.execute("FETCH 100 FROM c1").fetchall() == original.execute("FETCH 100 FROM c1").fetchall()


def test_columns_that_number_rows_are_made_on_redshift(start_proxy, oltp):
    """What these become is no PostgreSQL any more."""
    with StandIn(oltp, temporary_folder()) as stand_in:
        proxy = start_proxy(rules=None, databases={"dw": f"host=127.0.0.1 port={stand_in.port} dbname=app kind=redshift translate=auto"})
        with proxy.connect(dbname="dw") as connection:
            for column in ("serial", "bigserial", "int generated always as identity", "bigint generated by default as identity"):
                connection.execute(f"CREATE TABLE numbered (id {column}, name text)")
                connection.execute("INSERT INTO numbered (name) VALUES ('a'), ('b')")
                assert connection.execute("SELECT count(DISTINCT id), max(name) FROM numbered").fetchone() == (2, "b"), column
                connection.execute("DROP TABLE numbered")
