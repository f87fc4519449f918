"""Connections to Redshift: how pgswitch logs in, what it says and does not say there, and how it finds out what it is."""
import hashlib

import psycopg
import pytest
from endpoint import Endpoint, one
from launch import eventually, write_file
from login_server import LoginServer
from redshift import StandIn

pytestmark = pytest.mark.pgswitch
PASSWORD = "Correct-Horse-9"


def database(server, kind="redshift", more=""):
    return {"dw": f"host=127.0.0.1 port={server.port} dbname=dev kind={kind} {more}"}


def trusting(start_proxy, databases, users=None, **settings):
    """A proxy that believes its clients and knows secrets for servers."""
    return start_proxy(rules=None, databases=databases, users={"alice": PASSWORD, "admin": "admin-secret", **(users or {})}, auth_type="trust",
                       **settings)


def answer(endpoint, sql="SELECT 1", user="alice", dbname="dw", **more):
    with endpoint.connect(user=user, dbname=dbname, cursor_factory=psycopg.ClientCursor, **more) as connection:
        return one(connection, sql)


def refusal(endpoint, user="alice", dbname="dw"):
    """Of the login, or of the first statement where the client is let in by what is known of earlier logins."""
    with pytest.raises(psycopg.OperationalError) as error:
        endpoint.connect(user=user, dbname=dbname).execute("SELECT 1")
    return str(error.value)


@pytest.mark.parametrize("auth", ("ok", "md5", "digest"))
def test_logs_in_with_the_password_of_the_userlist(start_proxy, auth):
    with LoginServer(auth, {"alice": PASSWORD}) as server:
        assert answer(trusting(start_proxy, database(server))) == "1"


def test_logs_in_by_digest_with_what_redshift_itself_stores(start_proxy):
    with LoginServer("digest", {"alice": PASSWORD, "etl": PASSWORD}) as server:
        secret = server.stored_secret(PASSWORD)
        of_line = {"forced": f"host=127.0.0.1 port={server.port} dbname=dev kind=redshift user=etl password='{secret}'"}
        proxy = trusting(start_proxy, {**database(server), **of_line}, {"alice": secret})
        assert answer(proxy) == "1"
        assert answer(proxy, dbname="forced") == "1"
        assert {kind for kind, _ in server.proofs} == {b"d"}


def test_a_stored_digest_of_another_salt_is_not_shown_to_anybody(start_proxy):
    with LoginServer("digest", {"alice": PASSWORD}) as server:
        other = hashlib.sha256(PASSWORD.encode() + b"another").hexdigest()
        proxy = trusting(start_proxy, database(server), {"alice": f"sha256|{other}|{b'another'.hex()}"})
        assert "has another salt" in refusal(proxy)
        assert not server.proofs


def test_a_password_in_the_clear_goes_to_redshift_through_tls_alone(start_proxy, authority):
    with LoginServer("cleartext", {"alice": PASSWORD}) as bare, LoginServer("cleartext", {"alice": PASSWORD}, certificate=authority.server()) as safe:
        proxy = trusting(start_proxy, {**database(bare), "safe": database(safe)["dw"], "postgres": database(bare, "postgres")["dw"],
                                       "unsure": database(bare, "auto")["dw"]})
        assert "needs TLS" in refusal(proxy)
        assert "needs TLS" in refusal(proxy, dbname="unsure")
        assert not bare.proofs
        assert answer(proxy, dbname="safe") == "1"
        assert answer(proxy, dbname="postgres") == "1", "as pgbouncer does"


def test_shows_a_token_of_an_identity_provider(start_proxy, authority, place):
    token = "eyJhbGciOi.J9.token"
    file = write_file(place / "idp-token", token + "\n")
    program = write_file(place / "idp-program", f"#!/bin/sh\necho '{{\"access_token\": \"{token}\", \"expires_in\": 900}}'\n", 0o700)
    with LoginServer("idp", tokens={token}, certificate=authority.server()) as safe, LoginServer("idp", tokens={token}) as bare:
        proxy = trusting(start_proxy, {"file": database(safe, more=f"idp_token_file={file}")["dw"],
                                       "program": database(safe, more=f"idp_token_command={program}")["dw"],
                                       "bare": database(bare, more=f"idp_token_file={file}")["dw"],
                                       "none": database(safe)["dw"], "gone": database(safe, more="idp_token_file=/no/such/file")["dw"]})
        assert answer(proxy, dbname="file") == "1"
        assert answer(proxy, dbname="program") == "1"
        assert safe.proofs == [(b"i", token.encode() + b"\0")] * 2
        assert "needs TLS" in refusal(proxy, dbname="bare")
        assert not bare.proofs
        assert "none is configured" in refusal(proxy, dbname="none")
        assert "idp_token_file cannot be read" in refusal(proxy, dbname="gone")
        assert token not in proxy.pooler.log_text()
        write_file(file, "another")
        proxy.console("RECONNECT")
        assert "authentication failed" in refusal(proxy, dbname="file"), "it is read at each login"


