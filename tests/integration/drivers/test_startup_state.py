"""What pgbouncer gets wrong in front of drivers: start-up settings, what RESET returns to, ParameterStatus, SQLSTATEs of a failed
login, the PID, and settings that reach the next client."""
import asyncio

import asyncpg
import psycopg
import pytest
from endpoint import USERS, failure, one
from launch import eventually
from psycopg.pq import TransactionStatus

# name: what the client starts with, what it sets later
SETTINGS = {
    "search_path": ("private, public", "pg_catalog"), "statement_timeout": ("61s", "62s"), "lock_timeout": ("63s", "64s"),
    "idle_in_transaction_session_timeout": ("65s", "66s"), "DateStyle": ("German", "ISO, YMD"), "TimeZone": ("Asia/Kathmandu", "UTC"),
    "IntervalStyle": ("iso_8601", "sql_standard"), "extra_float_digits": ("2", "0"), "work_mem": ("5MB", "6MB"),
    "application_name": ("begins", "goes on"), "client_min_messages": ("warning", "error"), "bytea_output": ("escape", "hex"),
    "default_transaction_isolation": ("repeatable read", "serializable"), "standard_conforming_strings": ("off", "on"),
    "enable_seqscan": ("off", "on"), "geqo": ("off", "on"), "my.own": ("mine", "other"), "xmloption": ("document", "content")}
REPORTED = ("server_version", "server_encoding", "client_encoding", "application_name", "is_superuser", "session_authorization", "DateStyle",
            "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings", "default_transaction_read_only", "in_hot_standby")
STARTS = (
    {"client_encoding": "utf-8"}, {"client_encoding": "unicode"}, {"client_encoding": "latin-1"}, {"client_encoding": "'iso 8859-1'"},
    {"application_name": "plain"}, {"application_name": "día"}, {"application_name": ""},
    {"options": "-c TimeZone=utc -c DateStyle=german"}, {"options": "-c datestyle=sql,dmy -c intervalstyle=ISO_8601"},
    {"options": "-c DateStyle=german -c DateStyle=iso"}, {"options": "-c DateStyle=dmy --datestyle=sql"}, {"options": "-c TimeZone=utc -c TimeZone=+3"},
    {"options": "-c standard_conforming_strings=0"}, {"options": "-c default_transaction_read_only=yes"},
    {"options": "-c TimeZone=+3"}, {"options": "-cTimeZone=EST5EDT"}, {"options": "--timezone=africa/cairo"},
    {"options": "-c application_name=a\\ b -c extra_float_digits=3"})


def quoted(text):
    return text.replace("\\", "\\\\").replace(" ", "\\ ")


def start_options():
    return " ".join(f"-c {name}={quoted(value)}" for name, (value, _) in SETTINGS.items())


def shown(connection):
    return {name: one(connection, f"SHOW {name}") for name in SETTINGS}


def steps(endpoint):
    """What every setting is, from start-up over SET to each of the ways back."""
    with endpoint.connect(options=start_options(), prepare_threshold=None) as connection:
        seen = [shown(connection)]
        for back in ("RESET", "RESET ALL", "DISCARD ALL", "DEFAULT", "ROLLBACK", "LOCAL"):
            if back in ("ROLLBACK", "LOCAL"):
                connection.execute("BEGIN")
            for name, (_, value) in SETTINGS.items():
                connection.execute(f"SELECT set_config('{name}', %s, {'true' if back == 'LOCAL' else 'false'})", [value])
            seen.append(shown(connection))
            if back == "RESET":
                for name in SETTINGS:
                    connection.execute(f"RESET {name}")
            elif back == "DEFAULT":
                for name in SETTINGS:
                    connection.execute(f"SET {name} TO DEFAULT")
            else:
                connection.execute("COMMIT" if back == "LOCAL" else back)
            seen.append(shown(connection))
        return seen


def test_start_up_settings_hold_and_every_way_back_leads_to_them(proxy, direct):
    assert steps(proxy) == steps(direct)


def told_read_only(endpoint, start):
    with endpoint.connect(options=f"-c default_transaction_read_only={start}", prepare_threshold=None) as connection:
        def after(*statements):
            for statement in statements:
                connection.execute(statement)
            return connection.info.parameter_status("default_transaction_read_only")
        return [after(), after("RESET ALL"), after("SELECT 1"), after("SET default_transaction_read_only = off"),
                after("RESET default_transaction_read_only"), after("SET default_transaction_read_only = on"), after("DISCARD ALL"),
                after("BEGIN", "SET default_transaction_read_only = off"), after("ROLLBACK"), after("BEGIN", "RESET ALL", "ROLLBACK"),
                after("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"), after("BEGIN", "RESET ALL"), after("ROLLBACK"),
                after("SET default_transaction_read_only TO DEFAULT"), after("SELECT count(*) FROM customers")]


