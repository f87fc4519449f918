"""Transactions: what was committed is there, what was rolled back is not, on whichever server they ran."""
import psycopg
import pytest
from endpoint import WHO, failure, one


def count(connection):
    return one(connection, "SELECT count(*) FROM written")


def test_a_committed_transaction_is_seen_by_others(proxy):
    with proxy.connect(autocommit=False) as writer, proxy.connect() as reader:
        writer.execute("INSERT INTO written (what) VALUES ('x')")
        assert count(reader) == 0
        writer.commit()
        assert count(reader) == 1


def test_a_rolled_back_transaction_left_nothing(proxy):
    with proxy.connect(autocommit=False) as connection:
        connection.execute("INSERT INTO written (what) VALUES ('x')")
        connection.rollback()
        assert count(connection) == 0


def test_a_savepoint_is_rolled_back_alone(proxy):
    with proxy.connect() as connection:
        with connection.transaction():
            connection.execute("INSERT INTO written (what) VALUES ('kept')")
            with pytest.raises(psycopg.errors.CheckViolation):
                with connection.transaction():
                    connection.execute("INSERT INTO written (amount) VALUES (-1)")
            connection.execute("INSERT INTO written (what) VALUES ('kept too')")
        assert count(connection) == 2


def test_a_failed_transaction_refuses_everything_up_to_rollback(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        assert failure(connection, "SELECT 1/0").sqlstate == "22012"
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        assert failure(connection, "SELECT 1").sqlstate == "25P02"
        assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
        assert one(connection, "SELECT 1") == 1


def test_the_ready_byte_follows_the_transaction(proxy):
    status = psycopg.pq.TransactionStatus
    with proxy.connect() as connection:
        seen = [connection.info.transaction_status]
        for sql in ("BEGIN", "SELECT 1", "COMMIT"):
            connection.execute(sql)
            seen.append(connection.info.transaction_status)
        assert seen == [status.IDLE, status.INTRANS, status.INTRANS, status.IDLE]


def test_an_empty_transaction_needs_no_statement(proxy):
    with proxy.connect() as connection:
        assert connection.execute("BEGIN").statusmessage == "BEGIN"
        assert connection.execute("COMMIT").statusmessage == "COMMIT"
        assert connection.execute("BEGIN").statusmessage == "BEGIN"
        assert connection.execute("ROLLBACK").statusmessage == "ROLLBACK"


def test_begin_twice_and_commit_without_begin_warn_as_postgresql_does(proxy, direct):
    def warnings(endpoint):
        with endpoint.connect() as connection:
            seen = []
            connection.add_notice_handler(lambda diag: seen.append((diag.severity, diag.sqlstate, diag.message_primary)))
            for sql in ("BEGIN", "BEGIN", "SELECT 1", "COMMIT", "COMMIT", "ROLLBACK"):
                seen.append(connection.execute(sql).statusmessage)
            return seen
    assert warnings(proxy) == warnings(direct)


@pytest.mark.parametrize("begin,setting,value", (
    ("BEGIN ISOLATION LEVEL SERIALIZABLE", "transaction_isolation", "serializable"),
    ("START TRANSACTION READ ONLY", "transaction_read_only", "on"),
    ("BEGIN; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "transaction_isolation", "repeatable read")))
def test_the_modes_of_begin_reach_the_server(proxy, begin, setting, value):
    with proxy.connect() as connection:
        for sql in begin.split("; "):
            connection.execute(sql)
        assert one(connection, f"SELECT current_setting('{setting}')") == value
        connection.execute("ROLLBACK")


@pytest.mark.parametrize("begin, mode", (
    ("BEGIN ISOLATION LEVEL REPEATABLE READ", "SET TRANSACTION SNAPSHOT 'none'"),
    ("BEGIN; SAVEPOINT a", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"),
    ("BEGIN READ ONLY; SAVEPOINT a", "SET TRANSACTION READ WRITE"),
    ("BEGIN; SAVEPOINT a", "SET TRANSACTION READ ONLY")))
def test_a_mode_that_the_transaction_cannot_have_fails_at_once(proxy, direct, begin, mode):
    def told(endpoint):
        with endpoint.connect(cursor_factory=psycopg.ClientCursor) as connection:
            for statement in begin.split("; "):
                connection.execute(statement)
            try:
                connection.execute(mode)
                answer = None
            except psycopg.Error as error:
                answer = error.sqlstate, error.diag.message_primary
            return answer, connection.info.transaction_status
    assert told(proxy) == told(direct)


def test_a_snapshot_is_imported(proxy, direct):
    with direct.connect(autocommit=False) as exporter, proxy.connect() as importer, proxy.connect() as writer:
        exporter.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        snapshot = one(exporter, "SELECT pg_export_snapshot()")
        writer.execute("INSERT INTO written (what) VALUES ('behind it')")
        importer.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        importer.execute(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        assert count(importer) == 0
        importer.execute("COMMIT")
        assert count(importer) == 1


def test_a_deferred_constraint_fails_at_commit(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("SET CONSTRAINTS ALL DEFERRED")
        connection.execute("INSERT INTO written (what) VALUES ('twin'), ('twin')")
        assert failure(connection, "COMMIT").sqlstate == "23505"
        assert count(connection) == 0


def test_commit_and_chain_goes_on_in_a_new_transaction(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO written (what) VALUES ('first')")
        connection.execute("COMMIT AND CHAIN")
        connection.execute("INSERT INTO written (what) VALUES ('second')")
        connection.execute("ROLLBACK")
        assert [row[0] for row in connection.execute("SELECT what FROM written")] == ["first"]


def test_what_commit_and_chain_commits_stays_when_servers_report_it_later(proxy):
    """In a batch the report of a setting comes with its end, behind the COMMIT."""
    with proxy.connect() as connection:
        with connection.pipeline():
            for sql in ("BEGIN", "SET DateStyle = 'German'", "COMMIT AND CHAIN"):
                connection.execute(sql)
        connection.execute("ROLLBACK")
        assert connection.info.parameter_status("DateStyle") == "German, DMY"
        assert one(connection, "SHOW DateStyle") == "German, DMY"


def test_an_open_transaction_keeps_its_server(proxy):
    with proxy.connect(autocommit=False) as connection, proxy.many(3) as others:
        pid = one(connection, "SELECT pg_backend_pid()")
        for other in others * 3:
            one(other, "SELECT 1")
            assert one(connection, "SELECT pg_backend_pid()") == pid


@pytest.mark.pgswitch
def test_a_deferred_begin_goes_where_the_first_statement_goes(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        assert one(connection, f"SELECT {WHO} FROM sales LIMIT 1") == "analytics"
        assert one(connection, f"SELECT {WHO}") == "analytics"
        connection.execute("COMMIT")
        assert one(connection, f"SELECT {WHO}") == "oltp"


@pytest.mark.pgswitch
def test_a_transaction_stays_on_its_route_and_a_rule_that_wants_another_does_not_move_it(proxy):
    with proxy.connect() as connection:
        connection.execute("BEGIN")
        assert one(connection, f"SELECT {WHO} FROM customers LIMIT 1") == "oltp"
        assert failure(connection, "SELECT count(*) FROM sales").sqlstate == "42P01"
        connection.execute("ROLLBACK")
        assert one(connection, "SELECT count(*) FROM sales") == 10000


@pytest.mark.pgswitch
def test_psycopgs_own_transactions_are_routed_too(proxy):
    with proxy.connect(autocommit=False) as connection:
        assert one(connection, f"SELECT {WHO} FROM events LIMIT 1") == "analytics"
        connection.rollback()
        assert one(connection, f"SELECT {WHO} FROM customers LIMIT 1") == "oltp"
        connection.rollback()
