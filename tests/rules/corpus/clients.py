"""What clients send, as the log of a server shows it: each client is run against a cluster with log_statement = all."""
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from pg_parser import statements

HERE = Path(__file__).resolve().parent
TESTS = HERE.parents[1]
for folder in (TESTS / "lib", TESTS / "integration", TESTS / "integration" / "drivers"):
    sys.path.insert(0, str(folder))
from cluster import BIN, Cluster  # noqa: E402
from endpoint import USERS  # noqa: E402
from programs import built, statements_file  # noqa: E402

_LOGGED = {"log_statement": "all", "log_destination": "jsonlog", "logging_collector": "on", "log_directory": "log",
           "log_filename": "statements", "max_prepared_transactions": "20", "wal_level": "logical"}
_SENT = re.compile(r"(?:statement|execute [^:]*): (.*)", re.S)
_OID = re.compile(r"\b(1[6-9]\d{3}|[2-9]\d{4})\b")
_ADDRESS = re.compile(r"0x[0-9a-f]{8,}")
_DRIVER = "/usr/share/java/postgresql.jar"
_LISTS = ("d da dA dAc dAf dAo dAp db dc dC dconfig dd ddp dD dE des det deu dew df dfa dfn dfp dft dfw dF dFd dFp dFt dg di dl dL dm dn "
          "do dO dp dP dPi dPt drds dRp dRs ds dt dT du dv dx dX dy dtvmsE l z").split()

# The programs of PostgreSQL that send a statement or a few.
_SISTERS = [line.split() for line in """vacuumdb -z -t parents
vacuumdb -f -t parents
vacuumdb --analyze-in-stages -t pupils
vacuumdb -P 2 -j 2 -t parted
reindexdb
reindexdb -s
reindexdb --concurrently -t parents
clusterdb
createuser -d -r clerk
dropuser clerk
createdb -T template0 spare
dropdb spare
vacuumlo objects
oid2name -d objects
pg_amcheck -d objects --install-missing""".splitlines()]


class Log:
    """A cluster whose log tells what clients have sent since it was asked last."""

    def __init__(self, folder):
        self.cluster = Cluster(folder, "oltp", _LOGGED)
        self._file = Path(folder) / "data" / "log" / "statements.json"
        self._read = 0

    def __enter__(self):
        self.cluster.__enter__()
        integration = TESTS / "integration"
        self.cluster.sql((integration / "roles.sql").read_text())
        self.cluster.sql((integration / "oltp.sql").read_text(), "app")
        self.cluster.sql("CREATE DATABASE sqlalchemy OWNER app")
        self.cluster.sql("CREATE SCHEMA test_schema AUTHORIZATION app", "sqlalchemy")
        self.cluster.sql("CREATE DATABASE objects")
        self.cluster.sql((HERE / "objects.sql").read_text(), "objects")
        list(self.news())
        return self

    def __exit__(self, *_):
        self.cluster.stop()

    def news(self):
        data = self._file.read_bytes()
        lines = data[self._read:].decode(errors="replace").splitlines()
        self._read = len(data)
        for line in lines:
            sent = _SENT.fullmatch(json.loads(line).get("message", ""))
            if sent and "\0" not in sent[1]:
                yield from (_ADDRESS.sub("0x1", _OID.sub("16400", statement)) for statement in statements(sent[1]))

    def run(self, *command, database="objects", user="postgres", script=None, timeout=300, **environment):
        where = {"PGHOST": str(self.cluster.socket_folder)} if user == "postgres" else {"PGHOST": "127.0.0.1", "PGPASSWORD": USERS[user]}
        environment = dict(os.environ, PGPORT=str(self.cluster.port), PGUSER=user, PGDATABASE=database, PGSSLMODE="disable", **where,
                           **environment)
        done = subprocess.run([str(part) for part in command], input=script, text=True, capture_output=True, timeout=timeout, cwd="/tmp",
                              env=environment)
        if done.returncode != 0:
            print(f"{command[0]} ended with {done.returncode}: {done.stderr[-300:]}", file=sys.stderr)


