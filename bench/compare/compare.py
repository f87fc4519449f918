"""The benchmark behind bench/compare/run: every way to the same cluster, rounds interleaved; see bench/README.md."""
import argparse
import os
import re
import resource
import shutil
import sys
import time
from pathlib import Path

from ways import Stage, version

from bulk import Bulk
from counts import Instructions, SystemCalls
from idle import Idle
from latency import Latency
from launch import exit_on_sigterm, temporary_folder
from logins import Logins
from routing import Routing
from table import table
from throughput import Pipeline, Plain, Tls, Unix
from where import Where
from workers import Workers

README = Path(__file__).resolve().parents[1] / "README.md"
_TABLES = "## Tables\n\n"
GROUPS = (Instructions(), SystemCalls(), Where(), Plain(), Tls(), Unix(), Pipeline(), Routing(), Latency(), Logins(), Idle(), Bulk(),
          Workers())


def matches(selectors, group, cell):
    """A selector is words joined by +, all of which the cell must have: its group's name or what stands in its columns."""
    words = {group.name, *map(str, cell)}
    return not selectors or any(set(selector.split("+")) <= words for selector in selectors)


def chosen(only, quick):
    """group -> its chosen cells; quick: the first and the last of them."""
    selectors = [selector for selector in only.split(",") if selector]
    found = {group: [cell for cell in group.cells if matches(selectors, group, cell)] for group in GROUPS}
    unknown = [selector for selector in selectors if not any(matches([selector], group, cell) for group in GROUPS for cell in group.cells)]
    if unknown:
        sys.exit(f"--only: no cell matches {', '.join(unknown)}; --list shows them all")
    return {group: cells[::max(1, len(cells) - 1)] if quick else cells for group, cells in found.items() if cells}


def sample(group, stage, way, cell, arguments):
    """None when it failed, which is told and spoils no other."""
    try:
        return group.measure(stage, way, cell, arguments)
    except RuntimeError as error:
        print(f"{group.name} {cell} through {way}: {error}", file=sys.stderr)
        return None


def measure(group, cells, stage, arguments):
    """cell -> way -> samples. Each round visits every way of a cell before the next cell, in an order that rotates."""
    ways = [way for way in group.ways if not arguments.ways or way.replace(",", " ").split()[0] in arguments.ways]
    samples = {cell: {way: [] for way in ways} for cell in cells}
    rounds = min(group.rounds or arguments.rounds, arguments.rounds)
    for round_ in range(rounds):
        for cell in cells:
            start = round_ % len(ways)
            for way in ways[start:] + ways[:start]:
                samples[cell][way].append(sample(group, stage, way, cell, arguments))
        print(f"{group.name}: round {round_ + 1} of {rounds}", file=sys.stderr)
    return samples


def conditions(arguments):
    cpu = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    quick = "**--quick: idle clients and bytes are a tenth of what the tables say.** " if arguments.quick else ""
    return (f"{quick}{os.cpu_count()} cores ({cpu[1] if cpu else 'unknown'}), Linux {os.uname().release}. "
            f"Medians of up to {arguments.rounds} interleaved rounds, {arguments.seconds} s a sample, pgbench scale {arguments.scale}. "
            f"Poolers in transaction mode with 20 servers and one thread, if nothing else is said; pgswitch with conf/demo/rules.lua; "
            f"pgbouncer {version('pgbouncer')} (its prepared rows in session mode: this version cannot prepare in transaction mode), "
            f"haproxy {version('haproxy')} in TCP mode, pgpool {version('pgpool')} in raw mode.\n")


def parse():
    parser = argparse.ArgumentParser(prog="bench/compare/run", description=__doc__)
    parser.add_argument("--only", default="", metavar="SELECTORS", help="cells, e.g. syscalls+simple+16,instructions; --list shows all")
    parser.add_argument("--list", action="store_true", help="print the cells")
    parser.add_argument("--quick", action="store_true", help="one short round of the first and last cell of each table, for a look that is no measurement")
    parser.add_argument("--seconds", type=int, default=2, help="length of one sample (default 2)")
    parser.add_argument("--rounds", type=int, default=3, help="samples of each cell, of which the median counts (default 3)")
    parser.add_argument("--ways", default="", help="only these, e.g. pgswitch,pgbouncer")
    parser.add_argument("--scale", type=int, default=5, help="of pgbench's tables (default 5)")
    parser.add_argument("--readme", action="store_true", help="put the tables that have all their cells and ways into bench/README.md, in place of those of the same names")
    parser.add_argument("--output", metavar="FILE", help="also write the tables there")
    arguments = parser.parse_args()
    arguments.ways = [way for way in arguments.ways.split(",") if way]
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 1
    return arguments


def run(cells, arguments):
    """The tables, each printed when it is done."""
    folder = temporary_folder()
    text = conditions(arguments)
    print(text)
    try:
        with Stage(folder, arguments.scale) as stage:
            for group, its_cells in cells.items():
                before = f"{time.strftime('%Y-%m-%d %H:%M')}, load average {os.getloadavg()[0]:.1f} before it.\n"
                part = table(group, measure(group, its_cells, stage, arguments)) + "\n" + before
                stage.clear()
                print(part, flush=True)
                text += "\n" + part
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return text


def put_into_readme(text, whole):
    """Replaces the tables of the same names in bench/README.md, of those that are `whole`, and what is said in front of all of them."""
    kept, _, old = README.read_text().partition(_TABLES)
    tables = {part.split("\n", 1)[0]: part for part in old.split("\n### ")[1:]}
    tables |= {part.split("\n", 1)[0]: part for part in text.split("\n### ")[1:] if part.split("\n", 1)[0] in whole}
    order = [group.name for group in GROUPS if group.name in tables]
    README.write_text("\n### ".join([kept + _TABLES + text.split("\n### ", 1)[0], *(tables[name] for name in order)]))


def main():
    arguments = parse()
    cells = chosen(arguments.only, arguments.quick)
    if arguments.list:
        for group, its_cells in cells.items():
            print(*("+".join([group.name, *map(str, cell)]) for cell in its_cells), sep="\n")
        return
    exit_on_sigterm()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)  # inherited by all
    try:
        text = run(cells, arguments)
    except KeyboardInterrupt:
        sys.exit(130)
    if arguments.readme:
        whole = {group.name for group, its_cells in cells.items() if its_cells == list(group.cells) and not arguments.ways}
        put_into_readme(text, whole)
    if arguments.output:
        Path(arguments.output).write_text(text)


if __name__ == "__main__":
    main()
