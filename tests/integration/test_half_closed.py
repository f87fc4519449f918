"""A client that closes its side of the connection behind what it asks is answered first, as by PostgreSQL."""
import socket

import pytest
from endpoint import USERS, Endpoint
from faults import backends
from launch import eventually
from messages import COPY_DONE, SYNC, TERMINATE, bind, copy_data, execute, parse, query
from oracle import cut, read_to_end, transcript
from raw import RawClient

pytestmark = pytest.mark.pgswitch

SELECT = parse("SELECT 7") + bind() + execute()
ASKED = {
    "nothing": b"",
    "a query": query("SELECT 1"),
    "a query that takes its time": query("SELECT pg_sleep(0.7), 1"),
    "queries": query("SELECT 1") + query("SELECT 2") + query("SELEC") + query("SELECT 3"),
    "a string": query("SELECT 1; SELECT 2; SELECT 1/0; SELECT 3"),
    "many rows": query("SELECT repeat('x', 1000) FROM generate_series(1, 5000)"),
    "a transaction": query("BEGIN") + query("SELECT 1") + query("COMMIT"),
    "a transaction left open": query("BEGIN") + query("SELECT 1"),
    "BEGIN": query("BEGIN"),
    "a failed transaction": query("BEGIN") + query("SELECT 1/0") + query("SELECT 2"),
    "a batch": SELECT + SYNC,
    "batches": SELECT + SYNC + SELECT + SYNC,
    "a batch without an end": SELECT,
    "a batch behind another, without an end": SELECT + SYNC + SELECT,
    "half a query": query("SELECT 1")[:-3],
    "half a query behind another": query("SELECT 1") + query("SELECT 2")[:-3],
    "half a header": query("SELECT 1") + b"Q\0\0",
    "Terminate": query("SELECT 1") + TERMINATE,
    "data": query("COPY copied (a) FROM STDIN") + copy_data(b"a\n") + COPY_DONE + query("SELECT 1"),
    "the table as data": query("COPY (SELECT 1) TO STDOUT"),
}
SETTINGS = {"auth_type": "trust", "rules": None, "default_pool_size": 2}


@pytest.fixture(scope="module")
def proxies(make_pooler, oltp):
    oltp.sql("SET ROLE app; CREATE TABLE IF NOT EXISTS copied (a text)", "app")
    with make_pooler(pool_mode="transaction", **SETTINGS) as transaction, make_pooler(pool_mode="session", **SETTINGS) as session:
        yield {"transaction": Endpoint(transaction.port), "session": Endpoint(session.port)}
    oltp.sql("TRUNCATE copied", "app")


@pytest.fixture(autouse=True)
def tidy():
    """What is copied is read by nobody."""


def answers(endpoint, asked):
    with RawClient(endpoint.port) as client:
        client.login("app", USERS["app"], database="app")
        client.send(asked)
        cut(client)
        # A word in between, which tells whether somebody is there, is none of the answers.
        return [message for message in transcript(read_to_end(client)) if message[0] != "S"]


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("mode", ("transaction", "session"))
def test_it_is_answered_as_by_postgresql(mode, name, proxies, direct):
    for _ in range(2):
        assert answers(proxies[mode], ASKED[name]) == answers(direct, ASKED[name])


@pytest.mark.parametrize("how", (socket.SHUT_WR, socket.SHUT_RDWR, None))
def test_a_client_that_is_gone_leaves_no_query_running(how, start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction", **SETTINGS)
    with RawClient(proxy.port) as client:
        client.login("app", USERS["app"], database="app")
        client.send(query("SELECT pg_sleep(600)"))
        eventually(lambda: backends(oltp, "query LIKE '%sleep(600)%'"), 10, "it runs")
        if how is not None:
            client.socket.shutdown(how)
        if how == socket.SHUT_WR:  # it may wait
            assert client.read()[0] == b"S"
            assert backends(oltp, "query LIKE '%sleep(600)%' AND state = 'active'")
    eventually(lambda: not backends(oltp, "query LIKE '%sleep(600)%' AND state = 'active'"), 10, "it has been cancelled")


def test_a_client_that_waits_for_a_server_and_is_gone_is_forgotten(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction", **dict(SETTINGS, default_pool_size=1))
    with proxy.connect() as holder:
        holder.execute("BEGIN; SELECT 1")
        with RawClient(proxy.port) as client:
            client.login("app", USERS["app"], database="app")
            client.send(query("CREATE TABLE never (a int)"))
            eventually(lambda: proxy.console("SHOW POOLS")[0]["cl_waiting"] == 1, 10, "it waits")
        eventually(lambda: sum(row["cl_waiting"] for row in proxy.console("SHOW POOLS")) == 0, 10, "nobody waits")
        holder.execute("COMMIT")
    assert oltp.sql("SELECT to_regclass('never') IS NULL", "app") == "t"
