"""What went wrong in other poolers (tests/BUG_CLASSES.md) and is tested nowhere else; and that each test named there exists."""
import os
import re
import socket
import struct
from pathlib import Path

import psycopg
import pytest
from endpoint import USERS, failure, one
from launch import eventually
from messages import FLUSH, SYNC, TERMINATE, bind, close, describe, execute, parse, query
from oracle import converse
from raw import RawClient

pytestmark = pytest.mark.pgswitch
TESTS = Path(__file__).resolve().parents[1]
WORD = "SELECT 'bug class', $1::int"
# Each step ends with one ReadyForQuery; said by two clients in turn, so that the second finds what the first left on the server.
CONVERSATIONS = {
    "bug_class_3_parse_complete_comes_before_parameter_description": [
        parse(WORD, "s") + describe("S", "s") + SYNC, parse(WORD, "t") + describe("S", "t") + bind(("1",), "t") + describe("P") + execute() + SYNC],
    "bug_class_9_close_behind_a_failed_parse": [
        parse("SELEC", "s") + SYNC, close("S", "s") + SYNC, parse("SELEC", "s") + close("S", "s") + SYNC, parse("SELECT 1", "s") + SYNC],
    "bug_class_21_discard_and_deallocate_by_the_extended_protocol": [
        parse(WORD, "s") + SYNC, parse("DEALLOCATE ALL") + bind() + execute() + SYNC, bind(("1",), "s") + SYNC,
        parse(WORD, "s") + SYNC, parse("DISCARD ALL") + bind() + execute() + SYNC, bind(("1",), "s") + SYNC,
        parse(WORD, "s") + bind(("1",), "s") + execute() + SYNC],
    "bug_class_2_known_statement_behind_an_error": [
        parse(WORD, "s") + SYNC, parse("SELECT 1/0") + bind() + execute() + parse(WORD, "t") + bind(("1",), "t") + execute() + SYNC,
        parse(WORD, "t") + bind(("1",), "t") + execute() + SYNC],
    "bug_class_11_flush_alone_brings_the_answer": [parse(WORD, "s") + bind(("1",), "s") + execute() + FLUSH + SYNC],
}


@pytest.fixture
def lone(start_proxy):
    """A proxy with one server connection for all."""
    return start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)


def arrived(proxy):
    client = RawClient(proxy.port)
    client.login("app", USERS["app"], database="app")
    return client


