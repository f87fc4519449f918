"""What came after protocol 3.0: 3.2 with its long cancel keys, options nobody knows, direct TLS, channel binding."""
import socket
import ssl
import struct
import threading

import psycopg
import pytest
from endpoint import USERS, Endpoint, one
from launch import eventually
from messages import TERMINATE, query, request, startup
from oracle import read_to_end, send, transcript
from raw import ANYBODY, RawClient
from scram import PLAIN, PLUS, Scram, end_point
from test_cancel import sleeping

pytestmark = pytest.mark.pgswitch


@pytest.fixture(scope="module")
def trusting(make_pooler):
    with make_pooler(auth_type="trust", pool_mode="transaction") as pooler:
        yield Endpoint(pooler.port, pooler=pooler)


@pytest.fixture(scope="module")
def encrypted(make_pooler, authority):
    """SCRAM, TLS as the client likes it, and TLS to the servers."""
    pair = authority.server("modern")
    with make_pooler(pool_mode="transaction", client_tls_sslmode="prefer", client_tls_cert_file=pair.certificate,
                     client_tls_key_file=pair.key, server_tls_sslmode="require") as pooler:
        yield Endpoint(pooler.port, tls=True, pooler=pooler)


def welcome(endpoint, version=(3, 0), **more):
    """The client, and its welcome."""
    client = RawClient(endpoint.port)
    client.send(startup({"user": "app", "database": "app", **more}, version))
    return client, client.read_until(b"Z")


def over_tls(endpoint, context=ANYBODY):
    """A client inside TLS that has sent nothing yet."""
    client = RawClient(endpoint.port)
    client.send(request(5679))
    assert client.socket.recv(1) == b"S"
    client.start_tls(context)
    return client


def negotiations(messages):
    """(newest version, [unknown options]) of each NegotiateProtocolVersion."""
    found = [body for kind, body in messages if kind == b"v"]
    return [((*struct.unpack("!HH", body[:4]),), body[8:].split(b"\0")[:-1]) for body in found]


def secret(messages):
    body, = [body for kind, body in messages if kind == b"K"]
    return body[:4], body[4:]


# --- versions

VERSIONS = (
    ((3, 0), {}, []),
    ((3, 2), {}, []),
    ((3, 1), {}, None),
    ((3, 3), {}, [((3, 2), [])]),
    ((3, 99), {}, [((3, 2), [])]),
    ((3, 9999), {}, [((3, 2), [])]),
    ((3, 9999), {"_pq_.test_protocol_negotiation": ""}, [((3, 2), [b"_pq_.test_protocol_negotiation"])]),
    ((3, 2), {"_pq_.b": "1", "_pq_.a": "2"}, [((3, 2), [b"_pq_.b", b"_pq_.a"])]),
    ((3, 0), {"_pq_.x": ""}, [((3, 0), [b"_pq_.x"])]),
)


@pytest.mark.parametrize("version, options, expected", VERSIONS)
def test_a_version_or_option_nobody_knows_is_negotiated_once_and_the_login_goes_on(trusting, version, options, expected):
    client, messages = welcome(trusting, version, **options)
    with client:
        assert messages[-1] == (b"Z", b"I")
        if expected is not None:
            assert negotiations(messages) == expected
        assert len(negotiations(messages)) <= 1
        client.send(query("SELECT 42"))
        assert client.read_until(b"Z")[1] == (b"D", b"\0\1\0\0\0\x0242")


def test_a_negotiation_comes_before_the_password_is_asked_for(encrypted):
    with RawClient(encrypted.port) as client:
        client.send(startup({"user": "app", "database": "app"}, (3, 9999)))
        assert [client.read()[0], client.read()[0]] == [b"v", b"R"]


@pytest.mark.parametrize("version", ((1, 0), (2, 0)))
def test_a_client_that_is_too_old_is_told_in_words_it_knows(version, trusting, direct):
    def answer(endpoint):
        with RawClient(endpoint.port) as client:
            send(client, startup({"user": "app"}, version))
            return b"".join(iter(lambda: client.socket.recv(1000), b""))
    assert answer(trusting) == answer(direct).replace(b"to 3.0", b"to 3.2") != b""


# --- cancel keys

