"""Where a proxy's CPU time goes: the kernel, the program, its libraries."""
import re
import subprocess
import tempfile

from load import open_servers, pgbench_command, select_only
from table import Column, Group


class Where(Group):
    name = "where"
    title = "Shares of the proxy's CPU time in `pgbench -S`, from perf's samples (cpu-clock, 2,000 a second)."
    heads = ("protocol", "clients")
    cells = (("simple", 1), ("simple", 16), ("extended", 16))
    columns = (Column("kernel", "kernel %", ".0f"), Column("program", "program %", ".0f"), Column("libraries", "libraries %", ".0f"))
    ways = ("pgswitch", "pgbouncer", "haproxy")
    rounds = 1

    def measure(self, stage, name, cell, arguments):
        way = stage.way(name)
        open_servers(way, cell[1])
        with tempfile.NamedTemporaryFile() as data:
            recorded = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "2000", "-o", data.name, "-p", str(way.pid), "--",
                                       *pgbench_command(way, *select_only(*cell, "-T", 2 * arguments.seconds))], capture_output=True, text=True)
            report = subprocess.run(["perf", "report", "-i", data.name, "--stdio", "--sort", "dso"], capture_output=True, text=True).stdout
        shares = {dso: float(share) for share, dso in re.findall(r"^ +([\d.]+)% +(\S+)", report, re.M)}
        if not shares:
            raise RuntimeError(f"perf record: {recorded.stderr[-500:]}")
        kernel = sum(share for dso, share in shares.items() if dso.startswith("["))
        program = shares.get(name, 0)
        return {"kernel": kernel, "program": program, "libraries": sum(shares.values()) - kernel - program}
