"""Nobody ever gets an answer that is not his own, none is lost and none comes twice, whatever dies meanwhile.

The killing goes on for 50 seconds; PGSWITCH_NONCE_SECONDS=600 makes it ten minutes, PGSWITCH_NONCE_CLIENTS=300 is the number of clients.
"""
import asyncio
import contextlib
import itertools
import os
import random
import signal
import time
from collections import Counter

import pytest
from faults import MINE, backends, open_files, resident_kb
from launch import eventually
from nonce_clients import NonceClient

SECONDS = int(os.environ.get("PGSWITCH_NONCE_SECONDS", "50"))
CLIENTS = int(os.environ.get("PGSWITCH_NONCE_CLIENTS", "300"))
WARM_UP_SECONDS = 8
CRASH_EVERY = 9
SESSIONS = CLIENTS // 10

pytestmark = [pytest.mark.pgswitch, pytest.mark.timeout(SECONDS + 150)]


async def run_clients(clients, seconds, each_second):
    """Lets the clients run, calling each_second(number) meanwhile, and closes them."""
    over = asyncio.Event()
    running = [asyncio.create_task(client.run(over)) for client in clients]
    ended = asyncio.gather(*running)
    end = time.monotonic() + seconds
    try:
        for number in itertools.count():
            await asyncio.wait({ended}, timeout=1)
            if ended.done() or time.monotonic() >= end:
                break
            await each_second(number)
        over.set()
        await ended
    finally:
        over.set()
        for task in running:
            task.cancel()
    for client in clients:
        await client.close()


class Killer:
    """Each second it kills a few servers and a few clients; now and then it crashes a whole cluster."""

    # Those at work first. A row for each that there was: what it was doing.
    TERMINATE = f"""SELECT state FROM (SELECT pid, state FROM pg_stat_activity WHERE {MINE} ORDER BY state = 'idle', random() LIMIT 3) AS chosen
                    WHERE pg_terminate_backend(pid)"""

    def __init__(self, clusters, clients):
        self.clusters, self.clients, self.dice = clusters, clients, random.Random(1)
        self.killed = Counter()
        self.rounds = 0

    async def __call__(self, second):
        self.rounds += 1
        self.killed["clients at work"] += sum(client.abort() for client in self.dice.sample(self.clients, 5))
        await asyncio.to_thread(self._kill_servers, second)

    def _kill_servers(self, second):
        cluster = self.clusters[second % 2]
        with contextlib.suppress(RuntimeError, ProcessLookupError):  # it is recovering from the last crash; the process has gone by itself
            if second % CRASH_EVERY == CRASH_EVERY - 1 and (pids := backends(cluster)):
                os.kill(self.dice.choice(pids), signal.SIGKILL)
                self.killed["clusters"] += 1
                return
            for state in cluster.sql(self.TERMINATE).splitlines():
                self.killed["idle servers" if state == "idle" else "servers at work"] += 1

    def check_that_it_killed(self):
        """And that what it killed at work was missed by those it worked for."""
        lost = sum((client.losses for client in self.clients), Counter())
        assert self.rounds >= SECONDS // 5
        assert self.killed["clients at work"] >= self.rounds
        assert self.killed["servers at work"] >= self.rounds // 4
        assert self.killed["clusters"] >= 1
        assert lost["connection"] >= self.killed["clients at work"] // 2
        assert lost["57P01"] + lost["08006"] + lost["08007"] >= self.killed["servers at work"] // 4  # the others had just sent their answer
        assert min(lost["57P01"], lost["08006"]) > 0


async def do_nothing(_):
    pass


def check_what_was_written(cluster, clients):
    """Every row whose client was told so is there once, and no row whose client was told otherwise."""
    rows = Counter(cluster.sql("SELECT what FROM written", "app").split())
    told = {nonce: fate for client in clients for nonce, fate in client.written.items()}
    wrong = [(nonce, fate, rows[nonce]) for nonce, fate in told.items()
             if rows[nonce] not in {"kept": (1,), "undone": (0,), "unknown": (0, 1)}[fate]]
    assert not wrong, wrong[:10]
    assert not set(rows) - set(told)
    return Counter(told.values())


