"""Who may come in: passwords of each kind, TLS, and refusals that tell nobody which users exist."""
import base64
import hashlib
import ssl
import struct

import psycopg
import pytest
from endpoint import USERS, Endpoint, one
from faults import errors
from raw import RawClient, error_fields
from scram import PLAIN, Scram

pytestmark = pytest.mark.pooler


def refusal(endpoint, **parameters):
    with pytest.raises(psycopg.OperationalError) as caught:
        endpoint.connect(**parameters)
    return str(caught.value)


def md5(user, password):
    return "md5" + hashlib.md5((password + user).encode()).hexdigest()


def scram_verifier(oltp, user):
    return oltp.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{user}'")


@pytest.mark.parametrize("method", ("scram-sha-256", "md5", "plain", "trust"))
def test_the_right_password_comes_in(start_proxy, method):
    proxy = start_proxy(auth_type=method)
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1


@pytest.mark.pgswitch
@pytest.mark.parametrize("method", ("scram-sha-256", "md5", "plain"))
def test_a_wrong_password_and_an_unknown_user_get_the_same_refusal(start_proxy, method):
    proxy = start_proxy(auth_type=method)
    seen = []
    for user in ("app", "stranger"):
        parameters = {"user": user, "database": "app"}
        with RawClient(proxy.port) as client:
            client.startup(**parameters)
            kinds = [client.read()]
            if method == "scram-sha-256":
                assert kinds[0][1][:4] == b"\0\0\0\x0a"
        seen.append(refusal(proxy, user=user, password="wrong").replace(user, "USER"))
    assert seen[0] == seen[1]
    assert 'password authentication failed for user "USER"' in seen[0]


def attempt(port, user, database="app", mechanism=PLAIN):
    """All that a client without the right password is told, what chance and its own name put into it left out; and the salt, if it stays."""
    seen, salt = [], None
    scram = Scram("wrong")
    with RawClient(port) as client:
        client.startup(user=user, database=database)
        while (message := client.read())[0]:
            kind, body = message
            code = struct.unpack("!i", body[:4])[0] if kind == b"R" else None
            if code == 3:
                client.password("wrong")
            elif code == 5:
                client.password("md5" + "0" * 32)
                body = body[:4] + b"salt"
            elif code == 10:
                client.sasl_initial(mechanism, scram.first())
            elif code == 11:
                client.message(b"p", scram.final(body[4:]))
                nonce, salt, iterations = body[4:].split(b",")
                body = (len(nonce), len(base64.b64decode(salt[2:])), iterations)
            else:
                body = body.replace(user.encode(), b"USER")
            seen.append((kind, body))
    return seen, salt


@pytest.mark.pgswitch
@pytest.mark.parametrize("method, secret", (("scram-sha-256", "plain"), ("scram-sha-256", "SCRAM"), ("md5", "plain"), ("md5", "md5"), ("plain", "plain"),
                                            ("plain", "md5"), ("plain", "SCRAM")))
def test_nothing_that_a_stranger_is_told_depends_on_whether_there_is_such_a_user(start_proxy, oltp, method, secret):
    stored = {"plain": "app-secret", "md5": md5("app", "app-secret"), "SCRAM": scram_verifier(oltp, "app")}[secret]
    proxy = start_proxy(auth_type=method, users={**USERS, "app": stored})
    seen, salts = {}, {}
    for user in ("app", "abc"):
        for database in ("app", "nowhere"):
            for _ in range(2):
                answer, salt = attempt(proxy.port, user, database)
                seen.setdefault(user, []).append(answer)
                salts.setdefault(user, set()).add(salt)
    assert seen["app"] == seen["abc"]
    assert error_fields(seen["app"][0][-1][1])["C"] == "28P01"
    assert [len(each) for each in salts.values()] == [1, 1], "who asks twice must see the same salt"
    assert (salts["app"] != salts["abc"]) == (method == "scram-sha-256")


@pytest.mark.pgswitch
def test_a_refused_password_has_sqlstate_28P01(start_proxy):
    proxy = start_proxy(auth_type="plain")
    with RawClient(proxy.port) as client:
        client.startup(user="app", database="app")
        assert client.read() == (b"R", b"\0\0\0\x03")
        client.password("wrong")
        kind, body = client.read()
        fields = error_fields(body)
        assert (kind, fields["S"], fields["C"]) == (b"E", "FATAL", "28P01")
        assert client.read()[0] is None


def test_an_md5_secret_in_the_user_list_is_enough_for_an_md5_login(start_proxy):
    proxy = start_proxy(auth_type="md5", users={**USERS, "md5user": md5("md5user", "md5-secret")})
    with proxy.connect(user="md5user") as connection:
        assert one(connection, "SELECT current_user") == "md5user"


def test_a_scram_verifier_in_the_user_list_is_enough_for_client_and_server(start_proxy, oltp):
    proxy = start_proxy(users={**USERS, "app": scram_verifier(oltp, "app")})
    with proxy.connect() as connection:
        assert one(connection, "SELECT current_user") == "app"


def test_each_user_reaches_the_server_as_himself(proxy):
    for user in ("app", "other", "md5user"):
        with proxy.connect(user=user) as connection:
            assert one(connection, "SELECT current_user") == user


