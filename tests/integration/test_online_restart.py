"""-R: a new process takes the listening sockets over and the old one goes when its clients have gone. SUSPEND and RESUME."""
import os
import signal
import subprocess
import time
from pathlib import Path

import launch
import psycopg
import pytest
from endpoint import USERS, Endpoint, failure, one
from launch import PROXY, eventually
from test_cancel import in_background, sleeping

pytestmark = pytest.mark.pgswitch


@pytest.fixture
def folder(place):
    """For the Unix socket; the process itself must reach it, and so must we."""
    path = launch.make_folder(place / f"sockets-{time.monotonic_ns()}")
    path.chmod(0o755)
    place.chmod(0o755)
    return path


@pytest.fixture
def restart(make_pooler, folder):
    """(pooler, successor): a running process, and a function that starts another one with -R and the same file."""
    started = []
    pooler = make_pooler(unix_socket_dir=folder, unix_socket_mode="0777", pidfile=folder / "pid", pool_mode="transaction",
                         default_pool_size=20)
    pooler.start()

    def successor():
        log = pooler.folder / f"log-{len(started)}"
        program = launch.reachable_copy(PROXY, pooler.folder)
        process = launch.spawn([program, "-R", pooler.ini], log)
        started.append(process)
        eventually(lambda: "process up" in log.read_text() or process.poll() is not None, 20, "the successor is up")
        return process, log
    yield pooler, successor
    for process in started:
        launch.stop(process, signal.SIGQUIT, patience=5)
    pooler.stop()


def pid_in(path):
    return int(path.read_text())


def test_a_successor_takes_over_and_nobody_is_refused(restart, folder):
    pooler, successor = restart
    endpoint = Endpoint(pooler.port)
    refused, stop = [], []

    def knock():
        """Comes and goes all the time, over TCP and over the Unix socket."""
        count = 0
        while not stop:
            for host in ("127.0.0.1", str(folder)):
                try:
                    with Endpoint(pooler.port, host=host).connect() as connection:
                        count += one(connection, "SELECT 1")
                except psycopg.Error as error:
                    refused.append(str(error))
        return count
    knocking = in_background(knock)
    with endpoint.connect() as staying:
        staying.execute("BEGIN")
        assert one(staying, "SELECT 1") == 1
        process, log = successor()
        assert process.poll() is None, log.read_text()
        assert pid_in(folder / "pid") == process.pid
        assert "took the listening sockets over" in log.read_text()
        eventually(lambda: "waiting for" in pooler.log_text() or "SHUTDOWN" in pooler.log_text(), what="the old one was told")
        # Who was there is served on, in the transaction that was open.
        assert one(staying, "SELECT 2") == 2
        staying.execute("COMMIT")
        assert not pooler.has_ended()
        eventually(lambda: "login attempt" in log.read_text(), what="new clients come to the new one")
    assert pooler.wait(15) == 0
    stop.append(True)
    assert knocking() > 0 and refused == []
    # What the old one left behind: nothing of the new one's.
    assert pid_in(folder / "pid") == process.pid
    for host in ("127.0.0.1", str(folder)):
        with Endpoint(pooler.port, host=host).connect() as connection:
            assert one(connection, "SELECT 1") == 1
    process.send_signal(signal.SIGINT)
    assert process.wait(15) == 0
    assert not (folder / "pid").exists() and not (folder / f".s.PGSQL.{pooler.port}").exists()


@pytest.mark.parametrize("successors", (1, 2))
def test_a_client_of_the_old_process_can_cancel_through_the_new_one(restart, folder, oltp, successors):
    pooler, successor = restart
    with Endpoint(pooler.port).connect() as connection:
        assert one(connection, "SELECT 1") == 1
        for _ in range(successors):
            process, log = successor()
            assert process.poll() is None, log.read_text()
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="the query runs")
        connection.cancel()
        assert error().sqlstate == "57014"
        assert one(connection, "SELECT 2") == 2
    assert pooler.wait(15) == 0
    with Endpoint(pooler.port).connect() as connection:
        error = in_background(lambda: failure(connection, "SELECT pg_sleep(60)"))
        eventually(lambda: sleeping(oltp) == 1, what="a query of the new one runs")
        connection.cancel()
        assert error().sqlstate == "57014"
    eventually(lambda: [path.name for path in folder.glob(".s.PGSQL.*")] == [f".s.PGSQL.{pooler.port}"], what="no socket is left over")


def test_a_successor_can_be_replaced_too(restart, folder):
    pooler, successor = restart
    first, _ = successor()
    assert pooler.wait(15) == 0
    second, log = successor()
    assert first.wait(15) == 0 and second.poll() is None, log.read_text()
    with Endpoint(pooler.port).connect() as connection:
        assert one(connection, "SELECT 1") == 1
    assert pid_in(folder / "pid") == second.pid


