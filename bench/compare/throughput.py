"""pgbench through a way: transactions each second, latency, and the proxy's CPU time for a transaction."""
from load import latency_us, open_servers, pgbench, pipelined, select_only, tps, transactions
from process import cpu_ns, memory_kb
from table import Column, Group
from ways import prepared_settings

PROTOCOLS = ("simple", "extended", "prepared")


def sample(way, *options, tls=False):
    before = cpu_ns(way.pid) if way.pid else 0
    out = pgbench(way, *options, tls=tls)
    spent = cpu_ns(way.pid) - before if way.pid else None
    return {"tps": tps(out), "latency": latency_us(out), "cpu": spent / 1000 / transactions(out) if way.pid else None,
            "memory": memory_kb(way.pid)["Pss"] / 1024 if way.pid else None}


class Throughput(Group):
    """Subclasses say how the way is set up and what pgbench is asked for."""
    heads = ("protocol", "clients")
    columns = (Column("tps", "tps", ratio=True), Column("latency", "latency us"), Column("cpu", "proxy CPU us/tx", ".1f", ratio=True),
               Column("memory", "PSS MB", ".1f"))
    tls = False

    def settings(self, stage, name, cell):
        return prepared_settings(name) if "prepared" in cell else {}

    def options(self, cell):
        protocol, clients = cell[-2:]
        return select_only(protocol, clients)

    def measure(self, stage, name, cell, arguments):
        settings = self.settings(stage, name, cell)
        way = stage.way(name, **settings)
        open_servers(way, min(settings.get("default_pool_size", 20), cell[-1]), tls=self.tls)
        return sample(way, *self.options(cell), "-T", round(arguments.seconds), tls=self.tls)


class Plain(Throughput):
    name = "pgbench"
    title = "`pgbench -S` over TCP."
    cells = tuple((protocol, clients) for protocol in PROTOCOLS for clients in (1, 16, 64))


class Tls(Throughput):
    name = "tls"
    title = "`pgbench -S` with TLS between client and proxy, and on both sides of it."
    heads = ("sides", "protocol", "clients")
    cells = tuple((sides, protocol, clients) for sides in ("client", "both") for protocol, clients in (("simple", 1), ("simple", 16), ("extended", 16)))
    ways = ("pgswitch", "pgbouncer")
    tls = True

    def settings(self, stage, name, cell):
        return stage.tls_settings(cell[0])


class Unix(Throughput):
    name = "unix"
    title = "`pgbench -S` over Unix sockets, on both sides of the proxy."
    cells = (("simple", 1), ("simple", 16), ("extended", 16))
    ways = ("pgswitch", "pgbouncer", "haproxy", "direct")

    def settings(self, stage, name, cell):
        return {"unix": True}


class Pipeline(Throughput):
    name = "pipeline"
    title = "pgbench pipelines: a transaction is ten SELECTs by primary key between \\startpipeline and \\endpipeline."
    cells = (("extended", 1), ("extended", 16), ("prepared", 16))
    ways = ("pgswitch", "pgbouncer", "haproxy", "direct")

    def options(self, cell):
        return pipelined(*cell)