def vanish(client):
    """The client is gone, with a reset and without a word."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def server_of(proxy):
    with proxy.connect() as connection:
        return one(connection, "SELECT pg_backend_pid()")


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_the_answers_are_postgresqls_own(name, lone, direct):
    for pipelined in (False, True):
        told = []
        for endpoint in (direct, lone, lone):
            with arrived(endpoint) as client:
                told.append(converse(client, CONVERSATIONS[name], pipelined))
        assert told[1] == told[0] and told[2] == told[0]


def test_bug_class_5_a_client_that_leaves_between_parse_and_sync_leaves_no_false_name_behind(lone):
    for ending in (b"", FLUSH, TERMINATE):
        with arrived(lone) as client:
            client.send(parse(WORD, "s") + ending)
            if ending == FLUSH:
                assert client.read()[0] == b"1"
            vanish(client)
        with arrived(lone) as client:
            client.send(parse(WORD, "s") + bind(("1",), "s") + execute() + SYNC)
            assert [kind for kind, _ in client.read_until(b"Z")] == [b"1", b"2", b"D", b"C", b"Z"]


def test_bug_class_19_a_client_that_leaves_behind_its_transaction_costs_no_server(lone):
    server = server_of(lone)
    for sql in ("SELECT 1", "BEGIN; SELECT 1; COMMIT", "BEGIN; SELECT 1; ROLLBACK") * 5:
        with arrived(lone) as client:
            client.send(query(sql))
            client.read_until(b"Z")
            vanish(client)
    assert server_of(lone) == server


def test_bug_class_20_what_waited_too_long_never_runs(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1, query_wait_timeout=1)
    with proxy.connect() as holder, arrived(proxy) as simple, arrived(proxy) as extended:
        holder.execute("BEGIN")
        holder.execute("SELECT 1")
        simple.send(query("INSERT INTO written (what) VALUES ('simple')"))
        extended.send(parse("INSERT INTO written (what) VALUES ('extended')") + bind() + execute() + SYNC)
        for waiter in (simple, extended):
            assert waiter.read_until(b"E", b"Z")[-1][0] == b"E"
        holder.execute("COMMIT")
        assert one(holder, "SELECT count(*) FROM written") == 0
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"


def test_bug_class_32_a_long_value_in_any_spelling_is_the_clients_own(lone):
    path = ", ".join(f'"Schema {number}"' for number in range(60))
    with lone.connect() as long, lone.connect() as other, lone.connect() as upper:
        long.execute(f"SET search_path = {path}")
        upper.execute('SET search_path = "SCHEMA 1"')
        other.execute('SET search_path = "schema 1"')
        for _ in range(2):
            assert one(long, "SHOW search_path") == path
            assert one(upper, "SHOW search_path") == '"SCHEMA 1"'
            assert one(other, "SHOW search_path") == '"schema 1"'


def test_bug_class_33_what_the_server_reports_is_told_anew_after_a_reconnect(lone, oltp):
    def style():
        with lone.connect() as connection:
            one(connection, "SELECT 1")
            return connection.pgconn.parameter_status(b"IntervalStyle")
    assert style() == b"postgres"
    try:
        oltp.sql("ALTER DATABASE app SET IntervalStyle = 'iso_8601'")
        lone.console("RECONNECT")
        eventually(lambda: style() == b"iso_8601", what="new clients are told the new value")
    finally:
        oltp.sql("ALTER DATABASE app RESET IntervalStyle")


def test_bug_class_42_a_timeout_of_zero_is_none(start_proxy):
    timeouts = ("client_idle_timeout", "query_timeout", "query_wait_timeout", "idle_transaction_timeout", "server_idle_timeout",
                "client_login_timeout", "transaction_timeout", "query_wait_notify")
    proxy = start_proxy(pool_mode="transaction", default_pool_size=1, **dict.fromkeys(timeouts, 0))
    with proxy.connect() as idle, proxy.connect() as busy:
        busy.execute("BEGIN")
        one(busy, "SELECT pg_sleep(0.5)")
        busy.execute("COMMIT")
        server = one(idle, "SELECT pg_backend_pid()")
        one(busy, "SELECT pg_sleep(0.5)")
        assert one(idle, "SELECT pg_backend_pid()") == server


def test_bug_class_44_databases_that_only_the_template_knows_are_served_and_reloaded(start_proxy, oltp):
    proxy = start_proxy(databases={"*": f"host=127.0.0.1 port={oltp.port}"})
    for _ in range(2):
        with pytest.raises(psycopg.Error):
            with proxy.connect(dbname="not_on_the_server") as connection:
                one(connection, "SELECT 1")
        with proxy.connect(user="app", dbname="postgres") as connection:
            assert one(connection, "SELECT current_database()") == "postgres"
        proxy.console("RELOAD")


def test_bug_class_49_programs_that_are_started_get_no_descriptors(lone):
    client = arrived(lone)
    client.send(query("SELECT 1"))
    client.read_until(b"Z")
    flags = {int(file.name): int(re.search(r"^flags:\s+(\d+)", file.read_text(), re.M)[1], 8)
             for file in Path(f"/proc/{lone.pooler.pid}/fdinfo").iterdir()}
    assert len(flags) > 8
    assert [fd for fd, flag in flags.items() if fd > 2 and not flag & os.O_CLOEXEC] == []


def test_bug_class_52_the_locks_of_a_client_that_vanished_are_free(lone):
    with arrived(lone) as client:
        client.send(query("SELECT pg_advisory_lock(52)"))
        client.read_until(b"Z")
        vanish(client)
    with lone.connect() as other:
        assert one(other, "SELECT pg_try_advisory_lock(52)") is True
        assert one(other, "SELECT pg_advisory_unlock(52)") is True


def test_bug_class_17_a_plan_that_changed_is_the_business_of_its_client_alone(lone, oltp):
    oltp.sql("SET ROLE app; CREATE TABLE planned (a int)", "app")
    try:
        with lone.connect() as first, lone.connect() as second:
            for client in (first, second):
                assert client.execute("SELECT * FROM planned", prepare=True).description[0].name == "a"
            oltp.sql("ALTER TABLE planned ADD b int", "app")
            assert failure(first, "SELECT * FROM planned").sqlstate == "0A000"
            assert len(second.execute("SELECT * FROM planned").description) == 2
            with lone.connect() as third:
                assert len(third.execute("SELECT * FROM planned", prepare=True).description) == 2
    finally:
        oltp.sql("DROP TABLE planned", "app")


# --- the table

def rows():
    """(number, class, last column) of the table in BUG_CLASSES.md."""
    lines = (TESTS / "BUG_CLASSES.md").read_text().splitlines()
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if re.match(r"\| \d+ \|", line)]


def test_every_bug_class_has_a_test_or_a_reason():
    assert [int(number) for number, _, _ in rows()] == list(range(1, 53))
    assert all(len(proof) > 20 for _, _, proof in rows())


def test_every_test_that_the_table_names_exists():
    sources = "\n".join(path.read_text() for path in [*TESTS.glob("*/*.py"), *TESTS.glob("*/*/*.py"), *TESTS.glob("*/*.cpp")])
    known = set(re.findall(r"def (test_\w+)", sources))
    known |= {".".join(pair) for pair in re.findall(r"TEST(?:_F|_P)?\((\w+),\s*(\w+)\)", sources)}
    named = {name for _, _, proof in rows() for name in re.findall(r"`([^`]+)`", proof)}
    assert named - known == set()
