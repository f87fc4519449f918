"""Servers that stop and go on: a process that answers nothing, and does late what it was asked before."""
import contextlib
import os
import signal

import pytest
from endpoint import one
from faults import Session, backends, errors, is_unhurt, postmaster, terminate, waiting_clients
from frames import values
from launch import eventually
from redshift import StandIn
from test_cancel import in_background

pytestmark = pytest.mark.pooler


@pytest.fixture
def stopped():
    """stopped(pid) stops a process until the end of the test; stopped.go_on(pid) lets it go on before."""
    pids = []

    def stop(pid):
        os.kill(pid, signal.SIGSTOP)
        pids.append(pid)

    def go_on(pid):
        pids.remove(pid)
        os.kill(pid, signal.SIGCONT)
    stop.go_on = go_on
    yield stop
    for pid in pids:
        os.kill(pid, signal.SIGCONT)


def test_a_server_that_stops_holds_up_its_own_client_only_until_query_timeout(start_proxy, oltp, stopped):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=2, query_timeout=2)
    with Session(proxy.port) as victim, proxy.connect() as other:
        victim.ask("BEGIN")
        pid = int(values(victim.ask("SELECT pg_backend_pid()"))[0])
        stopped(pid)
        victim.query("SELECT 1")
        assert [one(other, "SELECT 1") for _ in range(20)] == [1] * 20
        victim.cancel()  # nobody will hear it; it must not hold up anything
        assert [one(other, "SELECT 1") for _ in range(20)] == [1] * 20
        assert errors(victim.read_until()) == [("FATAL", "57014", "query timeout")]
        assert [one(other, "SELECT 1") for _ in range(20)] == [1] * 20
        stopped.go_on(pid)
    is_unhurt(proxy, oltp)


def test_a_postmaster_that_stops_holds_up_new_connections_only(start_proxy, oltp, stopped):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=2, server_connect_timeout=1, server_login_retry=1)
    with proxy.connect() as first, proxy.connect() as second:
        first.execute("BEGIN")
        assert one(first, "SELECT 1") == 1
        terminate(oltp, "state = 'idle'")
        stopped(postmaster(oltp))
        result = in_background(lambda: one(second, "SELECT 2"))
        eventually(lambda: "server login failed" in proxy.pooler.log_text(), what="a login timed out")
        assert one(first, "SELECT 1") == 1
        stopped.go_on(postmaster(oltp))
        assert result() == 2
        first.execute("COMMIT")


def test_a_cancel_request_that_may_still_come_reaches_nobody_but_the_one_meant(start_proxy, oltp, stopped):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=1, cancel_wait_timeout=1, server_tls_sslmode="disable")
    with proxy.connect() as first, proxy.connect() as second:
        used = one(first, "SELECT pg_backend_pid()")
        sent = in_background(lambda: one(first, "SELECT pg_sleep(3) IS NULL"))
        eventually(lambda: backends(oltp, "wait_event = 'PgSleep'"), what="the query runs")
        stopped(postmaster(oltp))
        first.cancel()  # comes back after cancel_wait_timeout: the postmaster has not read it
        assert sent() is False
        result = in_background(lambda: one(second, "SELECT pg_backend_pid() FROM pg_sleep(1)"))
        eventually(lambda: waiting_clients(proxy) == 1, what="it waits for a new connection")
        stopped.go_on(postmaster(oltp))
        assert result() != used


@pytest.fixture
def redshift(analytics, place):
    with StandIn(analytics, place / "redshift") as stand_in:
        yield stand_in


@pytest.mark.pgswitch
def test_a_redshift_that_stops_takes_neither_time_nor_place_of_other_clients(start_proxy, redshift, stopped):
    target = f"host=127.0.0.1 port={redshift.port} dbname=app kind=redshift pool_size=2 max_db_client_connections=20 query_wait_timeout=4"
    proxy = start_proxy(rules=None, auth_type="trust", pool_mode="transaction", max_client_conn=30, databases={"dw": target})
    with contextlib.ExitStack() as stack:
        def sessions(count, database):
            return [stack.enter_context(Session(proxy.port, database=database)) for _ in range(count)]

        def are_answered(clients):
            return [values(client.ask(f"SELECT {number}")) for number, client in enumerate(clients)] == [[str(number)] for number in range(len(clients))]
        running, waiting = sessions(2, "dw"), sessions(18, "dw")
        for client in running:
            client.ask("BEGIN")
            client.ask("SELECT 1")
        stopped(redshift.pid)
        for client in running + waiting:
            client.query("SELECT 42")
        eventually(lambda: waiting_clients(proxy) == 18, what="they wait")
        with pytest.raises(AssertionError, match="53300.*max_db_client_connections"):
            Session(proxy.port, database="dw")
        others = sessions(9, "app")
        assert are_answered(others)
        assert [errors(client.read_until()) for client in waiting] == [[("FATAL", "53300", "query_wait_timeout")]] * 18
        assert are_answered(others)
        stopped.go_on(redshift.pid)
        assert [values(client.read_until(b"Z")) for client in running] == [["42"], ["42"]]
