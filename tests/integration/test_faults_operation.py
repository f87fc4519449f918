"""What operators do, and what time does: clocks that jump, drains and restarts. Certificates and reloads are in test_faults_reloads.py."""
import asyncio
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest
from endpoint import USERS, Endpoint, one
from faults import Session, at_another_time, is_unhurt, sqlstates, waiting_clients, wrapper
from frames import TERMINATE, query, startup, values
from launch import accepts, as_runner, eventually, write_file
from test_cancel import in_background

pytestmark = [pytest.mark.pooler, pytest.mark.pgswitch]


def test_a_clock_that_jumps_ends_nothing(start_proxy, place):
    clock = write_file(place / "clock", "+0d\n", 0o644)
    environment = at_another_time(FAKETIME_TIMESTAMP_FILE=clock, FAKETIME_NO_CACHE="1")
    proxy = start_proxy(wrapper=wrapper(environment), pool_mode="transaction", server_lifetime=3600, server_idle_timeout=600,
                        client_idle_timeout=600, query_timeout=60, query_wait_timeout=60)
    with proxy.connect() as client:
        pid = one(client, "SELECT pg_backend_pid()")
        for jump in ("+2d", "-2d", "+0d"):
            write_file(clock, jump + "\n", 0o644)
            sleeps = in_background(lambda: one(client, "SELECT pg_backend_pid() FROM pg_sleep(0.3)"))
            assert sleeps() == pid


def test_the_console_has_a_place_when_all_others_are_taken(start_proxy):
    proxy = start_proxy(auth_type="trust", max_client_conn=2)
    with Session(proxy.port), Session(proxy.port), Session(proxy.port, "admin", "pgbouncer") as console:
        assert values(console.ask("SHOW VERSION"))
        with pytest.raises(AssertionError, match="53300"):
            Session(proxy.port)


@pytest.mark.parametrize("limit, taken, free", (("max_user_client_connections", ("app", "app"), ("other", "app")),
                                                ("max_db_client_connections", ("app", "app"), ("app", "app.redshift"))))
def test_a_limit_on_clients_of_one_kind_leaves_the_others_alone(start_proxy, limit, taken, free):
    proxy = start_proxy(auth_type="trust", **{limit: 2})
    with Session(proxy.port, *taken), Session(proxy.port, *taken), Session(proxy.port, *free) as other:
        assert values(other.ask("SELECT 1")) == ["1"]
        with pytest.raises(AssertionError, match=f"53300.*{limit}"):
            Session(proxy.port, *taken)


def test_sigint_serves_what_runs_and_sends_away_who_waits(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)
    with Session(proxy.port) as working, Session(proxy.port) as waiting:
        working.ask("BEGIN")
        working.ask("INSERT INTO written (what) VALUES ('kept')")
        waiting.query("SELECT 1")
        proxy.pooler.signal(signal.SIGINT)
        assert sqlstates(waiting.read_until()) == ["57P01"]
        assert sqlstates(working.ask("COMMIT")) == []
        assert proxy.pooler.wait(10) == 0


def test_sigint_lets_a_transaction_end_that_no_server_has_seen_yet(start_proxy):
    """Its BEGIN was answered; one that comes later is not begun."""
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)
    with Session(proxy.port) as working, Session(proxy.port) as queued, Session(proxy.port) as begun, Session(proxy.port) as late:
        working.ask("BEGIN")
        working.ask("INSERT INTO written (what) VALUES ('working')")
        for session in (queued, begun):
            assert session.ask("BEGIN")[-1] == (b"Z", b"T")
        queued.query("INSERT INTO written (what) VALUES ('queued')")
        eventually(lambda: waiting_clients(proxy) == 1, what="it waits")
        proxy.pooler.signal(signal.SIGINT)
        eventually(lambda: not accepts(proxy.port), what="it has begun to end")
        late.ask("BEGIN")
        assert sqlstates(late.ask("SELECT 1")) == ["57P01"]
        assert sqlstates(working.ask("COMMIT")) == []
        assert sqlstates(queued.read_until(b"Z")) == []
        assert sqlstates(queued.ask("COMMIT")) == []
        assert sqlstates(begun.ask("INSERT INTO written (what) VALUES ('begun')")) == []
        assert sqlstates(begun.ask("COMMIT")) == []
        assert proxy.pooler.wait(10) == 0


