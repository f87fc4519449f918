"""How the process is operated, beside Debian's pgbouncer 1.18: command line, exit codes, log lines, signals, pidfile.

The same is done to both and what they say is compared, once time, process, pointers, ports and names of the program are alike. What is
wanted to be different is in the tables here, with its reason, and fails when it no longer differs.
"""
import os
import re
import signal
import subprocess

import launch
import psycopg
import pytest
from endpoint import Endpoint, failure, one
from launch import PROXY, eventually

pytestmark = pytest.mark.pgswitch
PGBOUNCER = "/usr/sbin/pgbouncer"

LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [A-Z]{3,4} \[(\d+)\] (FATAL|ERROR|WARNING|LOG|DEBUG|NOISE) (.*)$")


def run(program, *arguments):
    done = subprocess.run([str(program), *map(str, arguments)], capture_output=True, text=True, timeout=20, cwd="/", **launch.as_runner())
    return done.returncode, without_names(done.stdout, program), without_names(done.stderr, program)


def without_names(text, program):
    text = text.replace(str(program), "PROGRAM")
    return re.sub(r"^\d{4}-\S+ \S+ \S+ \[\d+\] ", "", text, flags=re.M)


@pytest.fixture(scope="module")
def both(place):
    """The two programs, as their user can start them."""
    folder = launch.make_folder(place / "programs")
    return launch.reachable_copy(PROXY, folder), PGBOUNCER


# Arguments -> why the answers differ, or None.
COMMANDS = {
    (): None,
    ("--nope",): None,
    ("-u",): None,
    ("a.ini", "b.ini"): "pgbouncer says that there is no file, we name the argument that is too many",
    ("/nowhere.ini",): "ours names the file as it does in every complaint, with a colon behind it",
    ("-d", "/nowhere.ini"): "the same",
    ("--version",): "each names itself and its libraries",
    ("--help",): "ours has commands",
}


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_the_command_line(both, arguments):
    ours, theirs = (run(program, *arguments) for program in both)
    assert ours[0] == theirs[0], "exit code"
    assert [bool(text) for text in ours[1:]] == [bool(text) for text in theirs[1:]], "which of the two streams"
    assert (ours == theirs) == (COMMANDS[arguments] is None), f"{ours}\n{theirs}"


def test_the_options_are_the_same(both):
    told = [set(re.findall(r"^ +(-\w), (--\w+)", run(program, "--help")[1], re.M)) for program in both]
    assert told[0] == told[1] and len(told[0]) == 7


def test_the_version_names_systemd_as_pgbouncers_does(both):
    assert all("systemd: yes" in run(program, "-V")[1].splitlines() for program in both)


class Told:
    """What a process has logged: lines of (level, text) with what changes from run to run made alike."""

    def __init__(self, pooler):
        self.raw = pooler.log_text().splitlines()
        self.lines = [self.normal(line, pooler) for line in self.raw]

    @staticmethod
    def normal(line, pooler):
        level, text = LINE.match(line).group(2, 3)
        text = re.sub(r"\b([CS])-0x[0-9a-f]+", r"\1-0x", text)
        text = text.replace(f":{pooler.port}", ":PORT")
        text = re.sub(r"(127\.0\.0\.1|\[::1\]):\d+", r"\1:N", text)
        text = re.sub(r"unix\(\d+\)", "unix(PID)", text)
        text = re.sub(r"age=\d+s", "age=Ns", text)
        return f"{level} {text}"


def scenario(pooler):
    """A client's life, a reload, a pause, a stop."""
    pooler.start()
    endpoint = Endpoint(pooler.port)
    with endpoint.connect() as connection:
        assert one(connection, "SELECT 1") == 1
        with pytest.raises(psycopg.OperationalError):
            endpoint.connect(password="wrong")
        with pytest.raises(psycopg.OperationalError):
            endpoint.connect(user="nobody")
        with pytest.raises(psycopg.OperationalError):
            endpoint.connect(dbname="nowhere")
    eventually(lambda: "client close request" in pooler.log_text(), what="the client has left")
    eventually(lambda: "LOG stats: " in pooler.log_text(), what="averages")
    for number, text in ((signal.SIGHUP, "got SIGHUP"), (signal.SIGUSR1, "pausing all"), (signal.SIGUSR1, "already paused"),
                         (signal.SIGUSR2, "continuing"), (signal.SIGUSR2, "not paused"), (signal.SIGINT, "got SIGINT")):
        pooler.signal(number)
        eventually(lambda t=text: t in pooler.log_text(), what=text)
    assert pooler.wait(15) == 0
    return Told(pooler)