def test_a_forced_user_is_used_on_the_server(start_proxy, oltp):
    proxy = start_proxy(databases={"forced": f"host=127.0.0.1 port={oltp.port} dbname=app user=other password=other-secret"})
    with proxy.connect(dbname="forced") as connection:
        assert one(connection, "SELECT current_user") == "other"


@pytest.mark.pgswitch
def test_an_unknown_database_is_refused_after_the_password_only(start_proxy):
    proxy = start_proxy(auth_type="scram-sha-256")
    assert "password authentication failed" in refusal(proxy, dbname="nowhere", password="wrong")
    with RawClient(proxy.port) as client:
        client.startup(user="app", database="nowhere")
        assert client.answer_password_request("app", USERS["app"])[0] == b"R"
        assert errors(client.read_until()) == [("FATAL", "3D000", "no such database: nowhere")]


def test_the_servers_own_refusal_is_told(start_proxy, oltp):
    proxy = start_proxy(databases={"missing": f"host=127.0.0.1 port={oltp.port} dbname=not_on_the_server"})
    with pytest.raises(psycopg.OperationalError, match="not_on_the_server"):
        with proxy.connect(dbname="missing") as connection:
            one(connection, "SELECT 1")


def test_a_client_certificate_verified_by_the_ca_comes_in(start_proxy, authority):
    proxy = start_proxy(tls=True, client_tls_sslmode="verify-ca")
    pair = authority.client("app")
    with proxy.connect(sslcert=str(pair.certificate), sslkey=str(pair.key)) as connection:
        assert one(connection, "SELECT 1") == 1
    assert "certificate" in refusal(proxy)


def test_tls_required_refuses_plain_and_tls_disabled_answers_no(start_proxy):
    required, disabled = start_proxy(tls=True), start_proxy()
    refusal(required, sslmode="disable")
    refusal(disabled, sslmode="require")


def test_the_proxys_certificate_can_be_verified_in_full(start_proxy, authority):
    proxy = start_proxy(tls=True)
    parameters = {"sslmode": "verify-full", "sslrootcert": str(authority.certificate)}
    with proxy.connect(**parameters) as connection:
        assert connection.pgconn.ssl_in_use
    with Endpoint(proxy.port, tls=True, host="localhost").connect(**parameters) as connection:
        assert one(connection, "SELECT 1") == 1


def test_the_connection_to_the_server_is_encrypted_when_told_so(start_proxy):
    query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
    for tls in (False, True):
        with start_proxy(tls=tls, **({} if tls else {"server_tls_sslmode": "disable"})).connect() as connection:
            assert one(connection, query) is tls


def test_a_server_whose_certificate_is_not_trusted_is_not_used(start_proxy, place):
    from certificates import Authority
    stranger = Authority(place / "stranger", "another CA")
    proxy = start_proxy(server_tls_sslmode="verify-ca", server_tls_ca_file=stranger.certificate, query_wait_timeout=2,
                        server_login_retry=1)
    with pytest.raises(psycopg.OperationalError):
        with proxy.connect() as connection:
            one(connection, "SELECT 1")


@pytest.mark.pgswitch
def test_direct_tls_with_alpn_is_accepted(start_proxy, authority):
    proxy = start_proxy(tls=True, auth_type="trust")
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.set_alpn_protocols(["postgresql"])
    client = RawClient(proxy.port)
    client.socket = context.wrap_socket(client.socket, server_hostname="localhost")
    client.startup(user="app", database="app")
    assert client.socket.selected_alpn_protocol() == "postgresql"
    assert client.read_until(b"Z")[-1][0] == b"Z"
    client.close()


@pytest.mark.pgswitch
@pytest.mark.parametrize("binding", ("require", "prefer", "disable"))
def test_channel_binding_can_be_required_preferred_and_disabled(start_proxy, binding):
    proxy = start_proxy(tls=True)
    with proxy.connect(channel_binding=binding) as connection:
        assert one(connection, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_protocol_3_2_is_negotiated_and_options_of_the_future_are_named(start_proxy):
    proxy = start_proxy(auth_type="trust")
    with RawClient(proxy.port) as client:
        client.startup(version=(3, 99), user="app", database="app", **{"_pq_.from_the_future": "1"})
        seen = client.read_until(b"Z")
        negotiated = [body for kind, body in seen if kind == b"v"]
        assert len(negotiated) == 1 and b"_pq_.from_the_future\0" in negotiated[0]
        assert seen[-1][0] == b"Z"


@pytest.mark.pgswitch
def test_a_refused_protocol_version_is_told(start_proxy):
    with RawClient(start_proxy().port) as client:
        client.startup(version=(4, 0), user="app")
        kind, body = client.read()
        assert (kind, error_fields(body)["C"]) == (b"E", "0A000")


@pytest.mark.pgswitch
def test_plain_bytes_after_the_ssl_request_are_refused(start_proxy):
    proxy = start_proxy(tls=True)
    with RawClient(proxy.port) as client:
        client.send(struct.pack("!ii", 8, 80877103) + struct.pack("!iHH", 9, 3, 0) + b"\0")
        data = client.socket.recv(1000)
        assert data[:1] in (b"S", b"E", b"")
        assert b"R\0\0\0" not in data


def test_gssapi_encryption_is_declined(start_proxy):
    with RawClient(start_proxy().port) as client:
        client.send(struct.pack("!ii", 8, 80877104))
        assert client.socket.recv(1) == b"N"
