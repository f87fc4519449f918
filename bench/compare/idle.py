"""Memory of clients that do nothing."""
import subprocess
import time

from load import bench_client
from process import memory_kb
from table import Column, Group


class Idle(Group):
    name = "idle"
    title = ("Memory of the proxy for one idle client: the difference that the clients make to its resident and proportional set size, "
             "after login (trust) and after one query of each.")
    heads = ("transport", "clients")
    cells = tuple((transport, clients) for transport in ("plain", "TLS") for clients in (5000, 10000))
    columns = (Column("pss", "bytes/client (PSS)", ratio=True), Column("rss", "(RSS)"),
               Column("pss_asked", "after a query (PSS)", ratio=True), Column("rss_asked", "(RSS)"),
               Column("logins", "logins/s"))
    ways = ("pgswitch", "pgbouncer")
    rounds = 1

    def measure(self, stage, name, cell, arguments):
        tls, clients = cell[0] == "TLS", cell[1] // (10 if arguments.quick else 1)
        settings = {"auth_type": "trust", "max_client_conn": clients + 100, "log_connections": 0, "log_disconnections": 0,
                    **(stage.tls_settings("client") if tls else {})}
        with stage.pooler(name, **settings) as pooler:
            with bench_client("idle", pooler.port, 50, tls=tls, stdin=subprocess.PIPE) as few:  # what the first clients cost once
                _ask(few)
                few.stdin.close()
            before = _settled(pooler.pid)
            started = time.monotonic()
            with bench_client("idle", pooler.port, clients, tls=tls, stdin=subprocess.PIPE) as process:
                _expect(process, "connected")
                logins = clients / (time.monotonic() - started)
                connected = _settled(pooler.pid)
                _ask(process, ready=True)
                asked = _settled(pooler.pid)
                process.stdin.close()

        def each(after, key):
            return (after[key] - before[key]) * 1024 / clients
        return {"pss": each(connected, "Pss"), "rss": each(connected, "Rss"), "pss_asked": each(asked, "Pss"), "rss_asked": each(asked, "Rss"),
                "logins": logins}


def _expect(process, word):
    if process.stdout.readline().strip() != word:
        raise RuntimeError(f"bench_client failed: {process.stderr.read()}")


def _ask(process, ready=False):
    if not ready:
        _expect(process, "connected")
    process.stdin.write("\n")
    process.stdin.flush()
    _expect(process, "asked")


def _settled(pid):
    """Memory once it has stayed the same for four seconds: timers give buffers back."""
    before = memory_kb(pid)
    while True:
        time.sleep(4)
        now = memory_kb(pid)
        if abs(now["Rss"] - before["Rss"]) < 64:
            return now
        before = now