def without_statistics(log):
    return {line for line in log.lines if not line.startswith("LOG stats: ")}


@pytest.fixture(scope="module")
def told(make_pooler):
    """(ours, theirs): the logs of the same scenario."""
    logs = []
    for program in (None, PGBOUNCER):
        pooler = make_pooler(program=program, rules=None, pool_mode="transaction", stats_period=1)
        try:
            logs.append(scenario(pooler))
        finally:
            pooler.stop()
    return logs


def test_every_line_has_the_form_of_pgbouncers(told):
    for log in told:
        assert [line for line in log.raw if not LINE.match(line)] == []


# Lines that only one of the two has, and why.
ONLY_OURS = {
    r"@127\.0\.0\.1:N closing because: client unexpected eof": "a connection that ends before it has said anything is told",
    r"password authentication failed for user": "PostgreSQL's text, which the client gets; newer pgbouncers have it too",
    r"login attempt: db=app user=app tls=no replication=no": "as pgbouncer 1.23 has it",
    r"login failed: db=app": "each login that fails has such a line, not only those to unknown databases",
    r"C-0x: nowhere/app@\S+ (closing because|pooler error|login failed)": "the database that was asked for is named although there is none",
    r"app/nobody@127\.0\.0\.1:N no such user: nobody": "see above",
    r"^LOG got SIGINT, shutting down, waiting for all servers connections to be released": "as pgbouncer 1.23 has it",
    r"^LOG kernel file descriptor limit": "files of rules and alarms are counted too",
    r"^LOG process up: pgswitch": "its name and its libraries",
    r"^LOG shutting down": "the same for each way to end",
}
ONLY_THEIRS = {
    r"^ERROR C-0x: \S+ password authentication failed": "the lines behind it say it",
    r"SASL authentication failed": "see above",
    r"no such user: nobody": "without the database and the user that were asked for",
    r"login attempt: db=app user=nobody": "login attempt is a login that has succeeded",
    r"login attempt: db=nowhere": "the same",
    r"login attempt: db=app user=app tls=no$": "replication= is new",
    r"C-0x: \(nodb\)/app@\S+ (closing because|pooler error|login failed)": "see above",
    r"^LOG got SIGINT, shutting down$": "see above",
    r"^LOG kernel file descriptor limit": "see above",
    r"^LOG process up: PgBouncer": "see above",
    r"^LOG server connections dropped, exiting": "see above",
}


def test_the_lines_are_those_of_pgbouncer(told):
    ours, theirs = (without_statistics(log) for log in told)

    def unexplained(lines, table):
        return sorted(line for line in lines if not any(re.search(pattern, line) for pattern in table))
    assert unexplained(ours - theirs, ONLY_OURS) == []
    assert unexplained(theirs - ours, ONLY_THEIRS) == []


def test_every_wanted_difference_is_there(told):
    ours, theirs = (without_statistics(log) for log in told)
    assert [pattern for pattern in ONLY_OURS if not any(re.search(pattern, line) for line in ours - theirs)] == []
    assert [pattern for pattern in ONLY_THEIRS if not any(re.search(pattern, line) for line in theirs - ours)] == []


def test_the_statistics_line_can_be_read_by_what_reads_pgbouncers(told):
    """1.23 put parses, binds and logins between queries and bytes."""
    newer = (r"LOG stats: \d+ xacts/s, \d+ queries/s, \d+ client parses/s, \d+ server parses/s, \d+ binds/s, \d+ client logins/s, "
             r"in \d+ B/s, out \d+ B/s, xact \d+ us, query \d+ us, wait \d+ us")
    older = r"LOG stats: \d+ xacts/s, \d+ queries/s, in \d+ B/s, out \d+ B/s, xact \d+ us, query \d+ us, wait \d+ us"
    for log, pattern in zip(told, (newer, older)):
        lines = [line for line in log.lines if line.startswith("LOG stats")]
        assert lines and [line for line in lines if not re.fullmatch(pattern, line)] == []


