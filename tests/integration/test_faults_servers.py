"""Servers die, stop, restart, are full or refuse: who has to know is told, everybody else goes on."""
import contextlib
import os
import signal
import time

import psycopg
import pytest
from cluster import Cluster
from endpoint import USERS, Endpoint, failure, one
from faults import (BUSY_STATES, STATES, TORN_STATES, Session, answers, backends, errors, is_gone, is_unhurt, lose_server, sqlstates,
                    terminate, through, waiting_clients)
from frames import extended, message, query, values
from launch import eventually
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pooler


@pytest.mark.pgswitch
@pytest.mark.parametrize("how", ("terminated", "killed"))
@pytest.mark.parametrize("state", BUSY_STATES)
def test_a_client_is_told_of_the_death_of_its_server_and_goes_on(start_proxy, oltp, state, how):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=2)
    with Session(proxy.port) as session:
        seen = lose_server(session, oltp, state, how)
        if seen[-1][0] is None:  # an error in the middle of a row would be read as a part of it
            assert state in TORN_STATES
        else:
            assert sqlstates(seen) == ["57P01" if how == "terminated" else "08006"]
            session.message(b"d", b"2\n")  # of a COPY that has ended: ignored, not run
            assert session.ask("ROLLBACK")[-1] == (b"Z", b"I")
            assert values(session.ask("SELECT 42")) == ["42"]
    is_unhurt(proxy, oltp)
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"


@pytest.mark.pgswitch
@pytest.mark.parametrize("state", BUSY_STATES)
def test_a_client_in_session_pooling_is_told_of_the_death_of_its_server_and_sent_away(start_proxy, oltp, state):
    proxy = start_proxy(auth_type="trust", pool_mode="session", default_pool_size=2)
    with Session(proxy.port) as session:
        seen = lose_server(session, oltp, state, "terminated")
        assert seen[-1][0] is None
        assert state in TORN_STATES or errors(seen) == [("FATAL", "57P01", "terminating connection due to administrator command")]
    is_unhurt(proxy, oltp)
    assert oltp.sql("SELECT count(*) FROM written", "app") == "0"


@pytest.mark.pgswitch
@pytest.mark.parametrize("tls", ("disable", "require"))
def test_a_dead_server_whose_rows_nobody_reads_is_not_written_to_for_ever(start_proxy, oltp, tls):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", server_tls_sslmode=tls)
    with Session(proxy.port) as session, Session(proxy.port) as other:
        STATES["rows_stream"](session)
        victim = eventually(lambda: backends(oltp, "state <> 'idle'"), what="a server is busy")[0]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: is_gone(victim), what="the server is gone")
        before = proxy.pooler.cpu_us()
        for number in range(100):
            with contextlib.suppress(ConnectionError):  # half a row: the session has no future
                session.query("SELECT 1")
            assert values(other.ask(f"SELECT {number}")) == [str(number)]
            time.sleep(0.01)
        assert proxy.pooler.cpu_us() - before < 500_000, "it writes in a loop"
    is_unhurt(proxy, oltp)


SLOW_TO_COMMIT = """
DROP TABLE IF EXISTS slow_to_commit;
CREATE TABLE slow_to_commit (n integer);
GRANT ALL ON slow_to_commit TO app;
CREATE OR REPLACE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(60); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER t AFTER INSERT ON slow_to_commit DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
"""


@pytest.mark.pgswitch
@pytest.mark.parametrize("how", (signal.SIGTERM, signal.SIGKILL), ids=("terminated", "killed"))
def test_a_commit_that_is_lost_is_neither_failed_nor_done(start_proxy, oltp, how):
    oltp.sql(SLOW_TO_COMMIT, "app")
    proxy = start_proxy(pool_mode="transaction")
    with proxy.connect() as client:
        client.execute("BEGIN")
        client.execute("INSERT INTO slow_to_commit VALUES (1)")
        error = in_background(lambda: failure(client, "COMMIT"))
        victim = eventually(lambda: backends(oltp, "state = 'active' AND query ILIKE 'commit%'"), what="COMMIT runs")[0]
        os.kill(victim, how)
        assert error().sqlstate == "08007"
        assert "may or may not have been committed" in str(error())
        assert one(client, "SELECT 1") == 1


COMMITS = {"simple": query("COMMIT"), "extended": extended("COMMIT"), "end": query("END"), "in a string": query("COMMIT; SELECT 1")}


