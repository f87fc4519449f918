"""Rewrites by edits of the parse tree: the rewritten statement returns what the original does where the table IS the other one, or holds
only the rows that the filter lets through. Each helper is asked about each statement, through pgswitch and in a database made that way."""
import os

import psycopg
import pytest
from endpoint import Endpoint, failure, one
from random_queries import RandomQueries
from rewriting import CHANGES, FILTER, INSERTS, PROTOCOLS, QUERIES, SCHEMA, answer, databases, effect, rewriting, start  # noqa: F401

pytestmark = pytest.mark.pgswitch
QUERIES_BY_CHANCE = int(os.environ.get("PGSWITCH_REWRITTEN_QUERIES", "150"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_replaced_table_is_as_if_it_were_the_other(start, oltp, protocol):
    proxy = start(rewriting(':replace_table("orders", "archive.orders_old")'))
    truth = Endpoint(oltp.port)
    with proxy.connect(dbname="base", **PROTOCOLS[protocol]) as edited, truth.connect(dbname="rw_replaced") as other:
        for sql in QUERIES:
            assert answer(edited, sql) == answer(other, sql), sql
        for sql in CHANGES + INSERTS:
            assert effect(edited, sql) == effect(other, sql), sql
        assert one(edited, "SELECT count(*) FROM customers") == 7
    with proxy.connect(dbname="plain") as plain, truth.connect(dbname="rw_base") as base:
        assert answer(plain, "TABLE orders") == answer(base, "TABLE orders"), "the table itself was changed"


@pytest.mark.parametrize("how", ("filter", "strict"))
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_filtered_table_is_as_if_it_had_no_other_rows(start, oltp, protocol, how):
    edits = ':add_filter("orders", "tenant = ?", session.user)'
    if how == "strict":
        edits += ':strict("items", "customers", "made")'
    proxy = start(rewriting(edits))
    rest = "SELECT * FROM orders WHERE tenant <> 'app'"
    with proxy.connect(dbname="base", **PROTOCOLS[protocol]) as edited, Endpoint(oltp.port).connect(dbname="rw_filtered") as other, \
            Endpoint(oltp.port).connect(dbname="rw_base") as base:
        before = answer(base, rest)
        for sql in QUERIES:
            if how == "strict" and "price(" in sql:
                assert failure(edited, sql).sqlstate == "0A000", sql
            else:
                assert answer(edited, sql) == answer(other, sql), sql
        for sql in CHANGES:
            if how == "strict" and sql.startswith("CREATE"):
                continue
            assert effect(edited, sql) == effect(other, sql), sql
            edited.execute(sql) if "made" not in sql and "INSERT" not in sql else None
            assert answer(base, rest) == before, sql + " changed what the filter hides"
            restore(oltp)
        for sql in INSERTS:
            assert failure(edited, sql).sqlstate == "0A000", sql


EDITS = {"replaced": ':replace_table("orders", "archive.orders_old")', "filtered": ':add_filter("orders", "tenant = ?", session.user)',
         "strict": ':add_filter("orders", "tenant = ?", session.user):strict("items", "customers", "public.items", "public.customers")'}


@pytest.mark.parametrize("edit", EDITS)
def test_queries_by_chance_are_as_if_the_table_were_so(start, oltp, edit):
    """What PostgreSQL refuses in the one must be refused in the other; a few are refused by us, since it is not sure what they mean."""
    proxy = start(rewriting(EDITS[edit]))
    truth = "rw_replaced" if edit == "replaced" else "rw_filtered"
    counts = {"same": 0, "refused": 0, "wrong": 0}
    with proxy.connect(dbname="base", cursor_factory=psycopg.ClientCursor) as edited, Endpoint(oltp.port).connect(dbname=truth) as other:
        other.execute("SET statement_timeout = '5s'")
        for seed in range(QUERIES_BY_CHANCE):
            sql = RandomQueries(f"{edit} {seed}").statement()
            expected, seen = outcome(other, sql), outcome(edited, sql)
            kind = "wrong" if isinstance(expected, str) else "refused" if seen == "0A000" else "same"
            counts[kind] += 1
            assert seen in (expected, "0A000") if kind != "wrong" else isinstance(seen, str), (seed, sql)
    assert counts["same"] > QUERIES_BY_CHANCE / 2, counts
    assert counts["refused"] < QUERIES_BY_CHANCE / 10, counts


def outcome(connection, sql):
    """What a statement answers and leaves behind, or the SQLSTATE that it is refused with."""
    try:
        return effect(connection, sql)
    except psycopg.Error as error:
        return error.sqlstate


def restore(oltp):
    oltp.sql("TRUNCATE items; DELETE FROM orders;" + "INSERT" + SCHEMA.format(orders="orders", shift=0).split("INSERT")[1] +
             "INSERT INTO items SELECT i, 1 + i % 60, 'app', i % 5 FROM generate_series(1, 100) AS i;", "rw_base")


def test_a_replaced_function_is_as_if_it_were_the_other(start, oltp):
    proxy = start(rewriting(':replace_function("price", "new_price")'))
    with proxy.connect(dbname="base") as edited, Endpoint(oltp.port).connect(dbname="rw_function") as other:
        for sql in QUERIES:
            seen, truth = answer(edited, sql), answer(other, sql)
            assert seen[1] == truth[1], sql
            assert [name.replace("new_", "") for name in seen[0]] == truth[0], sql


def test_a_renamed_column_keeps_its_old_name_for_the_client_or_is_refused(start, oltp):
    """The client knows orders.total; the table has total_cents."""
    proxy = start(rewriting(':rename_column("orders", "total", "total_cents")'))
    refused = []
    with proxy.connect(dbname="column") as edited, Endpoint(oltp.port).connect(dbname="rw_base") as other:
        for sql in QUERIES + CHANGES[:-2] + INSERTS[:3]:
            try:
                with edited.transaction(force_rollback=True), other.transaction(force_rollback=True):
                    assert answer(edited, sql) == answer(other, sql), sql
            except psycopg.errors.FeatureNotSupported:
                refused.append(sql)
    assert len(refused) < len(QUERIES + CHANGES) / 2
    for sql in refused:
        assert any(word in sql for word in ("*", "TABLE", "NATURAL", "o FROM", "(o", "AS o (a, b)", "::", "CAST", "total FROM customers",
        "orders p", "JOIN", ", ")), sql


def test_a_replaced_schema_is_as_if_it_were_the_other(start, oltp):
    proxy = start(rewriting(':replace_schema("old", "archive")'))
    with proxy.connect(dbname="base") as edited, Endpoint(oltp.port).connect(dbname="rw_base") as other:
        for sql in ("SELECT old.orders_old.id FROM old.orders_old", "SELECT o.* FROM \"old\".orders_old o", "TABLE old.orders_old",
                    "SELECT 'old.x', old.note FROM old.orders_old old"):
            assert answer(edited, sql) == answer(other, sql.replace('"old".', "archive.").replace("old.orders_old", "archive.orders_old")), sql
        with edited.transaction(force_rollback=True):
            assert edited.execute("DELETE FROM old.orders_old").rowcount == 60


def test_a_limit_is_added_or_lowered_and_never_raised(start, oltp):
    proxy = start(rewriting(":set_limit(5)"))
    with proxy.connect(dbname="base") as edited, Endpoint(oltp.port).connect(dbname="rw_base") as other:
        for sql in QUERIES:
            if sql.startswith("TABLE orders ORDER"):
                continue
            try:
                seen = answer(edited, sql)
            except psycopg.errors.FeatureNotSupported:
                assert "(SELECT" in sql
                continue
            truth = answer(other, sql)
            assert seen[0] == truth[0] and len(seen[1]) == min(5, len(truth[1])), sql
            assert set(seen[1]) <= set(truth[1]), sql
            if "ORDER BY id" in sql[-60:]:
                assert seen[1] == truth[1][:5], sql
        assert len(edited.execute("SELECT id FROM orders LIMIT %s", [3]).fetchall()) == 3
        assert len(edited.execute("SELECT id FROM orders LIMIT %b", [300]).fetchall()) == 5
        assert len(edited.execute("SELECT id FROM orders LIMIT %s", [None]).fetchall()) == 5


# ---- prepared statements, cursors, strings of statements, names


def test_parameters_keep_their_numbers_and_types(start):
    proxy = start(rewriting(FILTER + ":set_limit(1000)"))
    with proxy.connect(dbname="base", prepare_threshold=0) as connection:
        for n in range(10):
            rows = connection.execute("SELECT id, %s::text FROM orders WHERE id < %s AND note IS DISTINCT FROM %s LIMIT %s", ["x", 10 + n,
            "note 9", 4]).fetchall()
            assert [row[0] for row in rows] == [3, 6] + ([12] if n > 2 else []) + ([15] if n > 5 else []), n
        with connection.transaction(force_rollback=True):
            assert connection.execute("UPDATE orders SET note = %s WHERE id = %s", ["x", 4]).rowcount == 0
            assert connection.execute("UPDATE orders SET note = %s WHERE id = %s", ["x", 6]).rowcount == 1


def test_sql_prepare_and_cursors_see_filtered_rows(start):
    proxy = start(rewriting(FILTER))
    with proxy.connect(dbname="base") as connection:
        with connection.transaction():
            connection.execute("PREPARE p (int) AS SELECT count(*) FROM orders WHERE id > $1")
            assert one(connection, "EXECUTE p (0)") == 20
            connection.execute("DECLARE c CURSOR FOR SELECT * FROM orders")
            assert len(connection.execute("FETCH ALL FROM c").fetchall()) == 20
            connection.execute("DECLARE d CURSOR FOR SELECT * FROM orders")
            connection.execute("FETCH 1 FROM d")
        with proxy.connect(dbname="base", autocommit=False) as other:
            other.execute("DECLARE d CURSOR FOR SELECT * FROM orders")
            other.execute("FETCH 1 FROM d")
            assert failure(other, "DELETE FROM orders WHERE CURRENT OF d").sqlstate == "0A000"
        assert "Rows Removed by Filter" in str(connection.execute("EXPLAIN ANALYZE SELECT * FROM orders").fetchall())


def test_each_statement_of_a_string_is_filtered(start):
    proxy = start(rewriting(FILTER))
    with proxy.connect(dbname="base", cursor_factory=psycopg.ClientCursor) as connection:
        cursor = connection.execute("SELECT 1; SELECT count(*) FROM orders; /* a */ SELECT count(*) FROM public.orders -- b")
        seen = [cursor.fetchone()[0]]
        while cursor.nextset():
            seen.append(cursor.fetchone()[0])
        assert seen == [1, 20, 20]
        assert failure(connection, "SELECT 1; TRUNCATE orders").sqlstate == "0A000"
        assert one(connection, "SELECT count(*) FROM orders") == 20


def test_copy_of_a_query_is_filtered_and_copy_of_the_table_refused(start):
    proxy = start(rewriting(FILTER))
    with proxy.connect(dbname="base") as connection:
        with connection.cursor().copy("COPY (SELECT id FROM orders) TO STDOUT") as copy:
            assert len(list(copy.rows())) == 20
        for sql in ("COPY orders TO STDOUT", "COPY orders FROM STDIN"):
            assert failure(connection, sql).sqlstate == "0A000"


def test_the_value_of_a_user_is_never_more_than_a_value(start, oltp):
    oltp.sql("DO $$ BEGIN CREATE ROLE \"o'hara\" LOGIN PASSWORD 'x'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;")
    oltp.sql("GRANT ALL ON ALL TABLES IN SCHEMA public TO \"o'hara\"", "rw_base")
    rules = rewriting(':add_filter("orders", "tenant = ?", session.application_name)')
    proxy = start(rules)
    for name, rows in (("o'hara", 20), ("app", 20), ("' OR true --", 0), ("\\' OR true --", 0), ("", 0), ("app' ", 0)):
        with proxy.connect(dbname="base", application_name=name) as connection:
            for conforming in ("on", "off"):
                connection.execute(f"SET standard_conforming_strings = {conforming}")
                assert one(connection, "SELECT count(*) FROM orders") == rows, name
                assert one(connection, "SELECT count(*) FROM orders WHERE note <> '\\\\'") <= rows


# ---- errors

def test_error_positions_are_those_of_the_client(start, databases):
    proxy = start(rewriting(':add_filter("orders", "tenant = ?", session.user):replace_table("gone", "archive.nothing")'))
    cases = [("SELECT id, nothing_like_it FROM orders", "nothing_like_it"), ("SELECT 'é', 1 FROM orders WHERE orders.wrong = 1", "orders.wrong"),
             ("SELECT * FROM orders o JOIN gone ON true", "gone"), ("UPDATE orders SET note = 1 WHERE wrong > 2", "wrong"),
             ("SELECT 1 FROM orders ORDER BY wrong", "wrong"), ("SELECT wrong FROM customers", "wrong")]
    for protocol in PROTOCOLS.values():
        with proxy.connect(dbname="base", **protocol) as connection:
            for sql, word in cases:
                diag = failure(connection, sql).diag
                assert diag.statement_position == str(sql.index(word) + 1), sql


def test_positions_of_a_string_of_statements_and_of_warnings_are_those_of_the_client(start, databases):
    proxy = start(rewriting(FILTER))
    sql = "SELECT 'ü' FROM orders;  SELECT 2;\nSELECT id, wrong FROM orders"
    warned = "SELECT id FROM orders WHERE note = 'a\\\\b'"
    with proxy.connect(dbname="base", cursor_factory=psycopg.ClientCursor) as connection:
        assert failure(connection, sql).diag.statement_position == str(sql.index("wrong") + 1)
        notices = []
        connection.add_notice_handler(lambda notice: notices.append((notice.sqlstate, notice.statement_position)))
        connection.execute("SET standard_conforming_strings = off")
        connection.execute(warned)
        assert notices == [("22P06", str(warned.index("'") + 1))]
