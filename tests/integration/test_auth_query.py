"""auth_query: users whom auth_file does not know are looked up on a server."""
import signal
import ssl
import threading
from pathlib import Path

import pytest
from conftest import HERE, tls_settings
from endpoint import USERS, Endpoint, one
from launch import eventually, write_file
from logins import Outcome, log_in
from raw import RawClient

pytestmark = pytest.mark.pgswitch
KNOWN = {**USERS, "authenticator": "auth-secret"}
LOOKUP = "SELECT name, secret FROM user_lookup($1)"
CONFIG_ERROR = Outcome("refused", "F0000", "bouncer config error")
WRONG = 'password authentication failed for user "{}"'


@pytest.fixture(scope="module", autouse=True)
def roles(oltp):
    oltp.sql((HERE / "auth_roles.sql").read_text(), "app")


@pytest.fixture
def start(start_proxy):
    def start(**settings):
        return start_proxy(**{"rules": None, "users": KNOWN, "auth_user": "authenticator", "auth_query": LOOKUP, **settings})
    return start


@pytest.fixture(params=("md5", "scram-sha-256", "plain"))
def looking_up(request, start):
    return start(auth_type=request.param, pool_mode="transaction")


def kind_of(proxy):
    return {"md5": "md5", "scram-sha-256": "scram", "plain": "password"}[proxy.pooler.settings["auth_type"]]


def test_users_unknown_to_auth_file_come_in_as_themselves(looking_up):
    asked = kind_of(looking_up)
    assert log_in(looking_up.port, "scram_only", "scram-secret") == Outcome("scram" if asked == "md5" else asked, "00000", "scram_only")
    if asked != "scram":
        assert log_in(looking_up.port, "md5_only", "md5-secret") == Outcome(asked, "00000", "md5_only")
    assert log_in(looking_up.port, "app", "app-secret") == Outcome(asked, "00000", "app")
    assert log_in(looking_up.port, "authenticator", "auth-secret") == Outcome(asked, "00000", "authenticator")


@pytest.mark.parametrize("user, password", (("scram_only", "wrong"), ("expired", "old-secret"), ("nopassword", "x"),
                                            ("nologin", "nologin-secret"), ("stranger", "x"), ("o'x", "x"), ("ü", "x")))
def test_who_has_no_valid_password_is_refused_like_a_wrong_one(looking_up, user, password):
    outcome = log_in(looking_up.port, user, password)
    assert (outcome.sqlstate, outcome.message) == ("28P01", WRONG.format(user))
    assert outcome.asked in (kind_of(looking_up), "scram")


def test_auth_file_goes_first(start, oltp):
    """Also with another password than the server's, and with none at all."""
    proxy = start(auth_type="plain", users={**KNOWN, "scram_only": "file-secret", "boss": ""})
    assert log_in(proxy.port, "scram_only", "scram-secret").sqlstate == "28P01"
    assert log_in(proxy.port, "boss", "boss-secret").sqlstate == "28P01"
    assert oltp.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'authenticator'") == "0"


def with_users(proxy, *users):
    """Restarted with [users] entries."""
    proxy.pooler.stop()
    text = proxy.pooler.ini.read_text()
    proxy.pooler.ini.write_text("[users]\n" + "".join(f"{user} = pool_size=1\n" for user in users) + text)
    proxy.pooler.start()
    return proxy


def test_settings_of_a_user_in_the_ini_file_do_not_make_it_known(start):
    assert log_in(with_users(start(), "scram_only").port, "scram_only", "scram-secret").sqlstate == "00000"
    trusting = with_users(start(auth_type="trust"), "stranger")
    assert log_in(trusting.port, "stranger") == Outcome("refused", "28000", '"trust" authentication failed')


def test_a_plaintext_password_from_the_query_is_good_for_every_method(start):
    query = "SELECT $1::text, CASE $1 WHEN 'scram_only' THEN 'scram-secret' WHEN 'md5_only' THEN 'md5-secret' END"
    for method in ("md5", "scram-sha-256", "plain"):
        proxy = start(auth_type=method, auth_query=query)
        for user, password in (("scram_only", "scram-secret"), ("md5_only", "md5-secret")):
            assert log_in(proxy.port, user, password)[1:] == ("00000", user)
            assert log_in(proxy.port, user, "wrong").sqlstate == "28P01"


