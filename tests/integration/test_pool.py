"""Server connections that end at a bad moment, and the end of the process with clients still there."""
import signal
import struct
from pathlib import Path

import psycopg
import pytest
from endpoint import failure, one
from launch import accepts, eventually
from raw import RawClient, error_fields
from test_cancel import sleeping

pytestmark = pytest.mark.pgswitch
PID = "SELECT pg_backend_pid()"


def log_in(proxy):
    client = RawClient(proxy.port)
    client.startup(user="app", database="app")
    assert client.read_until(b"Z", b"E")[-1][0] == b"Z"
    return client


def is_stopped(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def has_gone(oltp, pid):
    return oltp.sql(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}") == "0"


def test_a_server_that_ended_before_the_statement_was_sent_is_not_noticed(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction")
    with log_in(proxy) as client, proxy.connect() as other:
        pid = one(other, PID)
        # Both wake the proxy at once, the client first: the server's end must be looked at before a lease.
        proxy.pooler.signal(signal.SIGSTOP)
        eventually(lambda: is_stopped(proxy.pooler.pid), what="the proxy stands still")
        client.message(b"Q", b"SELECT 'alive'\0")
        oltp.sql(f"SELECT pg_terminate_backend({pid})")
        eventually(lambda: has_gone(oltp, pid), what="the server has ended")
        proxy.pooler.signal(signal.SIGCONT)
        seen = client.read_until(b"Z", b"E")
        assert [kind for kind, _ in seen] == [b"T", b"D", b"C", b"Z"], seen
        assert one(other, PID) != pid


def test_a_query_whose_connection_must_be_closed_is_cancelled(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust")
    with log_in(proxy) as client:
        client.message(b"P", b"\0SELECT pg_sleep(60)\0\0\0")
        client.message(b"B", b"\0\0" + bytes(6))
        client.message(b"E", bytes(5))
        client.send(b"B" + struct.pack("!i", 1_000_000) + bytes(200_000))  # half a message: it cannot be taken back
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
    eventually(lambda: sleeping(oltp) == 0, what="nothing runs for nobody")


def test_sigterm_waits_for_clients_and_not_for_the_console(start_proxy):
    proxy = start_proxy()
    with proxy.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor):
        with proxy.connect() as client:
            proxy.pooler.signal(signal.SIGTERM)
            eventually(lambda: not accepts(proxy.port), what="new clients are refused")
            for _ in range(3):
                assert one(client, "SELECT 1") == 1
            assert not proxy.pooler.has_ended()
        assert proxy.pooler.wait(15) == 0


def test_shutdown_wait_for_transactions_sends_clients_away_between_them(start_proxy):
    proxy = start_proxy()
    with proxy.many(2) as (idle, busy):
        busy.execute("BEGIN")
        one(busy, "SELECT 1")
        proxy.console("SHUTDOWN WAIT_FOR_TRANSACTIONS")
        assert "server shutting down" in str(failure(idle, "SELECT 1"))
        assert one(busy, "SELECT 2") == 2
        busy.execute("COMMIT")
        assert proxy.pooler.wait(15) == 0


def test_the_unix_socket_stays_for_the_console_while_clients_are_waited_for(start_proxy, place):
    proxy = start_proxy(unix_socket_dir=place, auth_type="trust")
    with proxy.connect() as client:
        proxy.pooler.signal(signal.SIGTERM)
        eventually(lambda: not accepts(proxy.port), what="new clients are refused")
        local = {"host": str(place), "port": proxy.port, "autocommit": True}
        with psycopg.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor, **local) as console:
            assert {row[1] for row in console.execute("SHOW CLIENTS").fetchall()} == {"app", "admin"}
        with pytest.raises(psycopg.OperationalError, match="pooler is shutting down"):
            psycopg.connect(user="app", dbname="app", **local)
        assert one(client, "SELECT 1") == 1
    assert proxy.pooler.wait(15) == 0
    assert not list(place.glob(".s.PGSQL.*"))


def test_a_client_that_waits_for_a_server_is_told_once(start_proxy):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=1, query_wait_notify=1, auth_type="trust")
    with proxy.connect() as holder, log_in(proxy) as client:
        holder.execute("BEGIN")
        one(holder, "SELECT 1")
        client.message(b"Q", b"SELECT 2\0")
        kind, body = client.read()
        assert (kind, error_fields(body)["S"], error_fields(body)["C"]) == (b"N", "NOTICE", "00000")
        assert error_fields(body)["M"] == "No server connection available in postgres backend, client being queued"
        eventually(lambda: proxy.console("SHOW POOLS")[0]["maxwait"] == 2, what="it waits for another second")
        holder.execute("COMMIT")
        assert [kind for kind, _ in client.read_until(b"Z")] == [b"T", b"D", b"C", b"Z"]


@pytest.mark.parametrize("fast", (0, 1))
def test_server_fast_close_ends_sessions_with_outdated_servers_between_transactions(start_proxy, fast):
    proxy = start_proxy(pool_mode="session", server_fast_close=fast)
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        pid = one(connection, PID)
        proxy.console("RECONNECT")
        assert one(connection, PID) == pid
        connection.execute("COMMIT")
        if fast:
            eventually(lambda: not proxy.servers(remote_pid=pid), what="the server is closed")
            assert "database configuration changed" in str(failure(connection, PID))
        else:
            assert one(connection, PID) == pid


def test_pools_of_a_database_made_from_the_star_are_forgotten(start_proxy, oltp):
    star = {"*": f"host=127.0.0.1 port={oltp.port}"}
    proxy = start_proxy(databases=star, rules=None, autodb_idle_timeout=1, server_idle_timeout=1, pool_mode="transaction")

    def pools():
        return {row["database"] for row in proxy.console("SHOW POOLS")}
    with proxy.connect(dbname="postgres") as connection:
        one(connection, "SELECT 1")
        eventually(lambda: not proxy.servers(), what="idle servers are closed")
        assert one(connection, "SELECT 2") == 2, "a session that knew it asks again"
    assert "postgres" in pools()
    eventually(lambda: "postgres" not in pools(), what="the pool has gone")
    with proxy.connect() as connection:
        one(connection, "SELECT 1")
    eventually(lambda: not proxy.servers(), what="idle servers are closed")
    assert "app" in pools(), "that of a configured database stays"


def test_reload_moves_the_log_and_keeps_what_only_a_restart_changes(start_proxy):
    proxy = start_proxy()
    moved = proxy.pooler.folder / "moved"
    port = proxy.pooler.settings["listen_port"]
    proxy.pooler.write_ini(logfile=moved, listen_port=port + 1, verbose=1)
    proxy.console("RELOAD")
    settings = {row["key"]: row["value"] for row in proxy.console("SHOW CONFIG")}
    assert settings["listen_port"] == str(port)
    assert (settings["logfile"], settings["verbose"]) == (str(moved), "1")
    eventually(lambda: "setting listen_port takes effect after a restart only" in moved.read_text(), what="the warning is there")
