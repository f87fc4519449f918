"""How many connections a pool has and when they come and go, beside Debian's pgbouncer 1.18: reserve, minimum, eviction, databases that are removed."""
import time

import pytest
from endings import hold, refused, told
from endpoint import failure, one
from launch import eventually
from raw import RawClient, error_fields
from test_cancel import in_background

pytestmark = pytest.mark.pgswitch
PGBOUNCER = "/usr/sbin/pgbouncer"


def test_the_reserve_is_used_after_its_timeout(start):
    seen = {}
    for program in (PGBOUNCER, None):
        proxy = start(program=program, default_pool_size=1, reserve_pool_size=1, reserve_pool_timeout=1, query_wait_timeout=20)
        with proxy.many(2) as (holder, waiter):
            hold(holder)
            began = time.monotonic()
            hold(waiter)
            assert time.monotonic() - began >= 0.5
            seen[program] = len(proxy.busy_servers())
        assert "taking connection from reserve_pool" in proxy.pooler.log_text()
    assert set(seen.values()) == {2}


def test_the_oldest_idle_connection_gives_way_to_another_user(start):
    for program in (PGBOUNCER, None):
        proxy = start(program=program, max_db_connections=1)
        with proxy.connect() as first, proxy.connect(user="other") as second:
            one(first, "SELECT 1")
            assert one(second, "SELECT 2") == 2
        assert "evicted" in proxy.pooler.log_text()


def app_of(start):
    return next(line for line in start().pooler.ini.read_text().splitlines() if line.startswith("app = "))[len("app = "):]


def test_a_minimum_of_connections_is_kept(start):
    proxy = start(databases={"app": f"{app_of(start)} min_pool_size=3"})
    with proxy.connect() as connection:
        one(connection, "SELECT 1")
        eventually(lambda: len(proxy.servers(state="idle")) == 3, what="three are kept")


def test_a_pool_that_nobody_needs_is_forgotten(start):
    proxy = start(pool_idle_timeout=1, server_idle_timeout=1)
    with proxy.connect() as connection:
        one(connection, "SELECT 1")
    eventually(lambda: "app" not in {row["database"] for row in proxy.console("SHOW POOLS")}, what="the pool has gone")
    with proxy.connect() as connection:
        assert one(connection, "SELECT 2") == 2


def remove_databases(proxy, *names):
    lines = proxy.pooler.ini.read_text().splitlines(keepends=True)
    proxy.pooler.ini.write_text("".join(line for line in lines if line.split(" =")[0] not in names))
    proxy.console("RELOAD")


@pytest.mark.parametrize("pool_mode", ("session", "transaction"))
@pytest.mark.parametrize("program", (PGBOUNCER, None), ids=("pgbouncer", "pgswitch"))
def test_clients_of_a_removed_database_are_ended_and_no_others(start, oltp, program, pool_mode):
    proxy = start(program=program, pool_mode=pool_mode, workers=2, auth_type="trust", default_pool_size=1,
                  databases={"gone": f"host=127.0.0.1 port={oltp.port} dbname=app"})
    with proxy.connect() as other, proxy.connect(dbname="gone") as holder:
        hold(holder)
        idle = RawClient(proxy.port)
        idle.startup(user="app", database="gone")
        assert idle.read_until(b"Z", b"E")[-1][0] == b"Z"
        waiter = proxy.connect(dbname="gone")
        waits = in_background(lambda: failure(waiter, "SELECT 1"))
        eventually(lambda: [row for row in proxy.console("SHOW POOLS") if row["cl_waiting"]], what="it waits")
        remove_databases(proxy, "gone")
        assert told(waits()) == "database removed"
        fields = error_fields(idle.read_until(b"E")[-1][1])
        assert (fields["S"], fields["M"], fields["C"]) == ("FATAL", "database removed", "08P01" if program else "57P04")
        assert idle.read()[0] is None
        assert told(failure(holder, "SELECT 1")) == "database removed"
        eventually(lambda: not proxy.servers(database="gone"), what="its servers are closed")
        assert one(other, "SELECT 1") == 1
        proxy.pooler.expect_log("dropping database 'gone' as it does not exist anymore")
        assert "no such database" in refused(proxy, dbname="gone")
        waiter.close()
        idle.socket.close()


def test_what_only_the_template_knew_is_removed_with_it_but_not_the_console(start, oltp):
    proxy = start(auth_type="trust", databases={"*": f"host=127.0.0.1 port={oltp.port} dbname=app", "own": f"host=127.0.0.1 port={oltp.port} dbname=app"})
    with proxy.connect(dbname="own") as own, proxy.connect(dbname="any") as of_all, proxy.connect(user="admin", dbname="pgbouncer") as console:
        remove_databases(proxy, "own")
        assert one(own, "SELECT 1") == 1, "the template serves it from now on"
        remove_databases(proxy, "*")
        assert [told(failure(client, "SELECT 1")) for client in (own, of_all)] == ["database removed"] * 2
        assert console.execute("SHOW VERSION").fetchone()


def test_the_first_client_of_a_pool_in_session_mode_takes_one_server(start):
    seen = []
    for program in (PGBOUNCER, None):
        proxy = start(program=program, pool_mode="session")
        with proxy.connect() as connection:
            one(connection, "SELECT 1")
            seen.append([row["state"] for row in proxy.servers(database="app")])
    assert seen == [["active"], ["active"]]
    row, = [row for row in proxy.console("SHOW STATS") if row["database"] == "app"]
    assert row["total_server_assignment_count"] == 1


def test_the_server_that_knew_the_first_clients_settings_is_his_and_comes_clean_to_the_next(start):
    proxy = start(pool_mode="session", default_pool_size=1)
    for options, expected in (("-c work_mem=77kB -c DateStyle=German", ["77kB", "German, DMY"]), ("", ["4MB", "ISO, MDY"])):
        with proxy.connect(options=options) as connection:
            assert [one(connection, f"SHOW {name}") for name in ("work_mem", "DateStyle")] == expected
            connection.execute("SET work_mem = '1MB'")
            connection.execute("RESET work_mem")
            assert one(connection, "SHOW work_mem") == expected[0]
    assert len(proxy.servers(database="app")) == 1