@pytest.mark.pgswitch
@pytest.mark.parametrize("commit", COMMITS)
def test_a_commit_after_the_server_was_lost_is_an_error(start_proxy, oltp, commit):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction")
    with Session(proxy.port) as session:
        STATES["in_a_transaction"](session)
        terminate(oltp, "state <> 'idle'")
        eventually(lambda: not proxy.busy_servers(), what="the proxy knows it")
        session.send(COMMITS[commit])
        assert sqlstates(session.read_until(b"Z")) == ["57P01"]
        assert values(session.ask("SELECT 42")) == ["42"]


@pytest.mark.pgswitch
def test_what_follows_the_end_of_a_lost_transaction_in_a_string_is_answered(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction")
    with Session(proxy.port) as session:
        STATES["in_a_transaction"](session)
        terminate(oltp, "state <> 'idle'")
        eventually(lambda: not proxy.busy_servers(), what="the proxy knows it")
        assert sqlstates(session.ask("SELECT 1")) == ["57P01"]
        assert values(session.ask("ROLLBACK; SELECT 42")) == ["42"]


@pytest.mark.pgswitch
def test_a_statement_whose_outcome_is_unknown_is_not_run_again(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction")
    with proxy.connect() as client:
        error = in_background(lambda: failure(client, "INSERT INTO written (what) SELECT 'x' FROM (SELECT pg_sleep(60)) AS s"))
        eventually(lambda: sleeping(oltp) == 1, what="the statement runs")
        terminate(oltp, "state = 'active'")
        assert error().sqlstate == "57P01"
        assert one(client, "SELECT count(*) FROM written") == 0
        assert sleeping(oltp) == 0


def test_the_crash_of_one_server_is_told_to_all_of_its_cluster_and_survived(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction")
    with Session(proxy.port) as victim, Session(proxy.port) as running, Session(proxy.port) as idle, \
            Session(proxy.port, database="app.redshift") as elsewhere:
        idle.ask("SELECT 1")
        for session in (victim, running):
            session.query("SELECT pg_sleep(60)")
        eventually(lambda: sleeping(oltp) == 2, what="two queries run")
        os.kill(backends(oltp, "state = 'active'")[0], signal.SIGKILL)
        told = [session.read_until(b"Z") for session in (victim, running)]
        assert [sqlstates(seen) for seen in told] == [["08006"], ["08006"]]
        notices = [body for seen in told for kind, body in seen if kind == b"N"]
        assert len(notices) == 1 and b"57P02" in notices[0]
        assert values(idle.ask("SELECT 1")) == ["1"]  # after the recovery; 57P03 until then is waited out
        assert values(elsewhere.ask("SELECT 2")) == ["2"]
    is_unhurt(proxy, oltp)


@pytest.mark.parametrize("how", (signal.SIGINT, signal.SIGQUIT), ids=("fast", "immediate"))
def test_a_restart_ends_what_runs_and_is_not_noticed_by_idle_clients(small, oltp, how):
    with small.many(4) as (running, *idle):
        for client in idle:
            one(client, "SELECT 1")
        error = in_background(lambda: failure(running, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="a query runs")
        oltp.restart(how)
        assert error().sqlstate in ("57P01", "08006")
        for client in idle * 2:
            assert one(client, "SELECT 1") == 1
    is_unhurt(small, oltp)


def test_a_cluster_that_fails_takes_only_its_own_clients(small, oltp):
    with small.connect(dbname="app.redshift") as elsewhere:
        assert one(elsewhere, "SELECT 1") == 1
        oltp.restart(signal.SIGQUIT)
        assert one(elsewhere, "SELECT 1") == 1


def test_idle_servers_that_die_are_replaced_without_notice(small, oltp):
    with small.many(4) as clients:
        pids = {one(client, "SELECT pg_backend_pid()") for client in clients}
        terminate(oltp)
        eventually(lambda: not pids & set(backends(oltp)), what="the servers are gone")
        for client in clients * 2:
            assert one(client, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_a_cancelled_or_timed_out_statement_leaves_its_connection_usable(small, oltp):
    with small.connect(options="-c statement_timeout=200ms") as client:
        assert failure(client, "SELECT pg_sleep(60)").sqlstate == "57014"
        client.execute("SET statement_timeout = 0")
        error = in_background(lambda: failure(client, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        oltp.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE datname = 'app' AND state = 'active' AND usename = 'app'")
        assert error().sqlstate == "57014"
        assert one(client, "SELECT 1") == 1


@pytest.mark.pgswitch
def test_the_servers_own_idle_transaction_timeout_is_told_with_its_code(small, oltp):
    with small.connect(options="-c idle_in_transaction_session_timeout=200ms") as client:
        client.execute("BEGIN")
        client.execute("INSERT INTO written (what) VALUES ('x')")
        eventually(lambda: not backends(oltp, "state LIKE 'idle in%'"), what="the transaction was ended")
        assert failure(client, "SELECT 1").sqlstate == "25P03"
        client.execute("ROLLBACK")
        assert one(client, "SELECT count(*) FROM written") == 0


def test_clients_that_come_while_the_server_is_down_are_served_when_it_is_back(start_proxy, wire):
    proxy = start_proxy(pool_mode="transaction", **through(wire))
    wire.refuse()
    clients = [in_background(lambda: answers(proxy)) for _ in range(5)]
    eventually(lambda: "server login failed" in proxy.pooler.log_text(), what="a login failed")
    wire.listen()
    assert [client() for client in clients] == [True] * 5


@pytest.mark.pgswitch
def test_a_server_that_stays_down_is_told_after_server_login_retry(start_proxy, wire):
    proxy = start_proxy(pool_mode="transaction", server_login_retry=1, **through(wire))
    wire.refuse()
    with pytest.raises(psycopg.OperationalError, match="server login has been failing, cached error"):
        proxy.connect()
    wire.listen()
    eventually(lambda: answers(proxy), what="the server is found again")


def error_response(sqlstate, text):
    fields = ("SFATAL", "VFATAL", "C" + sqlstate, "M" + text)
    return message(b"E", b"".join(field.encode() + b"\0" for field in fields) + b"\0")


@pytest.mark.pgswitch
def test_a_server_that_is_starting_up_or_full_is_waited_for(start_proxy, wire):
    proxy = start_proxy(pool_mode="transaction", server_login_retry=1, **through(wire))
    for sqlstate, message in (("57P03", "the database system is starting up"), ("53300", "sorry, too many clients already")):
        wire.answer = error_response(sqlstate, message)
        before = wire.accepted
        client = in_background(lambda: answers(proxy))
        eventually(lambda: wire.accepted >= before + 3, what="three attempts")
        wire.answer = None
        assert client()
        proxy.console("RECONNECT")


@pytest.mark.pgswitch
def test_a_refusal_that_waiting_does_not_cure_is_told_with_the_servers_code(start_proxy, wire):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", **through(wire))
    with Session(proxy.port) as client:
        client.ask("SELECT 1")
        wire.answer = error_response("3D000", "database \"app\" does not exist")
        wire.reset_all()
        eventually(lambda: not proxy.servers(database="app"), what="the server is gone")
        assert sqlstates(client.ask("SELECT 1")) == ["3D000"]


@pytest.fixture(scope="module")
def few_slots(place):
    """A cluster with four places for users."""
    with Cluster(place / "few", "few", {"max_connections": "6", "superuser_reserved_connections": "2", "max_wal_senders": "0"}) as few:
        few.sql("CREATE ROLE app LOGIN PASSWORD 'app-secret'; CREATE DATABASE app OWNER app")
        yield few


def test_a_full_server_makes_clients_wait_and_not_fail(start_proxy, few_slots, tmp_path):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=20,
                        databases={"app": f"host=127.0.0.1 port={few_slots.port} dbname=app"})
    script = tmp_path / "script.sql"
    script.write_text("SELECT 1;\n")
    done = proxy.pgbench("-c", 30, "-t", 20, "-f", script)
    assert done.returncode == 0, done.stderr
    assert "number of transactions actually processed: 600/600" in done.stdout, done.stdout + done.stderr


def test_clients_wait_until_others_leave_the_server(start_proxy, few_slots):
    proxy = start_proxy(pool_mode="transaction", databases={"app": f"host=127.0.0.1 port={few_slots.port} dbname=app"})
    with Endpoint(few_slots.port).many(4):
        clients = [in_background(lambda: answers(proxy)) for _ in range(6)]
        eventually(lambda: proxy.pooler.log_text().count("53300") >= 2, what="the server was asked twice")
    assert [client() for client in clients] == [True] * 6
    assert proxy.pooler.log_text().count("53300") < 40, "one line for each attempt, and not too many attempts"


@pytest.mark.pgswitch
def test_a_password_changed_on_the_server_stops_new_logins_only_until_the_reload(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=2)
    with proxy.connect() as client, proxy.connect() as other:
        assert one(client, "SELECT 1") == 1
        try:
            oltp.sql("ALTER ROLE app PASSWORD 'new-secret'")
            assert one(client, "SELECT 1") == 1  # its server has logged in long ago
            client.execute("BEGIN")
            one(client, "SELECT 1")
            terminate(oltp, "state = 'idle'")
            proxy.pooler.write_users(dict(USERS, app="new-secret"))
            proxy.console("RELOAD")
            with proxy.connect(password="new-secret") as fresh:
                assert one(fresh, "SELECT 1") == 1
            client.execute("COMMIT")
            assert one(other, "SELECT 1") == 1
        finally:
            oltp.sql("ALTER ROLE app PASSWORD 'app-secret'")


@pytest.mark.pgswitch
def test_clients_who_wait_for_a_login_with_an_old_password_are_told_28P01(start_proxy, oltp):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction")
    with Session(proxy.port) as client:
        client.ask("SELECT 1")
        try:
            oltp.sql("ALTER ROLE app PASSWORD 'new-secret'")
            terminate(oltp)
            eventually(lambda: not proxy.servers(database="app"), what="the server is gone")
            assert sqlstates(client.ask("SELECT 1")) == ["28P01"]
        finally:
            oltp.sql("ALTER ROLE app PASSWORD 'app-secret'")


def test_waiting_clients_are_served_in_the_order_in_which_they_came(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)
    holder, *waiters = [Session(proxy.port) for _ in range(11)]
    holder.ask("BEGIN")
    holder.ask("SELECT 1")
    for number, waiter in enumerate(waiters, 1):
        waiter.query("INSERT INTO written DEFAULT VALUES RETURNING id")
        eventually(lambda: waiting_clients(proxy) == number, what="it waits")
    holder.ask("COMMIT")
    ids = [int(values(waiter.read_until(b"Z"))[0]) for waiter in waiters]
    assert ids == sorted(ids)
    for session in (holder, *waiters):
        session.close()


def test_after_an_outage_all_who_wait_are_served_by_no_more_servers_than_allowed(start_proxy, wire):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=10, **through(wire))
    clients = [Session(proxy.port) for _ in range(60)]
    wire.refuse()
    wire.reset_all()
    eventually(lambda: not proxy.servers(database="app"), what="the servers are gone")
    for number, client in enumerate(clients):
        client.query(f"SELECT {number}")
    eventually(lambda: waiting_clients(proxy) == 60, what="all wait")
    wire.most_at_once = 0
    before = wire.accepted
    wire.listen()
    assert [values(client.read_until(b"Z")) for client in clients] == [[str(number)] for number in range(60)]
    assert wire.most_at_once <= 10 and wire.accepted - before <= 10
    for client in clients:
        client.close()


def in_an_outage(proxy, wire, count):
    """Clients whose servers have just gone, and who wait for new ones, one behind the other."""
    clients = [Session(proxy.port) for _ in range(count)]
    clients[0].ask("SELECT 1")
    wire.refuse()
    wire.reset_all()
    eventually(lambda: not proxy.servers(database="app"), what="the servers are gone")
    for number, client in enumerate(clients, 1):
        client.query("INSERT INTO written DEFAULT VALUES RETURNING id")
        eventually(lambda: waiting_clients(proxy) == number, what="it waits")
    eventually(lambda: "server login failed" in proxy.pooler.log_text(), what="an attempt has failed")
    return clients


@pytest.mark.pgswitch
def test_a_server_that_is_out_is_tried_by_one_connection_at_a_time(start_proxy, wire):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=10, server_login_retry=1, **through(wire))
    clients = in_an_outage(proxy, wire, 12)
    wire.most_at_once = 0
    wire.answer = error_response("57P03", "the database system is starting up")
    wire.listen()
    eventually(lambda: wire.accepted >= 5, what="it is tried again and again")
    assert wire.most_at_once == 1
    wire.answer = None
    assert sorted(int(values(client.read_until(b"Z"))[0]) for client in clients) == list(range(1, 13))
    for client in clients:
        client.close()


@pytest.mark.pgswitch
def test_after_an_outage_those_who_wait_are_served_in_the_order_in_which_they_came(start_proxy, wire):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1, **through(wire))
    clients = in_an_outage(proxy, wire, 12)
    wire.listen()
    assert [int(values(client.read_until(b"Z"))[0]) for client in clients] == list(range(1, 13))
    for client in clients:
        client.close()
