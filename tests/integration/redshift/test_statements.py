"""Statements of PostgreSQL's clients on Redshift: tags, transactions, savepoints, literals, what it lacks, what another route takes over."""
import subprocess

import psycopg
import pytest
from endpoint import USERS, Endpoint, failure, one
from psycopg import pq
from stand_in_proxy import RULES, databases, stand_in

from programs import built

pytestmark = pytest.mark.pgswitch


@pytest.fixture(scope="module")
def redshift(analytics, place):
    with stand_in(analytics, place / "stand-in-statements") as started:
        yield started


@pytest.fixture(autouse=True)
def empty(analytics, redshift):
    analytics.sql("TRUNCATE notes", "app")


@pytest.fixture(params=({"workers": 1}, {"workers": 2, "pool_mode": "session"}), ids=("transaction", "session"))
def warehouse(request, start_proxy, analytics, redshift):
    return start_proxy(rules=RULES, databases=databases(analytics, redshift), **{"pool_mode": "transaction", **request.param})


@pytest.fixture
def connection(warehouse):
    with warehouse.connect(dbname="dw", cursor_factory=psycopg.ClientCursor) as made:
        yield made


def written(cluster):
    return cluster.sql("SELECT count(*) FROM notes", "app").strip()


def tag(connection, sql):
    return connection.execute(sql).statusmessage


def test_tags_have_counts(connection):
    assert tag(connection, "INSERT INTO notes SELECT 1, 'a' UNION ALL SELECT 2, 'b'") == "INSERT 0 2"
    assert tag(connection, "SELECT * FROM notes") == "SELECT 2"
    assert tag(connection, "SELECT * FROM notes WHERE id > 5") == "SELECT 0"
    assert tag(connection, "UPDATE notes SET what = 'c'") == "UPDATE 2"
    assert tag(connection, "CREATE TEMP TABLE copied AS SELECT * FROM notes") == "CREATE TABLE AS"


def test_tags_of_the_extended_protocol(warehouse):
    with warehouse.connect(dbname="dw") as connection:
        for _ in range(8):
            assert connection.execute("SELECT id FROM notes WHERE id > %s", (0,)).statusmessage == "SELECT 0"
        connection.execute("INSERT INTO notes VALUES (%s, %s)", (1, "x"))
        assert connection.execute("SELECT id FROM notes WHERE id > %s", (0,)).statusmessage == "SELECT 1"


def test_what_psql_shows(warehouse):
    done = warehouse.psql("\\set ECHO none\nINSERT INTO notes VALUES (1, 'a');\nBEGIN;\nSAVEPOINT a;\nROLLBACK TO a;\nSELECT what FROM notes;\nCOMMIT;\n", dbname="dw")
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["INSERT 0 1", "BEGIN", "SAVEPOINT", "ROLLBACK", "a", "COMMIT", ""]


@pytest.mark.parametrize("sql", (
    "SELECT 'a\\'", "SELECT E'a\\\\'", "SELECT $$a\\$$", "SELECT $x$a\\$x$", "SELECT U&'a\\\\'", "SELECT 'a'\n'\\'"))
def test_literals_mean_what_they_say(connection, sql):
    assert one(connection, sql) == "a\\"


@pytest.mark.parametrize("value", ("\\", "\\' OR 1=1 --", "it''s", "a\\\\b", "\\'; DELETE FROM notes; --", "\n\t\\n"))
@pytest.mark.parametrize("factory", (psycopg.ClientCursor, psycopg.Cursor))
def test_values_of_clients_stay_values(warehouse, analytics, value, factory):
    with warehouse.connect(dbname="dw", cursor_factory=factory) as connection:
        connection.execute("INSERT INTO notes VALUES (1, %s)", (value,))
        assert connection.execute("SELECT what FROM notes WHERE what = %s", (value,)).fetchall() == [(value,)]
    assert written(analytics) == "1"


def test_prepared_by_sql(connection):
    connection.execute("PREPARE p AS SELECT 'a\\' || $1::varchar")
    assert one(connection, "EXECUTE p ('b\\')") == "a\\b\\"
    assert tag(connection, "DEALLOCATE p") == "DEALLOCATE"
    connection.execute("PREPARE q AS SELECT 1")
    assert tag(connection, "DEALLOCATE ALL") == "DEALLOCATE ALL"
    assert failure(connection, "EXECUTE q").sqlstate == "26000"
    connection.execute("PREPARE q AS SELECT 2")
    assert one(connection, "EXECUTE q") == 2


