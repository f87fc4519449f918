"""Messages that come in part: what all clients together may have the proxy hold of them is limited (query_total_bytes)."""
from contextlib import ExitStack

import pytest
from endpoint import USERS
from faults import resident_kb
from launch import eventually
from messages import SYNC, bind, execute, frame, parse, query
from raw import RawClient, error_fields

pytestmark = pytest.mark.pgswitch

LIMIT = 4 * 1024 * 1024
SIZE = 1_000_000
HERE = 200_000  # as much of it as a client sends first
SQL = b"SELECT length('" + b"x" * (SIZE - 20) + b"')"


@pytest.fixture(params=(1, 2), ids=("1-worker", "2-workers"))
def tight(request, start_proxy):
    return start_proxy(auth_type="trust", pool_mode="transaction", rules=None, default_pool_size=5, max_client_conn=500,
                       query_total_bytes=LIMIT, workers=request.param)


def client_of(stack, proxy):
    client = stack.enter_context(RawClient(proxy.port))
    client.login("app", USERS["app"], database="app")
    return client


def state(proxy):
    return {row["key"]: row["value"] for row in proxy.console("SHOW STATE")}


def is_answered(client):
    client.send(query("SELECT 42"))
    return any(kind == b"D" and body.endswith(b"42") for kind, body in client.read_until(b"Z"))


def refusal(messages):
    return [error_fields(body) for kind, body in messages if kind == b"E"]


def fill(stack, proxy):
    """Clients who hold all that there is for long messages."""
    holders = []
    while int(state(proxy)["queries_without_room"]) == 0:
        client = client_of(stack, proxy)
        client.send(query(SQL)[:HERE])
        holders.append(client)
        assert is_answered(client_of(stack, proxy))  # and so have they been read
        assert len(holders) < 100
    return holders


def test_many_clients_hold_no_more_than_the_limit_and_go_on(tight):
    with ExitStack() as stack:
        clients = [client_of(stack, tight) for _ in range(200)]
        before = resident_kb(tight.pooler.pid)
        for client in clients:
            client.send(query(SQL)[:HERE])
        eventually(lambda: int(state(tight)["queries_without_room"]) > 150, 30, "most are refused")
        assert int(state(tight)["query_total_bytes"]) <= LIMIT
        assert resident_kb(tight.pooler.pid) - before < 3 * LIMIT // 1024
        for client in clients:
            client.send(query(SQL)[HERE:])
        refused = 0
        for client in clients:
            seen = client.read_until(b"Z")
            errors = refusal(seen)
            assert errors or any(kind == b"D" for kind, _ in seen)
            for fields in errors:
                assert (fields["S"], fields["C"], fields["M"]) == ("ERROR", "53200", "too much memory for the long messages of all clients")
                assert str(len(query(SQL))) in fields["D"] and "query_total_bytes" in fields["H"]
            refused += bool(errors)
            assert is_answered(client)
        assert 150 < refused < 200
    eventually(lambda: state(tight)["query_total_bytes"] == "0", 10, "all of it has been given back")


def test_who_sends_short_messages_is_not_concerned(tight):
    with ExitStack() as stack:
        fill(stack, tight)
        with tight.connect() as other:
            assert other.execute("SELECT repeat('y', 100000)").fetchone()[0] == "y" * 100_000


def test_a_refused_query_fails_its_transaction(tight):
    with ExitStack() as stack:
        fill(stack, tight)
        client = client_of(stack, tight)
        client.send(query("BEGIN") + query("SELECT 1"))
        client.read_until(b"Z")
        client.read_until(b"Z")
        client.send(query(SQL) + query("SELECT 2"))
        seen = client.read_until(b"Z")
        assert refusal(seen)[0]["C"] == "53200" and seen[-1] == (b"Z", b"E")
        assert refusal(client.read_until(b"Z"))[0]["C"] == "25P02"
        client.send(query("ROLLBACK"))
        assert client.read_until(b"Z")[-1] == (b"Z", b"I")
        assert is_answered(client)


def test_a_refused_parse_has_its_batch_skipped(tight):
    with ExitStack() as stack:
        fill(stack, tight)
        client = client_of(stack, tight)
        client.send(parse("SELECT 1") + bind() + execute() + parse(SQL) + bind() + execute() + SYNC + query("SELECT 3"))
        seen = client.read_until(b"Z")
        assert [kind for kind, _ in seen] == [b"1", b"2", b"D", b"C", b"E", b"Z"] and refusal(seen)[0]["C"] == "53200"
        assert not refusal(client.read_until(b"Z"))


def test_a_header_alone_takes_nothing(tight):
    with ExitStack() as stack:
        for _ in range(50):
            client_of(stack, tight).send(frame(b"Q", b"SELECT", 15_000_000))
        assert is_answered(client_of(stack, tight))
        assert (state(tight)["query_total_bytes"], state(tight)["queries_without_room"]) == ("0", "0")
