"""psycopg 3: server-side cursors, single-row mode, executemany, COPY."""
import psycopg

from psycopg_seen import connect, fields, interleave, observe, status
from scenario import run, scenario

NUMBERS = "SELECT i, 'row ' || i FROM generate_series(1, 500) AS i"
FORMATS = ["text", "binary", "csv"]


def copied(connection, sql):
    """What COPY ... TO STDOUT sends, as one string of bytes."""
    with connection.cursor().copy(sql) as copy:
        return b"".join(bytes(part) for part in copy)


@scenario
def a_server_side_cursor_reads_in_steps():
    with connect(autocommit=False) as connection:
        with connection.cursor(name="steps") as cursor:
            cursor.itersize = 17
            cursor.execute(NUMBERS)
            rows = [row for row in cursor]
            return rows, cursor.rowcount, [column.name for column in cursor.description], status(connection)


@scenario
def a_scrollable_cursor_moves_both_ways():
    with connect(autocommit=False) as connection, connection.cursor(name="scrolls", scrollable=True) as cursor:
        cursor.execute(NUMBERS)
        seen = [cursor.fetchone(), cursor.fetchmany(3)]
        for value, mode in ((10, "relative"), (-5, "relative"), (100, "absolute"), (0, "absolute")):
            cursor.scroll(value, mode=mode)
            seen.append(cursor.fetchmany(2))
        cursor.scroll(0, mode="absolute")
        return seen, len(cursor.fetchall())


@scenario
def a_cursor_without_scroll_refuses_to_go_back():
    with connect(autocommit=False) as connection, connection.cursor(name="forward", scrollable=False) as cursor:
        cursor.execute("SELECT * FROM generate_series(1, 10)")
        cursor.fetchmany(4)
        try:
            cursor.scroll(-2)
            return cursor.fetchone()
        except psycopg.Error as error:
            return type(error).__name__, fields(error.diag), status(connection)


@scenario
def a_cursor_with_hold_outlives_its_transaction_and_other_statements():
    with connect(autocommit=False) as connection:
        cursor = connection.cursor(name="held", withhold=True)
        cursor.execute(NUMBERS)
        seen = [cursor.fetchmany(3)]
        connection.commit()
        for _ in range(3):
            interleave(connection)
            seen.append(cursor.fetchmany(2))
            connection.commit()
        seen.append(len(cursor.fetchall()))
        cursor.close()
        connection.commit()
        return seen, connection.execute("SELECT count(*) FROM pg_cursors").fetchone()


@scenario
def a_cursor_with_hold_in_autocommit():
    with connect() as connection:
        cursor = connection.cursor(name="held", withhold=True)
        cursor.execute("SELECT %s::text || i FROM generate_series(1, 20) AS i", ["n"])
        seen = []
        for _ in range(3):
            interleave(connection)
            seen.append(cursor.fetchmany(4))
        cursor.close()
        return seen


@scenario
def a_cursor_without_a_transaction_is_refused():
    with connect() as connection:
        try:
            connection.cursor(name="nowhere").execute("SELECT 1")
            return "opened"
        except psycopg.Error as error:
            return type(error).__name__, fields(error.diag)


@scenario
def a_cursor_is_gone_with_its_transaction():
    with connect(autocommit=False) as connection:
        cursor = connection.cursor(name="ends")
        cursor.execute(NUMBERS)
        cursor.fetchone()
        connection.rollback()
        return observe(connection, "FETCH 1 FROM ends"), observe(connection, "SELECT 1")


@scenario
def two_cursors_take_turns_in_one_transaction():
    with connect(autocommit=False) as connection:
        one, two = connection.cursor(name="one"), connection.cursor(name="two")
        one.execute(NUMBERS)
        two.execute("SELECT name FROM customers ORDER BY id")
        seen = [(one.fetchmany(2), two.fetchmany(3)) for _ in range(5)]
        one.close()
        return seen, two.fetchone()


@scenario
def cursors_by_sql():
    statements = ("BEGIN", "DECLARE c SCROLL CURSOR FOR SELECT * FROM generate_series(1, 9) AS g", "FETCH 2 FROM c", "MOVE 3 IN c",
                  "FETCH PRIOR FROM c", "FETCH LAST FROM c", "FETCH 1 FROM c", "FETCH BACKWARD ALL FROM c", "CLOSE c", "FETCH 1 FROM c", "ROLLBACK",
                  "BEGIN", "DECLARE u CURSOR FOR SELECT id FROM written FOR UPDATE", "FETCH 1 FROM u",
                  "UPDATE written SET amount = 1 WHERE CURRENT OF u", "COMMIT")
    with connect() as connection:
        return [(sql, observe(connection, sql, protocol=protocol)) for protocol in ("simple", "prepared") for sql in statements]


@scenario
def streaming_reads_row_by_row():
    with connect() as connection:
        seen = []
        for sql in (NUMBERS, "SELECT 1 WHERE false", "SELECT name FROM customers WHERE id <= 3 ORDER BY id"):
            cursor = connection.cursor()
            seen.append(list(cursor.stream(sql)))
            interleave(connection)
        return seen


@scenario
def streaming_meets_an_error_behind_some_rows():
    with connect() as connection:
        rows = []
        try:
            for row in connection.cursor().stream("SELECT 1 / (4 - i) FROM generate_series(1, 10) AS i"):
                rows.append(row)
        except psycopg.Error as error:
            return rows, fields(error.diag), status(connection), observe(connection, "SELECT 1")