@pytest.mark.parametrize("start", ("on", "off", "yes"))
def test_what_a_client_is_told_of_read_only_transactions_is_so_behind_a_reset_too(proxy, direct, start):
    assert told_read_only(proxy, start) == told_read_only(direct, start)


@pytest.mark.pgswitch
def test_start_up_settings_hold_on_every_server_of_every_route(transaction_proxy):
    with transaction_proxy.connect(options=start_options()) as mine, transaction_proxy.many(4) as others:
        wanted = shown(mine)
        for round_ in range(4):
            for other in others[:round_]:
                other.execute("BEGIN")
                other.execute("SELECT 1")
            for table in ("sales", "customers", "events"):
                for name, value in wanted.items():
                    assert one(mine, f"SELECT current_setting('{name}') FROM public.{table} LIMIT 1") == value
            for other in others[:round_]:
                other.execute("COMMIT")


@pytest.mark.parametrize("start", STARTS, ids=str)
def test_parameters_are_reported_as_the_server_writes_them(proxy, direct, start):
    def reported(endpoint):
        with endpoint.connect(**start) as connection:
            before = {name: connection.info.parameter_status(name) for name in REPORTED}
            connection.execute("SELECT 1")
            return before, {name: connection.info.parameter_status(name) for name in REPORTED}
    assert reported(proxy) == reported(direct)


BAD_STARTS = ({"options": "-c no_such_setting=1"}, {"options": "-c work_mem=much"}, {"options": "-c max_connections=5"},
              {"options": "-c\\ work_mem=5MB"}, {"options": "-c work_mem=much -c work_mem=5MB"}, {"client_encoding": "no_such"}, {"options": "-c TimeZone=No/Where"}, {"options": "-c session_replication_role=replica"})


@pytest.mark.parametrize("start", BAD_STARTS, ids=str)
def test_a_start_up_setting_that_the_server_refuses_is_refused(proxy, direct, start):
    def refusal(endpoint):
        with pytest.raises(psycopg.OperationalError) as refused:
            endpoint.connect(**start)
        return str(refused.value).partition("failed: ")[2]
    assert refusal(proxy) == refusal(direct)


def test_settings_of_the_role_are_where_reset_returns_to(proxy, direct, oltp):
    oltp.sql("ALTER ROLE md5user SET work_mem = '7MB'; ALTER ROLE md5user IN DATABASE app SET TimeZone = 'Africa/Cairo'")
    try:
        def seen(endpoint):
            with endpoint.connect(user="md5user", options="-c lock_timeout=9s") as connection:
                values = []
                for step in ("SELECT 1", "SET work_mem = '8MB'", "RESET work_mem", "SET TimeZone = 'UTC'", "RESET ALL", "DISCARD ALL"):
                    connection.execute(step)
                    values.append([one(connection, f"SHOW {name}") for name in ("work_mem", "TimeZone", "lock_timeout")])
                return values, connection.info.parameter_status("TimeZone")
        assert seen(proxy) == seen(direct)
    finally:
        oltp.sql("ALTER ROLE md5user RESET ALL; ALTER ROLE md5user IN DATABASE app RESET ALL")


LOGINS = (({"password": "wrong"}, "28P01"), ({"user": "md5user", "password": "wrong"}, "28P01"),
          ({"user": "nobody_of_this_name", "password": "x"}, "28P01"), ({"database": "no_such_database"}, "3D000"))


@pytest.mark.parametrize("login,sqlstate", LOGINS, ids=str)
def test_a_failed_login_has_the_servers_sqlstate(proxy, direct, login, sqlstate):
    def code(endpoint):
        async def attempt():
            await asyncpg.connect(**{"host": endpoint.host, "port": endpoint.port, "user": "app", "password": USERS["app"], "database": "app",
                                     "ssl": "require" if endpoint.tls else "disable", **login})
        with pytest.raises(asyncpg.PostgresError) as refused:
            asyncio.run(attempt())
        return refused.value.sqlstate, refused.value.severity
    assert code(direct) == (sqlstate, "FATAL")
    assert code(proxy) == (sqlstate, "FATAL")


def test_the_pid_of_a_session_ends_it(session_proxy):
    with session_proxy.connect() as victim, session_proxy.connect() as other:
        assert one(victim, "SELECT pg_backend_pid()") == victim.info.backend_pid
        assert one(other, "SELECT pg_terminate_backend(%s)", [victim.info.backend_pid]) is True
        assert failure(victim, "SELECT 1").sqlstate in ("57P01", None)
        eventually(lambda: victim.info.transaction_status == TransactionStatus.UNKNOWN)
        assert one(other, "SELECT 'goes on'") == "goes on"


