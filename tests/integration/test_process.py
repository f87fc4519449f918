"""The process: signals, reload, limits, Unix socket."""
import contextlib
import os
import signal
import socket
import threading
from pathlib import Path

import launch
import psycopg
import pytest
from endpoint import WHO, Endpoint, failure, one
from faults import Session, errors
from frames import values
from launch import eventually
from raw import RawClient
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pooler


@pytest.mark.pgswitch
def test_sigterm_lets_a_running_transaction_finish(start_proxy, oltp):
    proxy = start_proxy()
    with proxy.many(1) as (connection,):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO written (what) VALUES ('before the end')")
        proxy.pooler.signal(signal.SIGTERM)
        eventually(lambda: not launch.accepts(proxy.port), what="new clients are refused")
        assert one(connection, "SELECT 1") == 1
        connection.execute("COMMIT")
        connection.close()
        assert proxy.pooler.wait(15) == 0
    assert oltp.sql("SELECT what FROM written", "app") == "before the end"


@pytest.mark.pgswitch
def test_a_paused_pooler_that_is_to_end_can_be_resumed(start_proxy):
    proxy = start_proxy(pool_mode="transaction")
    with proxy.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console, proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1
        console.execute("PAUSE")
        waiting = in_background(lambda: one(connection, "SELECT 2"))
        eventually(lambda: any(row["cl_waiting"] for row in proxy.console("SHOW POOLS")))
        proxy.pooler.signal(signal.SIGTERM)
        eventually(lambda: not launch.accepts(proxy.port), what="new clients are refused")
        console.execute("RESUME")
        assert waiting() == 2
        connection.close()
        console.close()
        assert proxy.pooler.wait(15) == 0


@pytest.mark.pgswitch
def test_a_second_sigterm_ends_it_at_once(start_proxy):
    proxy = start_proxy()
    with proxy.many(1) as (connection,):
        connection.execute("BEGIN")
        one(connection, "SELECT 1")
        proxy.pooler.signal(signal.SIGTERM)
        eventually(lambda: not launch.accepts(proxy.port), what="new clients are refused")
        proxy.pooler.signal(signal.SIGTERM)
        proxy.pooler.wait(10)


def test_sigint_stops_safely(start_proxy):
    proxy = start_proxy()
    with proxy.connect() as connection:
        one(connection, "SELECT 1")
    proxy.pooler.signal(signal.SIGINT)
    assert proxy.pooler.wait(15) == 0


def test_sigquit_stops_at_once(start_proxy):
    proxy = start_proxy()
    with proxy.many(1) as (connection,):
        connection.execute("BEGIN")
        one(connection, "SELECT 1")
        proxy.pooler.signal(signal.SIGQUIT)
        proxy.pooler.wait(10)


