"""A pooler under test or measurement: pgswitch, or pgbouncer with the same ini file."""
import os
import signal
import subprocess
from pathlib import Path

from launch import PROXY, accepts, accepts_unix, eventually, free_port, make_folder, reachable_copy, spawn, stop, write_file

# Keys that only pgswitch has; left out of the file for any other program.
_OWN_KEYS = {"workers", "rules_file", "rules_mode", "rules_on_error", "rules_autoreload", "route_users",
             "proxy_protocol", "proxy_protocol_networks",
             "transaction_route_conflict", "max_login_conn_per_address"}


def ini_text(databases, settings):
    """databases: name -> connect string; settings: the [pgbouncer] section."""
    lines = ["[databases]", *(f"{name} = {value}" for name, value in databases.items())]
    lines += ["", "[pgbouncer]", *(f"{key} = {value}" for key, value in settings.items())]
    return "\n".join(lines) + "\n"


def userlist_text(users):
    return "".join(f'"{name}" "{secret}"\n' for name, secret in users.items())


class Pooler:
    """One pooler process with its ini file, user list and log in `folder`. Settings given win over the defaults here.
    `wrapper` stands before the program: ("prlimit", "--nofile=64") or ("env", "NAME=value")."""

    def __init__(self, folder, databases, users, settings=None, program=None, wrapper=()):
        self.folder = make_folder(folder)
        self.program = Path(program or PROXY).resolve()
        self.is_pgswitch = self.program.name != "pgbouncer"
        self.port = free_port()
        self.ini = self.folder / "pgswitch.ini"
        self.log = self.folder / "log"
        self._databases, self.settings = dict(databases), self._with_defaults(settings or {})
        self._wrapper = tuple(wrapper)
        self._process = None
        self.write_users(users)
        self.write_ini()

    def _with_defaults(self, settings):
        return {"listen_addr": "127.0.0.1", "listen_port": self.port, "unix_socket_dir": "",
                "auth_type": "scram-sha-256", "auth_file": self.folder / "userlist.txt", "admin_users": "admin",
                "max_client_conn": 500, "default_pool_size": 5, **settings}

    def write_users(self, users):
        write_file(self.folder / "userlist.txt", userlist_text(users))

    def write_ini(self, databases=None, **settings):
        """Writes the file again with some settings changed; takes effect with reload() or start()."""
        self._databases = databases or self._databases
        self.settings.update(settings)
        known = {k: v for k, v in self.settings.items() if self.is_pgswitch or k not in _OWN_KEYS}
        write_file(self.ini, ini_text(self._databases, known))

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        program = reachable_copy(self.program, self.folder)
        self._process = spawn([*self._wrapper, program, self.ini], self.log, signal.SIGKILL)
        eventually(self._is_ready, 20, f"{self.program.name} listens on {self.port}; see {self.log}")

    def _is_ready(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"{self.program.name} ended with {self._process.returncode}:\n{self.log_text()[-3000:]}")
        return accepts(self.port)

    def socket_path(self):
        """Of its Unix socket, once somebody listens there: the TCP port may come first."""
        path = f"{self.settings['unix_socket_dir']}/.s.PGSQL.{self.port}"
        eventually(lambda: accepts_unix(path), what=f"a listener at {path}")
        return path

    def signal(self, number):
        self._process.send_signal(number)

    def has_ended(self):
        return self._process.poll() is not None

    def wait(self, seconds=10):
        return self._process.wait(seconds)

    def stop(self):
        """Stops it at once. RuntimeError if it had died on its own or died of a crash signal."""
        if self._process is None:
            return
        process, self._process = self._process, None
        status = process.poll()
        if status is None:
            status = stop(process, signal.SIGTERM, signal.SIGQUIT, patience=2)
        if status in (-signal.SIGSEGV, -signal.SIGABRT, -signal.SIGBUS, -signal.SIGFPE, -signal.SIGILL):
            raise RuntimeError(f"{self.program.name} crashed with signal {-status}:\n{self.log_text()[-3000:]}")

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def expect_log(self, text):
        """Lines are written a little later than what they tell of."""
        eventually(lambda: text in self.log_text(), what=f"{text!r} in {self.log}")

    def cpu_us(self):
        return cpu_us(self._process.pid)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


def cpu_us(pid):
    """CPU time of a process, all its threads, user and system, in microseconds; /proc/PID/stat counts in 1/100 s."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // os.sysconf("SC_CLK_TCK")


def run_command(*arguments, program=None, timeout=60):
    """Runs a command line of pgswitch to its end as the caller; returns (status, stdout, stderr)."""
    done = subprocess.run([str(program or PROXY), *map(str, arguments)], capture_output=True, text=True, timeout=timeout)
    return done.returncode, done.stdout, done.stderr
