"""Strict rules: the ways around a row filter are closed, and what cannot be proven filtered is refused."""
import psycopg
import pytest
from endpoint import USERS, failure, one
from messages import function_call, query
from raw import RawClient, error_fields
from rewriting import FILTER, PROTOCOLS, databases, rewriting, start  # noqa: F401

pytestmark = pytest.mark.pgswitch
STRICT = """
rules {
  { name = "tenants", when = { database = "base" }, strict = true, unfiltered = { "customers", "items" },
    rewrite = { add_filter = { orders = "tenant = $user" } } },
}
"""
ALLOWED = [  # the ways that lead to the filter
    "SELECT count(*) FROM ONLY orders",
    "SELECT count(*) FROM (TABLE orders) x",
    'SELECT count(*) FROM "orders"',
    'SELECT count(*) FROM U&"\\006frders"',
    "SELECT count(*) FROM/**/orders",
    "SELECT count(*) FROM public.orders",
    "SELECT count(*) FROM rw_base.public.orders",
    "SELECT count(*) FROM customers, orders orders WHERE customers.id = 1",
    "WITH orders AS (TABLE orders) SELECT count(*) FROM orders",
    "WITH customers AS (TABLE orders) SELECT count(*) FROM customers",
]
REFUSED = [
    "SELECT * FROM orders_view", "SELECT * FROM orders_child", "SELECT all_orders()", "SELECT * FROM all_orders()", "COPY orders TO STDOUT",
    "COPY orders_view TO STDOUT",
    "SELECT * FROM other_schema.orders_copy", "SELECT * FROM pg_temp.orders_temp", "CREATE TEMP TABLE orders (id int)",
    "CREATE TEMP VIEW x AS SELECT 1",
    "DO $$ BEGIN PERFORM 1 FROM orders; END $$", "CALL p()", "SELECT query_to_xml('SELECT * FROM orders', true, false, '')",
    "SELECT table_to_xml('orders', true, false, '')", "SELECT database_to_xml(true, false, '')", "SET search_path = other_schema",
    "SET LOCAL search_path = x",
    "SELECT set_config('search_path', 'x', false)", "SET ROLE other", "SET SESSION AUTHORIZATION app", "SET standard_conforming_strings = off",
    "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM orders'", "CREATE VIEW v AS SELECT * FROM orders",
    "CREATE RULE r AS ON SELECT TO customers DO INSTEAD SELECT * FROM orders", "ALTER TABLE orders RENAME TO customers2", "TRUNCATE orders",
    "EXPLAIN ANALYZE CREATE MATERIALIZED VIEW m AS SELECT * FROM orders", "SELECT lo_get(1)", "SELECT * FROM pg_stats WHERE tablename = 'orders'",
    "SELECT pg_read_file('postgresql.conf')", "INSERT INTO orders SELECT * FROM orders",
    "INSERT INTO orders VALUES (3, 'app') ON CONFLICT (id) DO UPDATE SET note = '' RETURNING *",
    "UPDATE orders SET tenant = 'other'", "SELECT ctid FROM orders", "SELECT * FROM orders TABLESAMPLE SYSTEM (100)", "SELECT TOP 5 * FROM orders",
    "SELECT * FROM orders WHERE id IN (" + "1, " * 30000 + "1)", "LOCK TABLE orders", "GRANT SELECT ON orders TO other",
    "COMMENT ON TABLE orders IS 'x'",
    "MERGE INTO orders USING customers c ON true WHEN MATCHED THEN DELETE", "VACUUM orders", "SELECT * FROM dblink('', 'SELECT 1') AS t (a int)",
    "SELECT ('SELECT to_tsvector(tenant) FROM orders'::text).ts_stat", "SELECT (4711::oid).lo_get", "SELECT pg_table_size('orders')",
    "SELECT x.ts_stat FROM unnest(ARRAY['SELECT to_tsvector(tenant) FROM orders']) x", "SELECT statement FROM pg_prepared_statement()",
    "SET debug_print_plan = on",
]
LEAKS = """
SET ROLE app;
CREATE VIEW orders_view AS SELECT * FROM orders;
CREATE TABLE orders_child () INHERITS (orders);
CREATE FUNCTION all_orders() RETURNS SETOF orders LANGUAGE sql AS 'SELECT * FROM orders';
CREATE PROCEDURE p() LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA other_schema; CREATE TABLE other_schema.orders_copy AS SELECT * FROM orders;
"""


@pytest.fixture(scope="module")
def leaks(databases, oltp):
    oltp.sql(LEAKS, "rw_base")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_ways_around_a_strict_filter_are_closed(start, leaks, protocol):
    proxy = start(STRICT)
    with proxy.connect(dbname="base", **PROTOCOLS[protocol]) as connection:
        for sql in ALLOWED:
            assert one(connection, sql) == 20, sql
        for sql in REFUSED:
            diag = failure(connection, sql).diag
            assert (diag.sqlstate, diag.message_primary) == ("0A000", "the statement cannot be rewritten safely"), sql
        assert one(connection, "SELECT count(*) FROM orders") == 20


