"""What the console's commands do, with two workers, and its protocol by hand."""
import struct
import threading

import psycopg
import pytest
from endpoint import USERS, failure, one
from launch import eventually
from raw import RawClient, error_fields
from test_cancel import in_background

pytestmark = pytest.mark.pgswitch


@pytest.fixture
def proxy(start_proxy):
    return start_proxy(workers=2, pool_mode="transaction", stats_users="other")


@pytest.fixture
def console(proxy):
    with proxy.connect(user="admin", dbname="pgswitch") as connection:
        yield connection


def rows(connection, command):
    cursor = connection.execute(command)
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row)) for row in cursor.fetchall()]


def row_of(connection, command, **wanted):
    """The one row with these values."""
    row, = [r for r in rows(connection, command) if all(r[key] == value for key, value in wanted.items())]
    return row


@pytest.mark.parametrize("command", ("SHOW STATS", "SHOW POOLS", "SHOW DATABASES", "SHOW LISTS", "SHOW ROUTES", "SHOW USERS", "SHOW TOTALS"))
def test_rows_are_the_same_in_binary(proxy, console, command):
    with proxy.connect() as connection:
        one(connection, "SELECT 1")
    eventually(lambda: row_of(console, "SHOW POOLS", database="app")["cl_active"] == 0, what="the client is gone")
    assert console.cursor(binary=True).execute(command).fetchall() == console.execute(command).fetchall()


def test_a_pool_is_one_row_over_all_workers(proxy, console):
    with proxy.many(4) as connections:
        for connection in connections:
            connection.execute("BEGIN")
            one(connection, "SELECT 1")
        pool = row_of(console, "SHOW POOLS", database="app", user="app")
        assert (pool["cl_active"], pool["sv_active"]) == (4, 4)
        assert len([r for r in rows(console, "SHOW CLIENTS") if r["link"]]) == 4
        for connection in connections:
            connection.execute("COMMIT")


def test_routes_and_clients_tell_why_a_session_is_pinned(proxy, console):
    with proxy.connect(application_name="pinned") as connection:
        connection.execute("CREATE TEMP TABLE kept (a int)")
        assert row_of(console, "SHOW CLIENTS", application_name="pinned")["pins"] == "temp_table"
        route = row_of(console, "SHOW ROUTES", kind="route", name="app")
        assert (route["pinned_now"], route["pin_reasons"]) == (1, "temp_table")
    eventually(lambda: row_of(console, "SHOW ROUTES", kind="route", name="app")["pins"] == 1, what="the pin is counted")


def test_routes_count_what_went_where(proxy, console):
    with proxy.connect() as connection:
        for _ in range(3):
            connection.execute("SELECT count(*) FROM sales", prepare=False)
    assert row_of(console, "SHOW ROUTES", kind="route", name="app.redshift")["hits"] == 3
    assert sum(r["hits"] for r in rows(console, "SHOW ROUTES") if r["kind"] == "rule") >= 3


def test_averages_are_those_of_the_last_period(start_proxy):
    proxy = start_proxy(stats_period=1)
    with proxy.connect(user="admin", dbname="pgswitch") as console, proxy.connect() as connection:
        def average():
            one(connection, "SELECT 1")
            return row_of(console, "SHOW STATS", database="app")["avg_query_count"]
        eventually(lambda: average() > 0, what="an average")
    eventually(lambda: " queries/s, " in proxy.pooler.log_text(), what="the stats line in the log")


def test_kill_client_ends_that_one(proxy, console):
    with proxy.connect(application_name="victim") as victim, proxy.connect() as other:
        number = row_of(console, "SHOW CLIENTS", application_name="victim")["id"]
        assert console.execute(f"KILL_CLIENT {number}").statusmessage == "KILL_CLIENT"
        assert "admin forced disconnect" in str(failure(victim, "SELECT 1"))
        assert one(other, "SELECT 1") == 1
    assert "client not found" in str(failure(console, f"KILL_CLIENT {number}"))
    assert "invalid client pointer supplied" in str(failure(console, "KILL_CLIENT 1x"))


def test_kill_drops_everybody_and_pauses(proxy, console):
    with proxy.connect() as first, proxy.connect() as second:
        one(first, "SELECT 1")
        console.execute("KILL app")
        for connection in (first, second):
            assert "admin forced disconnect" in str(failure(connection, "SELECT 1"))
    assert row_of(console, "SHOW DATABASES", name="app")["paused"] == 1
    assert row_of(console, "SHOW DATABASES", name="app")["current_connections"] == 0
    console.execute("RESUME app")
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1


