"""Servers that stop and go on: a process that answers nothing, and does late what it was asked before."""
import os
import signal

import pytest
from endpoint import failure, one
from faults import backends, is_unhurt, postmaster, terminate, waiting_clients
from launch import eventually
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
    proxy = start_proxy(pool_mode="transaction", default_pool_size=2, query_timeout=2)
    with proxy.connect() as victim, proxy.connect() as other:
        victim.execute("BEGIN")
        pid = one(victim, "SELECT pg_backend_pid()")
        stopped(pid)
        error = in_background(lambda: failure(victim, "SELECT 1"))
        assert [one(other, "SELECT 1") for _ in range(20)] == [1] * 20
        victim.cancel()  # nobody will hear it; it must not hold up anything
        assert [one(other, "SELECT 1") for _ in range(20)] == [1] * 20
        assert "query timeout" in str(error())
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
