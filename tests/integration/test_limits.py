"""Rules that limit statements: they wait, are cancelled when they run too long, and fail when they have too many rows; in each protocol, and
the session goes on."""
import threading
import time

import psycopg
import pytest
from endpoint import USERS, failure, one
from frames import query
from launch import eventually
from raw import RawClient
from test_observe import PROTOCOLS

pytestmark = pytest.mark.pgswitch
RULES = """
rules {
  { name = "few", when = { tables = "few" }, max_rows = 3, metric = "few" },
  { name = "brief", when = { tables = "brief" }, timeout = 0.3 },
  { name = "later", when = { tables = "later" }, delay = 0.5 },
  { name = "long", when = { tables = "long" }, delay = 60 },
}
"""
TABLES = ("few", "brief", "later", "long")


@pytest.fixture(params=({"workers": 1}, {"workers": 2, "pool_mode": "session"}), ids=("transaction", "session-2-workers"))
def proxy(request, start_proxy, oltp):
    oltp.sql("".join(f"CREATE TABLE IF NOT EXISTS {table} (a integer); GRANT ALL ON {table} TO app;" for table in TABLES)
             + "TRUNCATE few; INSERT INTO few SELECT generate_series(1, 1000)", "app")
    return start_proxy(rules=RULES, pool_mode=request.param.get("pool_mode", "transaction"), workers=request.param["workers"])


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
class TestLimits:
    def test_more_rows_are_an_error_and_the_session_goes_on(self, proxy, protocol):
        with proxy.connect(**protocol) as connection:
            for _ in range(3):
                assert len(connection.execute("SELECT a FROM few LIMIT 3").fetchall()) == 3
                error = failure(connection, "SELECT a FROM few")
                assert (error.sqlstate, error.diag.message_primary) == ("54000", "the result has more than 3 rows")
                assert error.diag.message_detail == 'Rule "rules.lua:3 few" allows no more.'
                assert one(connection, "SELECT 7") == 7
        eventually(lambda: not proxy.busy_servers())
        counted = {row["name"]: float(row["value"]) for row in proxy.console("SHOW METRICS")}
        assert counted["few"] >= 3  # a prepared statement is decided once

    def test_more_rows_fail_the_transaction(self, proxy, protocol, oltp):
        with proxy.connect(autocommit=False, **protocol) as connection:
            connection.execute("INSERT INTO written (what) VALUES ('limited')")
            assert failure(connection, "SELECT a FROM few").sqlstate == "54000"
            assert failure(connection, "SELECT 1").sqlstate == "25P02"
            connection.commit()
            assert one(connection, "SELECT count(*) FROM written WHERE what = 'limited'") == 0

    def test_what_runs_too_long_is_cancelled(self, proxy, protocol):
        with proxy.connect(**protocol) as connection:
            for _ in range(2):
                error = failure(connection, "SELECT pg_sleep(30) FROM (VALUES (1)) v LEFT JOIN brief ON true")
                assert (error.sqlstate, error.diag.message_primary) == ("57014", "canceling statement due to the timeout of a rule")
                assert one(connection, "SELECT 7 FROM pg_sleep(0.3)") == 7  # nothing of the cancel request is left
            assert one(connection, "SELECT count(*) FROM brief") == 0

    def test_a_delayed_statement_waits(self, proxy, protocol):
        with proxy.connect(**protocol) as connection:
            start = time.monotonic()
            assert one(connection, "SELECT count(*) FROM later") == 0
            assert time.monotonic() - start >= 0.5

    def test_a_delay_ends_with_a_cancel_request(self, proxy, protocol):
        with proxy.connect(**protocol) as connection:
            canceller = threading.Timer(0.3, connection.cancel)
            canceller.start()
            error = failure(connection, "SELECT count(*) FROM long")
            canceller.join()
            assert (error.sqlstate, error.diag.message_detail) == ("57014", "A rule let it wait.")
            assert one(connection, "SELECT 7") == 7


def test_rows_fetched_by_portions_count_together(proxy):
    with proxy.connect(autocommit=False) as connection, connection.cursor("portions") as cursor:
        cursor.execute("SELECT a FROM few")  # DECLARE, whose FETCH is another statement
        assert len(cursor.fetchmany(2)) == 2
        with pytest.raises(psycopg.Error) as raised:
            cursor.fetchmany(2)
        assert (raised.value.sqlstate, raised.value.diag.message_primary) == ("54000", "the result has more than 3 rows")
        connection.rollback()
    with proxy.connect(autocommit=True) as connection:
        assert failure(connection, "BEGIN; DECLARE c CURSOR FOR SELECT a FROM few; FETCH ALL FROM c").sqlstate == "54000"


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_execute_has_the_limits_of_what_it_runs(proxy, protocol):
    with proxy.connect(**protocol) as connection:
        connection.execute("PREPARE p AS SELECT a FROM few LIMIT $1")
        assert len(connection.execute("EXECUTE p(3)").fetchall()) == 3
        assert failure(connection, "EXECUTE p(4)").sqlstate == "54000"
        connection.execute("PREPARE s AS SELECT pg_sleep(30) FROM (VALUES (1)) v LEFT JOIN brief ON true")
        assert failure(connection, "EXECUTE s").sqlstate == "57014"
        assert len(connection.execute("EXPLAIN (ANALYZE, VERBOSE) EXECUTE p(9)").fetchall()) > 3  # its rows are no rows of the table
    with proxy.connect() as connection:
        assert failure(connection, "PREPARE q AS SELECT a FROM few; EXECUTE q").sqlstate == "54000"


def test_rows_of_copy_count(proxy):
    with proxy.connect() as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg.Error) as raised, cursor.copy("COPY few TO STDOUT") as copy:
            for _ in copy:
                pass
        assert raised.value.sqlstate == "54000"
        assert one(connection, "SELECT 7") == 7


def test_a_pipeline_with_limited_statements(proxy):
    with proxy.connect() as connection:
        with connection.pipeline() as pipeline:
            cursors = [connection.execute(sql) for sql in ("SELECT 1", "SELECT a FROM few LIMIT 2", "SELECT 3")]
            pipeline.sync()
            assert [len(cursor.fetchall()) for cursor in cursors] == [1, 2, 1]
        with pytest.raises(psycopg.Error) as raised, connection.pipeline() as pipeline:
            connection.execute("SELECT 1")
            connection.execute("SELECT a FROM few")
            connection.execute("SELECT 3")
            pipeline.sync()
        assert raised.value.sqlstate == "54000"
        assert one(connection, "SELECT 7") == 7


def test_a_client_that_goes_while_its_statement_waits_leaves_nothing(proxy):
    client = RawClient(proxy.port)
    client.login("app", USERS["app"], database="app")
    client.send(query("SELECT count(*) FROM long"))
    eventually(lambda: [row for row in proxy.console("SHOW CLIENTS") if row["user"] == "app"])
    client.close()
    eventually(lambda: not [row for row in proxy.console("SHOW CLIENTS") if row["user"] == "app"], 5, "the client is gone")
    eventually(lambda: not proxy.busy_servers())
