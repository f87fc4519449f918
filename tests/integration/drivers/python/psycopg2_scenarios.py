"""psycopg2: the simple protocol; named cursors, COPY, large objects, LISTEN, batches, isolation levels, two-phase commit."""
import io
import select
import threading
import time

import psycopg2
import psycopg2.extensions
import psycopg2.extras
from psycopg2.extensions import (ISOLATION_LEVEL_AUTOCOMMIT, ISOLATION_LEVEL_READ_COMMITTED, ISOLATION_LEVEL_REPEATABLE_READ,
                                 ISOLATION_LEVEL_SERIALIZABLE)

from psycopg2_client import connect, fields, interleave, observe, status, value
from scenario import group, run, scenario

PARAMETERS = ("server_version", "server_encoding", "client_encoding", "DateStyle", "TimeZone", "integer_datetimes", "IntervalStyle",
              "is_superuser", "session_authorization", "standard_conforming_strings", "application_name")


@scenario
def a_connection_starts_with_the_servers_parameters():
    connection = connect(options="-c DateStyle=SQL,DMY -c TimeZone=Asia/Kathmandu", application_name="two")
    info = connection.info
    return ({name: info.parameter_status(name) for name in PARAMETERS}, info.server_version, info.protocol_version, connection.encoding,
            status(connection), info.dbname, info.user)


@scenario
def the_client_encoding_is_set_and_reset():
    connection = connect()
    seen = [connection.encoding]
    for name in ("LATIN1", "utf-8", "WIN1252", "UTF8"):
        connection.set_client_encoding(name)
        seen.append((connection.encoding, connection.info.parameter_status("client_encoding"), value(connection, "SELECT 'día'")))
        interleave(connection)
    return seen


@scenario
def statements_in_autocommit():
    connection, seen = connect(), {}
    for name, sql in group("statements").items():
        if name != "every type":  # dates that Python does not have
            seen[name] = observe(connection, sql)
            interleave(connection)
    return seen


@scenario
def rows_of_every_type():
    return observe(connect(), "SELECT * FROM every_type LIMIT 1")


@scenario
def errors_in_autocommit():
    connection, seen = connect(), {}
    for name, sql in group("errors").items():
        seen[name] = observe(connection, sql)
        interleave(connection)
    return seen


@scenario
def errors_in_transactions():
    connection, seen = connect(autocommit=False), {}
    for name, sql in group("errors").items():
        seen[name] = [observe(connection, step) for step in ("SELECT 1", sql, "SELECT 2")]
        connection.rollback()
        interleave(connection)
    return seen


@scenario
def notices():
    connection = connect()
    seen = {name: observe(connection, sql) for name, sql in group("notices").items()}
    return seen, connection.notices


@scenario
def the_last_of_several_statements_is_seen():
    connection = connect()
    strings = ("SELECT 1; SELECT 2", "SELECT 1; SELECT 1/0", "INSERT INTO written (what) VALUES ('a'); DELETE FROM written", "SELECT 1;;", "-- nothing")
    return [observe(connection, sql) for sql in strings]


@scenario
def a_connection_block_commits_or_rolls_back():
    connection, seen = connect(autocommit=False), []
    for sql in ("SELECT 1", "SELECT 1/0"):
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute("INSERT INTO written (amount) VALUES (1)")
                seen.append(status(connection))
                cursor.execute(sql)
        except psycopg2.Error as error:
            seen.append(fields(error))
        seen.append(status(connection))
        interleave(connection)
    seen.append(value(connection, "SELECT count(*) FROM written"))
    observe(connection, "DELETE FROM written")
    connection.commit()
    return seen


@scenario(over=["read committed", "repeatable read", "serializable", "autocommit"])
def isolation_levels(name):
    level = {"read committed": ISOLATION_LEVEL_READ_COMMITTED, "repeatable read": ISOLATION_LEVEL_REPEATABLE_READ,
             "serializable": ISOLATION_LEVEL_SERIALIZABLE, "autocommit": ISOLATION_LEVEL_AUTOCOMMIT}[name]
    connection = connect(autocommit=False)
    connection.set_isolation_level(level)
    seen = [value(connection, "SHOW transaction_isolation"), status(connection)]
    connection.rollback()
    interleave(connection)
    return seen, value(connection, "SHOW transaction_isolation"), connection.isolation_level