def test_the_client_is_who_the_query_says(start):
    proxy = start(auth_query="SELECT lower(name), secret FROM user_lookup(lower($1))")
    assert log_in(proxy.port, "SCRAM_ONLY", "scram-secret")[1:] == ("00000", "scram_only")


def test_the_hba_line_of_whom_the_query_says_counts(start, place):
    """Who is kept out does not come in by another spelling of the name."""
    hba = write_file(place / "hba-of-the-query", "host all scram_only all reject\nhost all all all scram-sha-256\n")
    proxy = start(auth_type="hba", auth_hba_file=hba, auth_query="SELECT lower(name), secret FROM user_lookup(lower($1))")
    assert log_in(proxy.port, "SCRAM_ONLY", "scram-secret") == Outcome("refused", "28000", "login rejected")
    assert log_in(proxy.port, "BOSS", "boss-secret") == Outcome("scram", "00000", "boss")


def test_trust_needs_a_user_whom_the_query_knows(start):
    proxy = start(auth_type="trust", auth_query="SELECT name, 'scram-secret'::text FROM user_lookup($1)")
    assert log_in(proxy.port, "scram_only") == Outcome("nothing", "00000", "scram_only")
    assert log_in(proxy.port, "stranger") == Outcome("refused", "28000", '"trust" authentication failed')


def test_the_database_of_the_query_can_be_another(start, oltp, analytics):
    there = f"host=127.0.0.1 port={oltp.port} dbname=app"
    databases = {"empty": f"host=127.0.0.1 port={oltp.port} dbname=postgres",
                 "own": f"{there} auth_dbname=users auth_query='SELECT $1::text, NULL::text'",
                 "users": there, "forced": f"{there} user=other password=other-secret", "by_boss": f"{there} auth_user=app"}
    proxy = start(databases=databases, auth_dbname="users")
    assert log_in(proxy.port, "scram_only", "scram-secret", "empty")[1:] == ("00000", "scram_only")
    assert log_in(proxy.port, "scram_only", "scram-secret", "own").sqlstate == "28P01"
    assert log_in(proxy.port, "scram_only", "scram-secret", "forced")[1:] == ("00000", "other")
    assert log_in(proxy.port, "scram_only", "scram-secret", "by_boss") == CONFIG_ERROR
    assert {row["user"] for row in proxy.console("SHOW POOLS") if row["database"] == "users"} == {"authenticator", "app"}


def test_a_forced_user_does_not_run_the_query(start, oltp):
    proxy = start(databases={"forced": f"host=127.0.0.1 port={oltp.port} dbname=app user=other password=other-secret"},
                  auth_query="SELECT name, secret FROM user_lookup($1) WHERE current_user = 'authenticator'")
    assert log_in(proxy.port, "scram_only", "scram-secret", "forced")[1:] == ("00000", "other")


@pytest.mark.parametrize("dbname, message", (("absent", "bouncer config error"), ("pgbouncer", "bouncer config error"),
                                             ("closed", 'authentication database "closed" is disabled')))
def test_a_database_that_cannot_be_asked(start, oltp, dbname, message):
    proxy = start(auth_dbname=dbname, databases={"closed": f"host=127.0.0.1 port={oltp.port} dbname=app"})
    proxy.console("DISABLE closed")
    outcome = log_in(proxy.port, "scram_only", "scram-secret")
    assert (outcome.asked, outcome.message) == ("refused", message)
    assert log_in(proxy.port, "app", "app-secret").sqlstate == "00000"


def test_nobody_is_looked_up_for_a_database_that_does_not_exist(start, oltp):
    proxy = start(auth_dbname="app")
    assert log_in(proxy.port, "scram_only", "scram-secret", "nowhere").message == WRONG.format("scram_only")
    assert log_in(proxy.port, "app", "app-secret", "nowhere").message == "no such database: nowhere"