def test_a_daemon_takes_over(restart, folder):
    pooler, _ = restart
    program = launch.reachable_copy(PROXY, pooler.folder)
    done = subprocess.run([str(program), "-d", "-R", str(pooler.ini)], capture_output=True, text=True, timeout=30, cwd="/", **launch.as_runner())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    old = pooler.pid
    eventually(lambda: pid_in(folder / "pid") != old, what="the daemon has taken over")
    daemon = pid_in(folder / "pid")
    try:
        assert pooler.wait(15) == 0
        with Endpoint(pooler.port).connect() as connection:
            assert one(connection, "SELECT 1") == 1
    finally:
        os.kill(daemon, signal.SIGINT)
    eventually(lambda: not (folder / "pid").exists(), what="it has ended")


def test_with_nobody_to_replace_it_starts_as_usual(make_pooler, folder):
    pooler = make_pooler(unix_socket_dir=folder)
    log = pooler.folder / "log-r"
    process = launch.spawn([launch.reachable_copy(PROXY, pooler.folder), "-R", pooler.ini], log)
    try:
        eventually(lambda: "process up" in log.read_text(), what="it runs")
        assert "old process not found" in log.read_text()
    finally:
        launch.stop(process, signal.SIGQUIT)


def test_a_successor_that_cannot_start_leaves_the_old_one_as_it_was(restart, folder):
    pooler, successor = restart
    rules = pooler.settings["rules_file"]
    good = rules.read_text()
    launch.write_file(rules, "function route(stmt session)\nend\n")
    process, log = successor()
    assert process.wait(10) == 1, log.read_text()
    launch.write_file(rules, good)
    assert pid_in(folder / "pid") == pooler.pid
    for host in ("127.0.0.1", str(folder)):
        with Endpoint(pooler.port, host=host).connect() as connection:
            assert one(connection, "SELECT 1") == 1
    # It ends as if nobody had asked for its sockets.
    eventually(lambda: "who was given the listening sockets is gone" in pooler.log_text(), what="they are taken back")
    eventually(lambda: [path.name for path in folder.glob(".s.PGSQL.*")] == [f".s.PGSQL.{pooler.port}"], what="the socket beside it is gone")
    pooler.signal(signal.SIGINT)
    assert pooler.wait(15) == 0 and list(folder.glob(".s.PGSQL.*")) == []


def test_pgbouncer_is_not_taken_over(make_pooler, folder):
    old = make_pooler(program="/usr/sbin/pgbouncer", unix_socket_dir=folder, rules=None)
    old.start()
    try:
        log = old.folder / "log-r"
        process = launch.spawn([launch.reachable_copy(PROXY, old.folder), "-R", old.ini], log)
        assert process.wait(20) == 1
        assert "it is no pgswitch; give both so_reuseport = 1" in log.read_text()
        with Endpoint(old.port).connect() as connection:
            assert one(connection, "SELECT 1") == 1
    finally:
        old.stop()


def test_without_a_unix_socket_there_is_no_takeover(make_pooler):
    pooler = make_pooler(unix_socket_dir="")
    log = pooler.folder / "log-r"
    process = launch.spawn([launch.reachable_copy(PROXY, pooler.folder), "-R", pooler.ini], log)
    assert process.wait(20) == 1 and "cannot reboot if unix dir not configured" in log.read_text()


def test_a_process_that_is_leaving_is_not_taken_over(restart):
    pooler, successor = restart
    with Endpoint(pooler.port).connect() as connection:
        one(connection, "SELECT 1")
        pooler.signal(signal.SIGTERM)
        eventually(lambda: not launch.accepts(pooler.port), what="it leaves")
        process, log = successor()
        assert process.wait(10) == 1 and "pooler is shutting down" in log.read_text()
        assert one(connection, "SELECT 1") == 1


def test_show_fds_tells_admins_and_gives_nothing_over_tcp(start_proxy):
    proxy = start_proxy(stats_users="app")
    assert proxy.console("SHOW FDS") == []
    with proxy.connect(user="app", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor) as console:
        assert "admin access needed" in str(failure(console, "SHOW FDS"))
    # It has given nothing away: SIGTERM leaves the socket to nobody.
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1


# SUSPEND

def open_console(proxy):
    return proxy.connect(user="admin", dbname="pgbouncer", cursor_factory=psycopg.ClientCursor)


def state(console):
    return {row[0]: row[1] for row in console.execute("SHOW STATE").fetchall()}


@pytest.mark.parametrize("workers", (1, 2))
def test_suspend_stops_everything_and_resume_goes_on(start_proxy, oltp, workers):
    proxy = start_proxy(pool_mode="transaction", workers=workers)
    with open_console(proxy) as console, proxy.many(4) as connections:
        assert [one(c, "SELECT 1") for c in connections] == [1] * 4
        console.execute("SUSPEND")
        assert (state(console)["suspended"], state(console)["active"]) == ("yes", "no")
        answers = [in_background(lambda c=c, n=n: one(c, f"INSERT INTO written (what) VALUES ('{n}') RETURNING what"))
                   for n, c in enumerate(connections)]
        newcomer = in_background(lambda: one(proxy.connect(), "SELECT 5"))
        eventually(lambda: console.execute("SHOW CLIENTS").fetchall(), what="the console answers")
        assert oltp.sql("SELECT count(*) FROM written", "app") == "0"
        assert "already suspended/paused" in str(failure(console, "SUSPEND"))
        assert "already suspended/paused" in str(failure(console, "PAUSE"))
        console.execute("RESUME")
        assert [answer() for answer in answers] == ["0", "1", "2", "3"] and newcomer() == 5
        assert state(console)["suspended"] == "no"
        assert "not paused/suspended" in str(failure(console, "RESUME"))