def test_places_of_errors_are_those_of_the_client(connection):
    text = "SELECT 'a\\b\\c' AS x, no_such_column FROM notes"
    assert failure(connection, text).diag.statement_position == str(text.index("no_such") + 1)


@pytest.mark.parametrize("begin", ("BEGIN ISOLATION LEVEL READ COMMITTED", "START TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE",
                                   "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE DEFERRABLE", "BEGIN NOT DEFERRABLE"))
def test_modes_of_begin(connection, analytics, begin):
    connection.execute(begin)
    connection.execute("INSERT INTO notes VALUES (1, 'x')")
    connection.execute("COMMIT")
    assert written(analytics) == "1"


@pytest.mark.parametrize("how", ("BEGIN READ ONLY", "BEGIN; SET TRANSACTION READ ONLY", "BEGIN; SELECT 1; SET transaction_read_only = on"))
def test_read_only_transactions_are(connection, analytics, how):
    for sql in how.split("; "):
        connection.execute(sql)
    assert one(connection, "SHOW transaction_read_only") == "on"
    assert one(connection, "SELECT count(*) FROM notes") == 0
    assert failure(connection, "INSERT INTO notes VALUES (1, 'x')").sqlstate == "25006"
    assert connection.info.transaction_status == pq.TransactionStatus.INERROR
    assert tag(connection, "COMMIT") == "ROLLBACK"
    connection.execute("INSERT INTO notes VALUES (1, 'x')")
    assert written(analytics) == "1"


def test_read_only_by_default(connection):
    connection.execute("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY")
    assert one(connection, "SHOW TRANSACTION ISOLATION LEVEL") == "serializable"
    assert failure(connection, "DELETE FROM notes").sqlstate == "25006"
    connection.execute("BEGIN READ WRITE")
    connection.execute("INSERT INTO notes VALUES (1, 'x')")
    connection.execute("COMMIT")
    connection.execute("SET default_transaction_read_only = off")
    connection.execute("DELETE FROM notes")


def test_savepoints(connection, analytics):
    with connection.transaction():
        connection.execute("INSERT INTO notes VALUES (1, 'x')")
        with connection.transaction():
            connection.execute("INSERT INTO notes VALUES (2, 'y')")
        with connection.transaction() as inner:
            connection.execute("SELECT * FROM notes")
            raise psycopg.Rollback(inner)
        connection.execute("INSERT INTO notes VALUES (3, 'z')")
    assert written(analytics) == "3"


def test_a_savepoint_with_writes_behind_it_cannot_be_gone_back_to(connection, analytics):
    connection.execute("BEGIN")
    connection.execute("SAVEPOINT s")
    connection.execute("INSERT INTO notes VALUES (1, 'x')")
    refused = failure(connection, "ROLLBACK TO s")
    assert refused.sqlstate == "0A000"
    assert "written" in refused.diag.message_detail and "again" in refused.diag.message_hint
    assert failure(connection, "SELECT 1").sqlstate == "25P02"
    assert tag(connection, "COMMIT") == "ROLLBACK"
    assert written(analytics) == "0"


def test_a_savepoint_with_a_failure_behind_it_neither(connection):
    connection.execute("BEGIN")
    connection.execute("SELECT 1")
    connection.execute("SAVEPOINT s")
    assert failure(connection, "SELECT no_such_column FROM notes").sqlstate == "42703"
    assert failure(connection, "ROLLBACK TO s").sqlstate == "0A000"
    assert tag(connection, "ROLLBACK") == "ROLLBACK"
    assert failure(connection, "RELEASE s").sqlstate == "25P01"


def test_what_postgres_fdw_does_with_subtransactions(connection, analytics):
    for sql in ("START TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SAVEPOINT s2", "SELECT * FROM notes", "SAVEPOINT s3", "SELECT 1",
                "ROLLBACK TO SAVEPOINT s3; RELEASE SAVEPOINT s3", "RELEASE SAVEPOINT s2", "INSERT INTO notes VALUES (1, 'x')", "COMMIT TRANSACTION"):
        connection.execute(sql)
    assert written(analytics) == "1"


