"""The network between pgswitch and its servers, and between clients and pgswitch: slow, cut, silent, and names that change."""
import contextlib
import os
import re
import socket
import threading

import psycopg
import pytest
from endpoint import Endpoint, failure, one
from fault_proxy import FIN, HOLE, RST, FaultProxy
from faults import Session, answers, errors, is_unhurt, sqlstates, terminate, through
from frames import SYNC, TERMINATE, bind, execute, parse, query, startup, values
from launch import eventually, write_file
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pooler


def conversation(endpoint):
    """A bit of everything, and what came back."""
    with endpoint.connect() as client:
        seen = [client.execute("SELECT id, name FROM customers ORDER BY id LIMIT 5").fetchall(),
                failure(client, "SELECT 1/0").sqlstate]
        for number in range(3):
            seen.append(client.execute("SELECT %s::int + 1", [number], prepare=True).fetchall())
        with client.pipeline():
            cursors = [client.execute("SELECT %s::text", [text]) for text in "abc"]
        seen += [cursor.fetchall() for cursor in cursors]
        with client.transaction(), client.cursor().copy("COPY written (amount) FROM STDIN") as copy:
            for number in range(20):
                copy.write_row([number])
        with client.cursor().copy("COPY (SELECT amount FROM written ORDER BY id) TO STDOUT") as copy:
            seen.append([row for row in copy.rows()])
        client.execute("TRUNCATE written")
        return seen


MANNERS = {"byte by byte": {"piece": 1}, "three bytes at a time": {"piece": 3}, "late": {"delay": 0.01}, "all at once": {"gather": 0.01},
           "through a thin pipe": {"rate": 50_000, "piece": 50}}


@pytest.mark.parametrize("manner, tls", [*((manner, False) for manner in MANNERS), ("byte by byte", True)])
def test_how_bytes_arrive_makes_no_difference(start_proxy, wire, direct, manner, tls):
    proxy = start_proxy(pool_mode="transaction", **through(wire, tls))
    with FaultProxy(proxy.port) as entrance:
        for flow in (wire.up, wire.down, entrance.up, entrance.down):
            vars(flow).update(MANNERS[manner])
        assert conversation(Endpoint(entrance.port, tls)) == conversation(direct)


def places_to_cut(size, tls):
    """In a conversation of so many bytes: all over it or, where its greater part is a TLS handshake, in a statement and its answer."""
    return range(size - 120, size - 20, 4) if tls else range(0, size + 1, 1 + size // 25)


@pytest.mark.pgswitch
@pytest.mark.parametrize("direction, cut, tls", [("up", FIN, False), ("up", RST, False), ("down", FIN, False), ("down", RST, False),
                                                 ("up", RST, True), ("down", FIN, True)])
def test_a_server_connection_cut_at_any_byte_is_an_error_or_nothing(start_proxy, wire, direction, cut, tls):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1, server_login_retry=0, **through(wire, tls))
    flow = getattr(wire, direction)
    flow.cut = cut
    with contextlib.closing(Session(proxy.port, tls=tls)) as client:
        assert values(client.ask("SELECT 'once'")) == ["once"]
        for place in places_to_cut(flow.bytes, tls):
            flow.cut_after = place
            proxy.console("RECONNECT")
            before = wire.accepted
            client.query("SELECT 'answer'")
            eventually(lambda: wire.accepted > before and wire.open_connections == 0, what="it was cut")
            flow.cut_after = None
            seen = client.read_until(b"Z")
            if seen[-1][0] is None:  # half a message was on its way to the client
                assert direction == "down" and not values(seen), place
                client = Session(proxy.port, tls=tls)
            else:
                assert (values(seen), sqlstates(seen)) in ((["answer"], []), ([], ["08006"])), place
    is_unhurt(proxy)


@pytest.mark.pgswitch
@pytest.mark.parametrize("behind", (0, 1, 20, 200))
def test_a_server_that_falls_silent_in_its_login_is_given_up_after_server_connect_timeout(start_proxy, wire, behind):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", server_connect_timeout=1, **through(wire))
    wire.down.cut_after, wire.down.cut = behind, HOLE
    client = in_background(lambda: answers(proxy))
    eventually(lambda: "server login failed" in proxy.pooler.log_text(), what="the login was given up")
    wire.down.cut_after = None
    assert client()


