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
PROGRAMS = {"pgswitch": PROXY, "pgbouncer": "/usr/sbin/pgbouncer", "haproxy": "/usr/sbin/haproxy", "pgpool": "/usr/sbin/pgpool"}
TOOLS = Path(os.environ.get("BENCH_TOOLS", ROOT / "build"))  # where bench_client and bench_server are
DEMO_RULES = (ROOT / "conf" / "demo" / "rules.lua").read_text()

# `app` logs in with MD5, which costs a client next to nothing: SCRAM's keys would take 64 clients of pgbench a quarter second.
_CREATE = f"""CREATE ROLE app_scram LOGIN PASSWORD '{PASSWORD}';
CREATE ROLE md5_users;
SET password_encryption = 'md5';
CREATE ROLE app LOGIN PASSWORD '{PASSWORD}' IN ROLE md5_users;
CREATE DATABASE app OWNER app;
"""


@dataclass(frozen=True)
class Way:
    """One way to the cluster. pid is None without a proxy. host may be the folder of a Unix socket."""
    name: str
    port: int
    pid: int | None = None
    host: str = "127.0.0.1"


class Stage:
    """One cluster with pgbench's tables, and the proxies in front of it, started when first asked for and kept until clear()."""

    def __init__(self, folder, scale):
        self.folder = folder
        self._certificate = Authority(folder / "tls").server()
        self.cluster = Cluster(folder / "cluster", "bench", {"shared_buffers": "256MB", "autovacuum": "off", "max_connections": "700"},
                               self._certificate)
        self._scale = scale
        self._ways, self._started, self._count = {}, ExitStack(), 0

    def __enter__(self):
        self.cluster.create()
        with (self.cluster.data / "pg_hba.conf").open("a") as rules:
            rules.write("local all all md5\n")
        self.cluster.start()
        self.cluster.sql(_CREATE)
        subprocess.run([BIN / "pgbench", "-h", "127.0.0.1", "-p", str(self.cluster.port), "-U", "app", "-i", "-q", "-s", str(self._scale), "app"],
                       env=dict(os.environ, PGPASSWORD=PASSWORD), check=True, capture_output=True)
        self._users = (("app", self.secret("app")),)
        self.cluster.sql("CREATE TABLE sink (line text);\nGRANT ALL ON sink TO app", dbname="app")
        return self

    def __exit__(self, *_):
        self.clear()
        self.cluster.stop()

    def clear(self):
        self._ways.clear()
        self._started.close()

    def way(self, name, **settings):
        """A proxy that is kept. settings: of the [pgbouncer] section; for the others see pooler() and the _start functions."""
        key = (name, tuple(sorted(settings.items())))
        if key not in self._ways:
            start = {"haproxy": self._start_haproxy, "pgpool": self._start_pgpool, "direct": self._direct}.get(name, self._start_pooler)
            self._ways[key] = start(name, **settings)
        return self._ways[key]

    def tls_settings(self, sides):
        """sides: "client" or "both"."""
        client = {"client_tls_sslmode": "require", "client_tls_key_file": self._certificate.key,
                  "client_tls_cert_file": self._certificate.certificate}
        return {**client, "server_tls_sslmode": "require"} if sides == "both" else client

    def secret(self, user):
        """What the cluster stores of a user's password."""
        return self.cluster.sql(f"SELECT rolpassword FROM pg_authid WHERE rolname = '{user}'")

    def pooler(self, name, under="", rules=DEMO_RULES, users=None, unix=False, server_port=None, **settings):
        """pgswitch or pgbouncer, not yet started. under: a command to run it under. rules: Lua text for pgswitch, "" for none.
        users: (name, secret) of the user list. unix: Unix sockets on both sides. server_port: of another server than the cluster."""
        folder = self._new_folder(name)
        program = PROGRAMS[name]
        if under:
            reachable = reachable_copy(Path(program).resolve(), folder)
            program = write_file(make_folder(folder / "under") / name, f"#!/bin/sh\nexec {under} {shlex.quote(str(reachable))} \"$@\"\n", 0o700)
        if name == "pgswitch" and rules:
            settings["rules_file"] = write_file(folder / "rules.lua", rules)
        if unix:
            settings["unix_socket_dir"] = folder
        host = self.cluster.socket_folder if unix else "127.0.0.1"
        databases = {route: f"host={host} port={server_port or self.cluster.port} dbname=app" for route in ("app", "app.redshift")}
        settings = {"auth_type": "md5", "default_pool_size": 20, "pool_mode": "transaction", "server_tls_sslmode": "disable", **settings}
        return Pooler(folder, databases, dict(users or self._users), settings, program)

    def _new_folder(self, name):
        self._count += 1
        return make_folder(self.folder / f"{name}{self._count}")

    def _start_pooler(self, name, unix=False, **settings):
        pooler = self._started.enter_context(self.pooler(name, unix=unix, **settings))
        return Way(name, pooler.port, pooler.pid, str(pooler.folder) if unix else "127.0.0.1")

    def _direct(self, name, unix=False, **_):
        return Way(name, self.cluster.port, None, str(self.cluster.socket_folder) if unix else "127.0.0.1")

    def _start_haproxy(self, name, unix=False, **_):
        port, folder = free_port(), self._new_folder(name)
        listen = f"unix@{folder}/.s.PGSQL.{port} mode 777" if unix else f"127.0.0.1:{port}"
        server = f"unix@{self.cluster.socket_folder}/.s.PGSQL.{self.cluster.port}" if unix else f"127.0.0.1:{self.cluster.port}"
        config = write_file(folder / "haproxy.cfg", f"""global
  maxconn 1000
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
listen postgres
  bind {listen}
  server one {server}
""")
        process = spawn([PROGRAMS[name], "-db", "-f", config], folder / "log")
        self._started.callback(stop, process, signal.SIGTERM)
        eventually((folder / f".s.PGSQL.{port}").exists if unix else lambda: accepts(port), 10, "haproxy listens")
        return Way(name, port, process.pid, str(folder) if unix else "127.0.0.1")

    def _start_pgpool(self, name, children=70, **_):
        """pgpool-II as a pooler only (raw mode), one process for each client that there will be."""
        port, folder = free_port(), self._new_folder(name)
        settings = {"backend_clustering_mode": "raw", "listen_addresses": "127.0.0.1", "port": port, "pcp_port": free_port(),
                    "socket_dir": folder, "pcp_socket_dir": folder, "wd_ipc_socket_dir": folder, "pid_file_name": folder / "pid",
                    "backend_hostname0": "127.0.0.1", "backend_port0": self.cluster.port, "num_init_children": children, "max_pool": 1,
                    "child_life_time": 0, "enable_pool_hba": "on", "pool_passwd": "pool_passwd"}
        config = write_file(folder / "pgpool.conf", "".join(f"{key} = '{value}'\n" for key, value in settings.items()))
        hba = write_file(folder / "pool_hba.conf", "host all all 127.0.0.1/32 md5\n")
        write_file(folder / "pool_passwd", f"app:{self.secret('app')}\n")
        process = spawn([PROGRAMS[name], "-n", "-f", config, "-a", hba], folder / "log")
        self._started.callback(stop, process, signal.SIGINT)
        eventually(lambda: accepts(port), 10, "pgpool listens")
        return Way(name, port, process.pid)


def version(name):
    done = subprocess.run([PROGRAMS[name], {"haproxy": "-v"}.get(name, "--version")], capture_output=True, text=True)
    return (done.stdout + done.stderr).replace("version", "").split()[1]


def prepared_settings(name):
    """Debian's pgbouncer (before 1.21) keeps prepared statements in session mode only."""
    old = tuple(map(int, version("pgbouncer").split(".")[:2])) < (1, 21)
    return {"pool_mode": "session", "default_pool_size": 64} if name == "pgbouncer" and old else {}
