"""What the fault tests share: clients in every state of the protocol, and what must hold after any fault."""
import os
import signal
import socket
import struct
from glob import glob
from pathlib import Path

import psycopg
from endpoint import one
from frames import FLUSH, SYNC, bind, execute, parse, query
from launch import eventually
from messages import request
from raw import RawClient, error_fields

REAL_MONOTONIC_CLOCK = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
MINE = "datname = 'app' AND usename = 'app'"


def at_another_time(**variables):
    """Environment that changes the clock of a program (libfaketime)."""
    return {"LD_PRELOAD": glob("/usr/lib/*/faketime/libfaketimeMT.so.1")[0], **REAL_MONOTONIC_CLOCK, **variables}


def wrapper(environment):
    return ("env", *(f"{name}={value}" for name, value in environment.items()))


def through(wire, tls=False):
    """Arguments of start_proxy that lead the database "app" through a FaultProxy: in the clear, or with TLS there and of clients."""
    target = {"databases": {"app": f"host=127.0.0.1 port={wire.port} dbname=app"}}
    return {**target, "tls": True} if tls else {**target, "server_tls_sslmode": "disable"}


def backends(cluster, condition="true"):
    """Server processes of user app in database app."""
    return [int(pid) for pid in cluster.sql(f"SELECT pid FROM pg_stat_activity WHERE {MINE} AND {condition}").split()]


def terminate(cluster, condition="true"):
    cluster.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {MINE} AND {condition}")


def postmaster(cluster):
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def is_gone(pid):
    return not Path(f"/proc/{pid}").exists()


def resident_kb(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def open_files(pid):
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def reset(connected):
    """Ends a connection by RST in place of FIN."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connected.close()


def waiting_clients(proxy):
    return sum(row["cl_waiting"] for row in proxy.console("SHOW POOLS"))


def answers(proxy, **more):
    """Does a new client get an answer?"""
    try:
        with proxy.connect(**more) as client:
            return one(client, "SELECT 1") == 1
    except psycopg.Error:
        return False


def is_unhurt(proxy, *clusters):
    """After a fault: new clients are answered, no server is busy, and the proxy and the clusters agree on who is connected."""
    eventually(lambda: answers(proxy), 20, "a new client is answered")
    eventually(lambda: not proxy.busy_servers(), 20, "no server is busy")
    for cluster in clusters:
        def agree():
            known = {row["remote_pid"] for row in proxy.console("SHOW SERVERS") if row["port"] != 0}
            return set(backends(cluster)) <= known and not backends(cluster, "state <> 'idle'")
        eventually(agree, 20, f"SHOW SERVERS knows each backend of {cluster.name}, and each is idle")


class Session(RawClient):
    """A RawClient that has logged in (auth_type = trust)."""

    def __init__(self, port, user="app", database="app", tls=False):
        super().__init__(port)
        if tls:
            self.send(request(5679))
            assert self.socket.recv(1) == b"S"
            self.start_tls()
        self.startup(user=user, database=database)
        seen = self.read_until(b"Z", b"E")
        assert seen[-1][0] == b"Z", seen[-1]
        self._key = dict(seen)[b"K"]
        self._port = port

    def cancel(self):
        with RawClient(self._port) as canceller:
            canceller.send(request(5678, self._key))
            canceller.read_until()

    def query(self, sql):
        self.send(query(sql))

    def ask(self, sql):
        self.query(sql)
        return self.read_until(b"Z")


def errors(messages):
    """(severity, SQLSTATE, text) of the ErrorResponses among (type, body) pairs."""
    return [tuple(error_fields(body)[field] for field in "SCM") for kind, body in messages if kind == b"E"]


def sqlstates(messages):
    return [sqlstate for _, sqlstate, _ in errors(messages)]


def _running(session):
    session.query("SELECT pg_sleep(60)")


def _running_in_a_transaction(session):
    session.ask("BEGIN")
    session.ask("INSERT INTO written (what) VALUES ('lost')")
    session.query("SELECT pg_sleep(60)")


def _in_a_transaction(session):
    session.ask("BEGIN")
    session.ask("INSERT INTO written (what) VALUES ('lost')")


def _in_a_failed_transaction(session):
    session.ask("BEGIN")
    session.ask("INSERT INTO written (what) VALUES ('lost')")
    session.ask("SELECT 1/0")


def _in_copy_in(session):
    session.query("COPY written (amount) FROM STDIN")
    assert session.read_until(b"G", b"E")[-1][0] == b"G"
    session.message(b"d", b"1\n" * 1000)


def _in_copy_out(session):
    session.query("COPY (SELECT repeat('x', 1000), generate_series(1, 1000000)) TO STDOUT")
    assert session.read_until(b"H", b"E")[-1][0] == b"H"


def _rows_stream(session):
    session.query("SELECT repeat('x', 1000), generate_series(1, 1000000)")
    assert session.read_until(b"D", b"E")[-1][0] == b"D"


def _with_a_suspended_portal(session):
    session.send(parse("SELECT generate_series(1, 10)") + bind() + execute(rows=1) + FLUSH)
    assert session.read_until(b"s", b"E")[-1][0] == b"s"


def _between_parse_and_sync(session):
    session.send(parse("SELECT 1") + FLUSH)
    assert session.read_until(b"1", b"E")[-1][0] == b"1"


def _in_the_middle_of_a_message(session):
    session.send(b"Q\0\0\1\0SELECT ")


def _idle(session):
    session.ask("SELECT 1")


# What a client can be doing when it, or its server, goes away.
STATES = {function.__name__[1:]: function for function in (
    _idle, _in_the_middle_of_a_message, _running, _in_a_transaction, _in_a_failed_transaction, _running_in_a_transaction,
    _rows_stream, _in_copy_in, _in_copy_out, _with_a_suspended_portal, _between_parse_and_sync)}
BUSY_STATES = [name for name in STATES if name not in ("idle", "in_the_middle_of_a_message")]
UNSYNCED_STATES = ("with_a_suspended_portal", "between_parse_and_sync")
TORN_STATES = ("rows_stream", "in_copy_out")


def answer_to_loss(session, state):
    """What a client in `state` reads once its server is gone."""
    if state in ("in_a_transaction", "in_a_failed_transaction"):
        session.query("SELECT 1")  # it was idle: only now it can be told
    if state in UNSYNCED_STATES:
        session.send(SYNC)
    return session.read_until(b"Z")


def lose_server(session, oltp, state, how):
    """What a client in `state` is told of the death of its server."""
    STATES[state](session)
    busy = "true" if state == "between_parse_and_sync" else "state <> 'idle'"
    victim = eventually(lambda: backends(oltp, busy), what="a server is busy")[0]
    if how == "terminated":
        terminate(oltp, f"pid = {victim}")
    else:
        os.kill(victim, signal.SIGKILL)
    eventually(lambda: is_gone(victim), what="the server is gone")
    return answer_to_loss(session, state)
