"""COPY among other statements of one query string on a Redshift route: what one transaction can hold runs, what would be committed early is refused."""
import pytest
from copying import connect, warehouse, with_keys
from endpoint import Endpoint
from psycopg import pq

pytestmark = pytest.mark.pgswitch
COPY = "copy loaded (id, what) from stdin"


@pytest.fixture(scope="module")
def stock(analytics, place):
    with warehouse(analytics, place / "copy-strings") as started:
        yield started


@pytest.fixture(scope="module", params=("transaction", "session"))
def running(request, make_pooler, stock):
    pooler = make_pooler(rules=None, wrapper=with_keys(), pool_mode=request.param, databases={"dw": stock.database()})
    pooler.start()
    yield pooler
    pooler.stop()


@pytest.fixture
def raw(running, stock, analytics):
    analytics.sql("TRUNCATE loaded", "app")
    with connect(Endpoint(running.port, pooler=running)) as connection:
        yield connection.pgconn
    stock.expect_clean()


def answers(raw, text, data=b"1\tx\n2\ty\n"):
    """Command tags, rows, copied lines and errors of all that the string has, as it comes; then the transaction's state."""
    raw.send_query(text.encode())
    seen = []
    while (result := raw.get_result()) is not None:
        if result.status == pq.ExecStatus.COPY_IN:
            assert raw.put_copy_data(data) == 1 and raw.put_copy_end() == 1
        elif result.status == pq.ExecStatus.COPY_OUT:
            while (got := raw.get_copy_data(0))[0] > 0:
                seen.append(bytes(got[1]).decode())
        elif result.status == pq.ExecStatus.TUPLES_OK:
            seen.append([result.get_value(i, 0).decode() for i in range(result.ntuples)])
        elif result.status == pq.ExecStatus.FATAL_ERROR:
            seen.append(result.error_field(pq.DiagnosticField.SQLSTATE).decode())
        else:
            seen.append(result.command_status.decode())
    return seen, pq.TransactionStatus(raw.transaction_status).name


@pytest.mark.parametrize("text, wanted", [
    (f"begin; {COPY}", (["BEGIN", "COPY 2"], "INTRANS")),
    (f"begin; {COPY}; commit", (["BEGIN", "COPY 2", "COMMIT"], "IDLE")),
    (f"begin; {COPY};commit;", (["BEGIN", "COPY 2", "COMMIT"], "IDLE")),
    (f"begin; delete from loaded; {COPY}; select count(*) from loaded; commit", (["BEGIN", "DELETE 0", "COPY 2", ["2"], "COMMIT"], "IDLE")),
    (f"select 7; {COPY}", ([["7"], "COPY 2"], "IDLE")),
    (f"set datestyle to 'ISO'; {COPY}", (["SET", "COPY 2"], "IDLE")),
    ("copy (select 1) to stdout; select 2", (["1\n", "COPY 1", ["2"]], "IDLE")),
    ("select 1; copy (select 2 union all select 3) to stdout", ([["1"], "2\n", "3\n", "COPY 2"], "IDLE")),
    ("begin; select 1; copy (select 2) to stdout; select 3; rollback", (["BEGIN", ["1"], "2\n", "COPY 1", ["3"], "ROLLBACK"], "IDLE")),
])
def test_what_runs(raw, stock, text, wanted):
    assert answers(raw, text) == wanted
    if wanted[1] == "INTRANS":
        assert answers(raw, "commit") == (["COMMIT"], "IDLE")
    assert stock.rows("SELECT count(*) FROM loaded") == ("2" if "COPY 2" in wanted[0] and COPY in text else "0")
    assert answers(raw, "select 5") == ([["5"]], "IDLE")


@pytest.mark.parametrize("text, seen", [
    (f"insert into loaded values (9, 'x'); {COPY}", []),
    (f"truncate loaded; {COPY}; select 1", []),
    (f"{COPY}; select 1", []),
    (f"{COPY}; {COPY}", []),
    (f"begin; {COPY}; {COPY}; commit", ["BEGIN"]),
])
def test_what_cannot_be_one_transaction_is_refused(raw, stock, text, seen):
    got, state = answers(raw, text)
    assert got == [*seen, "0A000"]
    assert state == ("INERROR" if seen else "IDLE")
    answers(raw, "rollback")
    assert stock.rows("SELECT count(*) FROM loaded") == "0"


@pytest.mark.parametrize("text, seen, state", [
    (f"begin; {COPY}; select 1; commit", ["BEGIN", "22P02"], "INERROR"),
    (f"select 1/0; {COPY}", ["22012"], "IDLE"),
    (f"begin; select 1/0; {COPY}; commit", ["BEGIN", "22012"], "INERROR"),
])
def test_nothing_behind_an_error_runs(raw, stock, text, seen, state):
    assert answers(raw, text, b"1\tx\nwrong\ty\n") == (seen, state)
    if state == "INERROR":
        assert answers(raw, "commit") == (["ROLLBACK"], "IDLE")
    assert stock.rows("SELECT count(*) FROM loaded") == "0"


def test_an_error_behind_it_fails_the_transaction(raw, stock):
    assert answers(raw, f"begin; {COPY}; select 1/0; commit") == (["BEGIN", "COPY 2", "22012"], "INERROR")
    assert answers(raw, "rollback") == (["ROLLBACK"], "IDLE")
    assert stock.rows("SELECT count(*) FROM loaded") == "0"


def test_what_is_set_before_a_load_that_fails_is_as_before(raw):
    answers(raw, "set datestyle to 'ISO, MDY'")
    assert answers(raw, f"set datestyle to 'ISO, DMY'; {COPY}", b"wrong\ty\n") == (["SET", "22P02"], "IDLE")
    assert raw.parameter_status(b"DateStyle") == b"ISO, MDY"
    assert answers(raw, "show datestyle") == ([["ISO, MDY"]], "IDLE")


def test_where_an_error_in_its_query_is(raw):
    raw.send_query(b"select 1; copy (select nothing from loaded) to stdout")
    errors = []
    while (result := raw.get_result()) is not None:
        if result.status == pq.ExecStatus.FATAL_ERROR:
            errors.append(result.error_field(pq.DiagnosticField.STATEMENT_POSITION))
    assert errors == [b"24"]