@scenario(over=["True", "False"])
def set_session_makes_transactions_read_only_and_deferrable(autocommit):
    connection = connect(autocommit=autocommit == "True")
    connection.set_session(isolation_level="SERIALIZABLE", readonly=True, deferrable=True)
    seen = []
    for _ in range(2):
        seen.append([value(connection, f"SHOW {name}") for name in
                     ("transaction_isolation", "transaction_read_only", "transaction_deferrable", "default_transaction_isolation",
                      "default_transaction_read_only")])
        seen.append(observe(connection, "INSERT INTO written (what) VALUES ('no')"))
        connection.rollback()
        interleave(connection)
    connection.set_session(isolation_level="DEFAULT", readonly="DEFAULT", deferrable="DEFAULT")
    return seen, value(connection, "SHOW transaction_read_only")


@scenario
def a_named_cursor_reads_in_steps_and_scrolls():
    connection = connect(autocommit=False)
    cursor = connection.cursor("steps", scrollable=True)
    cursor.itersize = 7
    cursor.execute("SELECT i, 'row ' || i FROM generate_series(1, 100) AS i")
    seen = [cursor.fetchone(), cursor.fetchmany(5)]
    cursor.scroll(10)
    seen.append(cursor.fetchone())
    cursor.scroll(2, mode="absolute")
    seen.append([row for row in cursor])
    cursor.close()
    connection.commit()
    interleave(connection)
    return seen, status(connection)


@scenario
def a_named_cursor_with_hold():
    connection = connect(autocommit=False)
    cursor = connection.cursor("held", withhold=True)
    cursor.execute("SELECT i FROM generate_series(1, 30) AS i")
    seen = [cursor.fetchmany(3)]
    connection.commit()
    for _ in range(3):
        interleave(connection)
        seen.append(cursor.fetchmany(4))
        connection.commit()
    cursor.close()
    return seen


@scenario
def a_named_cursor_with_hold_in_autocommit():
    connection = connect()
    cursor = connection.cursor("held", withhold=True)
    cursor.execute("SELECT i FROM generate_series(1, 30) AS i")
    seen = []
    for _ in range(3):
        interleave(connection)
        seen.append(cursor.fetchmany(4))
    cursor.close()
    return seen


@scenario(over=["text", "csv", "binary"])
def copy_expert_both_ways(format_):
    connection = connect()
    with connection.cursor() as cursor:
        out, back = io.BytesIO(), io.BytesIO()
        cursor.copy_expert(f"COPY (SELECT 'row ' || i, i FROM generate_series(1, 3000) AS i) TO STDOUT (FORMAT {format_})", out)
        counts = [cursor.rowcount, cursor.statusmessage]
        out.seek(0)
        interleave(connection)
        cursor.copy_expert(f"COPY written (what, amount) FROM STDIN (FORMAT {format_})", out, size=777)
        counts += [cursor.rowcount, cursor.statusmessage]
        interleave(connection)
        cursor.copy_expert(f"COPY (SELECT what, amount FROM written ORDER BY amount) TO STDOUT (FORMAT {format_})", back)
        cursor.execute("TRUNCATE written RESTART IDENTITY")
        return counts, back.getvalue() == out.getvalue(), status(connection)


@scenario
def copy_from_and_copy_to():
    connection = connect(autocommit=False)
    with connection.cursor() as cursor:
        cursor.copy_from(io.StringIO("a\t1\nb\t\\N\n"), "written", columns=("what", "amount"))
        out = io.StringIO()
        cursor.copy_to(out, "written", columns=("what", "amount"))
        inside = status(connection)
        connection.rollback()
        return out.getvalue(), inside, status(connection)


@scenario
def copy_that_fails():
    class Breaks(io.StringIO):
        def read(self, size=-1):
            raise ValueError("the file broke")

    connection, seen = connect(), []
    for source in (io.StringIO("x\n" * 5000), io.StringIO("1\t2\n"), Breaks()):
        with connection.cursor() as cursor:
            try:
                cursor.copy_expert("COPY written (amount) FROM STDIN", source)
            except psycopg2.Error as error:
                seen.append((fields(error), status(connection)))
            except ValueError as error:
                seen.append(str(error))
        interleave(connection)
        seen.append(value(connection, "SELECT count(*) FROM written"))
    return seen


@scenario
def a_large_object_is_written_read_and_cut():
    connection = connect(autocommit=False)
    large = connection.lobject(0, "wb")
    oid = large.oid
    written = [large.write(b"0123456789" * 20000), large.tell()]
    large.seek(5)
    large.write(b"-middle-")
    large.truncate(150000)
    large.close()
    connection.commit()
    interleave(connection)
    large = connection.lobject(oid, "rb")
    seen = [large.read(20), large.seek(149990), large.read()]
    large.close()
    connection.lobject(oid, "n").unlink()
    connection.commit()
    try:
        connection.lobject(oid, "r")
    except psycopg2.Error as error:
        gone = fields(error)["error"]
    connection.rollback()
    return written, seen, gone