def test_a_database_of_the_asterisk_is_asked_itself(start, oltp):
    proxy = start(databases={"*": f"host=127.0.0.1 port={oltp.port}"}, auth_type="plain",
                  auth_query="SELECT rolname, 'x'::text FROM pg_roles WHERE rolname = $1")
    assert log_in(proxy.port, "scram_only", "x", "postgres").asked == "password"
    too_long = log_in(proxy.port, "scram_only", "x", "n" * 64)
    assert too_long == Outcome("password", "28P01", WRONG.format("scram_only")), "no database has that name"
    missing = log_in(proxy.port, "scram_only", "x", "not_there")
    assert (missing.asked, missing.sqlstate, missing.message) == ("refused", "3D000", 'database "not_there" does not exist')


@pytest.mark.parametrize("query, message", (
    ("SELECT $1::text", "expected 2 columns from auth_query, not 1"),
    ("SELECT $1::text, 'x'::text, 1", "expected 2 columns from auth_query, not 3"),
    ("SELECT NULL::text, $1::text", "auth_query response contained null user name"),
    ("SELECT $1::text, 1/0", "error response from auth_query"),
    ("SELECT syntax error", "error response from auth_query"),
    ("SELECT name, name FROM (VALUES ($1::text), ('b')) x (name)", "auth_query returned more than one row"),
))
def test_an_answer_of_no_use_is_a_mistake_that_the_log_tells(start, query, message):
    proxy = start(auth_query=query, default_pool_size=1)
    for _ in range(3):
        assert log_in(proxy.port, "scram_only", "scram-secret") == CONFIG_ERROR
    proxy.pooler.expect_log(f"auth_query: {message}")
    assert log_in(proxy.port, "app", "app-secret").sqlstate == "00000"
    assert len(proxy.servers(user="authenticator")) == 1, "the connection is kept"


def test_a_server_that_the_auth_user_cannot_log_in_to(start):
    proxy = start(users={**KNOWN, "authenticator": "wrong"})
    outcome = log_in(proxy.port, "scram_only", "scram-secret")
    assert (outcome.asked, outcome.sqlstate) == ("refused", "28P01")
    assert 'user "authenticator"' in outcome.message


def test_what_a_client_set_is_no_setting_of_the_query(start, oltp):
    """The authenticator itself logs in and leaves the only connection with a search_path of its own, and more."""
    oltp.sql("""CREATE SCHEMA IF NOT EXISTS trap; GRANT USAGE ON SCHEMA trap TO public;
        CREATE OR REPLACE FUNCTION trap.user_lookup(wanted text) RETURNS TABLE (name text, secret text) LANGUAGE sql AS
        $$ SELECT wanted, 'trapped'::text $$""", "app")
    try:
        for setup in ("SET search_path = trap", "SET standard_conforming_strings = off", "SET client_encoding = latin1",
                      "SET ROLE authenticator"):
            proxy = start(pool_mode="transaction", default_pool_size=1, auth_type="plain", workers=1)
            options = "-c search_path=trap" if "search_path" in setup else ""
            with proxy.connect(user="authenticator", password="auth-secret", options=options) as client:
                client.execute(setup)
                client.execute("SELECT 1")
                assert log_in(proxy.port, "scram_only", "trapped").sqlstate == "28P01"
                assert log_in(proxy.port, "scram_only", "scram-secret")[1:] == ("00000", "scram_only")
                assert log_in(proxy.port, "ü", "x").message == WRONG.format("ü")
                name = setup.split()[1].lower()
                if name != "role":
                    assert one(client, f"SHOW {name}").lower() == setup.split()[-1]
    finally:
        oltp.sql("DROP SCHEMA trap CASCADE", "app")


@pytest.fixture
def locked(oltp):
    """A query that waits for a lock, and the connection that has it: closing that lets the query go on."""
    query = "SELECT name, secret FROM user_lookup($1), pg_advisory_xact_lock_shared(4711)"
    holder = Endpoint(oltp.port).connect()
    holder.execute("SELECT pg_advisory_lock(4711)")
    yield query, holder
    holder.close()


def waits(oltp):
    return oltp.sql("SELECT count(*) FROM pg_stat_activity WHERE usename = 'authenticator' AND wait_event_type = 'Lock'") != "0"