def test_says_nothing_at_start_up_that_redshift_cannot_take(start_proxy):
    with LoginServer() as server:
        proxy = trusting(start_proxy, database(server))
        answer(proxy, application_name="report", options="-c extra_float_digits=3 -c intervalstyle=iso_8601 -c standard_conforming_strings=on")
        assert server.startups == [{"user": "alice", "database": "dev", "client_encoding": "UTF8"}]
        said = " ".join(server.queries).lower()
        assert "intervalstyle" not in said and "standard_conforming" not in said and "digits=3" not in said and "'3'" not in said, server.queries


def test_clients_are_told_what_a_client_of_postgresql_understands(start_proxy):
    with LoginServer() as server:
        with trusting(start_proxy, database(server)).connect(user="alice", dbname="dw") as connection:
            told = {name: connection.pgconn.parameter_status(name.encode()) for name in (
                "server_version", "client_encoding", "server_encoding", "DateStyle", "standard_conforming_strings", "session_id", "padb_revision",
                "max_varchar_size", "timezone_abbreviations")}
        assert told == {"server_version": b"8.0.2", "client_encoding": b"UTF8", "server_encoding": b"UTF8", "DateStyle": b"ISO, MDY",
                        "standard_conforming_strings": b"on", "session_id": None, "padb_revision": b"abcdef", "max_varchar_size": None,
                        "timezone_abbreviations": None}


def test_the_version_that_clients_are_told_can_be_another(start_proxy):
    with LoginServer() as server:
        proxy = trusting(start_proxy, database(server), redshift_server_version="15.0")
        with proxy.connect(user="alice", dbname="dw", cursor_factory=psycopg.ClientCursor) as connection:
            assert connection.info.server_version == 150000
            assert connection.pgconn.parameter_status(b"padb_revision") is None
        assert "select version()" not in [query.lower() for query in server.queries]


LEADS_TO_BOTH = """
function route(stmt, session)
  if stmt:touches("facts") then return "dw" end
  if stmt:touches("orders") then return "app" end
end
"""


def test_whoever_can_reach_both_sees_postgresqls_face(start_proxy, oltp):
    with LoginServer() as server:
        proxy = start_proxy(rules=LEADS_TO_BOTH, databases={**database(server), "app.redshift": database(server)["dw"]}, auth_type="trust")
        names = (b"server_version", b"client_encoding", b"DateStyle", b"TimeZone", b"standard_conforming_strings", b"IntervalStyle", b"integer_datetimes",
                 b"padb_revision", b"session_id")
        with psycopg.connect(**{**proxy.parameters(), "port": oltp.port}, autocommit=True) as itself:
            expected = [itself.pgconn.parameter_status(name) for name in names]
        with proxy.connect(dbname="dw") as connection:
            assert [connection.pgconn.parameter_status(name) for name in names] == expected
        own = trusting(start_proxy, database(server), {"app": "app-secret"}, face_database="app")
        with own.connect(user="app", dbname="dw") as connection:
            assert [connection.pgconn.parameter_status(name) for name in names] == expected, "by the setting, without rules"


def test_a_face_that_cannot_be_asked_keeps_nobody_out(start_proxy):
    with LoginServer() as server:
        proxy = trusting(start_proxy, database(server), face_database="app")
        with proxy.connect(user="alice", dbname="dw", cursor_factory=psycopg.ClientCursor) as connection:
            assert one(connection, "SELECT 1") == "1", "alice is no user of the PostgreSQL"
            assert connection.pgconn.parameter_status(b"server_version") == b"8.0.2"
        proxy.pooler.expect_log('face_database "app" cannot be asked on behalf of user "alice"')


def test_version_is_the_same_whoever_answers(start_proxy, oltp, analytics, place):
    with StandIn(analytics, place / "stand-in-version", users={"app": "app-secret"}) as stand_in:
        line = f"host=127.0.0.1 port={stand_in.port} dbname=app kind=redshift"
        proxy = start_proxy(rules='function route(stmt, session) if session.application_name == "dw" then return "dw" end end\n', databases={"dw": line},
                            pool_mode="transaction")
        version = oltp.sql("SHOW server_version")
        number = oltp.sql("SHOW server_version_num")
        for name in ("dw", "oltp"):
            with proxy.connect(application_name=name) as connection:
                assert one(connection, "SHOW server_version") == version
                assert one(connection, "SHOW server_version_num") == number
                assert one(connection, "select version()").startswith(f"PostgreSQL {version}")
                assert one(connection, "SELECT pg_catalog.version();").startswith(f"PostgreSQL {version}")
                assert connection.pgconn.parameter_status(b"server_version").decode() == version
        with proxy.connect(application_name="dw") as connection:
            assert "Redshift" in one(connection, "SELECT version() || ''"), "it was the stand-in that would have answered"


