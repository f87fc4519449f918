"""COPY on a Redshift route that takes too long: statement_timeout, the timeout of a rule and query_timeout end it as they end other statements."""
import os
import select
import threading

import pytest
from copying import REGION, connect, warehouse, with_keys
from psycopg import pq

pytestmark = pytest.mark.pgswitch
COPY = "COPY loaded FROM STDIN"
RULES = """
rules { { name = "not for long", when = { kind = "copy_in" }, timeout = 0.3 } }
"""


@pytest.fixture(scope="module")
def stock(analytics, place):
    with warehouse(analytics, place / "copy-timeouts") as started:
        yield started


@pytest.fixture(autouse=True)
def empty(analytics, stock):
    analytics.sql("TRUNCATE loaded", "app")
    yield
    stock.s3.end_faults()
    stock.expect_clean()


@pytest.fixture
def start(start_proxy, stock):
    def begin(rules=None, keys=with_keys(), databases=None, **settings):
        return start_proxy(rules=rules, pool_mode="transaction", wrapper=keys, databases={"dw": stock.database(**(databases or {}))}, **settings)
    return begin


def begin_copy(connection):
    assert connection.pgconn.exec_(COPY.encode()).status == pq.ExecStatus.COPY_IN
    connection.pgconn.put_copy_data(b"1\tx\t\\N\n")


def await_message(connection):
    """The proxy has something to say that nobody has asked for."""
    assert connection.pgconn.flush() == 0
    assert select.select([connection.pgconn.socket], [], [], 60)[0]
    connection.pgconn.consume_input()


def failure(connection):
    result = connection.pgconn.get_result()
    assert result.status == pq.ExecStatus.FATAL_ERROR
    while connection.pgconn.get_result() is not None:
        pass
    return tuple((result.error_field(field) or b"").decode() for field in (pq.DiagnosticField.SQLSTATE, pq.DiagnosticField.MESSAGE_PRIMARY))


TIMEOUTS = [(None, "canceling statement due to statement timeout"), (RULES, "canceling statement due to the timeout of a rule")]


@pytest.mark.parametrize("rules, message", TIMEOUTS, ids=("setting", "rule"))
@pytest.mark.parametrize("transaction", (False, True))
def test_a_client_that_sends_no_more(start, stock, rules, message, transaction):
    with connect(start(rules)) as connection:
        if not rules:
            connection.execute("SET statement_timeout TO '300ms'")
        if transaction:
            connection.execute("BEGIN")
        begin_copy(connection)
        await_message(connection)
        connection.pgconn.put_copy_end()
        assert failure(connection) == ("57014", message)
        assert connection.info.transaction_status == (pq.TransactionStatus.INERROR if transaction else pq.TransactionStatus.IDLE)
        connection.execute("ROLLBACK")
        connection.execute("SET statement_timeout TO 0")
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


@pytest.mark.parametrize("rules, message", TIMEOUTS, ids=("setting", "rule"))
@pytest.mark.parametrize("request_held", ("PUT /loads", "GET /loads/"), ids=("upload", "load"))
def test_an_upload_or_a_load_that_hangs(start, stock, rules, message, request_held):
    held = threading.Event()
    stock.s3.fault(request_held, hold=held)
    with connect(start(rules)) as connection:
        if not rules:
            connection.execute("SET statement_timeout TO 300")
        begin_copy(connection)
        connection.pgconn.put_copy_end()
        assert failure(connection) == ("57014", message)
        held.set()
        connection.execute("SET statement_timeout TO 0")
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


def test_one_that_is_in_time_runs_in_the_next_transaction_too(start):
    with connect(start()) as connection:
        connection.execute("SET statement_timeout TO '1min'")
        for _ in range(2):
            with connection.cursor().copy(COPY) as copy:
                copy.write("1\tx\t\\N\n")
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (2,)


def test_query_timeout_ends_the_session(start, stock):
    proxy = start(query_timeout=1)
    connection = connect(proxy)
    begin_copy(connection)
    await_message(connection)
    connection.pgconn.put_copy_end()
    assert failure(connection) == ("57014", "query timeout")
    assert proxy.console("SHOW COPIES") == []
    connection.close()
    with connect(proxy) as again:
        assert again.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


def test_a_region_that_is_slow_to_read_holds_nobody_up(start, place):
    """~/.aws/config is a pipe here: whoever opens it waits for a writer, and meanwhile others go on."""
    pipe = place / "config-pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o666)
    proxy = start(keys=("env", f"AWS_CONFIG_FILE={pipe}", *with_keys()[1:]), databases={"copy_region": None}, workers=1)
    with connect(proxy) as connection, connect(proxy) as other:
        begin_copy(connection)
        connection.pgconn.put_copy_end()
        connection.pgconn.flush()
        assert other.execute("SELECT 1").fetchone() == (1,)
        pipe.write_text(f"[default]\nregion = {REGION}\n")
        assert connection.pgconn.get_result().command_status == b"COPY 1"
        assert connection.pgconn.get_result() is None
