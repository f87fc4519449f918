"""A gigabyte out, and a gigabyte in."""
import time

from load import bench_client, finished
from process import cpu_ns, peak_kb, reset_peak
from table import Column, Group


class Bulk(Group):
    name = "bulk"
    title = ("1 GB in rows of 1,000 bytes as the result of one query, and 1 GB of COPY FROM STDIN in messages of 50 kB; a client that reads "
             "and writes 64 kB at a time. Peak: of the proxy's resident memory meanwhile. TLS on the client's side.")
    heads = ("transport", "what")
    cells = (("plain", "result"), ("plain", "copy"), ("TLS", "result"), ("TLS", "copy"))
    ways = ("pgswitch", "pgbouncer", "haproxy", "direct")
    rounds = 2
    columns = (Column("cpu", "proxy CPU s/GB", ".2f", ratio=True), Column("seconds", "seconds/GB", ".2f", ratio=True),
               Column("peak", "peak RSS MB", ".1f", ratio=True))

    def measure(self, stage, name, cell, arguments):
        tls, megabytes = cell[0] == "TLS", 100 if arguments.quick else 1000
        if tls and name == "haproxy":
            return None
        way = stage.way(name, **(stage.tls_settings("client") if tls else {}))
        finished(bench_client(cell[1], way.port, 1, tls=tls))
        if way.pid:
            reset_peak(way.pid)
        before, started = cpu_ns(way.pid) if way.pid else 0, time.monotonic()
        finished(bench_client(cell[1], way.port, megabytes, tls=tls))
        seconds, share = time.monotonic() - started, 1000 / megabytes
        if not way.pid:
            return {"seconds": seconds * share}
        return {"cpu": (cpu_ns(way.pid) - before) / 1e9 * share, "seconds": seconds * share, "peak": peak_kb(way.pid) / 1024}