def test_chains(connection, analytics):
    connection.execute("BEGIN")
    connection.execute("INSERT INTO notes VALUES (1, 'x')")
    assert tag(connection, "COMMIT AND CHAIN") == "COMMIT"
    connection.execute("INSERT INTO notes VALUES (2, 'y')")
    connection.execute("ROLLBACK")
    assert written(analytics) == "1"
    connection.execute("BEGIN")
    connection.execute("SELECT 1")
    assert failure(connection, "PREPARE TRANSACTION 'x'").sqlstate == "0A000"
    connection.execute("ROLLBACK")


@pytest.mark.parametrize("sql,said", (("UNLISTEN *", "UNLISTEN"), ("CLOSE ALL", "CLOSE CURSOR ALL"), ("DISCARD PLANS", "DISCARD PLANS"), ("DISCARD ALL", "DISCARD ALL"),
                                      ("DISCARD SEQUENCES", "DISCARD SEQUENCES"), ("DISCARD TEMP", "DISCARD TEMP"), ("RESET ALL", "RESET"),
                                      ("SELECT pg_advisory_unlock_all()", "SELECT 1"), ("DEALLOCATE ALL", "DEALLOCATE ALL")))
def test_what_is_as_good_as_done(warehouse, sql, said):
    for factory in (psycopg.ClientCursor, psycopg.Cursor):
        with warehouse.connect(dbname="dw", cursor_factory=factory) as connection:
            assert tag(connection, sql) == said
            assert connection.execute(sql, prepare=True).statusmessage == said
            assert one(connection, "SELECT 1") == 1


@pytest.mark.parametrize("sql", ("LISTEN a", "NOTIFY a", "SELECT pg_advisory_lock(1)", "SELECT pg_try_advisory_xact_lock(1)"))
def test_what_cannot_be_done_is_refused(warehouse, sql):
    for factory in (psycopg.ClientCursor, psycopg.Cursor):
        with warehouse.connect(dbname="dw", cursor_factory=factory) as connection:
            refused = failure(connection, sql)
            assert refused.sqlstate == "0A000" and "Redshift" in refused.diag.message_primary
            assert one(connection, "SELECT 1") == 1


def test_discard_all_with_temporary_tables_ends_the_connection(connection):
    connection.execute("CREATE TEMP TABLE mine (a int)")
    assert failure(connection, "DISCARD TEMP").sqlstate == "0A000"
    assert tag(connection, "DISCARD ALL") == "DISCARD ALL"
    assert failure(connection, "SELECT * FROM mine").sqlstate == "42P01"


def test_truncate_in_a_transaction(start_proxy, analytics, redshift):
    seen = []
    for value in (0, 1):
        proxy = start_proxy(rules=RULES, databases=databases(analytics, redshift), redshift_truncate_commits=value)
        with proxy.connect(dbname="dw", cursor_factory=psycopg.ClientCursor) as connection:
            connection.add_notice_handler(lambda diag: seen.append(diag.message_primary))
            connection.execute("TRUNCATE notes")
            connection.execute("BEGIN")
            connection.execute("INSERT INTO notes VALUES (1, 'x')")
            if value == 0:
                assert failure(connection, "TRUNCATE notes").sqlstate == "0A000"
                assert seen == []
            else:
                connection.execute("TRUNCATE notes")
                assert seen == ["TRUNCATE commits the transaction on Redshift"]
                assert connection.info.transaction_status == pq.TransactionStatus.IDLE


def test_a_string_of_statements(connection):
    cursor = connection.execute("SET lock_timeout = 5; SELECT 1; SHOW lock_timeout; UNLISTEN *")
    seen = [cursor.statusmessage]
    while cursor.nextset():
        seen.append(cursor.statusmessage)
    assert seen == ["SET", "SELECT 1", "SHOW", "UNLISTEN"]


@pytest.mark.parametrize("sql", ("INSERT INTO notes VALUES (1, 'x'); SET TRANSACTION READ ONLY; INSERT INTO notes VALUES (2, 'y')",
                                 "SELECT 1; FETCH 1 FROM nothing", "CLOSE nothing", "INSERT INTO notes VALUES (1, 'x'); MOVE 2 IN nothing"))