def test_kind_auto_finds_out(start_proxy, oltp):
    with LoginServer() as server:
        auto = {**database(server, "auto"), "oltp": f"host=127.0.0.1 port={oltp.port} dbname=app kind=auto"}
        rules = """
function route(stmt, session)
  if stmt:touches("kinds") then return answer { columns = { "a", "b" }, rows = { { routes["dw"].kind, routes["oltp"].kind } } } end
end
"""
        proxy = start_proxy(rules=rules, databases={**auto, "app.redshift": auto["dw"]}, auth_type="trust")

        def kinds():
            return {row["name"]: row["kind"] for row in proxy.console("SHOW DATABASES") if row["name"] in auto}
        assert kinds() == {"dw": "auto", "oltp": "auto"}
        assert answer(proxy, user="app") == "1"
        assert answer(proxy, dbname="oltp", user="app") in ("1", 1)
        assert kinds() == {"dw": "redshift", "oltp": "postgres"}
        assert {row["database"]: row["kind"] for row in proxy.servers()}["dw"] == "redshift"
        shown = {row["name"]: row["server_kind"] for row in proxy.console("SHOW ROUTES") if row["kind"] == "route"}
        assert (shown["dw"], shown["oltp"], shown["app"]) == ("redshift", "postgres", "postgres")
        with proxy.connect(cursor_factory=psycopg.ClientCursor) as connection:
            assert tuple(connection.execute("SELECT * FROM kinds").fetchone()) == ("redshift", "postgres")
        assert "client_encoding" not in server.startups[0]
        assert sum(query == "SELECT version()" for query in server.queries) == len(server.startups)


def test_session_mode_resets_by_what_redshift_has(start_proxy):
    with LoginServer() as server:
        proxy = trusting(start_proxy, database(server), pool_mode="session", server_reset_query="DISCARD ALL")
        for clients in (1, 2):  # one after the other
            with proxy.connect(user="alice", dbname="dw", cursor_factory=psycopg.ClientCursor) as connection:
                connection.execute("SET query_group TO 'nightly'")
            eventually(lambda: server.queries.count("RESET ALL") == clients)
            eventually(lambda: [row["state"] for row in proxy.servers(database="dw")] == ["idle"])
        assert len(server.startups) == 1, "the connection lives on"
        assert not [query for query in server.queries if "DISCARD" in query or "DEALLOCATE" in query]


def test_what_cannot_be_reset_ends_with_its_connection(start_proxy):
    with LoginServer() as server:
        proxy = trusting(start_proxy, database(server), pool_mode="session")
        with proxy.connect(user="alice", dbname="dw", cursor_factory=psycopg.ClientCursor) as connection:
            connection.execute("CREATE TEMP TABLE scratch (a int)")
        eventually(lambda: not proxy.servers(database="dw"))
        eventually(lambda: server.open == 0)
        proxy.pooler.expect_log("Redshift cannot reset what the session left")
        assert answer(proxy) == "1"
        assert len(server.startups) == 2


@pytest.mark.parametrize("auth", ("trust", "cleartext", "md5", "digest"))
@pytest.mark.parametrize("kind", ("redshift", "auto"))
def test_the_stand_in_is_logged_in_to(start_proxy, analytics, authority, place, auth, kind):
    with StandIn(analytics, place / f"stand-in-{auth}-{kind}", auth=auth, users={"app": "app-secret"}, certificate=authority.server()) as stand_in:
        proxy = start_proxy(rules=None, databases={"dw": f"host=127.0.0.1 port={stand_in.port} dbname=app kind={kind}"}, auth_type="trust", tls=True)
        with proxy.connect(dbname="dw") as connection:
            assert one(connection, "SELECT 41 + 1") == 42
            assert connection.info.encoding == "utf-8"
        assert {row["kind"] for row in proxy.servers(database="dw")} == {"redshift"}


def test_an_idle_connection_to_the_stand_in_is_checked(start_proxy, analytics, place):
    with StandIn(analytics, place / "stand-in-check", users={"app": "app-secret"}) as stand_in:
        proxy = start_proxy(rules=None, databases={"dw": f"host=127.0.0.1 port={stand_in.port} dbname=app kind=redshift"}, server_check_delay=0)
        for _ in range(3):
            with proxy.connect(dbname="dw") as connection:
                assert one(connection, "SELECT 1") == 1
        assert "test query failed" not in proxy.pooler.log_text()