def test_who_waits_for_the_query_holds_up_nobody_else(start, oltp, locked):
    query, holder = locked
    proxy = start(workers=1, auth_query=query)
    outcomes = []
    login = threading.Thread(target=lambda: outcomes.append(log_in(proxy.port, "scram_only", "scram-secret")))
    login.start()
    eventually(lambda: waits(oltp), what="the query waits")
    assert log_in(proxy.port, "app", "app-secret")[1:] == ("00000", "app")
    assert not outcomes
    holder.close()
    login.join()
    assert outcomes == [Outcome("scram", "00000", "scram_only")]


def test_a_client_that_leaves_while_it_is_looked_up_leaves_nothing_behind(start, oltp, locked):
    query, holder = locked
    proxy = start(auth_query=query, default_pool_size=1)
    with RawClient(proxy.port) as client:
        client.startup(user="scram_only", database="app")
        eventually(lambda: waits(oltp), what="the query waits")
    holder.close()
    assert log_in(proxy.port, "scram_only", "scram-secret")[1:] == ("00000", "scram_only")
    eventually(lambda: [row for row in proxy.console("SHOW CLIENTS") if row["user"] == "scram_only"] == [], what="it is gone")
    assert len(proxy.servers(user="authenticator")) == 1


def test_a_reload_does_not_hurt_a_query_that_runs_and_a_paused_database_looks_nobody_up(start, oltp, locked):
    query, holder = locked
    proxy = start(auth_query=query, workers=2, client_login_timeout=5)
    outcomes = []
    login = threading.Thread(target=lambda: outcomes.append(log_in(proxy.port, "scram_only", "scram-secret")))
    login.start()
    eventually(lambda: waits(oltp), what="the query waits")
    proxy.console("RELOAD")
    proxy.pooler.write_ini(max_client_conn=400)
    proxy.console("RELOAD")
    holder.close()
    login.join()
    assert outcomes == [Outcome("scram", "00000", "scram_only")]
    proxy.console("PAUSE")
    assert log_in(proxy.port, "scram_only", "scram-secret").message == "client_login_timeout (server down)"
    proxy.console("RESUME")
    assert log_in(proxy.port, "scram_only", "scram-secret").sqlstate == "00000"
    proxy.console("KILL app")
    assert log_in(proxy.port, "scram_only", "scram-secret").message == "client_login_timeout (server down)"
    proxy.console("RESUME app")
    assert log_in(proxy.port, "scram_only", "scram-secret").sqlstate == "00000"


def test_lookups_go_on_while_servers_die(start, oltp):
    """Each login ends with its own answer, or is told that the server is lost."""
    proxy = start(workers=2, pool_mode="transaction", default_pool_size=3, auth_type="plain")
    outcomes, over = [], threading.Event()

    def log_in_again_and_again(password):
        while not over.is_set():
            outcomes.append((password, log_in(proxy.port, "scram_only", password)))

    threads = [threading.Thread(target=log_in_again_and_again, args=(password,)) for password in ("scram-secret", "wrong") * 3]
    for thread in threads:
        thread.start()
    for _ in range(40):
        oltp.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'authenticator'")
        seen = len(outcomes)
        eventually(lambda: len(outcomes) > seen + 3, what="logins go on")
    over.set()
    for thread in threads:
        thread.join()
    lost = {outcome for _, outcome in outcomes if outcome.sqlstate not in ("00000", "28P01")}
    assert {outcome.sqlstate for outcome in lost} <= {"08006", "57P01"}, lost
    right = {outcome for password, outcome in outcomes if password == "scram-secret"} - lost
    wrong = {outcome for password, outcome in outcomes if password == "wrong"} - lost
    assert right == {Outcome("password", "00000", "scram_only")}
    assert wrong == {Outcome("password", "28P01", WRONG.format("scram_only"))}


@pytest.mark.parametrize("setting, sqlstate, message", (("query_timeout", "57014", "query_timeout"),
                                                        ("client_login_timeout", "08P01", "client_login_timeout")))
def test_the_query_has_an_end(start, oltp, locked, setting, sqlstate, message):
    query, holder = locked
    proxy = start(auth_query=query, default_pool_size=1, **{setting: 1})
    assert log_in(proxy.port, "scram_only", "scram-secret") == Outcome("refused", sqlstate, message)
    eventually(lambda: not waits(oltp), what="the server does not go on with it")
    assert len(proxy.servers(user="authenticator")) == 1, "the connection is kept"
    holder.close()
    assert log_in(proxy.port, "scram_only", "scram-secret").sqlstate == "00000"