def test_a_pause_ended_by_another_console_is_answered(proxy, console):
    with proxy.connect() as busy, proxy.connect(user="admin", dbname="pgbouncer") as other:
        busy.execute("BEGIN")
        one(busy, "SELECT 1")
        answer = in_background(lambda: failure(console, "PAUSE"))
        eventually(lambda: row_of(other, "SHOW STATE", key="paused")["value"] == "yes", what="pausing")
        assert "already suspended/paused" in str(failure(other, "PAUSE"))
        other.execute("RESUME")
        assert answer().sqlstate == "57014"
        busy.execute("COMMIT")


def test_a_console_that_leaves_while_it_waits_is_noticed(proxy, console):
    def consoles():
        return len([r for r in rows(console, "SHOW CLIENTS") if r["database"] == "pgbouncer"])
    with proxy.connect() as busy:
        busy.execute("BEGIN")
        one(busy, "SELECT 1")
        leaving = proxy.connect(user="admin", dbname="pgbouncer")
        leaving.pgconn.send_query(b"PAUSE app")
        eventually(lambda: row_of(console, "SHOW DATABASES", name="app")["paused"], what="pausing")
        assert consoles() == 2
        leaving.close()
        eventually(lambda: consoles() == 1, what="the console is gone")
        console.execute("RESUME app")
        busy.execute("COMMIT")


def test_reconnect_replaces_servers_when_they_are_free(proxy, console):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        before = one(connection, "SELECT pg_backend_pid()")
        console.execute("RECONNECT app")
        waiting = in_background(lambda: console.execute("WAIT_CLOSE app").statusmessage)
        assert one(connection, "SELECT pg_backend_pid()") == before
        connection.execute("COMMIT")
        assert waiting() == "WAIT_CLOSE"
        assert one(connection, "SELECT pg_backend_pid()") != before


def test_a_disabled_database_takes_no_logins(proxy, console):
    with proxy.connect() as connection:
        console.execute("DISABLE app")
        with pytest.raises(psycopg.OperationalError, match='database "app" is disabled'):
            proxy.connect()
        assert one(connection, "SELECT 1") == 1
    console.execute("ENABLE app")
    proxy.connect().close()


@pytest.mark.parametrize("command, sqlstate", (
    ("PAUSE nowhere", "3D000"), ("KILL pgbouncer", "22023"), ("RESUME", "55000"), ("RESUME app", "55000"), ("DISABLE", "42601"),
    ("SHUTDOWN SOON", "42601"), ("SET pool_mode = sometimes", "22023"), ("SET auth_type = trust", "0A000"), ("SELECT $1", "42601")))
def test_what_cannot_be_done_is_an_error_with_a_code(console, command, sqlstate):
    assert failure(console, command).sqlstate == sqlstate
    assert console.execute("SHOW STATE").fetchall()


def test_a_failed_reload_says_why_and_changes_nothing(proxy, console):
    text = proxy.pooler.ini.read_text()
    proxy.pooler.ini.write_text(text + "\npool_mode = sometimes\n")
    error = failure(console, "RELOAD")
    assert error.sqlstate == "F0000" and "pgswitch.ini:" in error.diag.message_detail
    assert row_of(console, "SHOW CONFIG", key="pool_mode")["value"] == "transaction"
    proxy.pooler.ini.write_text(text.replace("default_pool_size = 5", "default_pool_size = 7"))
    console.execute("RELOAD")
    assert row_of(console, "SHOW CONFIG", key="default_pool_size")["value"] == "7"


def test_no_secret_is_shown(console):
    shown = str([rows(console, f"SHOW {subject}") for subject in ("CONFIG", "USERS", "DATABASES", "CLIENTS", "SERVERS")])
    assert not [secret for secret in USERS.values() if secret in shown]


def test_drivers_without_autocommit_and_with_settings_are_welcome(proxy):
    with proxy.connect(user="other", dbname="pgswitch", autocommit=False) as console:
        console.execute("SET extra_float_digits = 3")
        assert console.execute("SHOW POOLS").fetchall()
        console.commit()
        with console.pipeline():
            first, second = console.execute("SHOW STATE"), console.execute("SHOW VERSION")
            assert len(first.fetchall()) == 9 and len(second.fetchall()) == 1


def test_shutdown_wait_for_clients_lets_transactions_finish(proxy, console):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        one(connection, "SELECT 1")
        assert console.execute("SHUTDOWN WAIT_FOR_CLIENTS").statusmessage == "SHUTDOWN"
        assert "shutting down" in str(failure(console, "SHUTDOWN WAIT_FOR_CLIENTS"))
        assert one(connection, "SELECT 2") == 2
        connection.execute("COMMIT")
    console.close()
    proxy.pooler.wait(15)


# By hand.

