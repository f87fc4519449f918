"""[peers]: a cancel request that reaches another process than its client's is passed on."""
import ctypes
import signal
import socket
import struct

import launch
import pytest
from endpoint import Endpoint, failure, one
from launch import eventually
from pooler import Pooler
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pgswitch


class Peer(Pooler):
    """A Pooler with a [peers] section."""

    peers = ""

    def write_ini(self, databases=None, **settings):
        super().write_ini(databases, **settings)
        launch.write_file(self.ini, self.ini.read_text() + self.peers)


@pytest.fixture
def make_peers(make_pooler):
    """Starts processes that are each other's peers, 1, 2, ...; programs: of each. Stopped at the end."""
    started = []

    def make(*programs, hosts=None, **settings):
        peers = []
        for number, program in enumerate(programs, 1):
            pooler = make_pooler(program=program, rules=None, **{"pool_mode": "transaction", "peer_id": number, **settings})
            pooler.__class__ = Peer
            peers.append(pooler)
        section = "[peers]\n" + "".join(f"{n} = host={(hosts or {}).get(n, '127.0.0.1')} port={p.port}\n" for n, p in enumerate(peers, 1))
        for pooler in peers:
            pooler.peers = section
            pooler.write_ini()
            pooler.start()
            started.append(pooler)
        return [Endpoint(pooler.port, pooler=pooler) for pooler in peers]
    yield make
    for pooler in started:
        pooler.stop()


def send_cancel(port, process_id, secret):
    with socket.create_connection(("127.0.0.1", port)) as raw:
        raw.sendall(struct.pack("!iii", 12 + len(secret), 80877102, process_id) + secret)
        raw.settimeout(20)
        assert raw.recv(1) == b""


def peer_pool(endpoint, peer):
    return next(row for row in endpoint.console("SHOW PEER_POOLS") if row["peer_id"] == peer)


@pytest.mark.parametrize("settings", ({"workers": 1}, {"workers": 2}, {"pool_mode": "session"}), ids=str)
def test_a_cancel_request_finds_its_client_at_the_peer(make_peers, oltp, settings):
    first, second = make_peers(None, None, **settings)
    with first.connect() as connection:
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        cancel_through(second, connection)
        assert error().sqlstate == "57014"
        assert one(connection, "SELECT 1") == 1
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs again")
        cancel_through(first, connection)
        assert error().sqlstate == "57014"


def cancel_through(endpoint, connection):
    """libpq's cancel request, sent to another port than the connection's."""
    send_cancel(endpoint.port, *backend_key(connection))


def backend_key(connection):
    """(process id, secret) of a psycopg connection: the secret is in libpq's PGcancel, behind the address."""
    libpq = ctypes.CDLL("libpq.so.5")
    libpq.PQgetCancel.restype = ctypes.c_void_p
    libpq.PQgetCancel.argtypes = [ctypes.c_void_p]
    libpq.PQfreeCancel.argtypes = [ctypes.c_void_p]
    cancel = libpq.PQgetCancel(connection.pgconn.pgconn_ptr)
    text = ctypes.string_at(cancel, 160)
    libpq.PQfreeCancel(cancel)
    process_id = connection.info.backend_pid
    at = text.index(struct.pack("=i", process_id))
    return process_id, struct.pack("!i", struct.unpack_from("=i", text, at + 4)[0])


def test_the_key_says_whose_client_it_is_and_how_far_it_may_go(make_peers):
    for number, endpoint in enumerate(make_peers(None, None), 1):
        with endpoint.connect() as connection:
            process_id, secret = backend_key(connection)
            octets = struct.pack("!i", process_id)
            assert octets[0] < 0x80 and octets[1] + 256 * octets[2] == number
            assert secret[-1] & 3 == 3