def test_expressions_of_the_client_are_not_evaluated_for_rows_that_a_strict_filter_hides(start, databases):
    """An error tells of a row that it was evaluated for: 1 / (id - 4) fails for the row with the id 4, which is not ours. PostgreSQL evaluates what is
    cheaper first, and the filter is dear here."""
    proxy = start(STRICT.replace("tenant = $user", "lower(upper(lower(tenant))) = $user"))
    with proxy.connect(dbname="base") as connection:
        for n in (4, 5, 7):
            assert one(connection, f"SELECT count(*) FROM orders WHERE 1 / (id - {n}) IS NOT NULL") == 20
            with connection.transaction(force_rollback=True):
                assert connection.execute(f"UPDATE orders SET note = 'x' WHERE 1 / (id - {n}) IS NOT NULL").rowcount == 20
                assert connection.execute(f"DELETE FROM orders WHERE 1 / (id - {n}) IS NOT NULL").rowcount == 20
        assert failure(connection, "SELECT count(*) FROM orders WHERE 1 / (id - 6) IS NOT NULL").sqlstate == "22012"


@pytest.mark.parametrize("encoding", ("SJIS", "BIG5", "GBK", "GB18030", "UHC", "JOHAB"))
def test_encodings_whose_characters_end_in_a_backslash_are_refused_by_a_strict_rule(start, databases, encoding):
    proxy = start(STRICT)
    with proxy.connect(dbname="base", client_encoding=encoding) as connection:
        assert failure(connection, "SELECT count(*) FROM orders").sqlstate == "0A000"


def test_an_encoding_that_is_refused_can_be_left(start, databases):
    with start(STRICT).connect(dbname="base", cursor_factory=psycopg.ClientCursor) as connection:
        for way_out in ("SET NAMES 'UTF8'", "RESET client_encoding", "DISCARD ALL"):
            connection.execute("SET client_encoding = 'SJIS'")
            assert failure(connection, "SELECT count(*) FROM orders").sqlstate == "0A000"
            connection.execute(way_out)
            assert one(connection, "SELECT count(*) FROM orders") == 20


def test_a_login_brings_nothing_that_a_strict_rule_would_refuse(start, leaks):
    proxy = start(STRICT)
    with proxy.connect(dbname="base", options="-c search_path=other_schema,public") as connection:
        for sql in ("SELECT count(*) FROM customers", "SELECT count(*) FROM orders"):
            assert "search_path" in failure(connection, sql).diag.message_detail
        assert one(connection, "SELECT count(*) FROM public.orders") == 20
        connection.execute("RESET search_path")
        assert "search_path" in failure(connection, "SELECT count(*) FROM orders").diag.message_detail
    for setting, options in (("role", {"options": "-c role=app"}), ("replication", {"replication": "database"}), ("replication", {"replication": "true"})):
        with pytest.raises(psycopg.OperationalError, match=f'"{setting}" set at its login is not allowed by a strict rule'):
            proxy.connect(dbname="base", **options)
    with proxy.connect(dbname="plain", options="-c role=app -c search_path=other_schema,public") as connection:
        assert one(connection, "SELECT count(*) FROM orders") == 60


def test_what_another_client_prepared_cannot_be_executed(start, databases):
    """Both share a server, on which the statement of the first has a name that the second can find out."""
    rules = STRICT.replace("rules {", 'rules { { name = "free", when = { application_name = "free" }, pass = true },')
    proxy = start(rules, pool_mode="transaction", default_pool_size=1)
    with proxy.connect(dbname="base", application_name="free", prepare_threshold=0) as free, \
            proxy.connect(dbname="base", cursor_factory=psycopg.ClientCursor) as other:
        assert one(free, "SELECT count(*) FROM orders") == 60
        (name,) = free.execute("SELECT name FROM pg_prepared_statements WHERE statement = 'SELECT count(*) FROM orders'").fetchone()
        assert name.startswith("pgs_")
        for sql in (f'EXECUTE "{name}"', f"DEALLOCATE {name}", f"EXPLAIN EXECUTE {name}", f"SELECT 1; EXECUTE {name}"):
            assert failure(other, sql).sqlstate in ("26000", "0A000"), sql
        assert one(free, "SELECT count(*) FROM orders") == 60


def test_function_calls_are_refused_where_a_rule_is_strict(start, databases):
    """Large objects, and every function by its number, without a statement that a rule could see."""
    for rules, answer_kinds in ((STRICT, b"EZ"), (rewriting(FILTER), b"VZ")):
        with RawClient(start(rules).port) as client:
            client.login("app", USERS["app"], database="base")
            client.send(function_call(2026))  # pg_backend_pid()
            seen = client.read_until(b"Z")
            assert b"".join(kind for kind, _ in seen) == answer_kinds
            assert seen[-1][1] == b"I"
            client.send(query("BEGIN; SELECT 1"))
            client.read_until(b"Z")
            client.send(function_call(2026))
            assert client.read_until(b"Z")[-1][1] == (b"E" if rules is STRICT else b"T")
            if rules is STRICT:
                assert error_fields(seen[0][1])["C"] == "0A000"
