"""Clients that leave while answers are on their way: what they asked for in good order is done, and nothing of it reaches the
next client of the server connection."""
import pytest
from endpoint import USERS
from faults import resident_kb
from frames import FLUSH, SYNC, TERMINATE, bind, execute, extended, message, parse, query, values
from launch import eventually
from raw import RawClient

pytestmark = pytest.mark.pgswitch


@pytest.fixture
def proxy(start_proxy):
    """Every client gets the same server connection, when the one before has done with it."""
    return start_proxy(pool_mode="transaction", default_pool_size=1)


def session(proxy, **startup):
    client = RawClient(proxy.port)
    client.login("app", USERS["app"], database="app", **startup)
    return client


def ask(client, sql):
    client.send(query(sql))
    return values(client.read_until(b"Z"))


def named(name):
    return message(b"B", b"\0" + name + b"\0" + bytes(6)) + execute()


def runs(oltp, text):
    return oltp.sql(f"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '{text}%'") != "0"


@pytest.mark.parametrize("ending", (TERMINATE, b""))
@pytest.mark.parametrize("change, question, answer", (
    ("SET search_path = private", "SHOW search_path", '"$user", public'),
    ("SET my.tenant = '7'", "SELECT coalesce(current_setting('my.tenant', true), '')", ""),
    ("SET default_transaction_read_only = on", "SHOW default_transaction_read_only", "off")))
def test_a_setting_whose_answer_nobody_awaits_reaches_nobody(proxy, change, question, answer, ending):
    for message_of in (query, extended):
        for _ in range(10):
            leaver = session(proxy)
            leaver.send(message_of(change) + ending)
            leaver.close()
            with session(proxy) as follower:
                assert ask(follower, question) == [answer]


@pytest.mark.parametrize("ending", (TERMINATE, b""))
@pytest.mark.parametrize("reset", ("RESET search_path", "RESET ALL", "SET search_path TO DEFAULT"))
def test_a_setting_that_was_reset_in_a_transaction_that_is_left_reaches_nobody(proxy, reset, ending):
    with session(proxy) as leaver:
        for sql in ("SET search_path = private", "BEGIN", "SELECT 1", reset):
            ask(leaver, sql)
        leaver.send(ending)
    with session(proxy) as follower:
        assert ask(follower, "SHOW search_path") == ['"$user", public']


def test_the_transaction_of_one_that_left_takes_no_unnamed_statement_from_others(proxy):
    with session(proxy) as stays:
        stays.send(parse("SELECT 7") + SYNC)
        stays.read_until(b"Z")
        for _ in range(2):
            with session(proxy) as leaver:
                ask(leaver, "BEGIN")
                leaver.send(extended("SELECT 8"))
                assert values(leaver.read_until(b"Z")) == ["8"]
        stays.send(bind() + execute() + SYNC)
        assert values(stays.read_until(b"Z")) == ["7"]


def test_startup_settings_on_their_way_to_the_server_reach_nobody(proxy):
    for _ in range(20):
        leaver = session(proxy, options="-c search_path=private")
        leaver.send(query("SELECT 1"))
        leaver.close()
        with session(proxy) as follower:
            assert ask(follower, "SHOW search_path") == ['"$user", public']


@pytest.mark.parametrize("change, question, answer", (
    ("SELECT pg_advisory_lock(42)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()", ["0"]),
    ("LISTEN foo", "SELECT pg_listening_channels()", []),
    ("PREPARE pp AS SELECT 1", "SELECT name FROM pg_prepared_statements WHERE name = 'pp'", []),
    ("CREATE TEMP TABLE tt (a int)", "SELECT relname FROM pg_class WHERE relname = 'tt'", [])))
def test_what_pins_a_server_but_is_not_answered_yet_reaches_nobody(proxy, oltp, change, question, answer):
    leaver = session(proxy)
    leaver.send(extended("SELECT pg_sleep(1)") + extended(change))
    eventually(lambda: runs(oltp, "SELECT pg_sleep"))
    leaver.close()
    with session(proxy) as follower:
        assert ask(follower, question) == answer


def test_a_statement_that_was_skipped_when_its_client_had_gone_is_not_believed_to_be_there(proxy, oltp):
    leaver = session(proxy)
    leaver.send(extended("SELECT 'old'"))
    leaver.read_until(b"Z")
    leaver.send(parse("SELECT 1/(pg_sleep(1) IS NULL)::int", "s1") + named(b"s1") + extended("SELECT 'new'"))
    eventually(lambda: runs(oltp, "SELECT 1/"))
    leaver.close()
    with session(proxy) as follower:
        follower.send(extended("SELECT 'new'"))
        assert values(follower.read_until(b"Z")) == ["new"]


@pytest.mark.parametrize("wait", (0, 1))
def test_what_was_sent_before_terminate_is_done(proxy, oltp, wait):
    """Also while it waits for a server (1)."""
    holder = session(proxy)
    if wait:
        ask(holder, "BEGIN; SELECT 1")
    leaver = session(proxy)
    leaver.send(query("INSERT INTO written (what) SELECT 'kept' FROM (SELECT pg_sleep(0.3)) s") + TERMINATE)
    leaver.close()
    if wait:
        ask(holder, "COMMIT")
    eventually(lambda: oltp.sql("SELECT what FROM written", "app") == "kept")
    with session(proxy) as follower:
        assert ask(follower, "SELECT 'served'") == ["served"]
    holder.close()


@pytest.mark.parametrize("head, piece", (
    (parse("SELECT pg_sleep(20)") + bind() + execute() + FLUSH, message(b"C", b"S\0")),
    (b"", message(b"C", b"S\0")),
    (b"", query(";")),
    (b"", query("SELECT * FROM local_answer")),
    (b"", message(b"E", b"nope\0\0\0\0\0") + SYNC)))
def test_a_client_that_asks_and_does_not_read_costs_little_memory(proxy, head, piece):
    with session(proxy) as client:
        client.socket.settimeout(0.5)
        before = resident_kb(proxy.pooler.pid)
        client.send(head)
        try:
            for _ in range(1500):
                client.send(piece * (8000 // len(piece)))
        except TimeoutError:
            pass  # it is not read any more
        assert resident_kb(proxy.pooler.pid) - before < 20_000
