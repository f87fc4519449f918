"""What a client set is its own, on every server it is given, and nobody else's."""
import re

import psycopg
import pytest
from endpoint import USERS, failure, one
from launch import eventually
from messages import SYNC, bind, execute, parse, query
from raw import RawClient


def show(connection, name):
    return one(connection, f"SELECT current_setting('{name}')")


SETTINGS = (("search_path", "private, public"), ("statement_timeout", "12345ms"), ("TimeZone", "Asia/Kathmandu"),
            ("DateStyle", "SQL, DMY"), ("work_mem", "5MB"), ("application_name", "my \"name\" 'x'"), ("my.own", "v"),
            ("default_transaction_read_only", "on"))


@pytest.mark.pgswitch
@pytest.mark.parametrize("name,value", SETTINGS)
def test_a_setting_follows_its_client_over_all_servers_and_reaches_nobody_else(transaction_proxy, name, value):
    with transaction_proxy.many(8) as clients:
        before = [one(clients[1], f"SELECT current_setting('{name}', true)")]
        clients[0].execute("SELECT set_config(%s, %s, false)", [name, value])
        mine = show(clients[0], name)
        for round_ in range(3):
            held = clients[2:7]
            for other in held[:round_ + 1]:
                other.execute("BEGIN")
                assert (one(other, f"SELECT current_setting('{name}', true)") or None) in (before[0], None)
            assert show(clients[0], name) == mine
            for other in held[:round_ + 1]:
                other.execute("COMMIT")
        assert (one(clients[1], f"SELECT current_setting('{name}', true)") or None) in (before[0], None)


@pytest.mark.pgswitch
def test_a_setting_of_a_portal_that_is_left_behind_its_first_row_reaches_nobody_else(start_proxy):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)
    with RawClient(proxy.port) as client, proxy.connect() as other:
        client.login("app", USERS["app"], database="app")
        client.send(parse("SELECT set_config('work_mem', '7MB', false)") + bind() + execute(rows=1) + SYNC)
        client.read_until(b"Z")
        assert show(other, "work_mem") == "4MB"
        client.send(query("SHOW work_mem"))
        assert b"7MB" in dict(client.read_until(b"Z"))[b"D"]