def test_the_secret_of_a_cancel_key_is_as_long_as_the_version_has_it(trusting):
    for version, shortest, longest in (((3, 0), 4, 4), ((3, 2), 5, 256), ((3, 9999), 5, 256)):
        client, messages = welcome(trusting, version)
        with client:
            assert shortest <= len(secret(messages)[1]) <= longest


@pytest.mark.parametrize("version", ((3, 0), (3, 2)))
def test_only_the_whole_secret_cancels(trusting, oltp, version):
    client, messages = welcome(trusting, version)
    process, key = secret(messages)
    wrong = (key[:-1], key + b"x", key[:-1] + bytes([key[-1] ^ 1]), bytes(len(key)), key[:4] if len(key) > 4 else key + bytes(28))
    with client:
        client.send(query("SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        for secret_ in wrong:
            with RawClient(trusting.port) as other:
                other.send(request(5678, process + secret_))
                assert read_to_end(other) == []
        assert sleeping(oltp) == 1
        with RawClient(trusting.port) as other:
            other.send(request(5678, process + key))
        seen = client.read_until(b"Z")
        assert b"57014" in [body for kind, body in seen if kind == b"E"][0]


@pytest.mark.parametrize("tls", (True, False), ids=("inside_tls", "in_the_clear"))
def test_a_cancel_request_is_taken_inside_tls_and_in_the_clear(encrypted, oltp, tls):
    with over_tls(encrypted) as client, (over_tls(encrypted) if tls else RawClient(encrypted.port)) as other:
        process, key = secret(client.login("app", USERS["app"], database="app"))
        client.send(query("SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        other.send(request(5678, process + key))
        assert b"57014" in [body for kind, body in client.read_until(b"Z") if kind == b"E"][0]
        assert read_to_end(other) == []


# --- direct TLS

def context(*protocols):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    if protocols:
        made.set_alpn_protocols(protocols)
    return made


def test_direct_tls_with_postgresqls_alpn_comes_in(encrypted):
    for protocols in (("postgresql",), ("http/1.1", "postgresql")):
        with RawClient(encrypted.port) as client:
            client.start_tls(context(*protocols))
            assert client.socket.selected_alpn_protocol() == "postgresql"
            assert client.login("app", USERS["app"], database="app")[-1] == (b"Z", b"I")


def test_direct_tls_with_another_alpn_fails_in_the_handshake(encrypted):
    with RawClient(encrypted.port) as client, pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        client.start_tls(context("http/1.1"))


def test_direct_tls_without_alpn_is_refused(encrypted):
    with RawClient(encrypted.port) as client:
        client.start_tls(context())
        send(client, startup({"user": "app", "database": "app"}))
        assert [kind for kind, _ in read_to_end(client)] in ([], [b"E"])


@pytest.mark.parametrize("protocols", ((), ("postgresql",)))
def test_behind_an_ssl_request_alpn_may_be_missing(encrypted, protocols):
    with over_tls(encrypted, context(*protocols)) as client:
        assert client.login("app", USERS["app"], database="app")[-1] == (b"Z", b"I")


def test_behind_an_ssl_request_alpn_may_not_be_wrong(encrypted):
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        over_tls(encrypted, context("http/1.1"))


def test_direct_tls_to_a_proxy_without_tls_is_closed(trusting):
    with RawClient(trusting.port) as client, pytest.raises((ssl.SSLError, ConnectionResetError, OSError)):
        client.start_tls(context("postgresql"))
    with trusting.connect() as connection:
        assert one(connection, "SELECT 1") == 1


# --- channel binding, the client's side

def test_a_client_that_requires_channel_binding_comes_in_over_tls_only(encrypted):
    with encrypted.connect(channel_binding="require") as connection:
        assert one(connection, "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        encrypted.connect(channel_binding="require", sslmode="disable")


def bound_login(endpoint, mechanism, gs2, binding):
    """What a login over TLS is answered. binding: made from the certificate's hash."""
    with over_tls(endpoint) as client:
        data = binding(end_point(client.socket.getpeercert(True)))
        client.startup(user="app", database="app")
        last = client.answer_password_request("app", USERS["app"], Scram(USERS["app"], gs2, data), mechanism)
        send(client, TERMINATE)
        return transcript([last] + ([] if last[0] == b"R" else read_to_end(client)))


BINDINGS = {
    "bound": (PLUS, b"p=tls-server-end-point,,", lambda hash_: hash_),
    "bound_to_another_certificate": (PLUS, b"p=tls-server-end-point,,", lambda hash_: bytes(32)),
    "bound_to_nothing": (PLUS, b"p=tls-server-end-point,,", lambda hash_: b""),
    "bound_to_more": (PLUS, b"p=tls-server-end-point,,", lambda hash_: hash_ + b"x"),
    "bound_another_way": (PLUS, b"p=tls-unique,,", lambda hash_: hash_),
    "plus_without_binding": (PLUS, b"n,,", lambda _: b""),
    "plus_that_thinks_the_server_cannot": (PLUS, b"y,,", lambda _: b""),
    "not_bound": (PLAIN, b"n,,", lambda _: b""),
    "downgraded": (PLAIN, b"y,,", lambda _: b""),
    "bound_without_plus": (PLAIN, b"p=tls-server-end-point,,", lambda hash_: hash_),
}


@pytest.mark.parametrize("name", BINDINGS)
def test_channel_binding_is_judged_as_postgresql_does(name, encrypted, direct):
    expected = bound_login(direct, *BINDINGS[name])
    assert bound_login(encrypted, *BINDINGS[name]) == expected
    assert (expected[0][0] == "R") == (name in ("bound", "not_bound"))


# --- channel binding, the server's side

class Asking:
    """A server that offers SASL mechanisms, notes what it is answered, and refuses."""

    def __init__(self, pair, mechanisms):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._mechanisms, self.answers = mechanisms, []
        self._context = None
        if pair:
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(pair.certificate, pair.key)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                try:
                    self._talk(connection)
                except (OSError, struct.error):
                    continue

    def _talk(self, connection):
        while True:
            size, code = struct.unpack("!ii", connection.recv(8))
            if code != 80877103:
                break
            connection.sendall(b"S" if self._context else b"N")
            if self._context:
                connection = self._context.wrap_socket(connection, server_side=True)
        connection.recv(size - 8)
        offer = struct.pack("!i", 10) + b"".join(m + b"\0" for m in self._mechanisms) + b"\0"
        connection.sendall(b"R" + struct.pack("!i", 4 + len(offer)) + offer)
        mechanism, _, rest = connection.recv(1000)[5:].partition(b"\0")
        self.answers.append((mechanism, rest[4:].partition(b",,")[0]))
        connection.sendall(b"E" + struct.pack("!i", 4 + 32) + b"SFATAL\0VFATAL\0C28P01\0Mno\0\0".ljust(32, b"\0"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()


@pytest.mark.parametrize("tls, mechanisms, answer", (
    (True, (PLUS, PLAIN), (PLUS, b"p=tls-server-end-point")),
    (True, (PLAIN,), (PLAIN, b"y")),
    (False, (PLAIN,), (PLAIN, b"n")),
), ids=("offered", "not_offered", "no_tls"))
def test_the_proxy_binds_to_the_servers_channel_when_both_can(start_proxy, authority, tls, mechanisms, answer):
    with Asking(authority.server("asking") if tls else None, mechanisms) as server:
        proxy = start_proxy(server_tls_sslmode="require" if tls else "disable",
                            databases={"asking": f"host=127.0.0.1 port={server.port} dbname=app"})
        with pytest.raises(psycopg.Error):
            with proxy.connect(dbname="asking") as connection:
                one(connection, "SELECT 1")
        assert server.answers[0] == answer


# --- a client that does not wait

@pytest.mark.parametrize("user, database, command", (("app", "app", "SELECT 1"), ("admin", "pgbouncer", "SHOW VERSION")))
def test_what_a_client_sends_behind_its_startup_packet_is_answered(trusting, user, database, command):
    with RawClient(trusting.port) as client:
        client.send(startup({"user": user, "database": database}) + query(command) * 2)
        assert client.read_until(b"Z", b"E")[-1][0] == b"Z"
        for _ in range(2):
            assert [kind for kind, _ in client.read_until(b"Z", b"E")] == [b"T", b"D", b"C", b"Z"]


def test_a_startup_packet_in_pieces_is_read_to_its_end(trusting):
    packet = startup({"user": "app", "database": "app", "application_name": "x" * 2000})
    with RawClient(trusting.port) as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for i in range(0, len(packet), 7):
            client.send(packet[i:i + 7])
        assert client.read_until(b"Z", b"E")[-1][0] == b"Z"
