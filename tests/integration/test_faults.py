"""A client or a server that goes away hurts nobody else, and no server connection is lost or handed on dirty."""
import signal
import subprocess

import psycopg
import pytest
from endpoint import failure, one
from launch import eventually
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pooler


def app_backends(cluster, condition="true"):
    return [int(pid) for pid in cluster.sql("SELECT pid FROM pg_stat_activity WHERE datname = 'app' AND usename = 'app' AND "
                                            + condition).split()]


def terminate(cluster, condition="true"):
    cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'app' AND usename = 'app' AND {condition}")


@pytest.fixture(params=({"workers": 1}, {"workers": 2}), ids=("1-worker", "2-workers"))
def small(request, start_proxy):
    """A proxy of the test's own with two servers for all."""
    return start_proxy(pool_mode="transaction", default_pool_size=2, **request.param)


def kill_psql_while_it_runs(proxy, oltp, sql):
    psql = subprocess.Popen(["psql", "-X", proxy.url(), "-c", sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    eventually(lambda: sleeping(oltp) == 1, what="the query runs")
    psql.send_signal(signal.SIGKILL)
    psql.communicate()


def test_a_client_killed_in_a_query_frees_its_server_and_stops_the_query(small, oltp):
    kill_psql_while_it_runs(small, oltp, "SELECT pg_sleep(60)")
    eventually(lambda: sleeping(oltp) == 0, what="the query was cancelled")
    eventually(lambda: not small.busy_servers(), what="no server is busy")
    with small.many(4) as connections:
        for connection in connections * 3:
            assert one(connection, "SELECT 1") == 1


def test_a_client_killed_in_a_transaction_leaves_nothing_behind(small, oltp):
    kill_psql_while_it_runs(small, oltp, "BEGIN; INSERT INTO written (what) VALUES ('x'); SET LOCAL work_mem = '9MB'; SELECT pg_sleep(60)")
    eventually(lambda: not app_backends(oltp, "state <> 'idle'"), what="no transaction is open")
    with small.many(4) as connections:
        for connection in connections * 2:
            assert one(connection, "SELECT count(*) FROM written") == 0
            assert one(connection, "SELECT current_setting('work_mem')") == "4MB"


def test_a_client_gone_without_a_word_between_statements_of_a_transaction_is_rolled_back(small, oltp):
    connection = small.connect()
    connection.execute("BEGIN")
    connection.execute("INSERT INTO written (what) VALUES ('x')")
    import socket
    socket.socket(fileno=connection.pgconn.socket).close()
    eventually(lambda: not app_backends(oltp, "state <> 'idle'"), what="no transaction is open")
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"


def test_a_client_killed_in_copy_in_leaves_nothing_behind(small, oltp):
    psql = subprocess.Popen(["psql", "-X", small.url(), "-c", "COPY written (amount) FROM STDIN"], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    psql.stdin.write(b"1\n" * 100000)
    psql.stdin.flush()
    eventually(lambda: app_backends(oltp, "query LIKE 'COPY%' AND state = 'active'"), what="the COPY runs")
    psql.send_signal(signal.SIGKILL)
    psql.communicate()
    eventually(lambda: not app_backends(oltp, "state <> 'idle'"), what="the COPY has ended")
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"


def test_a_client_that_stops_reading_does_not_hold_up_others(small):
    with small.many(2) as (slow, other):
        slow.pgconn.send_query(b"SELECT repeat('x', 1000) FROM generate_series(1, 200000)")
        for _ in range(20):
            assert one(other, "SELECT 1") == 1
        memory = int(next(line for line in open(f"/proc/{small.pooler.pid}/status") if line.startswith("VmRSS")).split()[1])
        assert memory < 200_000, "the proxy keeps what the client does not read"


def test_an_idle_server_that_dies_is_replaced_without_notice(small, oltp):
    with small.many(4) as connections:
        pids = {one(connection, "SELECT pg_backend_pid()") for connection in connections}
        terminate(oltp)
        gone = f"SELECT count(*) FROM pg_stat_activity WHERE pid IN ({', '.join(map(str, pids))})"
        eventually(lambda: oltp.sql(gone) == "0", what="the servers are gone")
        for connection in connections * 2:
            assert one(connection, "SELECT 1") == 1


def test_a_server_that_dies_in_a_query_ends_that_query_only(small, oltp):
    with small.connect() as victim, small.connect() as other:
        error = in_background(lambda: failure(victim, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        terminate(oltp, "query LIKE '%pg_sleep(60)%'")
        assert "terminating connection due to administrator command" in str(error())
        assert one(other, "SELECT 1") == 1
        with small.connect() as again:
            assert one(again, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_a_client_outlives_the_death_of_its_server_in_autocommit(small, oltp):
    with small.connect() as victim:
        error = in_background(lambda: failure(victim, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        terminate(oltp, "query LIKE '%pg_sleep(60)%'")
        assert error().sqlstate in ("57P01", "08006")
        assert one(victim, "SELECT 1") == 1


def test_a_server_that_dies_in_an_open_transaction_fails_the_transaction(small, oltp):
    with small.connect() as victim, small.connect() as other:
        victim.execute("BEGIN")
        victim.execute("INSERT INTO written (what) VALUES ('x')")
        terminate(oltp, "state = 'idle in transaction'")
        error = failure(victim, "SELECT 1")
        assert isinstance(error, psycopg.Error)
        assert one(other, "SELECT count(*) FROM written") == 0


def test_a_restarted_server_is_found_again(small, oltp):
    with small.connect() as connection:
        assert one(connection, "SELECT 1") == 1
        oltp.restart()
        assert one(connection, "SELECT 1") == 1


def test_a_crashed_cluster_is_found_again(small, oltp):
    with small.connect() as connection:
        assert one(connection, "SELECT 1") == 1
        oltp.restart(signal.SIGQUIT)

        def answers():
            try:
                with small.connect() as fresh:
                    return one(fresh, "SELECT 1") == 1
            except psycopg.Error:
                return False
        eventually(answers, 20, "a new client is answered")


def test_a_killed_backend_takes_only_the_clients_of_that_cluster(small, oltp):
    with small.connect(dbname="app.redshift") as elsewhere:
        assert one(elsewhere, "SELECT 1") == 1
        oltp.restart(signal.SIGQUIT)
        assert one(elsewhere, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_no_reply_reaches_the_wrong_client_under_cancels_and_kills(small, oltp):
    import random
    dice = random.Random(7)
    with small.many(8) as connections:
        for number in range(200):
            place = dice.randrange(len(connections))
            if dice.random() < 0.1:
                connections[place].close()
                connections[place] = small.connect()
            if dice.random() < 0.1:
                connections[place].cancel()
            try:
                assert one(connections[place], "SELECT %s::int", [number]) == number
            except psycopg.errors.QueryCanceled:
                pass