@scenario
def executemany_and_its_results():
    with connect() as connection:
        cursor = connection.cursor()
        cursor.executemany("INSERT INTO written (what, amount) VALUES (%s, %s) RETURNING what", [(f"w{i}", i) for i in range(50)], returning=True)
        seen = [(cursor.rowcount, cursor.fetchall())]
        while cursor.nextset():
            seen.append((cursor.rowcount, cursor.fetchall()))
        cursor.executemany("DELETE FROM written WHERE amount = %s", [(i,) for i in range(50)])
        return seen, cursor.rowcount


@scenario
def executemany_stops_at_the_first_error():
    with connect() as connection:
        connection.execute("TRUNCATE written RESTART IDENTITY")
        try:
            connection.cursor().executemany("INSERT INTO written (amount) VALUES (%s)", [(i,) for i in (3, 2, -1, 5)])
        except psycopg.Error as error:
            failed = fields(error.diag)
        rows = connection.execute("SELECT amount FROM written ORDER BY amount").fetchall()
        connection.execute("DELETE FROM written")
        return failed, rows, status(connection)


@scenario(over=FORMATS)
def copy_out(format_):
    with connect() as connection:
        return copied(connection, f"COPY (SELECT * FROM every_type) TO STDOUT (FORMAT {format_})"), status(connection)


@scenario(over=FORMATS)
def copy_in_and_out_again(format_):
    with connect() as connection:
        data = copied(connection, f"COPY (SELECT 'row ' || i, i FROM generate_series(1, 3000) AS i) TO STDOUT (FORMAT {format_})")
        interleave(connection)
        cursor = connection.cursor()
        with cursor.copy(f"COPY written (what, amount) FROM STDIN (FORMAT {format_})") as copy:
            for start in range(0, len(data), 1000):
                copy.write(data[start:start + 1000])
        tag = cursor.statusmessage, cursor.rowcount
        interleave(connection)
        back = copied(connection, f"COPY (SELECT what, amount FROM written ORDER BY amount) TO STDOUT (FORMAT {format_})")
        connection.execute("TRUNCATE written RESTART IDENTITY")
        return tag, back == data, back


@scenario
def copy_in_row_by_row_with_types():
    with connect(autocommit=False) as connection:
        with connection.cursor().copy("COPY written (what, amount) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["text", "int4"])
            for i in range(500):
                copy.write_row((f"día {i}", i if i % 3 else None))
        inside = status(connection)
        rows = connection.execute("SELECT count(*), count(amount), sum(amount) FROM written").fetchone()
        connection.rollback()
        return inside, rows, status(connection)


@scenario
def megabytes_by_copy_both_ways():
    block = b"".join(b"%d\t%d\n" % (i, i) for i in range(10000))
    with connect(autocommit=False) as connection:
        connection.execute("CREATE TEMP TABLE big (a int, b int) ON COMMIT DROP")
        with connection.cursor().copy("COPY big FROM STDIN") as copy:
            for _ in range(30):
                copy.write(block)
        with connection.cursor().copy("COPY big TO STDOUT") as copy:
            return sum(len(data) for data in copy) == 30 * len(block), status(connection)


@scenario
def copy_in_that_fails():
    seen = []
    for bad in ("not a number\n" * 10000, "1\t2\n", "-1\n", "9" * 1000000):
        with connect() as connection:
            try:
                with connection.cursor().copy("COPY written (amount) FROM STDIN") as copy:
                    copy.write("1\n" * 100)
                    copy.write(bad)
                seen.append("went in")
            except psycopg.Error as error:
                seen.append((type(error).__name__, fields(error.diag), status(connection)))
            interleave(connection)
            seen.append(connection.execute("SELECT count(*) FROM written").fetchone())
    return seen


@scenario
def copy_in_given_up_by_the_client():
    with connect() as connection:
        try:
            with connection.cursor().copy("COPY written (amount) FROM STDIN") as copy:
                copy.write("1\n" * 10000)
                raise RuntimeError("changed my mind")
        except psycopg.Error as error:
            failed = fields(error.diag)
        return failed, status(connection), connection.execute("SELECT count(*) FROM written").fetchone()


@scenario
def copy_out_that_fails_in_the_middle():
    with connect() as connection:
        size = 0
        try:
            with connection.cursor().copy("COPY (SELECT 1 / (20000 - i) FROM generate_series(1, 30000) AS i) TO STDOUT") as copy:
                for data in copy:
                    size += len(data)
        except psycopg.Error as error:
            return size, fields(error.diag), status(connection), observe(connection, "SELECT 1")


@scenario
def copy_that_cannot_begin():
    with connect() as connection:
        seen = []
        for sql in ("COPY no_such_table FROM STDIN", "COPY customers TO '/nowhere'", "COPY (SELECT 1/0) TO STDOUT",
                    "COPY customers (no_such) TO STDOUT", "SELECT 1"):
            try:
                with connection.cursor().copy(sql) as copy:
                    seen.append([bytes(data) for data in copy])
            except psycopg.Error as error:
                seen.append((type(error).__name__, fields(error.diag), status(connection)))
            interleave(connection)
        return seen


run()
