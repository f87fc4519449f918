"""Replication connections, physical and logical, with PostgreSQL's own programs: each has a server connection of its own, within the pool's limits."""
import os
import subprocess
from pathlib import Path

import psycopg
import pytest
from cluster import BIN, Cluster
from endpoint import USERS, one
from launch import as_runner, eventually, make_folder
from raw import RawClient, error_fields

pytestmark = pytest.mark.pgswitch
HBA = "local all all trust\nhost replication all 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 scram-sha-256\n"
ROLES = """
CREATE ROLE app LOGIN REPLICATION PASSWORD 'app-secret';
CREATE ROLE other LOGIN PASSWORD 'other-secret';
CREATE DATABASE app OWNER app;
"""


@pytest.fixture(scope="module")
def primary(place):
    settings = {"wal_level": "logical", "max_wal_senders": "10", "max_replication_slots": "10"}
    with Cluster(place / "primary", "primary", settings) as cluster:
        (cluster.data / "pg_hba.conf").write_text(HBA)
        cluster.sql(ROLES + "SELECT pg_reload_conf();")
        cluster.sql("CREATE TABLE written (a integer); GRANT ALL ON written TO app;", "app")
        yield cluster


@pytest.fixture
def make(start_proxy, primary):
    def make(keys="", **settings):
        entry = f"host=127.0.0.1 port={primary.port} dbname=app {keys}"
        return start_proxy(rules=None, databases={"app": entry, "*": f"host=127.0.0.1 port={primary.port}"}, **{"pool_mode": "transaction", **settings})
    return make


@pytest.fixture(params=({"workers": 1}, {"workers": 2, "pool_mode": "session"}, {"workers": 2, "tls": True}), ids=("1-worker", "session", "tls"))
def proxy(request, make):
    tls = {"server_tls_sslmode": "prefer"} if request.param.get("tls") else {}
    return make(**request.param, **tls)


def environment(proxy, user="app"):
    return dict(os.environ, HOME="/", PGPASSWORD=USERS[user], PGSSLMODE="require" if proxy.tls else "disable", PGUSER=user, PGHOST=proxy.host,
                PGPORT=str(proxy.port))


def run(proxy, program, *arguments, **more):
    return subprocess.run([BIN / program, *map(str, arguments)], env=environment(proxy, **more), capture_output=True, text=True, timeout=120,
                          cwd="/", **as_runner())


def begin(proxy, program, *arguments):
    return subprocess.Popen([BIN / program, *map(str, arguments)], env=environment(proxy), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                            text=True, cwd="/", **as_runner())


def end(process):
    process.terminate()
    process.wait(20)
    process.stderr.close()


@pytest.fixture
def folder(tmp_path_factory, place):
    return make_folder(place / f"replica-{len(list(place.iterdir()))}")


def test_pg_basebackup_makes_a_copy_that_is_right(proxy, folder):
    done = run(proxy, "pg_basebackup", "-D", folder / "copy", "-X", "stream", "-c", "fast", "-d", "dbname=app")
    assert done.returncode == 0, done.stderr
    verified = run(proxy, "pg_verifybackup", folder / "copy")
    assert verified.returncode == 0, verified.stderr
    eventually(lambda: not [row for row in proxy.console("SHOW SERVERS") if row["replication"] != "none"], what="its connections are closed")


def test_pg_receivewal_gets_the_wal(proxy, primary, folder):
    receiver = begin(proxy, "pg_receivewal", "-D", folder, "-d", "dbname=app", "--synchronous")
    try:
        eventually(lambda: [row for row in proxy.console("SHOW CLIENTS") if row["replication"] == "physical"], 20, "it is connected")
        primary.sql("SELECT pg_switch_wal(); INSERT INTO written VALUES (1); SELECT pg_switch_wal();", "app")
        eventually(lambda: [path for path in folder.iterdir() if not path.name.endswith("partial")], 20, "a segment is here")
    finally:
        end(receiver)


def test_pg_recvlogical_gets_the_changes(proxy, primary, folder):
    slot = ("-d", "app", "--slot", "through")
    assert run(proxy, "pg_recvlogical", *slot, "--create-slot", "--plugin", "test_decoding").returncode == 0
    changes = Path(folder) / "changes"
    receiver = begin(proxy, "pg_recvlogical", *slot, "--start", "-f", changes, "--fsync-interval", "0", "--status-interval", "1")
    try:
        client, = eventually(lambda: [row for row in proxy.console("SHOW CLIENTS") if row["replication"] == "logical"], 20, "it is connected")
        server, = [row for row in proxy.console("SHOW SERVERS") if row["replication"] == "logical"]
        assert (client["link"], server["link"]) == (server["ptr"], client["ptr"])
        with proxy.connect() as connection:
            connection.execute("INSERT INTO written VALUES (4711)")
        eventually(lambda: changes.exists() and "4711" in changes.read_text(), 20, "the change is here")
        assert proxy.pooler.log_text().count("replication=database") >= 2
    finally:
        end(receiver)
        eventually(lambda: primary.sql("SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'through'") == "t", 20, "it is free")
        assert run(proxy, "pg_recvlogical", *slot, "--drop-slot").returncode == 0


@pytest.mark.parametrize("value", ("true", "on", "yes", "1", "database"))
def test_every_spelling_is_understood_and_commands_are_answered(make, value):
    proxy = make(auth_type="trust")
    with RawConnection(proxy, replication=value, application_name="named") as client:
        answer = client.query(b"IDENTIFY_SYSTEM")
        assert [kind for kind, _ in answer] == [b"T", b"D", b"C", b"Z"]
        assert {row["application_name"] for row in proxy.console("SHOW CLIENTS") if row["replication"] != "none"} == {"named"}
        sql = client.query(b"SELECT current_setting('application_name')")
        assert (b"named" in sql[1][1]) == (value == "database"), "SQL needs a database"
    eventually(lambda: not proxy.busy_servers(), what="its connection is closed, not kept")


