"""Cancelling reaches the right query, and nothing else."""
import signal
import subprocess
import threading

import psycopg
import pytest
from endpoint import failure, one
from launch import eventually


def sleeping(oltp):
    return int(oltp.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60)%'"
                        " AND pid <> pg_backend_pid()"))


def in_background(call):
    """Starts call() in a thread; returns a function that waits for its result."""
    result = []
    thread = threading.Thread(target=lambda: result.append(call()))
    thread.start()

    def wait():
        thread.join(20)
        assert result, "did not come back"
        return result[0]
    return wait


def test_cancel_ends_the_query_and_leaves_the_connection_usable(proxy, oltp):
    with proxy.connect() as connection:
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        connection.cancel()
        assert error().sqlstate == "57014"
        assert one(connection, "SELECT 1") == 1


def test_cancel_leaves_other_clients_alone(proxy, oltp):
    with proxy.many(3) as connections:
        errors = [in_background(lambda c=c: failure(c, "SELECT pg_sleep(60)")) for c in connections]
        eventually(lambda: sleeping(oltp) == 3, what="three queries run")
        connections[1].cancel()
        assert errors[1]().sqlstate == "57014"
        assert sleeping(oltp) == 2
        connections[0].cancel()
        connections[2].cancel()
        assert [errors[0]().sqlstate, errors[2]().sqlstate] == ["57014", "57014"]


def test_a_cancel_that_comes_too_late_hits_nobody(proxy):
    with proxy.many(4) as connections:
        for connection in connections * 5:
            assert one(connection, "SELECT 1") == 1
            connection.cancel()
            for other in connections:
                assert one(other, "SELECT 2") == 2


@pytest.mark.pooler
def test_many_that_cancel_at_once_are_all_cancelled(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=80)
    with proxy.many(80) as connections:
        errors = [in_background(lambda c=c: failure(c, "SELECT pg_sleep(60)")) for c in connections]
        eventually(lambda: sleeping(oltp) == 80, 30, "all queries run")
        cancels = [threading.Thread(target=c.cancel) for c in connections]
        for cancel in cancels:
            cancel.start()
        for cancel in cancels:
            cancel.join()
        assert {error().sqlstate for error in errors} == {"57014"}


def test_cancel_inside_a_transaction_fails_the_transaction_only(proxy, oltp):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        connection.cancel()
        assert error().sqlstate == "57014"
        assert failure(connection, "SELECT 1").sqlstate == "25P02"
        connection.execute("ROLLBACK")
        assert one(connection, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_cancel_reaches_the_other_route(proxy, analytics):
    with proxy.connect() as connection:
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60) FROM sales"))
        eventually(lambda: sleeping(analytics) == 0 and int(analytics.sql(
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60) FROM sales%'"
            " AND pid <> pg_backend_pid()")) == 1 or sleeping(analytics) == 1, what="the query runs")
        connection.cancel()
        assert error().sqlstate == "57014"
        assert one(connection, "SELECT count(*) FROM sales") == 10000


def test_control_c_in_psql_cancels_the_query(proxy, oltp):
    psql = subprocess.Popen(["psql", "-X", "-A", "-t", proxy.url(), "-c", "SELECT pg_sleep(60)", "-c", "SELECT 'after'"],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    eventually(lambda: sleeping(oltp) == 1, what="the query runs")
    psql.send_signal(signal.SIGINT)
    out, err = psql.communicate(timeout=20)
    assert "canceling statement due to user request" in err
    eventually(lambda: sleeping(oltp) == 0, what="the query has ended")


@pytest.mark.pooler
def test_a_cancel_request_with_a_wrong_key_is_ignored(proxy, oltp):
    import socket
    import struct
    with proxy.connect() as connection:
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        for key in (0, 1, 0x7fffffff):
            with socket.create_connection((proxy.host, proxy.port)) as raw:
                raw.sendall(struct.pack("!iiii", 16, 80877102, connection.info.backend_pid, key))
                assert raw.recv(1) == b""
        assert sleeping(oltp) == 1
        connection.cancel()
        assert error().sqlstate == "57014"


@pytest.mark.pooler
def test_a_client_waiting_for_a_server_can_cancel(start_proxy):
    proxy = start_proxy(default_pool_size=1, pool_mode="transaction")
    with proxy.connect() as holder, proxy.connect() as waiter:
        holder.execute("BEGIN")
        one(holder, "SELECT 1")
        error = in_background(lambda: failure(waiter, "SELECT 2"))
        eventually(lambda: any(row["cl_waiting"] == 1 for row in proxy.console("SHOW POOLS")), what="one client waits")
        waiter.cancel()
        assert isinstance(error(), psycopg.Error)
        assert one(holder, "SELECT 1") == 1
        holder.execute("COMMIT")