def test_a_request_that_has_come_too_far_is_dropped(make_peers, oltp):
    first, second = make_peers(None, None)
    with first.connect() as connection:
        process_id, secret = backend_key(connection)
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        send_cancel(second.port, process_id, secret[:-1] + bytes([secret[-1] & ~3]))
        eventually(lambda: "has come a long way" in second.pooler.log_text(), what="it is told")
        assert sleeping(oltp) == 1
        send_cancel(second.port, process_id, secret[:-1] + bytes([(secret[-1] & ~3) | 1]))
        assert error().sqlstate == "57014"


def test_a_wrong_secret_cancels_nothing(make_peers, oltp):
    first, second = make_peers(None, None)
    with first.connect() as connection:
        process_id, secret = backend_key(connection)
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        for endpoint in (first, second):
            send_cancel(endpoint.port, process_id, bytes([secret[0] ^ 1]) + secret[1:])
        assert sleeping(oltp) == 1
        connection.cancel()
        assert error().sqlstate == "57014"


def test_a_peer_that_is_away_costs_its_requests_alone(make_peers, oltp):
    first, second = make_peers(None, None, cancel_wait_timeout=1)
    with first.connect() as connection:
        process_id, secret = backend_key(connection)
        first.pooler.signal(signal.SIGKILL)
        eventually(first.pooler.has_ended, what="the first one is away")
        send_cancel(second.port, process_id, secret)
        eventually(lambda: f"peer-1@127.0.0.1:{first.port}: cancel request could not be passed on" in second.pooler.log_text(), what="it is told")
        with second.connect() as other:
            assert one(other, "SELECT 1") == 1


def test_the_console_shows_peers(make_peers):
    first, second = make_peers(None, None, default_pool_size=7)
    assert first.console("SHOW PEERS") == [{"peer_id": n, "host": "127.0.0.1", "port": e.port, "pool_size": 7}
                                           for n, e in enumerate((first, second), 1)]
    assert first.console("SHOW PEER_POOLS") == [{"peer_id": 2, "cl_active_cancel_req": 0, "cl_waiting_cancel_req": 0,
                                                 "sv_active_cancel": 0, "sv_login": 0}]
    lists = {row["list"]: row["items"] for row in first.console("SHOW LISTS")}
    assert (lists["peers"], lists["peer_pools"]) == (2, 1)


def test_requests_beyond_the_peers_pool_size_wait_for_their_turn(make_peers, oltp):
    """The peer's place is taken by something that accepts and says nothing."""
    first, second = make_peers(None, None, default_pool_size=3)
    with first.connect() as connection:
        process_id, secret = backend_key(connection)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        section = f"[peers]\n1 = host=127.0.0.1 port={silent.getsockname()[1]} pool_size=1\n2 = host=127.0.0.1 port={second.port}\n"
        second.pooler.peers = section
        second.pooler.write_ini()
        second.console("RELOAD")
        cancels = [in_background(lambda: send_cancel(second.port, process_id, secret) or True) for _ in range(3)]
        eventually(lambda: peer_pool(second, 1) == {"peer_id": 1, "cl_active_cancel_req": 1, "cl_waiting_cancel_req": 2,
                                                    "sv_active_cancel": 1, "sv_login": 0}, what="one has its turn, two wait")
        for _ in range(3):
            passed, _ = silent.accept()
            with passed:
                length, code, pid = struct.unpack("!iii", passed.recv(12, socket.MSG_WAITALL))
                assert (length, code, pid) == (16, 80877102, process_id)
                assert passed.recv(4) == secret[:-1] + bytes([secret[-1] - 1])
        assert all(cancel() for cancel in cancels)
        assert peer_pool(second, 1)["cl_active_cancel_req"] == 0


def test_a_peer_over_its_unix_socket(make_peers, oltp, place):
    folder = launch.make_folder(place / "peer-socket")
    first, second = make_peers(None, None, hosts={1: folder})
    first.pooler.stop()
    first.pooler.write_ini(unix_socket_dir=folder)
    first.pooler.start()
    with first.connect() as connection:
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        cancel_through(second, connection)
        assert error().sqlstate == "57014"