def test_a_network_that_swallows_a_query_is_noticed_by_query_timeout(start_proxy, wire, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", query_timeout=1, cancel_wait_timeout=1, **through(wire))
    with Session(proxy.port) as client, proxy.connect(dbname="app.redshift") as elsewhere:
        assert values(client.ask("SELECT 1")) == ["1"]
        wire.up.held = wire.down.held = True
        client.query("SELECT 1")
        client.cancel()
        assert [one(elsewhere, "SELECT 1") for _ in range(20)] == [1] * 20
        assert errors(client.read_until()) == [("FATAL", "57014", "query timeout")]
        wire.up.held = wire.down.held = False
    is_unhurt(proxy, oltp)


def test_the_end_of_a_cancel_request_says_that_the_server_has_it(start_proxy, wire, oltp):
    """A client that has seen it may ask anew: nothing can hit the next query any more."""
    proxy = start_proxy(pool_mode="transaction", **through(wire))
    with proxy.connect() as client:
        error = in_background(lambda: failure(client, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        wire.up.held = True
        requested = threading.Thread(target=client.cancel)
        requested.start()
        requested.join(0.5)
        assert requested.is_alive()
        wire.up.held = False
        requested.join(20)
        assert error().sqlstate == "57014"
        assert one(client, "SELECT 1") == 1


def test_a_host_that_does_not_answer_holds_up_nobody_else(start_proxy):
    with socket.socket() as silent, socket.socket() as first, socket.socket() as second:
        silent.bind(("127.0.0.1", 0))
        silent.listen(0)
        for filler in (first, second):  # the queue is full: further SYNs are dropped, as by a host that is gone
            filler.setblocking(False)
            filler.connect_ex(silent.getsockname())
        proxy = start_proxy(pool_mode="transaction", server_connect_timeout=1, query_wait_timeout=3,
                            databases={"gone": f"host=127.0.0.1 port={silent.getsockname()[1]} dbname=app"})
        error = in_background(lambda: pytest.raises(psycopg.OperationalError, proxy.connect, dbname="gone"))
        with proxy.connect() as other:
            eventually(lambda: "timeout" in proxy.pooler.log_text() and one(other, "SELECT 1") == 1, what="the connect timed out")
        assert error()


@pytest.mark.pgswitch
@pytest.mark.parametrize("end", ("finish_all", "reset_all"))
def test_idle_servers_whose_connection_ends_are_dropped_in_silence(start_proxy, wire, end):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=3, **through(wire))
    with proxy.many(3) as clients:
        for client in clients:
            client.execute("BEGIN")
            one(client, "SELECT 1")
        for client in clients:
            client.execute("COMMIT")
        assert len(proxy.servers(database="app", state="idle")) == 3
        getattr(wire, end)()
        eventually(lambda: not proxy.servers(database="app"), what="the servers are gone")
        assert [one(client, "SELECT 1") for client in clients] == [1, 1, 1]


@pytest.mark.pgswitch
@pytest.mark.parametrize("end", ("finish_all", "reset_all"))
def test_a_connection_that_ends_in_a_query_is_08006(start_proxy, wire, oltp, end):
    proxy = start_proxy(pool_mode="transaction", **through(wire))
    with proxy.connect() as client:
        error = in_background(lambda: failure(client, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        getattr(wire, end)()
        assert error().sqlstate == "08006"
        assert one(client, "SELECT 1") == 1


CLIENT_MESSAGES = (query("SELECT 1") + parse("SELECT 2", "s") + bind(name="s") + execute() + SYNC
                   + query("BEGIN; INSERT INTO written (what) VALUES ('x'); SELECT 2") + TERMINATE)


@pytest.mark.pgswitch
@pytest.mark.parametrize("cut", (FIN, RST))
def test_a_client_connection_cut_at_any_byte_leaves_nothing_behind(start_proxy, oltp, cut):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=2)
    with Session(proxy.port) as whole:
        whole.send(CLIENT_MESSAGES)
        assert sqlstates(whole.read_until()) == []
    with FaultProxy(proxy.port) as entrance:
        entrance.up.cut = cut
        for place in range(len(startup() + CLIENT_MESSAGES)):
            entrance.up.cut_after = place
            with socket.create_connection(("127.0.0.1", entrance.port), 10) as client:
                try:
                    client.sendall(startup() + CLIENT_MESSAGES)
                    while client.recv(65536):
                        pass
                except ConnectionError:
                    pass
    is_unhurt(proxy, oltp)
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"


@pytest.mark.pgswitch
def test_a_client_that_takes_nothing_is_given_up_after_tcp_user_timeout(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", tcp_user_timeout=500, tcp_socket_buffer=65536)
    with FaultProxy(proxy.port) as entrance, Session(entrance.port) as client:
        client.query("SELECT repeat('x', 1000) FROM generate_series(1, 1000000)")
        entrance.down.held = True
        given_up = re.compile("app/app@.* closing because: client unexpected eof")  # not who looked whether the port is open
        eventually(lambda: given_up.search(proxy.pooler.log_text()), 60, "the client was given up")
        is_unhurt(proxy, oltp)


@pytest.mark.pgswitch
def test_a_server_that_takes_nothing_is_given_up_after_tcp_user_timeout(start_proxy, wire):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", tcp_user_timeout=500, tcp_socket_buffer=65536, **through(wire))
    with Session(proxy.port) as client:
        client.query("COPY written (amount) FROM STDIN")
        client.read_until(b"G")
        wire.up.held = True
        with pytest.raises(ConnectionError):  # it had sent the half of a message
            for _ in range(20000):
                client.message(b"d", b"1\n" * 100_000)
        eventually(lambda: "server closed the connection unexpectedly" in proxy.pooler.log_text(), what="the log tells of it")
        wire.up.held = False
    is_unhurt(proxy)


@pytest.fixture
def names(place):
    """A hosts file for start_proxy(wrapper=...), by libnss-wrapper: names.set(name=address, ...), names.block(), names.unblock()."""
    return Names(place / "hosts")


class Names:
    def __init__(self, file):
        self.file = file
        self.wrapper = ("env", "LD_PRELOAD=libnss_wrapper.so", f"NSS_WRAPPER_HOSTS={file}")
        self.set()

    def set(self, **addresses):
        replacement = self.file.with_suffix(".new")
        write_file(replacement, "192.0.2.1 unused\n" + "".join(f"{address} {name}\n" for name, address in addresses.items()), 0o644)
        replacement.rename(self.file)

    def block(self):
        """Lookups hang from now on: who opens a pipe waits for the other side."""
        self.file.unlink()
        os.mkfifo(self.file, 0o666)
        os.chmod(self.file, 0o666)

    def unblock(self, **addresses):
        pipe = os.open(self.file, os.O_RDWR)
        self.set(**addresses)
        os.close(pipe)


def by_name(oltp, names, **settings):
    return dict(pool_mode="transaction", dns_max_ttl=1, dns_nxdomain_ttl=1, wrapper=names.wrapper,
                databases={"app": f"host=database port={oltp.port} dbname=app"}, **settings)


@pytest.mark.pgswitch
def test_a_name_that_is_not_known_yet_is_asked_for_again(start_proxy, oltp, names):
    proxy = start_proxy(**by_name(oltp, names))
    client = in_background(lambda: answers(proxy))
    eventually(lambda: "DNS lookup failed" in proxy.pooler.log_text(), what="the lookup failed")
    names.set(database="127.0.0.1")
    assert client()


@pytest.mark.pgswitch
def test_a_name_that_vanishes_is_missed_by_new_connections_only(start_proxy, oltp, names):
    names.set(database="127.0.0.1")
    proxy = start_proxy(**by_name(oltp, names))
    with proxy.connect() as client, proxy.connect() as other:
        client.execute("BEGIN")
        assert one(client, "SELECT 1") == 1
        names.set()

        def is_missed():
            one(other, "SELECT 1")
            terminate(oltp, "state = 'idle'")
            return "DNS lookup failed" in proxy.pooler.log_text()
        waiting = in_background(lambda: eventually(is_missed, what="a lookup failed"))
        eventually(lambda: "DNS lookup failed" in proxy.pooler.log_text(), what="a lookup failed")
        assert one(client, "SELECT 1") == 1
        names.set(database="127.0.0.1")
        assert waiting()


@pytest.mark.pgswitch
def test_when_a_name_moves_transactions_finish_where_they_are_and_the_rest_moves(start_proxy, oltp, names):
    names.set(database="127.0.0.1")
    proxy = start_proxy(**by_name(oltp, names))

    def addresses():
        return {row["addr"] for row in proxy.servers(database="app")}

    def has_moved():
        one(other, "SELECT 1")
        if "127.0.0.2" not in addresses():
            terminate(oltp, "state = 'idle'")
        return "127.0.0.2" in addresses()
    with FaultProxy(oltp.port, "127.0.0.2", oltp.port), proxy.connect() as client, proxy.connect() as other:
        client.execute("BEGIN")
        before = one(client, "SELECT pg_backend_pid()")
        names.set(database="127.0.0.2")
        eventually(has_moved, what="new connections go to the new address")
        assert one(client, "SELECT pg_backend_pid()") == before
        client.execute("COMMIT")
        eventually(lambda: addresses() == {"127.0.0.2"}, what="nothing is left at the old address")


@pytest.mark.pgswitch
def test_a_resolver_that_hangs_holds_up_only_who_needs_it(start_proxy, oltp, names):
    proxy = start_proxy(**by_name(oltp, names, server_connect_timeout=1))
    names.block()
    try:
        client = in_background(lambda: answers(proxy))
        with proxy.connect(dbname="app.redshift") as elsewhere:
            eventually(lambda: "server login failed" in proxy.pooler.log_text() and one(elsewhere, "SELECT 1") == 1,
                       what="the lookup was given up")
    finally:
        names.unblock(database="127.0.0.1")
    assert client()