@scenario
def batches_of_psycopg2_extras():
    connection = connect()
    with connection.cursor() as cursor:
        psycopg2.extras.execute_batch(cursor, "INSERT INTO written (what, amount) VALUES (%s, %s)", [(f"b{i}", i) for i in range(300)],
                                      page_size=50)
        seen = [cursor.rowcount]
        interleave(connection)
        rows = psycopg2.extras.execute_values(cursor, "INSERT INTO written (what, amount) VALUES %s RETURNING what",
                                              [(f"v{i}", i) for i in range(100)], page_size=30, fetch=True)
        cursor.executemany("UPDATE written SET amount = amount + 1 WHERE what = %s", [("b1",), ("v1",)])
        seen += [rows, cursor.rowcount]
    seen.append(value(connection, "SELECT sum(amount) FROM written"))
    observe(connection, "TRUNCATE written RESTART IDENTITY")
    return seen


@scenario
def cursors_of_psycopg2_extras():
    connection = connect()
    with connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute("SELECT id, name FROM customers WHERE id = ANY(%s) ORDER BY id", [[1, 2]])
        rows = [dict(row) for row in cursor.fetchall()]
    psycopg2.extras.register_composite("every_type", connection)
    return rows, value(connection, "SELECT e FROM every_type AS e LIMIT 1").n


@scenario
def a_listener_hears_by_poll():
    listener, other = connect(), connect()
    observe(listener, "LISTEN news")
    interleave(listener)
    for payload in ("one", "two"):
        observe(other, f"NOTIFY news, '{payload}'")
        interleave(other)
    deadline = time.monotonic() + 20
    while len(listener.notifies) < 2 and time.monotonic() < deadline:
        select.select([listener], [], [], 1)
        listener.poll()
    return [(notify.channel, notify.payload) for notify in listener.notifies]


@scenario
def cancel_ends_the_statement_and_only_it():
    connection, other = connect(autocommit=False), connect()

    def wait_and_cancel():
        deadline = time.monotonic() + 20
        while not value(other, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%%psycopg2_is_cancelled%%' AND state = 'active'"
                               " AND pid <> pg_backend_pid()") and time.monotonic() < deadline:
            time.sleep(0.01)
        connection.cancel()
    thread = threading.Thread(target=wait_and_cancel)
    thread.start()
    seen = observe(connection, "SELECT pg_sleep(60) /* psycopg2_is_cancelled */")
    thread.join()
    connection.rollback()
    return seen, observe(connection, "SELECT 'goes on'")


@scenario
def two_phase_commit():
    connection, other, seen = connect(autocommit=False), connect(), []
    for name in ("commit", "rollback"):
        connection.tpc_begin(connection.xid(9, "psycopg2", name))
        observe(connection, f"INSERT INTO written (what) VALUES ('{name}')")
        connection.tpc_prepare()
        seen.append((status(connection), value(other, "SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()")))
        getattr(connection, f"tpc_{name}")()
        interleave(connection)
    seen.append(value(other, "SELECT string_agg(what, ',') FROM written"))
    observe(other, "DELETE FROM written")
    return seen


@scenario
def reset_takes_everything_back():
    connection = connect(options="-c TimeZone=Africa/Cairo")
    for sql in ("SET TimeZone = 'UTC'", "SET search_path = private, public", "SET SESSION AUTHORIZATION app"):
        observe(connection, sql)
        interleave(connection)
    connection.reset()
    return [value(connection, f"SHOW {name}") for name in ("TimeZone", "search_path", "session_authorization")], status(connection)


@scenario
def the_drivers_backend_pid_is_the_servers():
    connection = connect()
    return connection.info.backend_pid == value(connection, "SELECT pg_backend_pid()")


@scenario
def asynchronous_connections_poll():
    connection = psycopg2.connect("", async_=True)

    def wait():
        while (state := connection.poll()) != psycopg2.extensions.POLL_OK:
            select.select([connection] if state == psycopg2.extensions.POLL_READ else [],
                          [connection] if state == psycopg2.extensions.POLL_WRITE else [], [], 10)
    wait()
    seen, cursor = [], connection.cursor()
    for sql in ("SELECT i FROM generate_series(1, 5000) AS i", "INSERT INTO written (what) VALUES ('async') RETURNING what", "DELETE FROM written"):
        cursor.execute(sql)
        wait()
        seen.append((cursor.statusmessage, len(cursor.fetchall()) if cursor.description else None))
    connection.close()
    return seen


run()