def test_sigint_does_not_wait_for_a_transaction_whose_database_is_paused(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction")
    with Session(proxy.port) as begun:
        begun.ask("BEGIN")
        proxy.console("PAUSE")
        begun.query("SELECT 1")
        eventually(lambda: waiting_clients(proxy) == 1, what="it waits")
        proxy.pooler.signal(signal.SIGINT)
        assert sqlstates(begun.read_until(b"Z")) == ["57P01"]
        assert proxy.pooler.wait(10) == 0


class Bench:
    """pgbench in the background."""

    def __init__(self, proxy, *options):
        password = place_of_password(proxy)
        self.process = subprocess.Popen(
            ["/usr/lib/postgresql/15/bin/pgbench", "-h", proxy.host, "-p", str(proxy.port), "-U", "app", "-n", "-M", "extended",
             "-f", str(password.with_name("work.sql")), *map(str, options), "app"],
            env={"PGPASSFILE": str(password), "PGSSLMODE": "disable"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def check(self):
        """Ended by itself, and every transaction was answered."""
        out, err = self.process.communicate(timeout=25)
        assert self.process.returncode == 0 and "aborted" not in err, err
        assert "number of failed transactions: 0" in out, out
        return out


def place_of_password(proxy):
    file = proxy.pooler.folder / "pgpass"
    file.write_text(f"*:*:*:app:{USERS['app']}\n")
    file.chmod(0o600)
    file.with_name("work.sql").write_text("BEGIN;\nINSERT INTO written (amount) VALUES (1);\nSELECT count(*) FROM customers;\nCOMMIT;\n")
    return file


def test_sigterm_waits_for_the_clients_and_fails_none_of_their_transactions(start_proxy):
    proxy = start_proxy(pool_mode="transaction", workers=2)
    bench = Bench(proxy, "-c", 8, "-T", 3)
    eventually(lambda: len(proxy.servers(database="app")) >= 2, what="it works")
    proxy.pooler.signal(signal.SIGTERM)
    eventually(lambda: not accepts(proxy.port), what="new clients are refused")
    bench.check()
    assert proxy.pooler.wait(10) == 0


@pytest.mark.parametrize("connections", ("lasting", "new for each transaction"))
def test_a_rolling_restart_of_two_processes_fails_no_transaction(make_pooler, connections):
    """Both listen on one port (so_reuseport); each in turn is told to end, and takes its time, and a new one comes."""
    first = make_pooler(pool_mode="transaction", so_reuseport=1)
    started = []

    def another():
        pooler = make_pooler(pool_mode="transaction", so_reuseport=1, listen_port=first.port)
        pooler.port = first.port
        return pooler

    def start(pooler):
        pooler.start()
        started.append(pooler)
        eventually(lambda: "process up" in pooler.log_text(), what="it listens")
        return pooler
    try:
        old = [start(first), start(another())]
        proxy = Endpoint(first.port, pooler=first)
        options = ("-C",) if connections != "lasting" else ()
        bench = Bench(proxy, "-c", 6, "-T", 6, *options)
        for pooler in old:
            fresh = start(another())
            pooler.signal(signal.SIGTERM)
            if options:
                assert pooler.wait(20) == 0
        bench.check()
        assert [pooler.wait(20) for pooler in old] == [0, 0]
        is_unhurt(Endpoint(fresh.port, pooler=fresh))
    finally:
        for pooler in started:
            pooler.stop()


class Knockers:
    """Clients that come one behind the other, each for one query; `answered` and `failed` say what became of them."""

    def __init__(self, port, at_once=12):
        self.port, self.at_once = port, at_once
        self.answered, self.failed = 0, []
        self._over = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._all()))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over = True
        self._thread.join()

    async def _all(self):
        await asyncio.gather(*(self._one_by_one() for _ in range(self.at_once)))

    async def _one_by_one(self):
        while not self._over:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.write(startup() + query("SELECT 'mine'") + TERMINATE)
                said = await asyncio.wait_for(reader.read(-1), 20)
                writer.close()
                assert b"mine" in said, said
                self.answered += 1
            except (OSError, AssertionError) as failure:
                self.failed.append(failure)


TRIES_A_FILTER = """
import socket, struct, ctypes
let_all_pass = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xffffffff))
with socket.socket() as tried:
    tried.setsockopt(socket.SOL_SOCKET, 26, struct.pack("HL", 1, ctypes.addressof(let_all_pass)))
"""


def may_filter():
    """Does the kernel let an ordinary user attach a filter to a TCP socket (SO_ATTACH_FILTER)?"""
    return subprocess.run([sys.executable, "-c", TRIES_A_FILTER], cwd="/", stderr=subprocess.DEVNULL, **as_runner()).returncode == 0


def test_a_rolling_restart_resets_no_client_that_knocks(make_pooler):
    """Of the two processes on the port one closes its socket while the kernel goes on to choose it for new clients."""
    with ExitStack() as stack:
        def start(**more):
            pooler = make_pooler(pool_mode="transaction", auth_type="trust", so_reuseport=1, **more)
            pooler.port = more.get("listen_port", pooler.port)
            return stack.enter_context(pooler)

        old = start()
        with Knockers(old.port) as knockers:
            for _ in range(8):
                fresh, before = start(listen_port=old.port), knockers.answered
                eventually(lambda: "process up" in fresh.log_text() and knockers.answered > before + 100, what="both are in use")
                old.signal(signal.SIGTERM)
                assert old.wait(20) == 0
                old = fresh
    # Where the kernel refuses the filter it has to see to it itself (net.ipv4.tcp_migrate_req): a reset at the door, and nothing else, is its matter.
    harmless = () if may_filter() else (ConnectionResetError,)
    assert [failure for failure in knockers.failed if not isinstance(failure, harmless)] == []