def all_backends(clusters):
    return {(cluster.name, pid) for cluster in clusters for pid in backends(cluster)}


def check_nothing_is_left(proxy, clusters, others):
    """others: the servers of other proxies."""
    eventually(lambda: not proxy.busy_servers(), 30, "no server is busy")
    eventually(lambda: {row["user"] for row in proxy.console("SHOW CLIENTS")} == {"admin"}, 10, "no client is there")
    pools = [row for row in proxy.console("SHOW POOLS") if row["database"].startswith("app")]
    for column in ("cl_active", "cl_waiting", "cl_active_cancel_req", "cl_waiting_cancel_req", "sv_active", "sv_login",
                   "sv_active_cancel", "sv_being_canceled"):
        assert [row[column] for row in pools] == [0] * len(pools), column

    def agree():
        known = sorted(row["remote_pid"] for row in proxy.servers())
        return known == sorted(pid for _, pid in all_backends(clusters) - others)
    eventually(agree, 10, "SHOW SERVERS and pg_stat_activity list the same servers")


def own_files(proxy):
    """Descriptors but those of servers."""
    return open_files(proxy.pooler.pid) - len(proxy.servers())


def warm_up(proxy, clients):
    """Until the proxy has about the memory that it needs for them, which takes longer on a slow machine."""
    memory = 0
    for _ in range(5):
        before, memory = memory, resident_kb(proxy.pooler.pid)
        if memory <= 1.01 * before:
            break
        asyncio.run(run_clients(clients, WARM_UP_SECONDS, do_nothing))


def make_client(number, port):
    """One in ten is in session pooling, one in four speaks TLS; some do both."""
    return NonceClient(number, port, tls=number % 4 == 1, in_session_pooling=number % 10 == 3)


def test_every_answer_is_the_clients_own_while_servers_and_clients_are_killed(start_proxy, clusters, authority):
    oltp, analytics = clusters
    for cluster in clusters:  # a commit that was answered must outlive the crash of the cluster
        cluster.sql("ALTER DATABASE app SET synchronous_commit = on")
    oltp.sql("ALTER TABLE written DROP CONSTRAINT written_what_key; CREATE INDEX ON written (what)", "app")
    others = all_backends(clusters)
    # Who is in session pooling keeps a server of each route.
    databases = {"app.session": f"host=127.0.0.1 port={oltp.port} dbname=app pool_mode=session pool_size={SESSIONS + 10}",
                 "app.redshift": f"host=127.0.0.1 port={analytics.port} dbname=app pool_size={SESSIONS + 20}"}
    proxy = start_proxy(tls=True, client_tls_sslmode="prefer", databases=databases, auth_type="trust", pool_mode="transaction",
                        workers=2, default_pool_size=20, max_client_conn=2 * CLIENTS, server_login_retry=1, statement_cache_bytes=262144)
    clients = [make_client(number, proxy.port) for number in range(CLIENTS)]
    warm_up(proxy, clients)
    assert not any(client.losses for client in clients), "nothing was killed yet"
    check_nothing_is_left(proxy, clusters, others)
    files, memory = own_files(proxy), resident_kb(proxy.pooler.pid)

    killer = Killer(clusters, clients)
    start = time.monotonic()
    asyncio.run(run_clients(clients, SECONDS, killer))
    took = time.monotonic() - start
    assert "unexpected error" not in proxy.pooler.log_text()
    check_nothing_is_left(proxy, clusters, others)
    fates = check_what_was_written(oltp, clients)
    print(f"\n{CLIENTS} clients, {took:.0f} s: {sum(client.count for client in clients)} operations answered, "
          f"lost {dict(sum((client.losses for client in clients), Counter()))}; killed {dict(killer.killed)} in {killer.rounds} rounds; "
          f"rows {dict(fates)}; memory {memory} -> {resident_kb(proxy.pooler.pid)} kB, "
          f"files {files} -> {own_files(proxy)}")
    killer.check_that_it_killed()
    assert fates["kept"] > 100 and fates["undone"] > 100
    assert all(client.count > 0 for client in clients)
    assert resident_kb(proxy.pooler.pid) <= 1.1 * memory
    eventually(lambda: own_files(proxy) <= files, what="no descriptor is left but those of servers")
