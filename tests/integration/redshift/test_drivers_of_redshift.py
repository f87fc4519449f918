"""Amazon's drivers for Redshift as clients, in front of a PostgreSQL and in front of a Redshift (aws_drivers.py tells whose habits these are)."""
import hashlib
import struct

import psycopg
import pytest
from aws_drivers import ALL, CLEARTEXT, DIGEST, MD5, OK, SASL, DriverError, Jdbc, Odbc, Python
from endpoint import one
from raw import RawClient, error_fields
from redshift import StandIn

pytestmark = pytest.mark.pgswitch
SECRET = "app-secret"
SALT = bytes(range(32))
SHA256 = f"sha256|{hashlib.sha256(SECRET.encode() + SALT).hexdigest()}|{SALT.hex()}"
MD5_SECRET = "md5" + hashlib.md5(f"{SECRET}app".encode()).hexdigest()


@pytest.fixture(scope="module")
def stand_in(analytics, place):
    with StandIn(analytics, place / "stand-in-drivers", auth="digest", users={"app": SECRET}) as server:
        yield server


@pytest.fixture(scope="module")
def scram_secret(oltp):
    return oltp.sql("SELECT rolpassword FROM pg_authid WHERE rolname = 'app'")


def database(stand_in):
    return {"dw": f"host=127.0.0.1 port={stand_in.port} dbname=app kind=redshift user=app password={SECRET}"}


def forced(oltp):
    """The server is logged in to whatever the client has shown."""
    return {"app": f"host=127.0.0.1 port={oltp.port} dbname=app user=app password={SECRET}"}


@pytest.fixture(scope="module")
def both(make_pooler, stand_in):
    """Databases of both kinds, which no rules connect."""
    with make_pooler(rules=None, databases=database(stand_in), pool_mode="transaction") as pooler:
        yield pooler


@pytest.mark.parametrize("driver", ALL)
@pytest.mark.parametrize("dbname, cluster", (("app", "oltp"), ("dw", "analytics")))
def test_logs_in_and_runs_statements(both, driver, dbname, cluster):
    with driver(both.port, "app", SECRET, dbname) as client:
        assert client.asked == [DIGEST, OK]
        assert client.execute("SELECT 41 + 1 AS answer") == [["42"]]
        assert len(client.key) == 8
        assert b"v" not in client.before
        assert "server_protocol_version" not in client.told and "session_id" not in client.told
        assert client.told["client_encoding"] == "UTF8"
        assert client.told["server_version"].startswith("15" if cluster == "oltp" else "8.0.2")


@pytest.mark.parametrize("driver", ALL)
@pytest.mark.parametrize("secret, asked", ((SECRET, DIGEST), (SHA256, DIGEST), (MD5_SECRET, MD5)), ids=("plain", "sha256", "md5"))
@pytest.mark.parametrize("auth_type", ("md5", "scram-sha-256"))
def test_is_asked_for_what_it_can_answer(start_proxy, oltp, driver, secret, asked, auth_type):
    proxy = start_proxy(rules=None, databases=forced(oltp), users={"app": secret}, auth_type=auth_type)
    with driver(proxy.port, "app", SECRET, "app") as client:
        assert client.asked == [asked, OK]
        assert client.execute("SELECT 1") == [["1"]]
    with pytest.raises(DriverError) as error:
        driver(proxy.port, "app", "wrong", "app")
    assert error.value.fields["C"] == "28P01"


@pytest.mark.parametrize("driver", ALL)
def test_a_scram_secret_needs_tls(start_proxy, oltp, scram_secret, driver):
    proxy = start_proxy(rules=None, databases=forced(oltp), users={"app": scram_secret}, tls=True, client_tls_sslmode="allow")
    with pytest.raises(DriverError) as error:
        driver(proxy.port, "app", SECRET, "app")
    assert error.value.fields["C"] == "28000"
    assert 'user "app" has a SCRAM secret' in error.value.fields["M"]
    assert error.value.fields["H"] == "Connect with TLS."
    with driver(proxy.port, "app", SECRET, "app", tls=True) as client:
        assert client.asked == [CLEARTEXT, OK]
        assert client.execute("SELECT 1") == [["1"]]
    with pytest.raises(DriverError):
        driver(proxy.port, "app", "wrong", "app", tls=True)
    with psycopg.connect(host="127.0.0.1", port=proxy.port, user="app", password=SECRET, dbname="app", sslmode="disable") as connection:
        assert one(connection, "SELECT 1") == 1, "others are asked as ever"


def test_the_drivers_here_fail_where_amazons_do(start_proxy, oltp, scram_secret, monkeypatch):
    """JDBC and ODBC without what tells them from others are offered SCRAM, and cannot."""
    proxy = start_proxy(rules=None, databases=forced(oltp), users={"app": scram_secret})
    for driver in (Jdbc, Odbc):
        monkeypatch.setattr(driver, "parameters", lambda self: {})
        with pytest.raises(DriverError):
            driver(proxy.port, "app", SECRET, "app")
    monkeypatch.setattr(Python, "parameters", lambda self: {})
    with Python(proxy.port, "app", SECRET, "app") as client:
        assert client.asked[0] == SASL


def test_a_user_who_does_not_exist_is_asked_for_a_digest_too(both):
    for user, password in (("nobody-knows", "x"), ("app", "wrong")):
        with pytest.raises(DriverError) as error:
            Jdbc(both.port, user, password, "app")
        assert error.value.fields["M"] == f'password authentication failed for user "{user}"'