def test_suspending_again_and_again_costs_no_transaction(start_proxy):
    proxy = start_proxy(pool_mode="transaction", workers=2)
    environment = {**os.environ, "PGPASSWORD": USERS["app"], "PGSSLMODE": "disable"}
    script = launch.write_file(proxy.pooler.folder / "select.sql", "SELECT 1;\n", 0o644)
    command = ["/usr/lib/postgresql/15/bin/pgbench", "-h", "127.0.0.1", "-p", str(proxy.port), "-U", "app", "-n", "-c", "8", "-t", "300",
               "-f", str(script)]
    with open_console(proxy) as console:
        runs = [subprocess.Popen([*command, "-M", mode, "app"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
                for mode in ("simple", "prepared")]
        while any(run.poll() is None for run in runs):
            console.execute("SUSPEND")
            console.execute("RESUME")
    for run in runs:
        assert run.returncode == 0 and "processed: 2400/2400" in run.stdout.read()


def test_what_a_server_answers_while_suspended_comes_after_resume(start_proxy, oltp):
    proxy = start_proxy(pool_mode="transaction")
    with open_console(proxy) as console, proxy.connect() as connection:
        answer = in_background(lambda: one(connection, "SELECT 1 FROM pg_sleep(0.5)"))
        eventually(lambda: oltp.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(0.5)%'"
                                    " AND pid <> pg_backend_pid()") == "1", what="the query runs")
        console.execute("SUSPEND")
        eventually(lambda: oltp.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(0.5)%'"
                                    " AND pid <> pg_backend_pid()") == "0", what="the server has answered")
        console.execute("RESUME")
        assert answer() == 1


def test_it_goes_on_when_the_last_console_leaves(start_proxy):
    proxy = start_proxy(pool_mode="transaction")
    with proxy.connect() as connection:
        assert one(connection, "SELECT 1") == 1
        with open_console(proxy) as console:
            console.execute("SUSPEND")
        assert one(connection, "SELECT 2") == 2
    eventually(lambda: "the last console has left" in proxy.pooler.log_text(), what="it is told")


def test_sigusr2_ends_a_suspend(start_proxy):
    proxy = start_proxy(pool_mode="transaction")
    with proxy.connect() as connection, open_console(proxy) as console:
        console.execute("SUSPEND")
        proxy.pooler.signal(signal.SIGUSR1)
        eventually(lambda: "but already paused/suspended" in proxy.pooler.log_text(), what="SIGUSR1 changes nothing")
        proxy.pooler.signal(signal.SIGUSR2)
        assert one(connection, "SELECT 2") == 2


def test_a_paused_database_cannot_be_suspended(start_proxy):
    proxy = start_proxy(pool_mode="transaction")
    with open_console(proxy) as console:
        console.execute("PAUSE app")
        assert "cannot suspend with paused databases" in str(failure(console, "SUSPEND"))
        console.execute("RESUME app")


def test_who_takes_no_bytes_is_dropped_after_suspend_timeout(start_proxy):
    proxy = start_proxy(pool_mode="transaction", suspend_timeout=1)
    with open_console(proxy) as console, proxy.connect() as good:
        reader = subprocess.Popen(["psql", "-X", "-A", "-t", proxy.url(), "-c", "COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200000)) TO STDOUT"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PGPASSWORD": USERS["app"]})
        reader.stdout.read(1000)  # and no more
        eventually(Standstill(proxy), 30, "bytes wait for the reader, in the kernel and in the proxy")
        console.execute("SUSPEND")
        console.execute("RESUME")
        out, err = reader.communicate(timeout=30)
        assert reader.returncode != 0
        assert one(good, "SELECT 1") == 1
    eventually(lambda: "suspend_timeout" in proxy.pooler.log_text(), what="it is told")


class Standstill:
    """True when as many bytes have waited in the kernel for a client of the proxy's for fifty looks: it takes no more."""

    def __init__(self, proxy):
        self._port, self._last, self._looks = f":{proxy.port:04X}", 0, 0

    def __call__(self):
        lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
        waiting = sum(int(line.split()[4].split(":")[0], 16) for line in lines if line.split()[1].endswith(self._port))
        self._looks = self._looks + 1 if waiting == self._last > 100_000 else 0
        self._last = waiting
        return self._looks >= 50


def test_sigterm_while_suspended_lets_clients_finish(start_proxy):
    proxy = start_proxy(pool_mode="transaction")
    with proxy.connect() as connection, open_console(proxy) as console:
        console.execute("SUSPEND")
        proxy.pooler.signal(signal.SIGTERM)
        assert one(connection, "SELECT 1") == 1
    assert proxy.pooler.wait(15) == 0
