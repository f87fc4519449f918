"""The console: databases pgbouncer and pgswitch, for psql and for drivers that use the extended protocol."""
import subprocess

import psycopg
import pytest
from endpoint import failure, one
from launch import eventually
from test_cancel import in_background

pytestmark = pytest.mark.pooler

COLUMNS = {
    "SHOW POOLS": {"database", "user", "cl_active", "cl_waiting", "sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login", "maxwait",
                   "maxwait_us", "pool_mode"},
    "SHOW CLIENTS": {"type", "user", "database", "state", "addr", "port", "local_addr", "local_port", "connect_time", "request_time",
                     "wait", "wait_us", "close_needed", "ptr", "link", "remote_pid", "tls", "application_name"},
    "SHOW SERVERS": {"type", "user", "database", "state", "addr", "port", "local_addr", "local_port", "connect_time", "request_time",
                     "wait", "wait_us", "close_needed", "ptr", "link", "remote_pid", "tls", "application_name"},
    "SHOW DATABASES": {"name", "host", "port", "database", "force_user", "pool_size", "min_pool_size", "reserve_pool", "pool_mode",
                       "max_connections", "current_connections", "paused", "disabled"},
    "SHOW STATS": {"database", "total_xact_count", "total_query_count", "total_received", "total_sent", "total_xact_time",
                   "total_query_time", "total_wait_time", "avg_xact_count", "avg_query_count"},
    "SHOW CONFIG": {"key", "value", "default", "changeable"},
}


@pytest.fixture(scope="module")
def running(make_pooler):
    from endpoint import Endpoint
    pooler = make_pooler(pool_mode="transaction")
    pooler.start()
    yield Endpoint(pooler.port, pooler=pooler)
    pooler.stop()


@pytest.mark.parametrize("command", COLUMNS)
def test_the_columns_of_pgbouncer_are_there(running, command):
    with running.connect() as connection:
        one(connection, "SELECT 1")
        rows = running.console(command)
        wanted = {"reserve_pool": "reserve_pool_size"}
        missing = {c for c in COLUMNS[command] if c not in rows[0] and wanted.get(c) not in rows[0]}
        assert not missing


@pytest.mark.pgswitch
@pytest.mark.parametrize("database", ("pgbouncer", "pgswitch"))
@pytest.mark.parametrize("factory", (psycopg.ClientCursor, psycopg.Cursor), ids=("simple", "extended"))
@pytest.mark.parametrize("command", (*COLUMNS, "SHOW VERSION", "SHOW ROUTES"))
def test_every_command_is_readable_by_both_protocols(running, database, factory, command):
    with running.connect(user="admin", dbname=database, cursor_factory=factory) as console:
        for _ in range(7):
            assert console.execute(command).fetchall()


def test_psql_reads_the_console(running):
    done = running.psql("SHOW POOLS;\nSHOW VERSION;", user="admin", dbname="pgbouncer")
    assert done.returncode == 0 and done.stderr == ""


def test_clients_and_servers_are_listed_with_their_link(running):
    with running.connect(application_name="linked") as connection:
        connection.execute("BEGIN")
        pid = one(connection, "SELECT pg_backend_pid()")
        client, = [row for row in running.console("SHOW CLIENTS") if row["application_name"] == "linked"]
        server, = [row for row in running.console("SHOW SERVERS") if row["remote_pid"] == pid]
        assert client["link"] == server["ptr"] and server["link"] == client["ptr"]
        assert (client["state"], server["state"]) == ("active", "active")
        connection.execute("COMMIT")


def test_stats_count_transactions_and_queries(running):
    def totals():
        row, = [r for r in running.console("SHOW STATS") if r["database"] == "app"]
        return int(row["total_query_count"]), int(row["total_xact_count"])
    before = totals()
    with running.connect() as connection:
        for _ in range(5):
            one(connection, "SELECT 1")
    eventually(lambda: totals()[0] >= before[0] + 5 and totals()[1] >= before[1] + 5, what="five more are counted")


def test_pause_waits_for_transactions_and_holds_new_ones_until_resume(running):
    with running.connect() as busy, running.connect() as later, running.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        busy.execute("BEGIN")
        one(busy, "SELECT 1")
        paused = in_background(lambda: console.execute("PAUSE app").statusmessage)
        eventually(lambda: [r for r in running.console("SHOW DATABASES") if r["name"] == "app" and r["paused"]], what="pausing")
        assert one(busy, "SELECT 2") == 2
        busy.execute("COMMIT")
        assert paused() == "PAUSE"
        answer = in_background(lambda: one(later, "SELECT 3"))
        eventually(lambda: any(row["cl_waiting"] for row in running.console("SHOW POOLS")), what="a client waits")
        assert running.console("RESUME app") == []
        assert answer() == 3


def test_reload_is_answered(running):
    with running.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        assert console.execute("RELOAD").statusmessage == "RELOAD"


def test_shutdown_ends_the_process(start_proxy):
    proxy = start_proxy()
    subprocess.run(["psql", "-X", proxy.url("admin", "pgbouncer"), "-c", "SHUTDOWN"], capture_output=True, timeout=20)
    proxy.pooler.wait(15)


def test_an_unknown_command_is_an_error_and_the_console_goes_on(running):
    with running.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        assert failure(console, "SHOW NONSENSE").sqlstate is not None
        assert console.execute("SHOW VERSION") is not None


def test_an_ordinary_user_may_not_enter(running):
    with pytest.raises(psycopg.OperationalError):
        running.connect(user="app", dbname="pgbouncer")


@pytest.mark.pgswitch
def test_a_stats_user_may_look_but_not_touch(start_proxy):
    proxy = start_proxy(stats_users="other")
    with proxy.connect(user="other", dbname="pgswitch", cursor_factory=psycopg.ClientCursor) as console:
        assert console.execute("SHOW POOLS").description is not None
        for command in ("PAUSE", "RELOAD", "SHUTDOWN", "RESUME"):
            assert isinstance(failure(console, command), psycopg.Error)


@pytest.mark.pgswitch
def test_version_names_pgswitch(running):
    assert "pgswitch" in str(running.console("SHOW VERSION")).lower()