# Settings any user may change, and for texts what to change them to. The rest is left out for what it does to the test itself.
CHANGEABLE = """
SELECT name, vartype, setting, min_val, max_val, enumvals, unit FROM pg_settings
WHERE context = 'user' AND name NOT IN ('client_encoding', 'role', 'session_authorization', 'seed', 'transaction_isolation',
  'transaction_read_only', 'transaction_deferrable', 'is_superuser', 'default_transaction_read_only', 'ssl_renegotiation_limit',
  'local_preload_libraries', 'exit_on_error', 'tcp_keepalives_idle', 'tcp_keepalives_interval', 'tcp_keepalives_count', 'default_table_access_method', 'force_parallel_mode', 'in_hot_standby')
ORDER BY name"""
TEXTS = {"search_path": "private, public", "application_name": "leaks", "DateStyle": "SQL, DMY", "TimeZone": "Asia/Kathmandu",
         "default_text_search_config": "pg_catalog.german", "lc_messages": "C", "lc_monetary": "POSIX", "lc_numeric": "POSIX",
         "lc_time": "POSIX", "timezone_abbreviations": "Australia"}


def another_value(name, vartype, setting, least, most, choices, unit):
    """A value of the setting that it does not have, or None."""
    if vartype == "bool":
        return "off" if setting == "on" else "on"
    if vartype == "enum":
        return next(choice for choice in choices if choice != setting)
    if vartype == "string":
        return TEXTS.get(name)
    if unit in ("ms", "s"):
        return str(min(float(most), 600000.0)).removesuffix(".0")  # timeouts that the test does not meet
    return next((text for text in (least, most) if text != setting and float(text) >= 0), None)


def changes(connection):
    rows = connection.execute(CHANGEABLE).fetchall()
    wanted = {row[0]: value for row in rows if (value := another_value(*row)) is not None}
    return {**wanted, "my.own": "mine"}


def all_settings(connection):
    rows = dict(connection.execute("SELECT name, setting FROM pg_settings ORDER BY name").fetchall())
    return {**rows, "my.own": one(connection, "SELECT current_setting('my.own', true)") or None}


def change_all(connection, wanted):
    for number, (name, value) in enumerate(wanted.items()):
        if number % 2:
            connection.execute(f"SELECT set_config('{name}', '{value}', false)")
        else:
            connection.execute(f"SET {name} = '{value}'")


@pytest.mark.pgswitch
def test_no_setting_reaches_the_other_clients_of_a_server(start_proxy):
    proxy = start_proxy(pool_mode="transaction", default_pool_size=1)
    with proxy.connect() as other, proxy.connect() as mine:
        before = all_settings(other)
        wanted = changes(other)
        assert len(wanted) > 100
        change_all(mine, wanted)
        for _ in range(2):
            assert all_settings(other) == before
            now = all_settings(mine)
            assert [name for name in wanted if now[name] == before[name]] == []
            for connection, value in ((other, ""), (mine, "mine"), (other, "")):
                assert (one(connection, "SELECT current_setting('my.own', true) FROM public.sales LIMIT 1") or "") == value
        with proxy.connect() as third:
            assert all_settings(third) == before
    with proxy.connect() as later:
        assert all_settings(later) == before


@pytest.mark.pgswitch
def test_no_setting_of_a_session_reaches_the_next_session_on_its_server(start_proxy):
    proxy = start_proxy(pool_mode="session", default_pool_size=1)
    with proxy.connect() as first:
        before = all_settings(first)
        change_all(first, changes(first))
    with proxy.connect() as second:
        assert all_settings(second) == before


@pytest.mark.pgswitch
def test_a_role_reaches_nobody_else(start_proxy, oltp):
    oltp.sql("GRANT other TO app")
    try:
        proxy = start_proxy(pool_mode="transaction", default_pool_size=1)
        with proxy.connect() as mine, proxy.connect() as other:
            for _ in range(3):
                mine.execute("SET ROLE other")
                assert one(other, "SELECT current_user") == "app"
                assert one(mine, "SELECT current_user") == "other"
                mine.execute("BEGIN")
                mine.execute("SET LOCAL ROLE app")
                mine.execute("COMMIT")
                assert one(mine, "SELECT current_user") == "other"
                mine.execute("RESET ROLE")
                assert one(mine, "SELECT current_user") == "app"
    finally:
        oltp.sql("REVOKE other FROM app")
