"""Settings that one kind of server lacks, in sessions that use both."""
import psycopg
import pytest
from endpoint import failure, one
from stand_in_proxy import databases, stand_in

pytestmark = pytest.mark.pgswitch
RULES = """
function route(stmt, session)
  if stmt:touches("oltp_notes") then return "app" end
  if stmt:touches("notes") then return "dw" end
end
"""


@pytest.fixture(scope="module")
def redshift(analytics, place):
    with stand_in(analytics, place / "stand-in-settings") as started:
        analytics.sql("DROP TABLE IF EXISTS oltp_notes; CREATE TABLE oltp_notes (a int); GRANT ALL ON oltp_notes TO PUBLIC", "app")
        yield started


@pytest.fixture
def both(start_proxy, analytics, redshift):
    return start_proxy(rules=RULES, databases=databases(analytics, redshift), pool_mode="transaction", default_pool_size=2)


@pytest.fixture(params=(psycopg.ClientCursor, psycopg.Cursor), ids=("simple", "extended"))
def cursors(request):
    return request.param


OLTP = "SELECT current_setting('{}') FROM (SELECT 1) x LEFT JOIN oltp_notes ON true"
WAREHOUSE = "SELECT count(*) FROM notes"


@pytest.mark.parametrize("database", ("app", "dw"))
@pytest.mark.parametrize("name,value", (("lock_timeout", "5s"), ("work_mem", "8MB"), ("idle_in_transaction_session_timeout", "1min"), ("extra_float_digits", "3"),
                                        ("standard_conforming_strings", "on"), ("IntervalStyle", "postgres"), ("statement_timeout", "1min")))
def test_a_setting_of_postgresql_is_there_where_it_is_known(both, cursors, database, name, value):
    with both.connect(dbname=database, cursor_factory=cursors) as connection:
        assert connection.execute(f"SET {name} = '{value}'").statusmessage == "SET"
        assert one(connection, WAREHOUSE) == 0
        assert one(connection, OLTP.format(name)) == value
        assert one(connection, f"SHOW {name}") in (value, "60000")
        connection.execute(f"RESET {name}")
        assert one(connection, WAREHOUSE) == 0
        assert one(connection, OLTP.format(name)) != value or name in ("standard_conforming_strings", "IntervalStyle")


@pytest.mark.parametrize("database", ("app", "dw"))
@pytest.mark.parametrize("name,value", (("query_group", "loads"), ("wlm_query_slot_count", "3"), ("enable_result_cache_for_session", "off")))
def test_a_setting_of_redshift_is_there_where_it_is_known(both, cursors, database, name, value):
    with both.connect(dbname=database, cursor_factory=cursors) as connection:
        assert connection.execute(f"SET {name} TO '{value}'").statusmessage == "SET"
        assert one(connection, OLTP.format("search_path")) is not None
        assert one(connection, WAREHOUSE) == 0
        assert one(connection, f"SHOW {name}") == value
        connection.execute(f"RESET {name}")
        assert one(connection, f"SHOW {name}") != value


def test_what_shows_a_setting_that_nobody_has_set(both):
    for database in ("app", "dw"):
        with both.connect(dbname=database) as connection:
            assert one(connection, "SHOW query_group") == "default"
            assert one(connection, "SHOW work_mem") == "4MB"
            assert one(connection, "SHOW lock_timeout") == "0"


def test_odbc_sets_many_at_once(both):
    many = "SET application_name='odbc';SET client_domain_name='d';SET client_host_name='h';SET client_ip_address='1';SET client_os_name='x'"
    for database in ("app", "dw"):
        with both.connect(dbname=database, cursor_factory=psycopg.ClientCursor) as connection:
            cursor = connection.execute(many)
            seen = [cursor.statusmessage]
            while cursor.nextset():
                seen.append(cursor.statusmessage)
            assert seen == ["SET"] * 5
            assert connection.info.parameter_status("application_name") == "odbc"
            assert one(connection, "SHOW client_os_name") == "x"
            assert one(connection, WAREHOUSE) == 0


def test_a_lie_is_refused_there_and_not_here(both, cursors):
    with both.connect(cursor_factory=cursors) as connection:
        connection.execute("SET row_security = off")
        assert one(connection, OLTP.format("row_security")) == "off"
        refused = failure(connection, WAREHOUSE)
        assert refused.sqlstate == "0A000" and "row_security" in refused.diag.message_primary
        connection.execute("SET row_security = on")
        assert one(connection, WAREHOUSE) == 0


def test_a_rollback_takes_settings_back(both, cursors):
    with both.connect(dbname="dw", cursor_factory=cursors) as connection:
        connection.execute("BEGIN")
        connection.execute("SET lock_timeout = '7s'")
        connection.execute("SET query_group = 'x'")
        assert one(connection, WAREHOUSE) == 0
        connection.execute("ROLLBACK")
        assert one(connection, "SHOW lock_timeout") == "0"
        assert one(connection, "SHOW query_group") == "default"


def test_strings_that_do_not_conform(both):
    """What the client means by a backslash is what both servers read, whatever it has chosen."""
    with both.connect(dbname="dw", cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute("SET standard_conforming_strings = off")
        assert connection.info.parameter_status("standard_conforming_strings") == "off"
        assert one(connection, r"SELECT 'a\\b'") == "a\\b"
        connection.execute("SET standard_conforming_strings = on")
        assert one(connection, r"SELECT 'a\\b'") == "a\\\\b"


def test_one_kinds_settings_do_not_leak_to_the_next_client(both):
    with both.connect(dbname="dw") as first:
        first.execute("SET query_group = 'mine'")
        first.execute("SET work_mem = '9MB'")
        assert one(first, WAREHOUSE) == 0
    for _ in range(4):
        with both.connect(dbname="dw") as next_one:
            assert one(next_one, "SHOW query_group") == "default"
            assert one(next_one, "SHOW work_mem") == "4MB"