def test_a_sha256_secret_lets_psql_in_through_tls(start_proxy, oltp):
    proxy = start_proxy(rules=None, databases=forced(oltp), users={"app": SHA256, "admin": "admin-secret"}, tls=True, client_tls_sslmode="allow")
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError, match="has a sha256 secret"):
        proxy.connect(sslmode="disable")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        proxy.connect(password="wrong")


@pytest.mark.parametrize("user", (None, ""), ids=("absent", "empty"))
def test_a_login_by_token_is_told_that_there_is_none(both, user):
    with RawClient(both.port) as client:
        client.startup(**({} if user is None else {"user": user}), database="app", client_protocol_version="2", idp_type="AwsIdc", token_type="ACCESS_TOKEN")
        kind, body = client.read()
        assert kind == b"E" and error_fields(body)["C"] == "28000"
        assert "tokens of identity providers" in error_fields(body)["M"]
        assert client.read() == (None, b"")


EVERY_PARAMETER = {"client_protocol_version": "2", "driver_version": "x", "os_version": "x", "driver_discovery_version": "1", "plugin_name": "x",
                   "idp_type": "Okta", "provider_name": "x", "token_type": "x", "identity_namespace": "x", "idc_client_display_name": "x",
                   "_pq_.compression": "lz4:1", "extra_float_digits": "2"}


@pytest.mark.parametrize("driver", ALL)
def test_its_start_up_parameters_are_taken_and_dropped(both, driver):
    with driver(both.port, "app", SECRET, "app", **EVERY_PARAMETER) as client:
        assert client.execute("SELECT 1") == [["1"]]
    with driver(both.port, "app", SECRET, "dw", **EVERY_PARAMETER) as client:
        assert client.execute("SELECT 1") == [["1"]]


def test_another_clients_extensions_are_negotiated_as_ever(both):
    with RawClient(both.port) as client:
        client.startup(user="app", database="app", **{"_pq_.compression": "lz4:1"})
        kind, body = client.read()
        assert kind == b"v" and body[8:] == b"_pq_.compression\0"


@pytest.mark.parametrize("dbname", ("app", "dw"))
def test_what_odbc_says_of_itself_is_swallowed_by_postgresql(both, dbname):
    with Odbc(both.port, "app", SECRET, dbname) as client:
        assert client.execute("SELECT 1") == [["1"]]
        assert client.simple("SHOW client_domain_name") == [["example.com"]] or dbname == "dw"
        assert client.simple("SHOW application_name") == [["excel.exe"]] or dbname == "dw"
    with Odbc(both.port, "app", SECRET, dbname) as client:
        client.message(b"Q", client.SESSION.encode() + b"\0")
        tags = [body for kind, body in client.read_until(b"Z") if kind == b"C"]
        assert tags == [b"SET\0"] * 8


@pytest.mark.parametrize("dbname", ("app", "dw"))
def test_what_jdbc_sets_and_asks(both, dbname):
    with Jdbc(both.port, "app", SECRET, dbname) as client:
        assert client.is_valid()
        assert client.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE") == []
        assert client.execute("SET SESSION search_path TO 'public'") == []
        assert client.execute("SET readonly=0") == []
        assert client.execute("show transaction_read_only") == [["off"]]
        assert client.execute("SELECT generate_series(1, 3)") == [["1"], ["2"], ["3"]] or dbname == "dw"


@pytest.mark.parametrize("dbname", ("app", "dw"))
def test_python_commits_what_it_has_begun(both, oltp, analytics, dbname):
    table = f"of_python_{dbname}"
    with Python(both.port, "app", SECRET, dbname) as client:
        client.execute(f"CREATE TABLE {table} (a int)")
        client.execute(f"INSERT INTO {table} VALUES (7)")
        client.execute("commit")
        assert client.execute(f"SELECT a FROM {table}") == [["7"]]
        client.execute("rollback")
    with Odbc(both.port, "app", SECRET, dbname) as client:
        assert client.simple(f"SELECT a FROM {table}") == [["7"]]
        client.simple(f"DROP TABLE {table}")


ROUTES = 'function route(stmt, session) if stmt:touches("sales") then return "dw" end end'


@pytest.mark.parametrize("driver", ALL)
@pytest.mark.parametrize("dbname", ("app", "dw"))
def test_sees_one_face_wherever_it_connects(make_pooler, stand_in, oltp, driver, dbname):
    with make_pooler(rules=ROUTES + "\n", databases={**database(stand_in), "app.redshift": database(stand_in)["dw"]}, pool_mode="transaction") as pooler:
        with driver(pooler.port, "app", SECRET, dbname) as client:
            assert client.told["server_version"] == oltp.sql("SHOW server_version")
            assert not {"padb_revision", "padb_version", "session_id", "server_protocol_version"} & set(client.told)
            assert client.told["standard_conforming_strings"] == "on"
            assert client.execute("SHOW server_version") == [[client.told["server_version"]]]


def test_a_cancel_of_twelve_bytes_cancels(both):
    with Python(both.port, "app", SECRET, "app") as client:
        pid, key = struct.unpack("!ii", client.key)
        client.message(b"Q", b"SELECT pg_sleep(1000)\0")
        with RawClient(both.port) as canceller:
            canceller.send(struct.pack("!iiii", 16, 80877102, pid, key))
            assert canceller.read() == (None, b"")
        messages = client.read_until(b"Z")
        assert "57014" in [error_fields(body)["C"] for kind, body in messages if kind == b"E"]
