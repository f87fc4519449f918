"""Each limit of pgbouncer's that a client can run into: what it is told, with which SQLSTATE, beside Debian's pgbouncer 1.18 where that has the limit."""
import struct

import psycopg
import pytest
from endings import hold
from endpoint import failure, one
from launch import eventually
from raw import RawClient, error_fields
from test_cancel import in_background

pytestmark = pytest.mark.pgswitch
PGBOUNCER = "/usr/sbin/pgbouncer"


def connect_at_last(endpoint):
    """The first client: who has looked whether the port is open may still count as one."""
    try:
        return endpoint.connect()
    except psycopg.OperationalError:
        return None


def error(client):
    """What it is told at last: text, severity and SQLSTATE."""
    body = next(body for kind, body in reversed(client.read_until(b"E")) if kind == b"E")
    fields = error_fields(body)
    return fields["M"], fields["S"] + " " + fields["C"]


def ask(client, sql):
    client.message(b"Q", sql.encode() + b"\0")
    return client


def holding(client):
    """It has a server, and keeps it."""
    for sql in ("BEGIN", "SELECT 1"):
        assert ask(client, sql).read_until(b"Z", b"E")[-1][0] == b"Z"
    return client


def refused(endpoint, dbname="app"):
    with RawClient(endpoint.port) as client:
        client.startup(user="app", database=dbname)
        return error(client)


def too_many_clients(endpoint):
    with eventually(lambda: connect_at_last(endpoint), what="there is room for one"):
        return refused(endpoint)


def waits_too_long(endpoint):
    with log_in(endpoint) as holder, log_in(endpoint) as waiter:
        holding(holder)
        return error(ask(waiter, "SELECT 1"))


def waits_while_paused(endpoint):
    with log_in(endpoint) as waiter:
        ask(waiter, "SELECT 1").read_until(b"Z")
        endpoint.console("PAUSE app")
        return error(ask(waiter, "SELECT 1"))


def runs_too_long(endpoint):
    with log_in(endpoint) as client:
        return error(ask(client, "SELECT pg_sleep(60)"))


def idles_in_transaction(endpoint):
    with log_in(endpoint) as client:
        return error(holding(client))


def idles(endpoint):
    with log_in(endpoint) as client:
        ask(client, "SELECT 1").read_until(b"Z")
        return error(client)


def no_blocks(endpoint):
    with log_in(endpoint) as client:
        return error(ask(client, "BEGIN; SELECT 1"))


def nowhere(endpoint):
    return refused(endpoint, dbname="nowhere")