@pytest.mark.pgswitch
@pytest.mark.parametrize("run", ("SELECT query_to_xml({}, true, false, '')", "SELECT * FROM ts_stat({})"))
def test_what_a_text_inside_a_statement_leaves_behind_reaches_nobody_else(start_proxy, run):
    proxy = start_proxy(auth_type="trust", pool_mode="transaction", default_pool_size=1)
    text = "$$SELECT to_tsvector(set_config('work_mem', '7MB', false)) FROM (SELECT pg_advisory_lock(7)) AS locked$$"
    with proxy.connect() as client, proxy.connect() as other:
        client.execute(run.format(text))
        assert show(other, "work_mem") == "4MB"
        assert one(other, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0


@pytest.mark.pgswitch
def test_search_path_decides_what_a_name_means_for_its_client_only(transaction_proxy):
    with transaction_proxy.connect() as mine, transaction_proxy.connect() as other:
        mine.execute("SET search_path = private")
        for _ in range(5):
            assert one(mine, "SELECT note FROM hidden") == "in the schema private"
            assert failure(other, "SELECT note FROM hidden").sqlstate == "42P01"


def test_reset_goes_back_to_what_the_client_started_with(proxy):
    with proxy.connect(options="-c DateStyle=German") as connection:
        connection.execute("SET DateStyle = 'ISO'")
        assert show(connection, "DateStyle").startswith("ISO")
        connection.execute("RESET DateStyle")
        assert show(connection, "DateStyle").startswith("German")
        connection.execute("SET DateStyle = 'ISO'")
        connection.execute("RESET ALL")
        assert show(connection, "DateStyle").startswith("German")
        connection.execute("SET DateStyle = 'ISO'")
        connection.execute("DISCARD ALL")
        assert show(connection, "DateStyle").startswith("German")


def test_a_rolled_back_set_is_undone(proxy):
    with proxy.connect() as connection:
        connection.execute("SET work_mem = '6MB'")
        connection.execute("BEGIN")
        connection.execute("SET work_mem = '7MB'")
        assert show(connection, "work_mem") == "7MB"
        connection.execute("ROLLBACK")
        assert show(connection, "work_mem") == "6MB"


def test_set_local_ends_with_the_transaction(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("SET LOCAL work_mem = '7MB'")
        assert show(connection, "work_mem") == "7MB"
        connection.execute("COMMIT")
        assert show(connection, "work_mem") == "4MB"


def test_a_set_that_fails_changes_nothing(proxy):
    with proxy.connect() as connection:
        connection.execute("SET work_mem = '6MB'")
        assert failure(connection, "SET work_mem = 'much'").sqlstate == "22023"
        assert show(connection, "work_mem") == "6MB"


def test_startup_options_hold_for_the_whole_connection(proxy):
    with proxy.connect(options="-c statement_timeout=4321 -c search_path=private") as connection:
        for _ in range(3):
            assert show(connection, "statement_timeout") == "4321ms"
            assert one(connection, "SELECT note FROM hidden") == "in the schema private"


@pytest.mark.pgswitch
def test_settings_hold_on_both_routes(proxy):
    with proxy.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Kathmandu'")
        for table in ("customers", "sales", "events", "customers"):
            assert one(connection, f"SELECT current_setting('TimeZone') FROM {table} LIMIT 1") == "Asia/Kathmandu"


def test_a_temporary_table_stays_reachable(proxy):
    with proxy.connect() as connection, proxy.many(3) as others:
        connection.execute("CREATE TEMP TABLE mine (a int)")
        for i in range(10):
            connection.execute("INSERT INTO mine VALUES (%s)", [i])
            one(others[i % 3], "SELECT 1")
        assert one(connection, "SELECT sum(a) FROM mine") == 45
        assert failure(others[0], "SELECT * FROM mine").sqlstate == "42P01"


def test_a_temporary_table_is_gone_with_its_client(proxy):
    with proxy.connect() as connection:
        connection.execute("CREATE TEMP TABLE mine (a int)")
    with proxy.many(3) as others:
        for other in others:
            assert failure(other, "SELECT * FROM mine").sqlstate == "42P01"


def test_listen_hears_notify_of_another_client(proxy):
    with proxy.connect() as listener, proxy.connect() as other:
        listener.execute("LISTEN news")
        one(other, "SELECT 1")
        other.execute("NOTIFY news, 'something happened'")
        notify = next(listener.notifies())
        assert (notify.channel, notify.payload) == ("news", "something happened")


def test_an_advisory_lock_is_held_until_unlocked(proxy):
    with proxy.connect() as holder, proxy.connect() as other:
        assert one(holder, "SELECT pg_try_advisory_lock(42)") is True
        for _ in range(3):
            assert one(other, "SELECT pg_try_advisory_lock(42)") is False
        assert one(holder, "SELECT pg_advisory_unlock(42)") is True
        assert one(other, "SELECT pg_try_advisory_lock(42)") is True


def test_sql_prepare_and_execute_stay_together(proxy):
    with proxy.connect() as connection, proxy.many(2) as others:
        connection.execute("PREPARE add AS SELECT $1::int + 1")
        for i in range(5):
            one(others[i % 2], "SELECT 1")
            assert one(connection, f"EXECUTE add({i})") == i + 1
        connection.execute("DEALLOCATE add")
        assert failure(connection, "EXECUTE add(1)").sqlstate == "26000"


PINS = (("CREATE TEMP TABLE pinned_by (a int)", "temp"), ("LISTEN news", "listen"), ("SELECT pg_advisory_lock(77)", "advisory"))


@pytest.mark.pgswitch
@pytest.mark.parametrize("sql,reason", PINS)
def test_show_clients_and_the_log_tell_why_a_client_is_pinned(transaction_proxy, sql, reason):
    with transaction_proxy.connect(application_name="pinned one") as connection:
        connection.execute(sql)
        row, = [r for r in transaction_proxy.console("SHOW CLIENTS") if r["application_name"] == "pinned one"]
        assert reason in str(row).lower()
        assert row["link"]
        told = re.compile(rf':{row["port"]} pinned to route "app": .*{reason}')
        eventually(lambda: told.search(transaction_proxy.pooler.log_text()), what="the log tells of it")


@pytest.mark.pgswitch
def test_a_pin_ends_with_its_reason(transaction_proxy):
    with transaction_proxy.connect(application_name="unpinned one") as connection:
        connection.execute("SELECT pg_advisory_lock(78)")
        connection.execute("SELECT pg_advisory_unlock(78)")
        connection.execute("LISTEN news")
        connection.execute("UNLISTEN *")
        row, = [r for r in transaction_proxy.console("SHOW CLIENTS") if r["application_name"] == "unpinned one"]
        assert not row["link"]


def test_discard_all_frees_everything(proxy):
    with proxy.connect() as connection, proxy.connect() as other:
        connection.execute("CREATE TEMP TABLE mine (a int)")
        one(connection, "SELECT pg_advisory_lock(43)")
        connection.execute("DISCARD ALL")
        assert failure(connection, "SELECT * FROM mine").sqlstate == "42P01"
        assert one(other, "SELECT pg_try_advisory_lock(43)") is True
        one(other, "SELECT pg_advisory_unlock(43)")


def test_client_encoding_is_the_clients_own(proxy):
    with proxy.connect(client_encoding="LATIN1") as latin, proxy.connect() as utf8:
        for _ in range(3):
            assert latin.pgconn.parameter_status(b"client_encoding") == b"LATIN1"
            assert latin.pgconn.exec_(b"SELECT 'd\xeda'").get_value(0, 0) == b"d\xeda"
            assert utf8.pgconn.exec_("SELECT 'día'".encode()).get_value(0, 0) == "día".encode()
