"""pgbench through a way."""
import re
import subprocess
import tempfile

from ways import BIN, PASSWORD


def pgbench_command(way, *options, sslmode="disable"):
    """The command line, with its environment in front (perf starts it)."""
    return ["env", f"PGPASSWORD={PASSWORD}", f"PGSSLMODE={sslmode}", str(BIN / "pgbench"), "-n",
            "-h", str(way.socket_folder or "127.0.0.1"), "-p", str(way.port), "-U", "app", *map(str, options), "app"]


def pgbench(way, *options, sslmode="disable", cwd=None):
    """Runs it and returns what it prints; RuntimeError when a transaction failed."""
    done = subprocess.run(pgbench_command(way, *options, sslmode=sslmode), capture_output=True, text=True, cwd=cwd, timeout=300)
    if done.returncode != 0 or "\nnumber of failed transactions: 0 " not in done.stdout:
        raise RuntimeError(f"pgbench through {way.name} failed:\n{done.stdout}\n{done.stderr[-2000:]}")
    return done.stdout


def open_servers(way, count):
    """Makes a pooler open so many servers: with that many clients inside a statement at the same time."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write("SELECT pg_sleep(0.3);\n")
        script.flush()
        pgbench(way, "-f", script.name, "-c", count, "-t", 2)


def select_only(protocol, clients, *more):
    return ("-S", "-M", protocol, "-c", clients, "-j", min(2, clients), *more)


def transactions(output):
    return int(re.search(r"actually processed: (\d+)", output)[1])


def tps(output):
    return float(re.search(r"tps = ([\d.]+)", output)[1])


def latency_us(output):
    return float(re.search(r"latency average = ([\d.]+)", output)[1]) * 1000
