"""One worker and two, in front of a server that costs little."""
import signal

from launch import accepts, eventually, free_port, spawn, stop
from load import bench_client, finished, operations
from process import cpu_ns
from table import Column, Group
from ways import TOOLS


class Workers(Group):
    name = "workers"
    title = ("bench_client with 32 connections and bench_server, so that the proxy is the bottleneck; depth: queries sent at once. Client "
             "and server need cores too: with two cores in all, two workers cannot be twice as fast, and the CPU time for a query "
             "shows what they would do with cores of their own.")
    heads = ("depth",)
    cells = ((1,), (10,), (100,))
    columns = (Column("rate", "queries/s", ratio=True), Column("cpu", "proxy CPU us/query", ".2f", ratio=True))
    ways = ("pgswitch, 1 worker", "pgswitch, 2 workers", "pgbouncer")
    reference = "pgswitch, 1 worker"

    def measure(self, stage, name, cell, arguments):
        port = free_port()
        server = spawn([TOOLS / "bench_server", port], stage.folder / "bench_server.log")
        try:
            eventually(lambda: accepts(port), 5, "bench_server listens")
            workers = {"pgswitch, 2 workers": {"workers": 2}}.get(name, {})
            with stage.pooler(name.split(",")[0], server_port=port, **workers) as pooler:
                finished(bench_client("queries", pooler.port, 32, 0.2, cell[0]))
                before = cpu_ns(pooler.pid)
                count, rate = operations(finished(bench_client("queries", pooler.port, 32, arguments.seconds, cell[0])))
                return {"rate": rate, "cpu": (cpu_ns(pooler.pid) - before) / 1000 / count}
        finally:
            stop(server, signal.SIGTERM)
