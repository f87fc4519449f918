"""Clients vanish, fall silent, stop reading, dawdle or talk nonsense: no server is lost or handed on dirty, nobody else waits."""
import contextlib
import signal
import socket
import ssl
import struct
import subprocess
import threading

import pytest
from endpoint import failure, one
from fault_proxy import FIN, HOLE, RST, FaultProxy
from faults import STATES, Session, backends, errors, is_unhurt, open_files, resident_kb, reset, sqlstates, waiting_clients
from frames import extended, query, startup, values
from launch import eventually
from messages import request
from raw import ANYBODY, RawClient
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pooler


def leave(client, how):
    """Ends a client's connection in order, or by a reset, or leaves it alone."""
    if how == RST:
        reset(client.socket)
    if how == FIN:
        client.close()


@pytest.mark.pgswitch
@pytest.mark.parametrize("end", (FIN, RST))
@pytest.mark.parametrize("state", STATES)
def test_a_client_that_leaves_in_any_state_leaves_nothing_behind(start_proxy, oltp, state, end):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)
    client = Session(proxy.port)
    STATES[state](client)
    with Session(proxy.port) as other:
        leave(client, end)
        assert values(other.ask("SELECT 42")) == ["42"]  # on the same server
        assert values(other.ask("SELECT count(*) FROM written")) == ["0"]
    is_unhurt(proxy, oltp)


@pytest.mark.pgswitch
@pytest.mark.parametrize("state", STATES)
def test_a_client_that_falls_silent_in_any_state_is_sent_away(start_proxy, oltp, state):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1, client_idle_timeout=1, query_timeout=1,
                        idle_transaction_timeout=1, query_wait_timeout=10)
    with Session(proxy.port) as client:
        STATES[state](client)
        eventually(lambda: not [row for row in proxy.console("SHOW CLIENTS") if row["port"] == client.socket.getsockname()[1]],
                   15, "the silent client is gone")
        with Session(proxy.port) as other:  # only now: query_timeout holds for who waits too
            assert values(other.ask("SELECT 42")) == ["42"]
            assert values(other.ask("SELECT count(*) FROM written")) == ["0"]
    is_unhurt(proxy, oltp)


def before_anything(port, _):
    return RawClient(port)


def in_the_startup_packet(port, _):
    client = RawClient(port)
    client.send(startup()[:12])
    return client


def after_the_ssl_request(port, _):
    client = RawClient(port)
    client.send(request(5679))
    assert client.socket.recv(1) == b"S"
    return client


def in_the_tls_handshake(port, _):
    client = after_the_ssl_request(port, _)
    client.send(client_hello()[:100])
    return client


def after_the_tls_hello(port, _):
    client = after_the_ssl_request(port, _)
    client.send(client_hello())
    assert client.socket.recv(1)
    return client


def in_the_sasl_exchange(port, _):
    client = RawClient(port)
    client.startup(user="app", database="app")
    assert client.read()[0] == b"R"
    client.send(b"p\0\0\0\x36SCRAM")
    return client


def client_hello():
    out = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        ANYBODY.wrap_bio(ssl.MemoryBIO(), out).do_handshake()
    return out.read()


# Who would read an error in the clear is told.
PLAIN_STATES = (before_anything, in_the_startup_packet, in_the_sasl_exchange)
EARLY_STATES = (before_anything, in_the_startup_packet, after_the_ssl_request, in_the_tls_handshake, after_the_tls_hello,
                in_the_sasl_exchange)


@pytest.fixture
def strict_door(start_proxy, authority):
    """TLS possible, one server, one second to log in."""
    pair = authority.server("door")
    return start_proxy(client_tls_sslmode="prefer", client_tls_cert_file=pair.certificate, client_tls_key_file=pair.key,
                       client_login_timeout=1, pool_mode="transaction", default_pool_size=1, tcp_defer_accept=0)


@pytest.mark.pgswitch
def test_clients_that_go_no_further_in_their_login_hold_nothing_and_are_sent_away(strict_door, oltp):
    is_unhurt(strict_door, oltp)
    before = open_files(strict_door.pooler.pid)
    clients = [(state, state(strict_door.port, None), end) for state in EARLY_STATES for end in (FIN, RST, HOLE) for _ in range(5)]
    for _, client, end in clients:
        leave(client, end)
    with strict_door.connect() as other:
        assert one(other, "SELECT 1") == 1
    for state, client, end in clients:
        if end == HOLE:
            seen = client.read_until()
            assert seen[-1][0] is None
            assert state not in PLAIN_STATES or errors(seen) == [("FATAL", "08P01", "client_login_timeout")], state
            client.close()
    eventually(lambda: open_files(strict_door.pooler.pid) <= before, what="their descriptors are closed")
    is_unhurt(strict_door, oltp)