# name: (settings, [users] line, scenario, text, severity and SQLSTATE, does 1.18 have it (whose SQLSTATE is 08P01 for all of them))
LIMITS = {
    "max_client_conn": ({"max_client_conn": 1}, "", too_many_clients, "no more connections allowed (max_client_conn)", "FATAL 53300", True),
    "max_db_client_connections": ({"max_db_client_connections": 1}, "", too_many_clients, "client connections exceeded (max_db_client_connections)", "FATAL 53300", False),
    "max_user_client_connections": ({"max_user_client_connections": 1}, "", too_many_clients,
                                    "client connections exceeded (max_user_client_connections)", "FATAL 53300", False),
    "max_user_client_connections of a user": ({}, "app = max_user_client_connections=1", too_many_clients,
                                              "client connections exceeded (max_user_client_connections)", "FATAL 53300", False),
    "query_wait_timeout": ({"query_wait_timeout": 1, "default_pool_size": 1}, "", waits_too_long, "query_wait_timeout", "FATAL 53300", True),
    "query_wait_timeout of a user": ({"default_pool_size": 1}, "app = query_wait_timeout=1", waits_too_long, "query_wait_timeout", "FATAL 53300", False),
    "max_db_connections": ({"max_db_connections": 1, "query_wait_timeout": 1}, "", waits_too_long, "query_wait_timeout", "FATAL 53300", True),
    "max_user_connections": ({"max_user_connections": 1, "query_wait_timeout": 1}, "", waits_too_long, "query_wait_timeout", "FATAL 53300", True),
    "max_user_connections of a user": ({"query_wait_timeout": 1}, "app = max_user_connections=1", waits_too_long, "query_wait_timeout", "FATAL 53300", True),
    "pool_size of a user": ({"query_wait_timeout": 1}, "app = pool_size=1", waits_too_long, "query_wait_timeout", "FATAL 53300", False),
    "query_timeout": ({"query_timeout": 1}, "", runs_too_long, "query timeout", "FATAL 57014", True),
    "query_timeout of a user": ({}, "app = query_timeout=1", runs_too_long, "query timeout", "FATAL 57014", False),
    "query_timeout of who waits": ({"query_timeout": 1, "query_wait_timeout": 0}, "", waits_while_paused, "query_timeout", "FATAL 57014", True),
    "idle_transaction_timeout": ({"idle_transaction_timeout": 1}, "", idles_in_transaction, "idle transaction timeout", "FATAL 25P03", True),
    "idle_transaction_timeout of a user": ({}, "app = idle_transaction_timeout=1", idles_in_transaction, "idle transaction timeout", "FATAL 25P03", False),
    "transaction_timeout": ({"transaction_timeout": 1}, "", idles_in_transaction, "transaction timeout", "FATAL 25P04", False),
    "transaction_timeout of a user": ({}, "app = transaction_timeout=1", idles_in_transaction, "transaction timeout", "FATAL 25P04", False),
    "client_idle_timeout": ({"client_idle_timeout": 1}, "", idles, "client_idle_timeout", "FATAL 57P05", True),
    "client_idle_timeout of a user": ({}, "app = client_idle_timeout=1", idles, "client_idle_timeout", "FATAL 57P05", False),
    "pool_mode = statement": ({"pool_mode": "statement"}, "", no_blocks, "transaction blocks not allowed in statement pooling mode", "ERROR 0A000", True),
    "no such database": ({}, "", nowhere, "no such database: nowhere", "FATAL 3D000", True),
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_is_told_with_pgbouncers_text(start, name):
    settings, user_keys, scenario, text, code, is_old = LIMITS[name]
    assert scenario(start(user_keys, auth_type="trust", **settings)) == (text, code)
    if is_old:
        assert scenario(start(user_keys, auth_type="trust", program=PGBOUNCER, **settings))[0] == text


# Where a database forces a user: whose limit it is, "app" logs in.
WHOSE = {
    "query_timeout": ("other", runs_too_long, "query timeout"),
    "idle_transaction_timeout": ("other", idles_in_transaction, "idle transaction timeout"),
    "transaction_timeout": ("other", idles_in_transaction, "transaction timeout"),
    "query_wait_timeout": ("app", waits_too_long, "query_wait_timeout"),
    "client_idle_timeout": ("app", idles, "client_idle_timeout"),
}


@pytest.mark.parametrize("name", WHOSE)
def test_a_limit_is_that_of_the_forced_user_or_of_the_client(start, oltp, name):
    user, scenario, text = WHOSE[name]
    forced = {"app": f"host=127.0.0.1 port={oltp.port} dbname=app user=other"}
    assert scenario(start(f"{user} = {name}=1", auth_type="trust", default_pool_size=1, databases=forced))[0] == text


def test_a_timeout_of_a_client_is_not_that_of_the_user_that_its_database_forces(start, oltp):
    proxy = start("app = query_timeout=1", databases={"app": f"host=127.0.0.1 port={oltp.port} dbname=app user=other"})
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1 FROM pg_sleep(1.5)") == 1


@pytest.mark.parametrize("user_keys, user", (("app = client_idle_timeout=1", "other"), ("other = client_idle_timeout=1", "app")))
def test_an_idle_timeout_of_one_user_is_not_that_of_others(start, user_keys, user):
    proxy = start(user_keys)
    with proxy.connect(user=user) as stays, proxy.connect(user="other" if user == "app" else "app") as goes:
        eventually(lambda: {row["user"] for row in proxy.console("SHOW CLIENTS")} == {user, "admin"}, what="one is dismissed")
        assert isinstance(failure(goes, "SELECT 1"), psycopg.OperationalError)
        assert one(stays, "SELECT 1") == 1


def test_a_message_beyond_max_packet_size_ends_the_connection(start):
    for program in (PGBOUNCER, None):
        proxy = start(program=program, max_packet_size=10_000, auth_type="trust")
        client = log_in(proxy)
        client.message(b"Q", b"SELECT 1\0")
        assert client.read_until(b"Z")[-1][0] == b"Z"
        client.send(b"Q" + struct.pack("!i", 20_000) + b"SELECT '" + bytes(100))
        kind, body = client.read()
        assert kind is None or (kind, error_fields(body)["S"], error_fields(body)["C"]) == (b"E", "FATAL", "08P01")
        assert kind == b"E" or program == PGBOUNCER
        client.socket.close()
        assert one(proxy.connect(), "SELECT 1") == 1


def log_in(proxy, **parameters):
    client = RawClient(proxy.port)
    client.startup(user="app", database="app", **parameters)
    client.welcome = client.read_until(b"Z", b"E")
    assert client.welcome[-1][0] == b"Z"
    return client


def test_simple_queries_are_refused_with_disable_pqexec(start):
    texts = []
    for program in (PGBOUNCER, None):
        proxy = start(program=program, disable_pqexec=1, auth_type="trust")
        with proxy.connect() as connection:
            assert connection.execute("SELECT %s::int", (7,), prepare=False).fetchone() == (7,)
        client = log_in(proxy)
        client.message(b"Q", b"SELECT 1\0")
        kind, body = client.read()
        fields = error_fields(body)
        texts.append((kind, fields["S"], fields["M"]))
        assert client.read()[0] is None
        client.socket.close()
    assert texts[0] == texts[1] == (b"E", "FATAL", "PQexec disallowed")


def test_what_was_asked_before_a_refused_query_is_answered(start):
    proxy = start(disable_pqexec=1, auth_type="trust")
    client = log_in(proxy)
    client.message(b"P", b"\0SELECT 1\0" + bytes(2))
    client.message(b"B", bytes(8))
    client.message(b"E", bytes(5))
    client.message(b"S")
    client.message(b"Q", b"SELECT 2\0")
    assert [kind for kind, _ in client.read_until(b"Z")] == [b"1", b"2", b"D", b"C", b"Z"]
    assert error_fields(client.read()[1])["M"] == "PQexec disallowed"
    client.socket.close()


def test_a_notice_is_sent_at_login(start):
    proxy = start(login_notify_message="maintenance at noon", auth_type="trust")
    client = log_in(proxy)
    (_, body), = [message for message in client.welcome if message[0] == b"N"]
    assert (error_fields(body)["S"], error_fields(body)["M"]) == ("NOTICE", "maintenance at noon")
    client.socket.close()


@pytest.mark.parametrize("given, wanted", ((None, "app"), ("tool", "tool")))
def test_the_clients_address_is_added_to_its_application_name(start, given, wanted):
    names = []
    for program in (PGBOUNCER, None):
        proxy = start(program=program, application_name_add_host=1)
        more = {"application_name": given} if given else {}
        with proxy.connect(**more) as connection:
            name = one(connection, "SELECT current_setting('application_name')")
            port = [row["port"] for row in proxy.console("SHOW CLIENTS") if row["database"] == "app"][0]
            names.append(name.replace(str(port), "PORT"))
    assert names[0] == names[1] == f"{wanted} - 127.0.0.1:PORT"


def test_an_ignored_start_up_parameter_is_dropped(start):
    for program in (PGBOUNCER, None):
        proxy = start(program=program, ignore_startup_parameters="work_mem, options", auth_type="trust")
        client = log_in(proxy, work_mem="77kB")
        client.message(b"Q", b"SHOW work_mem\0")
        assert b"77kB" not in client.read_until(b"Z")[1][1]
        client.socket.close()


def shown(client, name):
    client.message(b"Q", f"SHOW {name}\0".encode())
    return client.read_until(b"Z")[1][1][6:].decode()


def test_of_ignored_options_what_is_not_tracked_is_dropped(start):
    for program in (PGBOUNCER, None):
        proxy = start(program=program, ignore_startup_parameters="options", auth_type="trust")
        client = log_in(proxy, options="-c nosuch=1 -c work_mem=77MB -c DateStyle=German")
        assert shown(client, "work_mem") != "77MB"
        if program is None:  # 1.18 drops all of them
            assert shown(client, "DateStyle") == "German, DMY"
        client.socket.close()


def test_servers_keep_no_more_statements_than_they_may(start):
    proxy = start(max_prepared_statements=3, default_pool_size=1)
    with proxy.connect() as connection:
        for round_ in range(2):
            for number in range(10):
                assert connection.execute(f"SELECT {number}", prepare=True).fetchone() == (number,)
        server, = proxy.servers()
        assert server["prepared_statements"] <= 3
        assert one(connection, "SELECT count(*) FROM pg_prepared_statements") <= 3


def test_a_parameter_that_a_client_sets_is_its_own_whether_it_is_tracked_or_not(start):
    for extra in ("IntervalStyle", "IntervalStyle, search_path"):
        proxy = start(track_extra_parameters=extra, default_pool_size=1)
        with proxy.many(2) as (first, second):
            first.execute("SET search_path = pg_catalog")
            first.execute("SET IntervalStyle = iso_8601")
            second.execute("SET search_path = public")
            assert [one(c, "SHOW search_path") for c in (first, second)] == ["pg_catalog", "public"]
            assert [one(c, "SHOW IntervalStyle") for c in (first, second)] == ["iso_8601", "postgres"]


def test_reload_reads_the_file_that_conffile_names(start):
    seen = []
    for program in (PGBOUNCER, None):
        proxy = start(program=program)
        other = proxy.pooler.folder / "other.ini"
        other.write_text(proxy.pooler.ini.read_text().replace("default_pool_size = 5", "default_pool_size = 9"))
        other.chmod(0o644)
        shown = {row["key"]: row["value"] for row in proxy.console("SHOW CONFIG")}
        assert shown["conffile"] == str(proxy.pooler.ini)
        proxy.console(f"SET conffile = '{other}'")
        proxy.console("RELOAD")
        seen.append({row["key"]: row["value"] for row in proxy.console("SHOW CONFIG")}["default_pool_size"])
    assert seen == ["9", "9"]


def test_a_client_that_waits_for_its_turn_is_told(start):
    notices = []
    proxy = start(default_pool_size=1, query_wait_notify=1)
    with proxy.many(2) as (holder, waiter):
        hold(holder)
        waiter.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        answer = in_background(lambda: one(waiter, "SELECT 2"))
        eventually(lambda: [row for row in proxy.console("SHOW POOLS") if row["maxwait"] >= 2], what="it waits")
        holder.execute("COMMIT")
        assert answer() == 2
    assert notices == ["No server connection available in postgres backend, client being queued"]


@pytest.mark.parametrize("text, sqlstate", (("no such database: nowhere", "3D000"), ("no more connections allowed (max_client_conn)", "53300")))
def test_errors_have_the_sqlstate_of_what_is_wrong(start, text, sqlstate):
    proxy = start(max_client_conn=1, auth_type="trust")
    with proxy.connect():
        client = RawClient(proxy.port)
        client.startup(user="app", database="nowhere" if "nowhere" in text else "app")
        fields = error_fields(client.read_until(b"E")[-1][1])
        assert (fields["M"], fields["C"], fields["S"]) == (text, sqlstate, "FATAL")
        client.socket.close()


GCM = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES256-GCM-SHA384"


@pytest.mark.parametrize("side, command", (("client", "SHOW CLIENTS"), ("server", "SHOW SERVERS")))
@pytest.mark.parametrize("keys, wanted", (
    ({"protocols": "tlsv1.2"}, "TLSv1.2/"),
    ({"protocols": "tlsv1.2", "ciphers": GCM}, "AES256-GCM-SHA384"),
    ({"protocols": "tlsv1.3", "13_ciphers": "TLS_CHACHA20_POLY1305_SHA256"}, "TLSv1.3/TLS_CHACHA20_POLY1305_SHA256"),
), ids=("protocol", "cipher", "1.3-cipher"))
def test_versions_and_ciphers_of_tls_are_as_they_are_set(start_proxy, side, command, keys, wanted):
    settings = {f"{side}_tls{'' if key.startswith('13') else '_'}{key}": value for key, value in keys.items()}
    proxy = start_proxy(tls=True, rules=None, **settings)
    with proxy.connect() as connection:
        one(connection, "SELECT 1")
        seen = {row["tls"] for row in proxy.console(command) if row["database"] == "app"}
        assert seen and all(wanted in tls for tls in seen)


def test_the_key_exchange_of_clients_may_be_chosen(start_proxy):
    proxy = start_proxy(tls=True, rules=None, client_tls_ecdhcurve="prime256v1", client_tls_dheparams="none")
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1


def test_the_connect_query_is_run_before_the_first_use(start, oltp):
    proxy = start(databases={"app": f"host=127.0.0.1 port={oltp.port} dbname=app connect_query='CREATE TABLE connected (a int)'"})
    try:
        with proxy.connect() as connection:
            assert one(connection, "SELECT count(*) FROM connected") == 0
    finally:
        oltp.sql("DROP TABLE IF EXISTS connected", "app")
