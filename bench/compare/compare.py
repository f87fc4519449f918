"""The benchmark behind bench/compare/run: pgbench through each way to the same cluster, rounds interleaved."""
import argparse
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "lib"))
from cluster import BIN, Cluster  # noqa: E402
from launch import PROXY, ROOT, accepts, eventually, exit_on_sigterm, free_port, spawn, stop, temporary_folder, write_file  # noqa: E402
from pooler import Pooler, cpu_us  # noqa: E402

PASSWORD = "bench"
PROTOCOLS = ("simple", "extended", "prepared")
CLIENTS = (1, 16, 64)
WAYS = ("pgswitch", "pgbouncer", "haproxy", "direct")


@dataclass(frozen=True)
class Way:
    """One way to the cluster. pid is None without a proxy."""
    name: str
    port: int
    pid: int | None


@dataclass(frozen=True)
class Sample:
    tps: float
    latency_us: float
    cpu_us: float | None  # of the proxy, for each transaction


def start_pooler(started, folder, name, cluster, program, **settings):
    databases = {"app": f"host=127.0.0.1 port={cluster.port} dbname=app",
                 "app.redshift": f"host=127.0.0.1 port={cluster.port} dbname=app"}
    pooler = Pooler(folder / name, databases, {"app": PASSWORD}, {"default_pool_size": 20, "pool_mode": "transaction", **settings}, program)
    started.enter_context(pooler)
    return Way(name, pooler.port, pooler.pid)


def start_haproxy(started, folder, cluster):
    port = free_port()
    config = write_file(folder / "haproxy.cfg", f"""global
  maxconn 1000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen postgres
  bind 127.0.0.1:{port}
  server one 127.0.0.1:{cluster.port}
""")
    process = spawn(["/usr/sbin/haproxy", "-db", "-f", config], folder / "haproxy.log")
    started.callback(stop, process, signal.SIGTERM)
    eventually(lambda: accepts(port), 10, "haproxy listens")
    return Way("haproxy", port, process.pid)


def start_all(started, folder, arguments):
    """The ways, by name. pgbouncer-session serves the prepared cells of a pgbouncer that cannot prepare in transaction mode."""
    cluster = started.enter_context(Cluster(folder / "cluster", "bench", {"shared_buffers": "256MB", "autovacuum": "off"}))
    cluster.sql(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}';\nCREATE DATABASE app OWNER app;")
    ways = {"direct": Way("direct", cluster.port, None)}
    run_pgbench(ways["direct"], arguments, "-i", "-q", "-s", str(arguments.scale))
    if "pgswitch" in arguments.ways:
        rules = write_file(folder / "rules.lua", (ROOT / "conf" / "demo" / "rules.lua").read_text())
        ways["pgswitch"] = start_pooler(started, folder, "pgswitch", cluster, PROXY, rules_file=rules, workers=arguments.workers)
    if "pgbouncer" in arguments.ways:
        program = "/usr/sbin/pgbouncer"
        ways["pgbouncer"] = start_pooler(started, folder, "pgbouncer", cluster, program)
        if not pgbouncer_prepares():
            ways["pgbouncer-session"] = start_pooler(started, folder, "pgbouncer-session", cluster, program, pool_mode="session",
                                                     default_pool_size=max(CLIENTS))
    if "haproxy" in arguments.ways:
        ways["haproxy"] = start_haproxy(started, folder, cluster)
    return ways


def pgbouncer_version():
    return subprocess.run(["/usr/sbin/pgbouncer", "--version"], capture_output=True, text=True).stdout.split()[1]


def pgbouncer_prepares():
    """Since 1.21 pgbouncer keeps prepared statements in transaction mode."""
    return tuple(map(int, pgbouncer_version().split(".")[:2])) >= (1, 21)


def run_pgbench(way, arguments, *options):
    pin = ["taskset", "-c", arguments.pin_bench] if arguments.pin else []
    done = subprocess.run([*pin, BIN / "pgbench", "-h", "127.0.0.1", "-p", str(way.port), "-U", "app", *options, "app"],
                          env=dict(os.environ, PGPASSWORD=PASSWORD, PGSSLMODE="disable"), capture_output=True, text=True)
    if done.returncode != 0 or "\nnumber of failed transactions: 0 " not in done.stdout and "-i" not in options:
        sys.exit(f"pgbench through {way.name} failed:\n{done.stdout}\n{done.stderr[-2000:]}")
    return done.stdout


def measure(way, protocol, clients, arguments):
    before = cpu_us(way.pid) if way.pid else 0
    out = run_pgbench(way, arguments, "-n", "-S", "-M", protocol, "-c", str(clients), "-j", str(min(2, clients)), "-T", str(arguments.seconds))
    spent = cpu_us(way.pid) - before if way.pid else None
    transactions = int(re.search(r"actually processed: (\d+)", out)[1])
    return Sample(float(re.search(r"tps = ([\d.]+)", out)[1]), float(re.search(r"latency average = ([\d.]+)", out)[1]) * 1000,
                  spent / transactions if way.pid else None)


def way_of(name, protocol, ways):
    return ways["pgbouncer-session"] if (name, protocol) == ("pgbouncer", "prepared") and "pgbouncer-session" in ways else ways[name]