@pytest.mark.pgswitch
def test_a_login_of_one_byte_now_and_then_ends_at_the_same_time_as_a_silent_one(strict_door):
    with FaultProxy(strict_door.port) as entrance:
        entrance.up.piece, entrance.up.delay = 1, 0.2
        with RawClient(entrance.port) as client:
            client.startup(user="app", database="app", application_name="x" * 200)
            assert sqlstates(client.read_until(b"E")) in (["08P01"], [])
        assert entrance.up.bytes < 20


@pytest.mark.pgswitch
def test_the_limit_on_logins_of_one_address_refuses_its_clients_and_nobody_else(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", workers=1, max_login_conn_per_address=2, client_login_timeout=60,
                        tcp_defer_accept=0)

    def listed(name):
        return next(row["items"] for row in proxy.console("SHOW LISTS") if row["list"] == name)

    eventually(lambda: listed("login_clients") == 0, what="whoever looked whether the proxy is up is gone")
    slow = [RawClient(proxy.port) for _ in range(2)]
    with RawClient(proxy.port) as refused:
        assert sqlstates(refused.read_until(b"E")) == ["53300"]
    with RawClient(proxy.port, source="127.0.0.2") as other:
        other.startup(user="app", database="app")
        assert other.read_until(b"Z", b"E")[-1][0] == b"Z"
    for client in slow:  # who was there first may still log in
        client.startup(user="app", database="app")
        assert client.read_until(b"Z", b"E")[-1][0] == b"Z"
    is_unhurt(proxy, oltp)  # and has made room by that
    assert listed("refused_logins") == 1
    told = "too many clients of this address are logging in (max_login_conn_per_address)"
    eventually(lambda: told in proxy.pooler.log_text(), what="the log tells of it")
    for client in slow:
        client.close()


@pytest.mark.pgswitch
@pytest.mark.parametrize("nonsense", (b"\0" * 100, b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"x" * 100, b"\x16\x03\x01\0\0",
                                      b"\x15\x03\x03\0\2\2\x28", b"\x17\x03\x03\0\x05hello", struct.pack("!ihh", 8, 3, 0)),
                         ids=("zeros", "http", "too long", "empty record", "alert", "data", "plain startup"))
