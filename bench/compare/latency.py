"""Latency of 200 clients that share 20 servers."""
import tempfile
from pathlib import Path

from load import open_servers, pgbench, tps
from process import cpu_ns, memory_kb
from table import Column, Group


class Latency(Group):
    name = "latency"
    title = ("`pgbench -S` with 200 clients on 20 servers (haproxy and direct: on 200), as fast as they can and at a rate that leaves the "
             "machine room; from pgbench's log of every transaction.")
    heads = ("rate",)
    cells = (("full",), ("4000/s",))
    columns = (Column("p50", "p50 us", ratio=True), Column("p99", "p99 us", ratio=True), Column("p99.9", "p99.9 us", ratio=True),
               Column("tps", "tps"), Column("cpu", "proxy CPU us/tx", ".1f", ratio=True), Column("memory", "PSS MB", ".1f"))

    def measure(self, stage, name, cell, arguments):
        way = stage.way(name, **({"children": 210} if name == "pgpool" else {}))
        open_servers(way, 20)
        rate = [] if cell[0] == "full" else ["-R", cell[0].split("/")[0]]
        seconds = max(5, 2 * arguments.seconds)  # 200 logins take some of it
        before = cpu_ns(way.pid) if way.pid else 0
        with tempfile.TemporaryDirectory() as folder:
            out = pgbench(way, "-S", "-c", 200, "-j", 2, "-T", seconds, "-l", *rate, cwd=folder)
            taken = sorted(int(line.split(" ", 3)[2]) for log in Path(folder).iterdir() for line in log.read_text().splitlines())
        spent = cpu_ns(way.pid) - before if way.pid else None
        percentiles = {f"p{percent:g}": taken[int(len(taken) * percent / 100)] for percent in (50, 99, 99.9)}
        return {**percentiles, "tps": tps(out), "cpu": spent / 1000 / len(taken) if way.pid else None,
                "memory": memory_kb(way.pid)["Pss"] / 1024 if way.pid else None}