@pytest.fixture
def raw(start_proxy):
    proxy = start_proxy(auth_type="trust")
    with RawClient(proxy.port) as client:
        client.startup(user="admin", database="pgswitch")
        assert client.read_until(b"Z")[0][0] == b"R"
        yield client


def parse(client, text, name=b""):
    client.message(b"P", name + b"\0" + text + b"\0" + struct.pack("!h", 0))


def bind(client, portal=b"", name=b"", formats=()):
    client.message(b"B", portal + b"\0" + name + b"\0" + struct.pack(f"!hhh{len(formats)}h", 0, 0, len(formats), *formats))


def execute(client, portal=b"", rows=0):
    client.message(b"E", portal + b"\0" + struct.pack("!i", rows))


def kinds(messages):
    return b"".join(kind or b"?" for kind, _ in messages)


def test_an_extended_query_is_answered_like_one_of_a_server(raw):
    parse(raw, b"SHOW STATE", b"s")
    raw.message(b"D", b"Ss\0")
    bind(raw, b"p", b"s")
    raw.message(b"D", b"Pp\0")
    execute(raw, b"p", 3)
    execute(raw, b"p", 6)
    raw.message(b"C", b"Pp\0")
    raw.message(b"S")
    assert kinds(raw.read_until(b"Z")) == b"1tT2TDDDsDDDDDDC3Z"


def test_an_empty_extended_query_has_no_rows(raw):
    parse(raw, b" ; ")
    bind(raw)
    raw.message(b"D", b"P\0")
    execute(raw)
    raw.message(b"S")
    assert kinds(raw.read_until(b"Z")) == b"12nIZ"


def test_an_empty_query_string_is_answered(raw):
    raw.message(b"Q", b"\0")
    assert kinds(raw.read_until(b"Z")) == b"IZ"


def test_a_flush_brings_what_there_is(raw):
    parse(raw, b"SHOW VERSION")
    raw.message(b"H")
    assert raw.read()[0] == b"1"


@pytest.mark.parametrize("kind, body, sqlstate", (
    (b"P", b"\0FROB\0\0\0", "42601"),
    (b"P", b"\0SHOW STATE; SHOW STATE\0\0\0", "42601"),
    (b"P", b"no end", "08P01"),
    (b"B", b"\0nowhere\0" + bytes(6), "26000"),
    (b"B", b"\0\0", "08P01"),
    (b"D", b"Pnowhere\0", "34000"),
    (b"E", b"nowhere\0" + bytes(4), "34000"),
    (b"E", b"", "08P01"),
    (b"C", b"X\0", "08P01"),
))
def test_an_error_skips_what_follows_until_sync(raw, kind, body, sqlstate):
    raw.message(kind, body)
    parse(raw, b"SHOW STATE")
    bind(raw)
    execute(raw)
    raw.message(b"S")
    (first, error), (last, status) = raw.read_until(b"Z")
    assert (first, error_fields(error)["C"], last, status) == (b"E", sqlstate, b"Z", b"I")


def test_parameters_and_formats_that_do_not_fit_are_refused(raw):
    for body in (b"\0\0" + struct.pack("!hhih", 0, 1, -1, 0), b"\0\0" + struct.pack("!hhhhh", 0, 0, 3, 0, 0) + b"\0\0",
                 b"\0\0" + struct.pack("!hhhh", 0, 0, 1, 7)):
        parse(raw, b"SHOW STATE")
        raw.message(b"B", body)
        raw.message(b"S")
        messages = raw.read_until(b"Z")
        assert kinds(messages) == b"1EZ" and error_fields(messages[1][1])["C"] == "08P01"


@pytest.mark.parametrize("data", (b"Q\0\0\0\1", b"Q\x7f\xff\xff\xff", b"\xff\0\0\0\4", b"F\0\0\0\4"))
def test_what_is_no_message_ends_the_connection(raw, data):
    raw.send(data)
    kind, body = raw.read()
    assert (kind, error_fields(body)["S"], error_fields(body)["C"]) == (b"E", "FATAL", "08P01")
    assert raw.read()[0] is None


def test_commands_of_one_string_stop_at_the_first_error(raw):
    raw.message(b"Q", b"SHOW VERSION; FROB; SHOW VERSION\0")
    assert kinds(raw.read_until(b"Z")) == b"TDCEZ"


def test_many_consoles_ask_at_once(start_proxy):
    proxy = start_proxy(workers=2)
    failures = []

    def ask():
        try:
            with proxy.connect(user="admin", dbname="pgswitch") as console:
                for _ in range(20):
                    for subject in ("CLIENTS", "POOLS", "STATS", "ROUTES"):
                        console.execute(f"SHOW {subject}").fetchall()
        except psycopg.Error as error:
            failures.append(error)
    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