@pytest.mark.parametrize("program", (None, PGBOUNCER), ids=("pgswitch", "pgbouncer"))
class TestDaemon:
    """-d, -q, -u and the pidfile: each test with both programs."""

    @pytest.fixture
    def pooler(self, make_pooler, program):
        pooler = make_pooler(program=program, rules=None, unix_socket_dir="")
        pooler.write_ini(pidfile=pooler.folder / "pid", logfile=pooler.folder / "file.log")
        yield pooler
        pidfile = pooler.folder / "pid"
        if pidfile.exists():
            os.kill(int(pidfile.read_text()), signal.SIGKILL)

    def start(self, pooler, *options):
        program = launch.reachable_copy(pooler.program, pooler.folder)
        return subprocess.run([str(program), *options, str(pooler.ini)], capture_output=True, text=True, timeout=20, cwd="/", **launch.as_runner())

    def test_a_daemon_writes_its_pidfile_and_its_log_and_removes_the_pidfile(self, pooler):
        done = self.start(pooler, "-d")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        eventually(lambda: launch.accepts(pooler.port), what="it listens")
        pidfile, log = pooler.folder / "pid", pooler.folder / "file.log"
        eventually(lambda: pidfile.read_text(), what="the pidfile")
        pid = int(pidfile.read_text())
        assert pidfile.read_text() == f"{pid}\n" and pidfile.stat().st_mode & 0o777 == 0o644
        with Endpoint(pooler.port).connect() as connection:
            assert one(connection, "SELECT 1") == 1
        assert f"[{pid}] LOG process up" in log.read_text()
        os.kill(pid, signal.SIGINT)
        eventually(lambda: not pidfile.exists(), what="the pidfile is gone")

    def test_a_second_one_is_refused_while_the_first_lives(self, pooler):
        self.start(pooler, "-d")
        eventually(lambda: launch.accepts(pooler.port), what="it listens")
        eventually(lambda: (pooler.folder / "pid").read_text(), what="the pidfile")
        before = (pooler.folder / "pid").read_text()
        again = self.start(pooler, "-d")
        assert again.returncode == 1 and (pooler.folder / "pid").read_text() == before

    def test_a_pidfile_of_a_dead_process_is_replaced(self, pooler):
        dead = subprocess.Popen(["true"])
        dead.wait()
        launch.write_file(pooler.folder / "pid", f"{dead.pid}\n", 0o644)
        self.start(pooler, "-d")
        eventually(lambda: launch.accepts(pooler.port) and (pooler.folder / "pid").read_text() not in ("", f"{dead.pid}\n"), what="it has its own")

    def test_without_a_pidfile_there_is_no_daemon(self, pooler):
        pooler.write_ini(pidfile="")
        done = self.start(pooler, "-d")
        assert done.returncode == 1 and "daemon needs pidfile configured" in done.stderr

    def test_quiet_keeps_stderr_empty(self, pooler):
        log = pooler.folder / "quiet"
        program = launch.reachable_copy(pooler.program, pooler.folder)
        process = launch.spawn([program, "-q", pooler.ini], log)
        eventually(lambda: launch.accepts(pooler.port), what="it listens")
        launch.stop(process, signal.SIGINT)
        assert log.read_text() == "" and "process up" in (pooler.folder / "file.log").read_text()

    def test_an_unknown_user_is_refused(self, pooler):
        done = self.start(pooler, "-u", "no_such_user")
        assert done.returncode == 1 and "could not find user" in done.stderr

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
    def test_root_becomes_the_user_and_does_not_stay_root(self, pooler):
        (pooler.folder / "pid").unlink(missing_ok=True)
        program = launch.reachable_copy(pooler.program, pooler.folder)
        refused = subprocess.run([str(program), str(pooler.ini)], capture_output=True, text=True, timeout=20, cwd="/")
        assert refused.returncode == 1 and "should not run as root" in refused.stderr
        (pooler.folder / "file.log").unlink(missing_ok=True)  # which may be root's now
        done = subprocess.run([str(program), "-d", f"--user={launch.runner().pw_name}", str(pooler.ini)], capture_output=True, text=True, timeout=20, cwd="/")
        assert done.returncode == 0, done.stderr
        eventually(lambda: (pooler.folder / "pid").read_text() and launch.accepts(pooler.port), what="it runs")
        status = open(f"/proc/{int((pooler.folder / 'pid').read_text())}/status").read()
        assert f"Uid:\t{launch.runner().pw_uid}\t{launch.runner().pw_uid}" in status