def measure_all(ways, cells, arguments):
    """cell -> way name -> samples. Each round visits every way of a cell before the next cell, in an order that rotates."""
    samples = {cell: {name: [] for name in arguments.ways} for cell in cells}
    for round_ in range(arguments.rounds):
        for protocol, clients in cells:
            order = arguments.ways[round_ % len(arguments.ways):] + arguments.ways[:round_ % len(arguments.ways)]
            for name in order:
                samples[protocol, clients][name].append(measure(way_of(name, protocol, ways), protocol, clients, arguments))
        print(f"round {round_ + 1} of {arguments.rounds}", file=sys.stderr)
    return samples


def median(samples, field):
    values = [getattr(sample, field) for sample in samples]
    return None if None in values else statistics.median(values)


def row(protocol, clients, name, by_way):
    tps, latency, cpu = (median(by_way[name], field) for field in ("tps", "latency_us", "cpu_us"))
    tps_ratio = cpu_ratio = ""
    if "pgbouncer" in by_way:
        tps_ratio = f"{tps / median(by_way['pgbouncer'], 'tps'):.2f}"
        if cpu is not None:
            cpu_ratio = f"{cpu / median(by_way['pgbouncer'], 'cpu_us'):.2f}"
    spread = (max(s.tps for s in by_way[name]) - min(s.tps for s in by_way[name])) / tps
    return (protocol, str(clients), name, f"{tps:,.0f}", f"{latency:,.0f}", "" if cpu is None else f"{cpu:.1f}", tps_ratio, cpu_ratio, f"{spread:.0%}")


def table(samples, arguments):
    head = ("protocol", "clients", "through", "tps", "latency us", "proxy CPU us/tx", "tps / pgbouncer", "CPU / pgbouncer", "tps spread")
    lines = ["| " + " | ".join(head) + " |", "|---|--:|---|--:|--:|--:|--:|--:|--:|"]
    for (protocol, clients), by_way in samples.items():
        lines += ["| " + " | ".join(row(protocol, clients, name, by_way)) + " |" for name in arguments.ways]
    return "\n".join(lines)


def conditions(arguments, ways):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    session = "pgbouncer's prepared rows are in session mode (this version cannot prepare in transaction mode)\n" if "pgbouncer-session" in ways else ""
    return (f"pgbench -S, scale {arguments.scale}, {arguments.seconds} s a sample, median of {arguments.rounds} interleaved rounds; "
            f"transaction mode, 20 servers; pgswitch with conf/demo/rules.lua and {arguments.workers} worker(s), "
            f"pgbouncer {pgbouncer_version()}, haproxy in TCP mode with one thread; {os.cpu_count()} cores ({cpu[1] if cpu else 'unknown'})"
            f"{', pinned' if arguments.pin else ''}.\n{session}")


def chosen_cells(only):
    words = set(only.split(",")) if only else set()
    protocols = [p for p in PROTOCOLS if p in words] or list(PROTOCOLS)
    clients = [c for c in CLIENTS if str(c) in words] or list(CLIENTS)
    unknown = words - set(PROTOCOLS) - {str(c) for c in CLIENTS}
    if unknown:
        sys.exit(f"--only knows {', '.join(PROTOCOLS)} and {', '.join(map(str, CLIENTS))}, not {', '.join(sorted(unknown))}")
    return [(p, c) for p in protocols for c in clients]


def parse():
    parser = argparse.ArgumentParser(prog="bench/compare/run", description=__doc__)
    parser.add_argument("--seconds", type=int, default=4, help="length of one sample (default 4)")
    parser.add_argument("--rounds", type=int, default=3, help="samples of each cell, of which the median counts (default 3)")
    parser.add_argument("--only", default="", metavar="WORDS", help="some cells: simple,extended,prepared,1,16,64")
    parser.add_argument("--ways", default=",".join(WAYS), help="which ways (default %(default)s)")
    parser.add_argument("--workers", type=int, default=1, help="of pgswitch (default 1, as many threads as pgbouncer has)")
    parser.add_argument("--scale", type=int, default=5, help="of pgbench's tables (default 5)")
    parser.add_argument("--pin", action="store_true", help="proxies on core 0, pgbench on core 1; the cluster stays free")
    parser.add_argument("--output", metavar="FILE", help="also write the table there")
    arguments = parser.parse_args()
    arguments.ways = arguments.ways.split(",")
    arguments.pin_proxy, arguments.pin_bench = "0", "1"
    return arguments


def main():
    arguments = parse()
    cells = chosen_cells(arguments.only)
    exit_on_sigterm()
    folder = temporary_folder()
    try:
        with ExitStack() as started:
            ways = start_all(started, folder, arguments)
            if arguments.pin:
                for way in ways.values():
                    if way.pid:
                        subprocess.run(["taskset", "-a", "-p", "-c", arguments.pin_proxy, str(way.pid)], check=True, stdout=subprocess.DEVNULL)
            samples = measure_all(ways, cells, arguments)
        text = conditions(arguments, ways) + "\n" + table(samples, arguments) + "\n"
        print(text, end="")
        if arguments.output:
            Path(arguments.output).write_text(text)
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