def test_strings_that_fail_as_with_postgresql(connection, analytics, sql):
    with Endpoint(analytics.port).connect(cursor_factory=psycopg.ClientCursor) as direct:
        expected, error = failure(direct, sql), failure(connection, sql)
    assert (error.sqlstate, error.diag.message_primary) == (expected.sqlstate, expected.diag.message_primary)
    assert written(analytics) == "0"


LEADER = "SELECT what, now() > '2000-01-01' FROM notes"


@pytest.fixture
def two_routes(start_proxy, analytics, redshift):
    return start_proxy(rules=RULES, databases=databases(analytics, redshift, "fallback_route=app"), pool_mode="transaction")


def fallbacks(endpoint):
    return sum(int(row["fallbacks"]) for row in endpoint.console("SHOW ROUTES") if row["kind"] == "route")


@pytest.mark.parametrize("factory", (psycopg.ClientCursor, psycopg.Cursor))
def test_what_the_leader_node_refuses_goes_to_the_fallback_route(two_routes, factory):
    notices = []
    with two_routes.connect(dbname="dw", cursor_factory=factory) as connection:
        connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
        connection.execute("INSERT INTO notes VALUES (1, 'x')")
        for more in range(8):
            assert connection.execute(LEADER + " WHERE id = %s", (1,)).fetchall() == [("x", True)]
            assert connection.execute("SHOW pgswitch.last_route").fetchone()[1] == "app"
            assert connection.execute("SELECT what FROM notes").fetchall() == [("x",)]
        assert failure(connection, "SELECT no_such_column FROM notes").sqlstate == "42703"
    assert notices == []
    assert fallbacks(two_routes) == 8


def test_rules_choose_the_fallback_route(start_proxy, analytics, redshift):
    rules = """
rules { { name = "asks postgres", when = { tables = "notes" }, fallback = "app" } }
function route(stmt, session)
  if stmt:calls("now") then stmt:fallback(false) end
end
"""
    proxy = start_proxy(rules=rules, databases={**databases(analytics, redshift), "second": databases(analytics, redshift, "fallback_route=app")["dw"]},
                        pool_mode="transaction")
    with proxy.connect(dbname="dw") as connection:
        connection.execute("INSERT INTO notes VALUES (1, 'x')")
        assert connection.execute(LEADER + " WHERE id = %s", (1,)).fetchall() == [("x", True)]
        assert connection.execute("SHOW pgswitch.last_route").fetchone()[1] == "app"
    assert fallbacks(proxy) == 1
    shown = [row["route"].split() for row in proxy.console(f"SHOW ROUTE '{LEADER.replace(chr(39), chr(39) * 2)}' DATABASE dw")]
    assert ["fallback", "app"] in shown
    with proxy.connect(dbname="second") as connection:
        assert failure(connection, "SELECT customers.id, now() FROM customers").sqlstate == "0A000"


def test_a_transaction_stays_where_it_is(two_routes):
    with two_routes.connect(dbname="dw") as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM notes")
        assert failure(connection, LEADER).sqlstate == "0A000"
        connection.execute("ROLLBACK")


def test_without_a_fallback_route_the_refusal_is_shown(connection):
    notices = []
    connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    assert failure(connection, LEADER).sqlstate == "0A000"
    assert notices == ['Function "now()" not supported.']


JDBC = "/usr/share/java/postgresql.jar"
JDBC_SAYS = ["isolation true", "isolation true", *["insert 1"] * 7, "count 7", "insert 1", "rollback to 0A000", "count 0", "insert 1", "count 1",
             "read only 25006", "read write done", "count 0", "valid true"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("options", ((), ("autosave=always",), ("preferQueryMode=simple",), ("prepareThreshold=1",)))
def test_jdbc(warehouse, options):
    folder = built("jdbc_redshift", ["bash", "-c", f"javac -Xlint:all -Werror -cp {JDBC} *.java"])
    command = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", f"{folder}:{JDBC}", "Redshift",
               f"jdbc:postgresql://127.0.0.1:{warehouse.port}/dw", "app", USERS["app"], *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == JDBC_SAYS, done.stderr
