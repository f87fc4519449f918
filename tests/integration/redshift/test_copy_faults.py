"""COPY FROM STDIN on Redshift when something breaks: nothing is left in the bucket, nothing is half done, and everybody is told."""
import signal
import threading
import time

import psycopg
import pytest
from copying import BUCKET, connect, warehouse, with_keys
from fault_proxy import FaultProxy
from launch import eventually
from psycopg import pq

pytestmark = pytest.mark.pgswitch
PIECE = "".join(f"{n}\t{'x' * 1900}\n" for n in range(500))  # about 1 MB, for the table "counted"
ROW = "1\tx\t\\N\n"
LOADED, COUNTED = "COPY loaded FROM STDIN", "COPY counted FROM STDIN"


@pytest.fixture(scope="module")
def stock(analytics, place):
    with warehouse(analytics, place / "copy-faults") as started:
        yield started


@pytest.fixture(autouse=True)
def empty(analytics, stock):
    analytics.sql("TRUNCATE loaded, counted", "app")
    stock.s3.requests.clear()
    yield
    stock.s3.end_faults()
    stock.expect_clean()


@pytest.fixture
def wire(stock):
    with FaultProxy(stock.redshift.port) as between:
        yield between


@pytest.fixture
def start(start_proxy, stock):
    def begin(port=None, keys=with_keys(), **settings):
        settings = {"copy_part_size": 5, "copy_compression": "none", **settings}
        return start_proxy(rules=None, pool_mode="transaction", wrapper=keys, databases={"dw": stock.database(port, **settings)})
    return begin


def copy_in(connection, *pieces):
    cursor = connection.cursor()
    with cursor.copy(LOADED if pieces == (ROW,) else COUNTED) as copy:
        for piece in pieces:
            copy.write(piece)
    return cursor.statusmessage


def run_in_thread(connection, outcome, *pieces):
    def run():
        try:
            outcome.append(copy_in(connection, *pieces))
        except psycopg.Error as error:
            outcome.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def taken_bytes(proxy, least=0):
    """What a COPY under way has taken of its client, if it is that much."""
    shown = proxy.console("SHOW COPIES")
    return shown[0]["bytes"] if shown and shown[0]["bytes"] > least else 0


def begin_upload(connection, stock):
    """A multipart upload is under way."""
    raw = connection.pgconn
    assert raw.exec_(COUNTED.encode()).status == pq.ExecStatus.COPY_IN
    for _ in range(12):
        assert raw.put_copy_data(PIECE.encode()) == 1
        eventually(lambda: raw.flush() == 0)
    eventually(lambda: any("partNumber" in line for line in stock.s3.requests))


def test_a_refusal_that_passes_is_not_noticed(start, stock):
    stock.s3.fault("PUT /loads", status=503, times=2)
    stock.s3.fault("DELETE /loads", status=500, times=2)
    with connect(start()) as connection:
        assert copy_in(connection, ROW) == "COPY 1"


def test_a_part_that_is_cut_off_is_sent_again(start, stock):
    stock.s3.fault(r"PUT /loads.*partNumber=2", cut=100_000)
    with connect(start()) as connection:
        assert copy_in(connection, *[PIECE] * 16) == "COPY 8000"
        assert connection.execute("SELECT count(*) FROM counted").fetchone() == (8000,)


def test_an_upload_that_is_refused(start, stock):
    with connect(start(keys=with_keys(secret="wrong"))) as connection:
        with pytest.raises(psycopg.errors.IoError) as caught:
            copy_in(connection, ROW)
        assert caught.value.diag.message_primary == "cannot upload the data of COPY to S3"
        assert caught.value.diag.message_detail == "HTTP status 403 SignatureDoesNotMatch"
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


def test_a_bucket_that_is_not_there(start):
    with connect(start(copy_bucket="elsewhere")) as connection:
        with pytest.raises(psycopg.errors.IoError) as caught:
            copy_in(connection, ROW)
        assert caught.value.diag.message_detail == "HTTP status 404 NoSuchBucket: elsewhere"


def test_a_part_that_is_refused_while_the_client_sends(start, stock):
    stock.s3.fault(r"PUT /loads.*partNumber=2", status=403)
    with connect(start(), autocommit=False) as connection:
        connection.execute("INSERT INTO loaded VALUES (1, 'x', NULL)")
        with pytest.raises(psycopg.errors.IoError):
            copy_in(connection, *[PIECE] * 30)
        assert connection.execute("ROLLBACK").statusmessage == "ROLLBACK"
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


