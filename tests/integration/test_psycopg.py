"""psycopg 3: pipelines, prepared statements, cursors and COPY."""
import random

import psycopg
import pytest
from endpoint import failure, one


def test_prepared_statements_work_with_more_clients_than_servers(proxy):
    with proxy.many(12, prepare_threshold=0) as connections:
        order = [(i, c) for i in range(20) for c in range(len(connections))]
        random.Random(1).shuffle(order)
        for i, c in order:
            assert one(connections[c], f"SELECT %s::int + {c}", [i]) == i + c
            assert one(connections[c], "SELECT name FROM customers WHERE id = %s", [1 + i]) == f"customer {1 + i}"


def test_the_same_statement_name_means_each_clients_own_statement(proxy):
    with proxy.many(8, prepare_threshold=0) as connections:
        for round_ in range(3):
            for number, connection in enumerate(connections):
                assert connection.execute(f"SELECT {number}, %s::int", [round_]).fetchone() == (number, round_)


def test_a_statement_is_prepared_again_after_a_failed_prepare(proxy):
    with proxy.connect(prepare_threshold=0) as connection:
        assert failure(connection, "SELECT * FROM appears_later").sqlstate == "42P01"
        connection.execute("CREATE TABLE appears_later AS SELECT 1 AS a")
        try:
            assert one(connection, "SELECT * FROM appears_later") == 1
        finally:
            connection.execute("DROP TABLE appears_later")


def test_deallocate_all_leaves_a_connection_that_works(proxy):
    with proxy.connect(prepare_threshold=0) as connection:
        assert one(connection, "SELECT 1 + %s::int", [1]) == 2
        connection.execute("DEALLOCATE ALL")
        assert one(connection, "SELECT 3 + %s::int", [1]) == 4


def test_a_pipeline_answers_in_order(proxy):
    with proxy.connect() as connection, connection.pipeline():
        cursors = [connection.execute("SELECT %s::int", [i]) for i in range(500)]
        assert [cursor.fetchone()[0] for cursor in cursors] == list(range(500))


def test_an_error_in_a_pipeline_aborts_up_to_the_sync_and_no_further(proxy):
    skipped = None  # the error may arrive, and be raised, before the statement behind it is sent
    with proxy.connect() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            with connection.pipeline() as pipeline:
                connection.execute("SELECT 1")
                connection.execute("SELECT 1/0")
                skipped = connection.execute("INSERT INTO written (what) VALUES ('skipped')")
                pipeline.sync()
        assert skipped is None or skipped.pgresult is None or skipped.pgresult.status == psycopg.pq.ExecStatus.PIPELINE_ABORTED
        assert one(connection, "SELECT count(*) FROM written") == 0


def test_a_pipeline_with_several_syncs_keeps_what_came_before_the_error(proxy):
    with proxy.connect() as connection:
        with pytest.raises(psycopg.errors.DivisionByZero):
            with connection.pipeline() as pipeline:
                connection.execute("INSERT INTO written (what) VALUES ('kept')")
                pipeline.sync()
                connection.execute("SELECT 1/0")
                pipeline.sync()
        assert [row[0] for row in connection.execute("SELECT what FROM written")] == ["kept"]


def test_a_pipeline_in_a_transaction_is_one_transaction(proxy):
    with proxy.connect(autocommit=False) as connection:
        with connection.pipeline():
            for i in range(10):
                connection.execute("INSERT INTO written (amount) VALUES (%s)", [i])
        assert one(connection, "SELECT sum(amount) FROM written") == 45
        connection.rollback()
        assert one(connection, "SELECT count(*) FROM written") == 0


def test_a_server_side_cursor_reads_in_steps(proxy):
    with proxy.connect(autocommit=False) as connection:
        with connection.cursor(name="steps") as cursor:
            cursor.itersize = 17
            cursor.execute("SELECT i FROM generate_series(1, 1000) AS i")
            assert [row[0] for row in cursor] == list(range(1, 1001))


def test_a_with_hold_cursor_outlives_its_transaction(proxy):
    with proxy.connect(autocommit=False) as connection:
        cursor = connection.cursor(name="held", withhold=True)
        cursor.execute("SELECT i FROM generate_series(1, 50) AS i")
        connection.commit()
        assert [row[0] for row in cursor.fetchall()] == list(range(1, 51))
        cursor.close()


@pytest.mark.parametrize("format_", ("text", "binary"))
def test_copy_in_and_out(proxy, format_):
    with proxy.connect() as connection:
        rows = [(f"row {i}", i) for i in range(2000)]
        with connection.cursor().copy(f"COPY written (what, amount) FROM STDIN (FORMAT {format_})") as copy:
            copy.set_types(["text", "int4"])
            for row in rows:
                copy.write_row(row)
        with connection.cursor().copy(f"COPY (SELECT what, amount FROM written ORDER BY id) TO STDOUT (FORMAT {format_})") as copy:
            copy.set_types(["text", "int4"])
            assert list(copy.rows()) == rows


def test_copy_of_megabytes_both_ways(proxy):
    block = b"".join(b"%d\t%d\n" % (i, i) for i in range(10000))
    with proxy.connect(autocommit=False) as connection:
        connection.execute("CREATE TEMP TABLE big (a int, b int) ON COMMIT DROP")
        with connection.cursor().copy("COPY big FROM STDIN") as copy:
            for _ in range(30):
                copy.write(block)
        with connection.cursor().copy("COPY big TO STDOUT") as copy:
            assert sum(len(data) for data in copy) == 30 * len(block)


def test_a_failed_copy_in_leaves_the_connection_usable(proxy):
    with proxy.connect() as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            with connection.cursor().copy("COPY written (amount) FROM STDIN") as copy:
                copy.write("not a number\n" * 10000)
        assert one(connection, "SELECT count(*) FROM written") == 0


def test_a_copy_given_up_by_the_client_leaves_the_connection_usable(proxy):
    with proxy.connect() as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            with connection.cursor().copy("COPY written (amount) FROM STDIN") as copy:
                copy.write("1\n" * 10000)
                raise RuntimeError("changed my mind")
        assert one(connection, "SELECT count(*) FROM written") == 0


def test_executemany_in_batches(proxy):
    with proxy.connect() as connection:
        connection.cursor().executemany("INSERT INTO written (amount) VALUES (%s)", [[i] for i in range(300)])
        assert one(connection, "SELECT sum(amount) FROM written") == 44850


def test_row_stream_reads_row_by_row(proxy):
    with proxy.connect() as connection:
        rows = connection.cursor().stream("SELECT i FROM generate_series(1, 5000) AS i")
        assert sum(row[0] for row in rows) == 12502500


def test_a_parameter_of_ten_megabytes(proxy):
    with proxy.connect() as connection:
        assert one(connection, "SELECT length(%s::text)", ["x" * 10_000_000]) == 10_000_000
