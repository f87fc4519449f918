"""Processes, folders and ports for clusters and poolers.

PostgreSQL and pgbouncer refuse to run as root. So what is started here runs as the caller, or, when the caller is root, as
the user `postgres` (which Debian's package makes). Everything started dies with the Python process that started it, however
that ends.
"""
import ctypes
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROXY = os.environ.get("PGSWITCH", str(ROOT / "build" / "pgswitch"))
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def runner():
    """The unprivileged user (pwd entry) that servers run as."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    sys.exit("running as root, and there is neither a user postgres nor nobody to run servers as")


def as_runner():
    """Arguments of subprocess.Popen that make the child run as runner()."""
    if os.geteuid() != 0:
        return {}
    user = runner()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def give_to_runner(*paths):
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, runner().pw_uid, runner().pw_gid)


def make_folder(path):
    """A private folder of the runner's. Existing ones are kept."""
    path = Path(path)
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(0o700)
    give_to_runner(path)
    return path


def temporary_folder(prefix="pgs-"):
    """A new private folder with a short path (a Unix socket's path may have 107 bytes)."""
    return make_folder(tempfile.mkdtemp(prefix=prefix, dir="/tmp" if Path("/tmp").is_dir() else None))


def runner_reaches(path):
    """May the runner open this path? False for a checkout in a home that others cannot enter."""
    return subprocess.run(["test", "-r", str(path)], cwd="/", **as_runner()).returncode == 0


def reachable_copy(path, folder):
    """The path itself when the runner may read it, else a copy of the file in `folder`."""
    if runner_reaches(path):
        return Path(path)
    copy = Path(folder) / Path(path).name
    shutil.copy2(path, copy)
    give_to_runner(copy)
    return copy


def write_file(path, text, mode=0o600):
    path = Path(path)
    path.write_text(text)
    path.chmod(mode)
    give_to_runner(path)
    return path


def _die_with_parent(death_signal):
    def prepare():
        _libc.prctl(_PR_SET_PDEATHSIG, death_signal)
    return prepare


def spawn(argv, log, death_signal=signal.SIGKILL, env=None):
    """Starts a server process: as the runner, output appended to the file `log`, out of reach of the terminal's Ctrl-C.
    Call it from the main thread: the kernel sends death_signal when the thread that called ends."""
    with open(log, "ab") as out:
        give_to_runner(log)
        return subprocess.Popen(
            [str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd="/", env=env,
            start_new_session=True, preexec_fn=_die_with_parent(death_signal), **as_runner())


def stop(process, *signals, patience=20):
    """Sends the signals in turn, waiting `patience` seconds after each, and SIGKILL at last. Returns the exit status."""
    for number in (*signals, signal.SIGKILL):
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    return process.wait()


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


def free_port():
    """A port that nobody listens on, below the range from which outgoing connections take theirs, so that a server that is
    restarted finds it free again."""
    for _ in range(200):
        port = random.randrange(15000, 32000)
        try:
            for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))[:2 if has_ipv6() else 1]:
                with socket.socket(family) as probe:
                    probe.bind((address, port))
            return port
        except OSError:
            continue
    raise RuntimeError("no free port found")


def eventually(condition, seconds=10.0, what="condition"):
    """Polls until condition() is true and returns its value; AssertionError after `seconds`. A file that the condition reads and
    that is not there (yet, or while it is replaced) makes it false."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            value = condition()
        except FileNotFoundError:
            value = None
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not reached within {seconds} s: {what}")
        time.sleep(0.01)


def accepts(port, address="127.0.0.1"):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def accepts_unix(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
            return True
        except OSError:
            return False


def exit_on_sigterm():
    """SIGTERM and SIGHUP end the script the way Ctrl-C does: by an exception, so that everything started is stopped."""
    def leave(number, _frame):
        raise SystemExit(128 + number)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)