def test_a_connection_that_died_while_idle_is_not_noticed(start, oltp):
    proxy = start(default_pool_size=1)
    assert log_in(proxy.port, "scram_only", "scram-secret").sqlstate == "00000"
    for _ in range(3):
        oltp.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'authenticator'")
        assert log_in(proxy.port, "scram_only", "scram-secret").sqlstate == "00000"


def test_a_new_password_counts_from_the_next_login_on(start, oltp):
    proxy = start(pool_mode="session")
    try:
        with proxy.connect(user="scram_only", password="scram-secret") as client:
            oltp.sql("ALTER ROLE scram_only PASSWORD 'new-secret'")
            assert log_in(proxy.port, "scram_only", "scram-secret").sqlstate == "28P01"
            assert log_in(proxy.port, "scram_only", "new-secret").sqlstate == "00000"
            assert one(client, "SELECT current_user") == "scram_only"
    finally:
        oltp.sql("ALTER ROLE scram_only PASSWORD 'scram-secret'")


def test_a_reload_changes_the_query(start, oltp):
    proxy = start(databases={"forced": f"host=127.0.0.1 port={oltp.port} dbname=app user=other password=other-secret"})
    assert log_in(proxy.port, "stranger", "everybodys", "forced").sqlstate == "28P01"
    proxy.pooler.write_ini(auth_query="SELECT $1::text, 'everybodys'::text")
    proxy.pooler.signal(signal.SIGHUP)
    eventually(lambda: log_in(proxy.port, "stranger", "everybodys", "forced")[1:] == ("00000", "other"), what="the new query")


def test_the_console_has_users_of_the_query_too(start):
    proxy = start(auth_dbname="app", admin_users="boss", stats_users="scram_only", pool_mode="transaction")
    assert log_in(proxy.port, "boss", "boss-secret", "pgbouncer", query="RECONNECT").sqlstate == "00000"
    assert log_in(proxy.port, "scram_only", "scram-secret", "pgbouncer", query="SHOW POOLS").sqlstate == "00000"
    assert log_in(proxy.port, "scram_only", "scram-secret", "pgbouncer", query="RECONNECT").message == "admin access needed"
    assert log_in(proxy.port, "boss", "wrong", "pgbouncer").sqlstate == "28P01"
    without = start(admin_users="boss")
    assert log_in(without.port, "boss", "boss-secret", "pgbouncer") == CONFIG_ERROR


def client_tls(authority, user):
    pair = authority.client(user)
    context = ssl.create_default_context(cafile=str(authority.certificate))
    context.load_cert_chain(pair.certificate, pair.key)
    return context


def test_a_certificate_is_enough_for_a_user_of_the_query(start, authority):
    proxy = start(tls=True, client_tls_sslmode="verify-full", auth_type="cert",
                  auth_query="SELECT name, 'scram-secret'::text FROM user_lookup($1)")
    assert log_in(proxy.port, "scram_only", tls=client_tls(authority, "scram_only")) == Outcome("nothing", "00000", "scram_only")
    refused = Outcome("refused", "28000", "certificate authentication failed")
    assert log_in(proxy.port, "scram_only", tls=client_tls(authority, "boss")) == refused
    assert log_in(proxy.port, "stranger", tls=client_tls(authority, "stranger")) == refused


def test_no_secret_is_in_the_log_or_on_the_console(start):
    proxy = start(verbose=3, auth_query="SELECT $1::text, 'scram-secret'::text")
    log_in(proxy.port, "scram_only", "scram-secret")
    log_in(proxy.port, "scram_only", "wrong-secret")
    shown = "".join(str(proxy.console(f"SHOW {what}")) for what in ("POOLS", "USERS", "CLIENTS", "SERVERS", "DATABASES"))
    for secret in ("scram-secret", "wrong-secret", "auth-secret"):
        assert secret not in proxy.pooler.log_text() + shown
    assert Path(proxy.pooler.log).stat().st_size > 0


def test_with_two_workers_and_many_at_once(start):
    proxy = start(workers=2, pool_mode="transaction", default_pool_size=2)
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(log_in(proxy.port, "scram_only", "scram-secret"))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [Outcome("scram", "00000", "scram_only")] * 40