def psql(log):
    objects = log.cluster.sql("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1", "objects").split("\n")
    lines = [f"\\{name}{mark}{what}" for name in _LISTS for mark in ("", "+", "S", "S+") for what in ("", " public.*", " p*")]
    lines += [f"\\d{mark} {name}" for name in objects for mark in ("", "+")]
    lines += ["\\dl+", "\\sf added", "\\sf+ added", "\\sv family", "\\sv+ family", "\\df added", "\\df+ * int", "\\do + int int",
              "\\lo_list", "\\lo_unlink 1", "\\encoding LATIN1", "\\encoding UTF8", "SELECT 1 \\gdesc", "SELECT 'SELECT 2' \\gexec",
              "\\set AUTOCOMMIT off", "SELECT 1;", "COMMIT;", "\\set ON_ERROR_ROLLBACK on", "SELECT 2;", "ROLLBACK;", "\\set AUTOCOMMIT on",
              "\\set FETCH_COUNT 2", "SELECT * FROM pg_am;"]
    log.run("psql", "-X", "-q", "-o", "/dev/null", script="\n".join(lines) + "\n")


def pg_dump(log):
    folder = Path(log.cluster.folder)
    log.cluster.sql("CREATE DATABASE restored")
    list(log.news())
    for options in ([], ["-s"], ["-a", "--inserts"], ["-a", "--column-inserts", "--rows-per-insert=2"], ["-c", "--if-exists", "-C"],
                    ["-t", "public.p*"], ["-n", "public", "-x"], ["--serializable-deferrable"], ["--lock-wait-timeout=5s"],
                    ["--enable-row-security"], ["-b"], ["--role=app"], ["--section=pre-data"], ["--quote-all-identifiers"],
                    ["-Fc", "-f", folder / "dump"]):
        log.run(BIN / "pg_dump", *options)
    log.run(BIN / "pg_dumpall")
    log.run(BIN / "pg_dumpall", "-g")
    log.run(BIN / "pg_restore", "-d", "restored", folder / "dump")
    log.run(BIN / "pg_restore", "-d", "restored", "--clean", "--if-exists", "--disable-triggers", "--single-transaction", folder / "dump")
    for command in _SISTERS:
        log.run(BIN / command[0], *command[1:])


def pgbench(log):
    program = BIN / "pgbench"
    for options in (["-I", "dtgvpf"], ["-I", "dtGvp"], ["--partitions=3"],
                    ["--partitions=2", "--partition-method=hash", "--unlogged-tables"]):
        log.run(program, "-i", "-q", *options, database="app", user="app")
    for script in ("tpcb-like", "simple-update", "select-only"):
        for mode in ("simple", "extended", "prepared"):
            log.run(program, "-b", script, "-M", mode, "-t", "2", database="app", user="app")


def jdbc(log):
    folder = built("jdbc", ["bash", "-c", f"javac -Xlint:all -Werror -cp {_DRIVER} *.java"])
    texts = statements_file(Path(log.cluster.folder) / "texts")
    log.run("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{folder}:{_DRIVER}", "Program", database="app", user="app",
            STATEMENTS=str(texts))


def odbc(log):
    folder = built("odbc", ["gcc", "-Wall", "-Wextra", "-Werror", "-o", "program", "program.c", "-lodbc"])
    texts = statements_file(Path(log.cluster.folder) / "texts")
    log.run(folder / "program", database="app", user="app", STATEMENTS=str(texts))


def sqlalchemy(log):
    log.run("/usr/bin/python3", TESTS / "integration" / "drivers" / "sqlalchemy_suite" / "program.py", database="sqlalchemy", user="app")


CLIENTS = (psql, pg_dump, pgbench, jdbc, odbc, sqlalchemy)


def collect(folder, names):
    """(client, statement) of all that the clients of these names send, in order."""
    with Log(folder) as log:
        for client in CLIENTS:
            if client.__name__ not in names:
                continue
            client(log)
            for statement in log.news():
                yield client.__name__, statement
