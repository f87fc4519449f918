"""What loads a way: pgbench, and bench_client."""
import os
import re
import subprocess
import tempfile
from pathlib import Path

from ways import BIN, PASSWORD, TOOLS


def pgbench_command(way, *options, tls=False):
    """The command line, with its environment in front (perf starts it)."""
    return ["env", f"PGPASSWORD={PASSWORD}", f"PGSSLMODE={'require' if tls else 'disable'}", str(BIN / "pgbench"), "-n",
            "-h", way.host, "-p", str(way.port), "-U", "app", *map(str, options), "app"]


def pgbench(way, *options, tls=False, cwd=None):
    """Runs it and returns what it prints; RuntimeError when a transaction failed, or none was done."""
    done = subprocess.run(pgbench_command(way, *options, tls=tls), capture_output=True, text=True, cwd=cwd, timeout=300)
    if done.returncode != 0 or "\ntps = " not in done.stdout or "\nnumber of failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench through {way.name} failed:\n{done.stdout}\n{done.stderr[-2000:]}")
    return done.stdout


def with_script(text, run):
    """run(path of a file with this pgbench script)."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(text)
        script.flush()
        return run(script.name)


def open_servers(way, count, tls=False):
    """Makes a pooler open so many servers: with that many clients inside a statement at the same time."""
    with_script("SELECT pg_sleep(0.2);\n", lambda path: pgbench(way, "-f", path, "-c", count, "-t", 1, tls=tls))


def select_only(protocol, clients, *more):
    return ("-S", "-M", protocol, "-c", clients, "-j", min(2, clients), *more)


def pipelined(protocol, clients, *more):
    return ("-f", Path(__file__).with_name("pipeline.sql"), "-M", protocol, "-c", clients, "-j", min(2, clients), *more)


def transactions(output):
    return int(re.search(r"actually processed: (\d+)", output)[1])


def tps(output):
    return float(re.search(r"tps = ([\d.]+)", output)[1])


def latency_us(output):
    return float(re.search(r"latency average = ([\d.]+)", output)[1]) * 1000


def bench_client(mode, port, *words, user="app", tls=False, **popen):
    """The process of bench/load/client.cpp."""
    environment = dict(os.environ, PGSSLMODE="require" if tls else "disable")
    return subprocess.Popen([TOOLS / "bench_client", mode, str(port), user, PASSWORD, *map(str, words)], env=environment, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)


def finished(process):
    """Its output once it has ended well."""
    out, errors = process.communicate(timeout=300)
    if process.returncode != 0:
        raise RuntimeError(f"bench_client failed: {errors}")
    return out


def operations(output):
    """(how many, how many each second) of bench_client."""
    return int(re.search(r"operations = (\d+)", output)[1]), float(re.search(r"per second = ([\d.]+)", output)[1])
