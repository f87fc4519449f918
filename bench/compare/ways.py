"""The cluster and the ways to it: pgswitch, pgbouncer, haproxy, pgpool, or none."""
import os
import shlex
import signal
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "lib"))
from certificates import Authority  # noqa: E402
from cluster import BIN, Cluster  # noqa: E402
from launch import PROXY, ROOT, accepts, eventually, free_port, make_folder, reachable_copy, spawn, stop, write_file  # noqa: E402
from pooler import Pooler  # noqa: E402

PASSWORD = "bench"
PGBOUNCER = "/usr/sbin/pgbouncer"
HAPROXY = "/usr/sbin/haproxy"
DEMO_RULES = (ROOT / "conf" / "demo" / "rules.lua").read_text()


@dataclass(frozen=True)
class Way:
    """One way to the cluster. pid is None without a proxy; log is the file it writes to."""
    name: str
    port: int
    pid: int | None = None
    log: Path | None = None
    socket_folder: Path | None = None

    def log_text(self):
        return self.log.read_text(errors="replace")


class Stage:
    """One cluster with pgbench's tables, and the proxies in front of it, started when first asked for and kept until clear()."""

    def __init__(self, folder, scale):
        self.folder = folder
        self.authority = Authority(folder / "tls")
        self._certificate = self.authority.server()
        self.cluster = Cluster(folder / "cluster", "bench", {"shared_buffers": "256MB", "autovacuum": "off", "max_connections": "300"},
                               self._certificate)
        self._scale = scale
        self._ways, self._started, self._count = {}, ExitStack(), 0

    def __enter__(self):
        self.cluster.__enter__()
        self.cluster.sql(f"CREATE ROLE app LOGIN PASSWORD '{PASSWORD}';\nCREATE DATABASE app OWNER app;")
        environment = dict(os.environ, PGPASSWORD=PASSWORD, PGSSLMODE="disable")
        subprocess.run([BIN / "pgbench", "-h", "127.0.0.1", "-p", str(self.cluster.port), "-U", "app", "-i", "-q", "-s", str(self._scale), "app"],
                       env=environment, check=True, capture_output=True)
        return self

    def __exit__(self, *_):
        self.clear()
        self.cluster.stop()

    def clear(self):
        self._ways.clear()
        self._started.close()

    def way(self, name, **settings):
        """settings: of the [pgbouncer] section; `rules` (Lua text, None for no rules file) is pgswitch's alone."""
        key = (name, tuple(sorted(settings.items())))
        if key not in self._ways:
            start = {"haproxy": self._start_haproxy, "direct": self._direct}.get(name, self._start_pooler)
            self._ways[key] = start(name, **settings)
        return self._ways[key]

    def tls_settings(self, sides):
        """sides: "client" or "both"."""
        settings = {"client_tls_sslmode": "require", "client_tls_key_file": self._certificate.key,
                    "client_tls_cert_file": self._certificate.certificate}
        if sides == "both":
            settings["server_tls_sslmode"] = "require"
        return settings

    def counted(self, name, **settings):
        """A context: the pooler under callgrind, which writes its instruction count to the log when it ends."""
        return self._pooler(name, "valgrind --tool=callgrind --callgrind-out-file=/dev/null", **settings)

    def _new_folder(self, name):
        self._count += 1
        return make_folder(self.folder / f"{name}-{self._count}")

    def _pooler(self, name, under="", rules=DEMO_RULES, users=None, **settings):
        folder = self._new_folder(name)
        program = PROXY if name == "pgswitch" else PGBOUNCER
        if under:
            reachable = reachable_copy(Path(program).resolve(), folder)
            program = write_file(make_folder(folder / "under") / name, f"#!/bin/sh\nexec {under} {shlex.quote(str(reachable))} \"$@\"\n", 0o700)
        if name == "pgswitch" and rules:
            settings["rules_file"] = write_file(folder / "rules.lua", rules)
        databases = {route: f"host=127.0.0.1 port={self.cluster.port} dbname=app" for route in ("app", "app.redshift")}
        settings = {"default_pool_size": 20, "pool_mode": "transaction", "server_tls_sslmode": "disable", **settings}
        return Pooler(folder, databases, users or {"app": PASSWORD}, settings, program)

    def _start_pooler(self, name, **settings):
        pooler = self._started.enter_context(self._pooler(name, **settings))
        return Way(name, pooler.port, pooler.pid, pooler.log)

    def _direct(self, name, **_):
        return Way(name, self.cluster.port)

    def _start_haproxy(self, name, **_):
        port, folder = free_port(), self._new_folder(name)
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
  server one 127.0.0.1:{self.cluster.port}
""")
        process = spawn([HAPROXY, "-db", "-f", config], folder / "log")
        self._started.callback(stop, process, signal.SIGTERM)
        eventually(lambda: accepts(port), 10, "haproxy listens")
        return Way(name, port, process.pid, folder / "log")


def pgbouncer_version():
    return subprocess.run([PGBOUNCER, "--version"], capture_output=True, text=True).stdout.split()[1]


def prepared_settings(name):
    """Debian's pgbouncer (before 1.21) keeps prepared statements in session mode only."""
    old = tuple(map(int, pgbouncer_version().split(".")[:2])) < (1, 21)
    return {"pool_mode": "session", "default_pool_size": 64} if name == "pgbouncer" and old else {}