@pytest.mark.parametrize("program", (None, PGBOUNCER), ids=("pgswitch", "pgbouncer"))
class TestLog:
    """Where lines go, and how many: each test with both programs."""

    @pytest.fixture
    def pooler(self, make_pooler, program):
        pooler = make_pooler(program=program, rules=None, pool_mode="transaction")
        pooler.write_ini(logfile=pooler.folder / "file.log")
        yield pooler
        pooler.stop()

    def login(self, pooler):
        with Endpoint(pooler.port).connect() as connection:
            assert one(connection, "SELECT 1") == 1

    def test_sighup_opens_the_file_again_after_it_was_rotated(self, pooler):
        pooler.start()
        log, rotated = pooler.folder / "file.log", pooler.folder / "file.log.1"
        self.login(pooler)
        eventually(lambda: "login attempt" in log.read_text(), what="the login is in the file")
        log.rename(rotated)
        pooler.signal(signal.SIGHUP)
        eventually(lambda: "got SIGHUP" in pooler.log_text(), what="it has heard")
        before = rotated.read_text()
        self.login(pooler)
        eventually(lambda: "login attempt" in log.read_text(), what="the login is in the new file")
        assert rotated.read_text().startswith(before) and rotated.read_text().count("login attempt") == 1

    @pytest.mark.parametrize("level", (0, 2))
    def test_verbose_brings_more_lines(self, pooler, level):
        pooler.write_ini(verbose=level)
        pooler.start()
        self.login(pooler)
        eventually(lambda: "login attempt" in pooler.log_text(), what="the login is told")
        pooler.signal(signal.SIGINT)
        pooler.wait(15)
        assert bool(re.search(r"\] (DEBUG|NOISE) ", pooler.log_text())) == (level > 0)

    def test_what_is_not_to_be_logged_is_not(self, pooler):
        pooler.write_ini(log_connections=0, log_disconnections=0, log_pooler_errors=0, log_stats=0, stats_period=1)
        pooler.start()
        self.login(pooler)
        with pytest.raises(psycopg.OperationalError):
            Endpoint(pooler.port).connect(password="wrong")
        pooler.signal(signal.SIGHUP)
        eventually(lambda: "got SIGHUP" in pooler.log_text(), what="a line that is always there")
        text = pooler.log_text()
        assert [words for words in ("login attempt", "C-0x closing because", "pooler error", "stats:") if words in text] == []


def test_a_unix_socket_that_answers_is_not_taken(make_pooler, place):
    folder = launch.make_folder(place / "taken")
    first = make_pooler(program=PGBOUNCER, rules=None, unix_socket_dir=folder)
    first.start()
    try:
        for program in (None, PGBOUNCER):
            second = make_pooler(program=program, rules=None, unix_socket_dir=folder, listen_addr="", listen_port=first.port)
            second.port = first.port
            with pytest.raises(RuntimeError):
                second.start()
                eventually(second.has_ended, what="it ends")
                raise RuntimeError("ended")
            eventually(lambda s=second: "unix socket is in use, cannot continue" in s.log_text(), what="it says why")
            second.stop()
    finally:
        first.stop()


def test_a_limit_on_descriptors_below_the_need_is_told(make_pooler):
    for program in (None, PGBOUNCER):
        pooler = make_pooler(program=program, rules=None, max_client_conn=400, wrapper=("prlimit", "--nofile=100:100"))
        pooler.start()
        try:
            told = r"LOG kernel file descriptor limit: 100 \(hard: 100\); max_client_conn: 400, max expected fd use: \d+"
            eventually(lambda p=pooler: re.search(told, p.log_text()), what="the limit is told")
        finally:
            pooler.stop()


@pytest.mark.parametrize("number", (signal.SIGINT, signal.SIGTERM))
def test_the_second_signal_ends_at_once_as_in_pgbouncer_1_23(make_pooler, number):
    pooler = make_pooler(rules=None, pool_mode="transaction")
    pooler.start()
    try:
        with Endpoint(pooler.port).connect() as connection:
            connection.execute("BEGIN")
            one(connection, "SELECT 1")
            pooler.signal(number)
            eventually(lambda: f"got {number.name}" in pooler.log_text(), what="it has begun to end")
            pooler.signal(number)
            assert pooler.wait(10) == 0
            assert isinstance(failure(connection, "SELECT 1"), psycopg.Error)
    finally:
        pooler.stop()