def test_a_slow_bucket_makes_the_client_wait(start, stock):
    """What the client has sent and S3 has not taken stays bounded."""
    proxy = start(copy_parallel=1)
    held = threading.Event()
    stock.s3.fault("PUT /loads", hold=held, times=1000)
    with connect(proxy) as connection:
        outcome = []
        thread = run_in_thread(connection, outcome, *[PIECE] * 40)
        try:
            taken = eventually(lambda: taken_bytes(proxy, 8 << 20))
            time.sleep(0.5)  # it could have taken everything by then
            at_last = taken_bytes(proxy)
        finally:
            held.set()
            thread.join()
        assert at_last <= taken + (8 << 20) < 40 * len(PIECE)
        assert outcome == ["COPY 20000"]
        assert connection.execute("SELECT count(*) FROM counted").fetchone() == (20000,)


def test_the_client_goes_in_the_middle(start, stock):
    proxy = start()
    connection = connect(proxy)
    begin_upload(connection, stock)
    connection.pgconn.finish()
    stock.expect_clean()
    assert stock.rows("SELECT count(*) FROM counted") == "0"
    assert proxy.console("SHOW COPIES") == []


def test_the_client_gives_up(start, stock):
    with connect(start()) as connection:
        with pytest.raises(psycopg.errors.QueryCanceled) as caught:
            with connection.cursor().copy(COUNTED) as copy:
                for _ in range(12):
                    copy.write(PIECE)
                raise RuntimeError("enough")
        assert caught.value.diag.message_primary.startswith("COPY from stdin failed: ")
        assert connection.execute("SELECT count(*) FROM counted").fetchone() == (0,)


def test_a_cancel_while_data_is_sent(start, stock):
    with connect(start()) as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            with connection.cursor().copy(COUNTED) as copy:
                copy.write(PIECE)
                connection.pgconn.flush()
                connection.cancel()
                for _ in range(1000):
                    copy.write(PIECE)
        assert connection.execute("SELECT count(*) FROM counted").fetchone() == (0,)


def test_a_cancel_while_the_upload_waits(start, stock):
    held = threading.Event()
    stock.s3.fault("PUT /loads", hold=held)
    with connect(start()) as connection:
        waiting = threading.Timer(0.3, connection.cancel)
        waiting.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            copy_in(connection, ROW)
        held.set()
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


def test_redshift_dies_during_the_load(start, stock, wire):
    """The stand-in waits for the object while its connection breaks."""
    held = threading.Event()
    stock.s3.fault("GET /loads", hold=held)
    proxy = start(port=wire.port)
    with connect(proxy) as connection:
        outcome = []
        thread = run_in_thread(connection, outcome, ROW)
        eventually(lambda: any(line["phase"] == "loading" for line in proxy.console("SHOW COPIES")))
        wire.reset_all()
        thread.join()
        assert outcome[0].sqlstate == "08006"
        stock.expect_clean()
        held.set()
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_redshift_dies_in_a_transaction(start, stock, wire):
    with connect(start(port=wire.port), autocommit=False) as connection:
        connection.execute("INSERT INTO counted VALUES (1, 'x')")
        with pytest.raises(psycopg.Error):
            with connection.cursor().copy(COUNTED) as copy:
                copy.write(PIECE)
                connection.pgconn.flush()
                wire.reset_all()
                for _ in range(1000):
                    copy.write(PIECE)
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM counted").fetchone() == (0,)


def test_redshift_cannot_read_the_object(start, stock):
    stock.s3.fault("GET /loads", status=403, times=100)
    with connect(start(), autocommit=False) as connection:
        with pytest.raises(psycopg.Error) as caught:
            copy_in(connection, ROW)
        assert "S3ServiceException" in caught.value.diag.message_primary
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (0,)


@pytest.mark.parametrize("number", (signal.SIGQUIT, signal.SIGTERM))
def test_the_proxy_ends(start, stock, number):
    proxy = start()
    connection = connect(proxy)
    begin_upload(connection, stock)
    proxy.pooler.signal(number)
    if number == signal.SIGTERM:
        proxy.pooler.signal(signal.SIGQUIT)
    proxy.pooler.wait()
    assert stock.is_clean()
    connection.pgconn.finish()


def test_what_cannot_be_deleted_is_told(start, stock):
    stock.s3.fault("DELETE /loads", status=403, times=1)
    proxy = start()
    with connect(proxy) as connection:
        assert copy_in(connection, ROW) == "COPY 1"
    proxy.pooler.expect_log(f"cannot delete s3://{BUCKET}/in/pgswitch/pgswitch-")
    stock.expect_clean()
