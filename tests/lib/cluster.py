"""PostgreSQL 15 clusters on loopback for the demo, the tests and the benchmark."""
import os
import shutil
import signal
import subprocess
from pathlib import Path

from launch import (as_runner, eventually, free_port, give_to_runner, has_ipv6, make_folder, spawn, stop,
                    temporary_folder, write_file)

BIN = Path("/usr/lib/postgresql/15/bin")
_LONGEST_SOCKET_FOLDER = 107 - len("/.s.PGSQL.12345.lock")


class Cluster:
    """One cluster in a folder of its own. The superuser `postgres` comes in by the Unix socket without a password, everybody
    else over TCP with one: SCRAM, or for members of the roles md5_users and plain_users MD5 or in the clear. `SHOW cluster_name` says which one it is.
    A cluster whose folder exists already is used as it is; start() takes a new port each time, restart() keeps it."""

    def __init__(self, folder, name, settings=None, server_certificate=None):
        self.folder = make_folder(folder)
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.name = name
        self.port = 0
        self._settings = settings or {}
        self._certificate = server_certificate
        self._process = None
        short_enough = len(str(self.folder)) <= _LONGEST_SOCKET_FOLDER
        self._lent_folder = None if short_enough else temporary_folder()
        self.socket_folder = self.folder if short_enough else self._lent_folder

    @property
    def exists(self):
        return (self.data / "PG_VERSION").exists()

    def create(self):
        subprocess.run([BIN / "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8",
                        "--no-sync", "--no-instructions"], check=True, stdout=subprocess.DEVNULL, cwd="/", **as_runner())
        write_file(self.data / "pg_hba.conf", _HBA)
        if self._certificate:
            for source, target in ((self._certificate.certificate, "server.crt"), (self._certificate.key, "server.key")):
                shutil.copy(source, self.data / target)
                give_to_runner(self.data / target)
                (self.data / target).chmod(0o600)

    def start(self):
        self.port = free_port()
        self._launch()

    def _launch(self):
        options = dict(_SETTINGS, **self._settings)
        options["cluster_name"] = self.name
        options["port"] = self.port
        options["listen_addresses"] = "127.0.0.1,::1" if has_ipv6() else "127.0.0.1"
        options["unix_socket_directories"] = self.socket_folder
        options["ssl"] = "on" if (self.data / "server.crt").exists() else "off"
        arguments = [f"--{key}={value}" for key, value in options.items()]
        home = dict(os.environ, HOME=str(self.folder))  # where dblink and postgres_fdw look for certificates
        self._process = spawn([BIN / "postgres", "-D", self.data, *arguments], self.log, signal.SIGINT, env=home)
        eventually(self._is_ready, 60, f"cluster {self.name} is up; see {self.log}")

    def _is_ready(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"cluster {self.name} did not start:\n{self.log.read_text()[-2000:]}")
        return subprocess.run([BIN / "pg_isready", "-q", "-h", self.socket_folder, "-p", str(self.port)]).returncode == 0

    def restart(self, number=signal.SIGINT):
        """number: SIGINT for a fast shutdown, SIGQUIT for an immediate one."""
        stop(self._process, number)
        self._launch()

    def stop(self):
        if self._process is not None:
            stop(self._process, signal.SIGINT, signal.SIGQUIT)
            self._process = None
        if self._lent_folder is not None:
            shutil.rmtree(self._lent_folder, ignore_errors=True)

    def sql(self, text, dbname="postgres"):
        """Runs a script as superuser and returns what psql -At prints."""
        environment = dict(os.environ, PGOPTIONS="--client_min_messages=warning")
        done = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", self.socket_folder, "-p", str(self.port),
             "-U", "postgres", "-d", dbname, "-f", "-"], input=text, capture_output=True, text=True, env=environment)
        if done.returncode != 0:
            raise RuntimeError(f"{self.name}: {done.stderr}")
        return done.stdout.strip()

    def __enter__(self):
        if not self.exists:
            self.create()
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200",
             "shared_buffers": "128MB", "log_line_prefix": "%m [%p] %u@%d ", "timezone": "UTC"}
_HBA = """local all postgres trust
host all postgres all reject
host all +md5_users all md5
host all +plain_users all password
host all all all scram-sha-256
"""