@pytest.mark.parametrize("value", ("false", "off", "0"))
def test_no_replication_is_an_ordinary_session(make, value):
    proxy = make(auth_type="trust")
    with RawConnection(proxy, replication=value) as client:
        assert [kind for kind, _ in client.query(b"SELECT 1")] == [b"T", b"D", b"C", b"Z"]
        assert {row["replication"] for row in proxy.console("SHOW CLIENTS")} == {"none"}


class RawConnection:
    def __init__(self, proxy, **parameters):
        self.client = RawClient(proxy.port)
        self.client.startup(user="app", database="app", **parameters)
        self.welcome = self.client.read_until(b"Z", b"E")

    def query(self, text):
        self.client.message(b"Q", text + b"\0")
        return self.client.read_until(b"Z")

    def __enter__(self):
        assert self.welcome[-1][0] == b"Z", self.welcome
        return self

    def __exit__(self, *_):
        self.client.socket.close()


def test_who_may_not_replicate_is_told_by_the_server(make, folder):
    done = run(make(), "pg_basebackup", "-D", folder / "copy", "-d", "dbname=app", user="other")
    assert done.returncode != 0 and "must be superuser or replication role to start walsender" in done.stderr


def test_a_wrong_password_is_refused(make):
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        make().connect(password="wrong", replication="database")


def test_options_reach_the_server(make):
    proxy = make(auth_type="trust")
    with RawConnection(proxy, replication="database", options="-c work_mem=77kB -c geqo=off") as client:
        assert b"77kB" in client.query(b"SHOW work_mem")[1][1]


def test_it_counts_in_the_pools_limit_and_waits_for_room(make):
    proxy = make(auth_type="trust", default_pool_size=1, query_wait_timeout=1)
    with proxy.connect() as connection:
        one(connection, "SELECT 1")  # its server is idle, and gives way
        with RawConnection(proxy, replication="database"):
            row, = [row for row in proxy.console("SHOW POOLS") if row["database"] == "app"]
            assert (row["sv_active"], row["sv_idle"], row["cl_active"]) == (1, 0, 2)
            with pytest.raises(psycopg.OperationalError, match="query_wait_timeout"):
                connection.execute("SELECT 1")
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        one(connection, "SELECT 1")
        waiting = RawClient(proxy.port)
        waiting.startup(user="app", database="app", replication="true")
        kind, body = waiting.read_until(b"E")[-1]
        assert (kind, error_fields(body)["M"]) == (b"E", "query_wait_timeout")


def test_limits_on_clients_hold(make):
    proxy = make(auth_type="trust", max_db_client_connections=1)
    with RawConnection(proxy, replication="true"):
        refused = RawConnection(proxy, replication="true")
        assert error_fields(refused.welcome[-1][1])["M"] == "client connections exceeded (max_db_client_connections)"


def test_an_administrator_can_end_it(make):
    proxy = make(auth_type="trust")
    with RawConnection(proxy, replication="database") as client:
        proxy.console("KILL app")
        kind, body = client.client.read()
        assert (kind, error_fields(body)["M"]) == (b"E", "admin forced disconnect")
        assert proxy.servers() == []
        proxy.console("RESUME app")
    with RawConnection(proxy, replication="database") as client:
        number, = [row["id"] for row in proxy.console("SHOW CLIENTS") if row["replication"] == "logical"]
        proxy.console(f"KILL_CLIENT {number}")
        assert client.client.read()[0] == b"E"
    eventually(lambda: not proxy.busy_servers(), what="its connection is closed")


@pytest.mark.parametrize("why, text", (("RECONNECT", "database configuration changed"), ("moved", "database configuration changed"),
                                       ("removed", "database removed")))
def test_its_walsender_is_given_up_at_once_when_it_is_the_wrong_one(make, why, text):
    proxy = make(auth_type="trust", workers=2)
    with RawConnection(proxy, replication="database") as client:
        ini = proxy.pooler.ini.read_text()
        if why == "moved":
            proxy.pooler.ini.write_text(ini.replace("host=127.0.0.1", "host=localhost"))
        elif why == "removed":
            proxy.pooler.ini.write_text("".join(line for line in ini.splitlines(keepends=True) if not line.startswith(("app =", "* ="))))
        proxy.console("RECONNECT app" if why == "RECONNECT" else "RELOAD")
        kind, body = client.client.read()
        assert (kind, error_fields(body)["M"], client.client.read()[0]) == (b"E", text, None)
        proxy.console("WAIT_CLOSE")
        assert proxy.servers() == []
    if why != "removed":
        with RawConnection(proxy, replication="database") as client:
            assert client.query(b"IDENTIFY_SYSTEM")[-1][0] == b"Z"


def test_a_walsender_that_ends_ends_the_client(make, primary):
    proxy = make(auth_type="trust")
    with RawConnection(proxy, replication="database") as client:
        primary.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_replication; SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE backend_type = 'walsender'")
        kind, body = client.client.read()
        assert (kind, error_fields(body)["C"]) == (b"E", "57P01")
        assert client.client.read()[0] is None


def test_sigterm_waits_for_it_and_a_second_one_does_not(make):
    proxy = make(auth_type="trust")
    with RawConnection(proxy, replication="database") as client:
        proxy.console("SHUTDOWN WAIT_FOR_CLIENTS")
        assert client.query(b"SHOW server_version")[-1][0] == b"Z"
        assert not proxy.pooler.has_ended()
    assert proxy.pooler.wait(15) == 0
