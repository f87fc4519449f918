"""One worker and two, in front of a server that costs little."""
import signal
from contextlib import nullcontext

from launch import accepts, eventually, free_port, spawn, stop
from load import bench_client, finished, operations
from process import cpu_ns, limited
from table import Column, Group
from ways import TOOLS


class Workers(Group):
    name = "workers"
    title = ("bench_client and bench_server; servers: default_pool_size; depth: queries sent at once. Client and server need cores too: with two cores in all, "
             "two workers cannot be twice as fast as one. So each thread is given a fifth of a core, which makes the proxy the bottleneck "
             "(cgroups, as root); \"whole\": the same without a limit.")
    heads = ("core", "clients", "servers", "depth")
    cells = (*(("a fifth", 32, 32, depth) for depth in (1, 10, 100)), ("a fifth", 128, 20, 1), ("a fifth", 32, 20, 1),
             *(("whole", 32, 32, depth) for depth in (1, 10, 100)))
    columns = (Column("rate", "queries/s", ratio=True), Column("cpu", "proxy CPU us/query", ".2f", ratio=True))
    ways = ("pgswitch, 1 worker", "pgswitch, 2 workers", "pgbouncer")
    reference = "pgswitch, 1 worker"

    def measure(self, stage, name, cell, arguments):
        core, clients, servers, depth = cell
        port = free_port()
        server = spawn([TOOLS / "bench_server", port], stage.folder / "bench_server.log")
        try:
            eventually(lambda: accepts(port), 5, "bench_server listens")
            workers = {"pgswitch, 2 workers": {"workers": 2}}.get(name, {})
            with stage.pooler(name.split(",")[0], server_port=port, default_pool_size=servers, **workers) as pooler:
                finished(bench_client("queries", pooler.port, clients, 0.2, depth))
                with nullcontext() if core == "whole" else limited(pooler.pid, ("worker", "pgbouncer"), 20):
                    before = cpu_ns(pooler.pid)
                    count, rate = operations(finished(bench_client("queries", pooler.port, clients, arguments.seconds, depth)))
                    return {"rate": rate, "cpu": (cpu_ns(pooler.pid) - before) / 1000 / count}
        finally:
            stop(server, signal.SIGTERM)
