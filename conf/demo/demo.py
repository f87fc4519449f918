"""The demo behind conf/demo/run: a cluster, another one that a stand-in makes look like Redshift, pgswitch, and one psql connection that
both of them answer."""
import argparse
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

DEMO = Path(__file__).resolve().parent
sys.path.insert(0, str(DEMO.parents[1] / "tests" / "lib"))
from cluster import Cluster  # noqa: E402
from launch import (PROXY, ROOT, accepts, eventually, exit_on_sigterm, free_port, make_folder, reachable_copy,  # noqa: E402
                    runner, runner_reaches, spawn, stop, write_file)
from pooler import run_command  # noqa: E402
from redshift import StandIn  # noqa: E402

PASSWORD = "demo"
BOLD, GREEN, RED, GREY, PLAIN = ("\033[1m", "\033[32m", "\033[31m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("",) * 5


@dataclass(frozen=True)
class Step:
    """What is typed into psql, and who must answer each of its statements: a cluster's name, or "pgswitch" itself."""
    title: str
    statements: tuple
    answered_by: tuple
    one_string: bool = False  # all statements are sent to the server as one query string


WHO = "current_setting('cluster_name') AS answered_by"
STEPS = (
    Step("A statement about customers stays where the client connected to",
         (f"SELECT name, city, {WHO} FROM customers ORDER BY id LIMIT 3",), ("oltp",)),
    Step("A report over ticket sales is answered by the other database, on the same connection",
         (f"SELECT catname, sum(qtysold) AS tickets, sum(pricepaid) AS revenue, {WHO}\n"
          "  FROM sales JOIN event USING (eventid) JOIN category USING (catid) GROUP BY catname ORDER BY revenue DESC LIMIT 3",),
         ("analytics",)),
    Step("A write to the shop",
         (f"INSERT INTO orders (customer_id, total) VALUES (7, 99.90) RETURNING customer_id, total, {WHO}",), ("oltp",)),
    Step("BEGIN waits for the first statement, so a transaction is routed too",
         ("BEGIN", f"SELECT count(*) AS sales, {WHO} FROM sales", f"SELECT count(*) AS events, {WHO} FROM event", "COMMIT"),
         ("analytics", "analytics")),
    Step("Two statements in one query string, two databases",
         (f"SELECT count(*) AS customers, {WHO} FROM customers", f"SELECT count(*) AS sales, {WHO} FROM sales"),
         ("oltp", "analytics"), one_string=True),
    Step("A table that exists only in rules.lua: the statement is rewritten",
         (f"SELECT year, month, tickets, revenue, {WHO} FROM sales_by_month WHERE year = 2024 ORDER BY revenue DESC LIMIT 3",),
         ("analytics",)),
    Step("A rule refuses, and says why", ("DELETE FROM sales WHERE salesid = 1",), ("pgswitch",)),
    Step("A rule answers by itself", ("SELECT * FROM pgswitch_demo",), ("pgswitch",)),
)


def home():
    """build/demo; or, when root runs this in a checkout that the servers' user cannot enter, a folder in /var/tmp."""
    build = ROOT / "build"
    build.mkdir(exist_ok=True)
    if runner_reaches(build):
        return make_folder(build / "demo")
    away = Path("/var/tmp") / ("pgswitch-demo-" + hashlib.sha256(str(ROOT).encode()).hexdigest()[:12])
    if away.is_symlink() or (away.exists() and away.stat().st_uid != runner().pw_uid):
        sys.exit(f"{away} belongs to somebody else")
    return make_folder(away)


def loaded_mark(script):
    return hashlib.sha256(script.encode()).hexdigest()


def cluster_of(folder, name):
    """The cluster, not yet started; a new, empty one if the demo's data was never loaded whole or its SQL has changed since."""
    mark = folder / name / "loaded"
    if not mark.exists() or mark.read_text() != loaded_mark((DEMO / f"{name}.sql").read_text()):
        shutil.rmtree(folder / name, ignore_errors=True)
    return Cluster(folder / name, name)


def load(cluster, dbname):
    if (cluster.folder / "loaded").exists():
        return
    script = (DEMO / f"{cluster.name}.sql").read_text()
    cluster.sql(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}';\nCREATE DATABASE {dbname};")
    cluster.sql(script, dbname)
    write_file(cluster.folder / "loaded", loaded_mark(script))


def start_pgswitch(folder, oltp, redshift):
    words = {"@OLTP_PORT@": oltp.port, "@ANALYTICS_PORT@": redshift.port, "@LISTEN_PORT@": free_port(), "@FOLDER@": folder}
    for name in ("pgswitch.ini", "userlist.txt", "rules.lua"):
        text = (DEMO / name).read_text()
        for word, value in words.items():
            text = text.replace(word, str(value))
        write_file(folder / name, text)
    log = folder / "pgswitch.log"
    log.unlink(missing_ok=True)
    process = spawn([reachable_copy(Path(PROXY).resolve(), folder), folder / "pgswitch.ini"], log)

    def is_up():
        if process.poll() is not None:
            sys.exit(f"pgswitch did not start:\n{log.read_text()}")
        return accepts(words["@LISTEN_PORT@"])
    eventually(is_up, 20, f"pgswitch is up; see {log}")
    return process, words["@LISTEN_PORT@"]


class Psql:
    """One psql process, hence one connection, typed into statement by statement."""

    def __init__(self, url):
        environment = dict(os.environ, PGCONNECT_TIMEOUT="10")
        self._process = subprocess.Popen(["stdbuf", "-oL", "psql", "-X", "-P", "footer=off", url], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1,
                                         env=environment)

    def type(self, text):
        """Sends lines; returns what psql printed up to then."""
        self._process.stdin.write(text + "\n\\echo -- done --\n")
        self._process.stdin.flush()
        printed = []
        for line in self._process.stdout:
            if line.rstrip("\n") == "-- done --":
                return "".join(printed)
            printed.append(line)
        raise RuntimeError("psql ended: " + "".join(printed))

    def close(self):
        self._process.stdin.close()
        self._process.wait(10)


def answered_by(printed):
    """Who answered, as the answers themselves say: the answered_by column of each result; pgswitch for what has none."""
    found, lines = [], printed.splitlines()
    for place, line in enumerate(lines):
        if line.rstrip().endswith("answered_by"):
            found.append(lines[place + 2].rpartition("|")[2].strip())
        elif line.startswith("ERROR:"):
            found.append("pgswitch" if "are refused" in line else "an error")
        elif "who is speaking?" in line:
            found.append("pgswitch")
    return tuple(found)


def explain(folder, sql):
    """The lines of `pgswitch explain` that say what was decided, and by which rule."""
    status, out, err = run_command("explain", folder / "pgswitch.ini", "-u", "app", "-d", "app", sql)
    if status != 0:
        return [f"explain failed: {err.strip()}"]
    return [line for line in out.splitlines() if line.split()[:1] and line.split()[0] in ("decision", "rule", "rewritten")]


def show(step, number, psql, folder):
    print(f"\n{BOLD}{number}. {step.title}{PLAIN}")
    separator = " \\;\n" if step.one_string else ";\n"
    for statement in step.statements:
        print(f"{GREY}   app=> {PLAIN}" + statement.replace("\n", "\n       ") + ";")
        for line in () if statement in ("BEGIN", "COMMIT") else explain(folder, statement):
            print(f"{GREY}         {line}{PLAIN}")
    printed = psql.type(separator.join(step.statements) + ";")
    print("".join(f"   {line}\n" for line in printed.splitlines() if line), end="")
    found = answered_by(printed)
    good = found == step.answered_by
    verdict = f"{GREEN}as it should be" if good else f"{RED}expected {', '.join(step.answered_by)}"
    print(f"   {BOLD}answered by {', '.join(found) or 'nobody'}{PLAIN}: {verdict}{PLAIN}")
    return good


def show_all(url, folder):
    psql = Psql(url)
    try:
        print(f"\nOne psql connection: {psql.type(chr(92) + 'conninfo').strip()}")
        return all([show(step, number, psql, folder) for number, step in enumerate(STEPS, 1)])
    finally:
        psql.close()


def show_then_wait(folder, port, once):
    url = f"postgresql://app:{PASSWORD}@127.0.0.1:{port}/app"
    good = show_all(url, folder)
    if not once:
        print(f"\n{BOLD}Your turn:{PLAIN}   psql {url}\n"
              f"   console:  psql postgresql://admin:{PASSWORD}@127.0.0.1:{port}/pgswitch\n"
              f"   rules:    {folder}/rules.lua\n   log:      {folder}/pgswitch.log\nCtrl-C stops everything.", flush=True)
        signal.pause()
    return 0 if good else 1


def run(folder, once):
    with ExitStack() as started:
        oltp, analytics = (started.enter_context(cluster_of(folder, name)) for name in ("oltp", "analytics"))
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(load, (oltp, analytics), ("app", "analytics")))
        redshift = started.enter_context(StandIn(analytics, folder / "redshift", auth="md5", users={"app": PASSWORD}))
        proxy, port = start_pgswitch(folder, oltp, redshift)
        started.callback(stop, proxy, signal.SIGTERM, signal.SIGQUIT, patience=2)
        return show_then_wait(folder, port, once)


def main():
    parser = argparse.ArgumentParser(prog="conf/demo/run", description="Two databases behind one port.")
    parser.add_argument("--once", action="store_true", help="show and exit; status 0 only if every answer came from the right place")
    once = parser.parse_args().once
    exit_on_sigterm()
    folder = home()
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("the demo runs already in " + str(folder))
        try:
            return run(folder, once)
        except KeyboardInterrupt:
            return 0


if __name__ == "__main__":
    sys.exit(main())