def test_what_is_no_tls_after_the_ssl_request_ends_that_connection_only(strict_door, nonsense):
    with after_the_ssl_request(strict_door.port, None) as client:
        client.send(nonsense)
        client.read_until()
    with strict_door.connect() as other:
        assert one(other, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_a_tls_handshake_cut_at_any_byte_ends_that_connection_only(strict_door, oltp):
    hello = client_hello()
    is_unhurt(strict_door, oltp)
    before = open_files(strict_door.pooler.pid)
    for place in range(0, len(hello), 7):
        with after_the_ssl_request(strict_door.port, None) as client:
            client.send(hello[:place])
    eventually(lambda: open_files(strict_door.pooler.pid) <= before, what="their descriptors are closed")
    is_unhurt(strict_door, oltp)


@pytest.mark.pgswitch
@pytest.mark.parametrize("end", (FIN, RST))
def test_a_tls_connection_that_ends_without_close_notify_is_just_an_end(start_proxy, authority, oltp, end):
    pair = authority.server("door")
    proxy = start_proxy(auth_type="trust", client_tls_sslmode="prefer", client_tls_cert_file=pair.certificate,
                        client_tls_key_file=pair.key, pool_mode="transaction", default_pool_size=1)
    is_unhurt(proxy, oltp)
    before = open_files(proxy.pooler.pid)
    for _ in range(10):
        client = after_the_ssl_request(proxy.port, None)
        client.start_tls()
        client.startup(user="app", database="app")
        client.read_until(b"Z")
        client.send(query("BEGIN; INSERT INTO written (what) VALUES ('x')"))
        client.read_until(b"Z")
        leave(client, end)
    is_unhurt(proxy, oltp)
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"
    eventually(lambda: open_files(proxy.pooler.pid) <= before, what="their descriptors are closed")


def kill_psql_while_it_runs(proxy, oltp, sql):
    psql = subprocess.Popen(["psql", "-X", proxy.url(), "-c", sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: sleeping(oltp) == 1, what="the query runs")
    psql.send_signal(signal.SIGKILL)
    psql.communicate()


def test_the_query_of_a_client_that_is_killed_is_stopped(small, oltp):
    kill_psql_while_it_runs(small, oltp, "SELECT pg_sleep(60)")
    eventually(lambda: sleeping(oltp) == 0, what="the query was cancelled")
    is_unhurt(small, oltp)


def test_the_transaction_of_a_client_that_is_killed_leaves_nothing_behind(small, oltp):
    kill_psql_while_it_runs(small, oltp, "BEGIN; INSERT INTO written (what) VALUES ('x'); SET LOCAL work_mem = '9MB'; SELECT pg_sleep(60)")
    eventually(lambda: not backends(oltp, "state <> 'idle'"), what="no transaction is open")
    with small.many(4) as connections:
        for connection in connections * 2:
            assert one(connection, "SELECT count(*) FROM written") == 0
            assert one(connection, "SELECT current_setting('work_mem')") == "4MB"


@pytest.mark.pgswitch
@pytest.mark.parametrize("end", (FIN, RST))
def test_a_client_that_leaves_the_queue_is_not_waited_for(start_proxy, end):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)
    with Session(proxy.port) as holder, Session(proxy.port) as leaver, Session(proxy.port) as next_one:
        holder.ask("BEGIN")
        holder.ask("SELECT 1")
        for number, waiter in enumerate((leaver, next_one), 1):
            waiter.query("INSERT INTO written DEFAULT VALUES RETURNING id")
            eventually(lambda: waiting_clients(proxy) == number, what="it waits")
        leave(leaver, end)
        eventually(lambda: waiting_clients(proxy) == 1, what="the place in the queue is given up")
        holder.ask("COMMIT")
        assert values(next_one.read_until(b"Z")) == ["1"]


LARGE = "SELECT repeat('x', 1000) FROM customers AS a, customers AS b"


@pytest.mark.pgswitch
def test_many_clients_that_do_not_read_cost_little_memory_and_hold_up_nobody(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=101)
    with contextlib.ExitStack() as stack, Session(proxy.port) as other:
        slow = [stack.enter_context(Session(proxy.port)) for _ in range(100)]
        for client in slow:
            client.ask("SELECT 1")
        before = resident_kb(proxy.pooler.pid)
        for client in slow:
            client.query(LARGE)
        eventually(lambda: len(proxy.servers(database="app", state="active")) == 100, 30,
                   "all are being answered")
        for _ in range(50):
            assert values(other.ask("SELECT 42")) == ["42"]
        per_client = (resident_kb(proxy.pooler.pid) - before) / len(slow)
        print(f"\n{per_client:.0f} kB for each client that does not read")
        assert per_client < 128, "the proxy keeps what clients do not read"


@pytest.mark.pgswitch
def test_a_client_may_send_and_be_sent_megabytes_at_the_same_time(start_proxy):
    """Requests wait behind replies that wait to be read: the server stops reading, and only reading the replies goes on."""
    proxy = start_proxy(auth_type="trust", pool_mode="transaction")
    count, size = 400, 50_000
    with Session(proxy.port) as client:
        client.socket.settimeout(60)
        batch = b"".join(extended("SELECT $1::text || repeat('y', 50000)", f"{number:06}" + "x" * size) for number in range(count))
        sender = threading.Thread(target=client.send, args=(batch,))
        sender.start()
        for number in range(count):
            (value,) = values(client.read_until(b"Z"))
            assert value[:6] == f"{number:06}" and len(value) == 6 + size + 50_000
        sender.join(10)
        assert values(client.ask("SELECT 42")) == ["42"]


@pytest.mark.pgswitch
def test_a_client_that_only_sends_is_not_read_without_end(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=2)
    with Session(proxy.port) as client, Session(proxy.port) as other:
        client.ask("SELECT 1")
        before = resident_kb(proxy.pooler.pid)
        client.socket.settimeout(1)
        batch = extended("SELECT $1::text || repeat('y', 100000)", "x" * 100_000) * 10
        with pytest.raises(TimeoutError):
            for _ in range(100):
                client.send(batch)
        assert resident_kb(proxy.pooler.pid) - before < 10_000
        assert values(other.ask("SELECT 42")) == ["42"]
    is_unhurt(proxy, oltp)


def cancel_request(port, pid, key):
    with socket.create_connection(("127.0.0.1", port), 10) as raw:
        raw.sendall(struct.pack("!iiI", 16, 80877102, pid % 2**32) + key)
        raw.recv(1)


@pytest.mark.pgswitch
def test_a_flood_of_cancel_requests_ends_no_query_but_the_one_meant(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction", workers=2)
    is_unhurt(proxy, oltp)
    before = open_files(proxy.pooler.pid)
    with proxy.many(3) as (victim, *others):
        errors = [in_background(lambda c=c: failure(c, "SELECT pg_sleep(60)")) for c in (victim, *others)]
        eventually(lambda: sleeping(oltp) == 3, what="three queries run")
        pid = victim.info.backend_pid
        for number in range(600):
            cancel_request(proxy.port, pid + number % 7 - 3, struct.pack("!I", number))
        assert sleeping(oltp) == 3
        threads = [threading.Thread(target=victim.cancel) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert errors[0]().sqlstate == "57014"
        assert sleeping(oltp) == 2
        for other in others:
            other.cancel()
        assert [error().sqlstate for error in errors[1:]] == ["57014", "57014"]
    is_unhurt(proxy, oltp)
    eventually(lambda: open_files(proxy.pooler.pid) <= before + 3, what="no descriptor is left but those of servers")