def test_sighup_applies_a_new_database_and_keeps_clients(start_proxy, oltp):
    proxy = start_proxy()
    pooler = proxy.pooler
    with proxy.connect() as connection:
        one(connection, "SELECT 1")
        pooler.write_ini({"app": f"host=127.0.0.1 port={oltp.port} dbname=app",
                          "app.redshift": f"host=127.0.0.1 port={oltp.port} dbname=app",
                          "added": f"host=127.0.0.1 port={oltp.port} dbname=app"})
        pooler.signal(signal.SIGHUP)

        def comes_in():
            try:
                proxy.connect(dbname="added").close()
                return True
            except psycopg.OperationalError:
                return False
        eventually(comes_in, what="the added database is known")
        assert one(connection, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_reload_of_rules_changes_the_next_statement_of_a_connected_client(start_proxy):
    proxy = start_proxy(rules="function route(stmt, session)\n return nil\nend\n")
    with proxy.connect() as connection:
        assert one(connection, f"SELECT {WHO}") == "oltp"
        rules = proxy.pooler.settings["rules_file"]
        launch.write_file(rules, "function route(stmt, session)\n return 'app.redshift'\nend\n")
        proxy.console("RELOAD")
        eventually(lambda: one(connection, f"SELECT {WHO}") == "analytics", what="the new rules decide")


@pytest.mark.pgswitch
def test_conffile_names_what_the_next_reload_reads(start_proxy):
    proxy = start_proxy()
    pooler = proxy.pooler
    other = pooler.folder / "other.ini"
    launch.write_file(other, pooler.ini.read_text().replace("max_client_conn = 500", "max_client_conn = 321"))
    assert "max_client_conn = 321" in other.read_text()

    def shown():
        return {row["key"]: row["value"] for row in proxy.console("SHOW CONFIG")}
    assert shown()["conffile"] == str(pooler.ini)
    pooler.write_ini(conffile=other)
    proxy.console("RELOAD")
    assert (shown()["conffile"], shown()["max_client_conn"]) == (str(other), "500")
    proxy.console("RELOAD")
    assert (shown()["conffile"], shown()["max_client_conn"]) == (str(other), "321")


BAD = {"an unknown key": {"no_such_key": "1"}, "a bad value": {"default_pool_size": "many"}, "a bad mode": {"pool_mode": "sometimes"}}


@pytest.mark.pgswitch
@pytest.mark.parametrize("what", BAD)
def test_a_bad_reload_changes_nothing(start_proxy, what, oltp):
    proxy = start_proxy()
    proxy.pooler.write_ini({"other_name": f"host=127.0.0.1 port={oltp.port} dbname=app"}, **BAD[what])
    with proxy.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        assert failure(console, "RELOAD").sqlstate is not None
    with proxy.connect() as connection:
        assert one(connection, f"SELECT {WHO}") == "oltp"


@pytest.mark.pgswitch
def test_a_reload_with_broken_rules_keeps_the_old_ones(start_proxy):
    proxy = start_proxy()
    launch.write_file(proxy.pooler.settings["rules_file"], "function route(stmt session)\nend\n")
    with proxy.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        assert failure(console, "RELOAD").sqlstate is not None
    with proxy.connect() as connection:
        assert one(connection, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"


def test_max_client_conn_refuses_one_too_many_and_takes_the_next_after_one_left(start_proxy):
    proxy = start_proxy(max_client_conn=3)
    with proxy.many(3) as connections:
        with pytest.raises(psycopg.OperationalError, match="no more connections allowed"):
            proxy.connect()
        connections[0].close()

        def comes_in():
            try:
                proxy.connect().close()
                return True
            except psycopg.OperationalError:
                return False
        eventually(comes_in, what="a place is free again")


@pytest.mark.pgswitch
def test_query_wait_timeout_ends_the_wait(start_proxy):
    proxy = start_proxy(auth_type="trust", default_pool_size=1, query_wait_timeout=1, pool_mode="transaction")
    with Session(proxy.port) as holder, Session(proxy.port) as waiter:
        holder.ask("BEGIN")
        holder.ask("SELECT 1")
        waiter.query("SELECT 1")
        assert errors(waiter.read_until()) == [("FATAL", "53300", "query_wait_timeout")]
        assert values(holder.ask("SELECT 1")) == ["1"]


def test_waiting_clients_are_served_in_turn(start_proxy):
    proxy = start_proxy(default_pool_size=1, pool_mode="transaction")
    with proxy.many(5) as (holder, *waiters):
        holder.execute("BEGIN")
        one(holder, "SELECT 1")
        results = [in_background(lambda c=c: one(c, "SELECT clock_timestamp()")) for c in waiters]
        eventually(lambda: any(row["cl_waiting"] == 4 for row in proxy.console("SHOW POOLS")), what="four clients wait")
        holder.execute("COMMIT")
        assert all(result() for result in results)


@pytest.mark.pgswitch
def test_query_timeout_cancels_the_query(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", query_timeout=1)
    with Session(proxy.port) as session:
        session.query("SELECT pg_sleep(60)")
        assert errors(session.read_until()) == [("FATAL", "57014", "query timeout")]
    eventually(lambda: sleeping(oltp) == 0, what="the query has ended on the server")


@pytest.mark.pgswitch
def test_idle_transaction_timeout_ends_the_transaction(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", idle_transaction_timeout=1)
    with Session(proxy.port) as session:
        session.ask("BEGIN")
        session.ask("INSERT INTO written (what) VALUES ('x')")
        assert errors(session.read_until()) == [("FATAL", "25P03", "idle transaction timeout")]
    eventually(lambda: oltp.sql("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in%'") == "0", what="the transaction was rolled back")
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"


@pytest.mark.pgswitch
def test_a_silent_client_is_sent_away_after_client_login_timeout(start_proxy):
    with RawClient(start_proxy(client_login_timeout=1).port) as client:
        client.startup(user="app", database="app")
        assert client.read()[0] == b"R"
        assert errors(client.read_until()) == [("FATAL", "08P01", "client_login_timeout")]


def test_statement_mode_refuses_transactions(start_proxy):
    proxy = start_proxy(pool_mode="statement")
    with proxy.many(1) as (connection,):
        assert one(connection, "SELECT 1") == 1
        assert isinstance(failure(connection, "BEGIN"), psycopg.Error)


def test_the_unix_socket_is_served(start_proxy, place):
    proxy = start_proxy(unix_socket_dir=place, unix_socket_mode="0777")
    if os.geteuid() == 0:
        place.chmod(0o700)
    assert proxy.pooler.socket_path()
    with Endpoint(proxy.port, host=str(place)).connect() as connection:
        assert one(connection, "SELECT 1") == 1
    assert any(row["addr"] == "unix" for row in _clients_seen_over(proxy, place))


def _clients_seen_over(proxy, place):
    with Endpoint(proxy.port, host=str(place)).connect() as connection:
        one(connection, "SELECT 1")
        return proxy.console("SHOW CLIENTS")


def test_ipv6_is_served(start_proxy):
    if not launch.has_ipv6():
        pytest.skip("no IPv6 on this machine")
    proxy = start_proxy(listen_addr="127.0.0.1,::1")
    with Endpoint(proxy.port, host="::1").connect() as connection:
        assert one(connection, "SELECT 1") == 1


def test_a_port_in_use_is_told_and_ends_the_start(make_pooler):
    first = make_pooler()
    first.start()
    try:
        second = make_pooler(listen_port=first.port)
        second.port = first.port
        with pytest.raises((RuntimeError, AssertionError)):
            second.start()
            eventually(second.has_ended, 5)
            raise RuntimeError("ended")
        assert "in use" in second.log_text()
        second.stop()
    finally:
        first.stop()


def keepalive_is_on(port, client):
    """Of the other end of the socket `client`, by the timer that proc(5) tells of it."""
    ends = f"0100007F:{port:04X}", f"0100007F:{client.getsockname()[1]:04X}"
    found = [line.split()[5] for line in Path("/proc/net/tcp").read_text().splitlines() if tuple(line.split()[1:3]) == ends]
    return [timer.partition(":")[0] for timer in found] == ["02"]


@pytest.mark.pgswitch
def test_who_connects_before_the_first_is_accepted_has_the_options_of_all(make_pooler):
    pooler = make_pooler(tcp_keepalive=1, client_login_timeout=60)
    early = []

    def connect():
        while len(early) < 20:
            with contextlib.suppress(ConnectionRefusedError):
                early.append(socket.create_connection(("127.0.0.1", pooler.port)))
                early[-1].send(b"\0")  # tcp_defer_accept: or the kernel waits for more
    with contextlib.ExitStack() as stack:
        thread = threading.Thread(target=connect, daemon=True)
        thread.start()
        stack.enter_context(pooler)
        thread.join(30)
        for client in early:
            stack.enter_context(client)
        assert len(early) == 20
        eventually(lambda: all(keepalive_is_on(pooler.port, client) for client in early))
