"""psycopg 3: transactions, savepoints, isolation, two-phase commit, prepared statements, cancel, notifications."""
import threading
import time

import psycopg
from psycopg import IsolationLevel, Rollback

from psycopg_seen import connect, fields, interleave, observe, status
from scenario import run, scenario


def written(connection):
    rows = connection.execute("SELECT what, amount FROM written ORDER BY what").fetchall()
    connection.execute("DELETE FROM written")
    return rows


@scenario
def nested_transactions_roll_back_alone():
    with connect() as connection:
        states = []
        with connection.transaction():
            connection.execute("INSERT INTO written (what) VALUES ('outer')")
            try:
                with connection.transaction():
                    connection.execute("INSERT INTO written (what) VALUES ('inner')")
                    connection.execute("SELECT 1/0")
            except psycopg.errors.DivisionByZero:
                states.append(status(connection))
            with connection.transaction() as innermost:
                connection.execute("INSERT INTO written (what) VALUES ('given up')")
                raise Rollback(innermost)
            with connection.transaction("named"):
                connection.execute("INSERT INTO written (what) VALUES ('second')")
        states.append(status(connection))
        interleave(connection)
        return states, written(connection)


@scenario
def a_transaction_block_that_raises_is_rolled_back():
    with connect() as connection:
        try:
            with connection.transaction():
                connection.execute("INSERT INTO written (what) VALUES ('lost')")
                raise KeyError("mine")
        except KeyError:
            pass
        interleave(connection)
        return status(connection), written(connection)


@scenario
def commit_and_rollback_without_autocommit():
    with connect(autocommit=False) as connection:
        seen = []
        for end in (connection.rollback, connection.commit, connection.commit, connection.rollback):
            connection.execute("INSERT INTO written (amount) VALUES (1)")
            seen.append(status(connection))
            end()
            seen.append(status(connection))
            interleave(connection)
        seen.append(connection.execute("SELECT count(*) FROM written").fetchone())
        connection.execute("DELETE FROM written")
        connection.commit()
        return seen


@scenario
def the_end_of_a_connection_block_commits():
    with connect(autocommit=False) as connection:
        connection.execute("INSERT INTO written (what) VALUES ('kept')")
    with connect() as connection:
        return written(connection)


@scenario(over=[level.name for level in IsolationLevel])
def isolation_read_only_and_deferrable_are_the_transactions_own(level):
    with connect(autocommit=False) as connection:
        connection.isolation_level, connection.read_only, connection.deferrable = IsolationLevel[level], True, True
        shown = [connection.execute(f"SHOW {name}").fetchone()[0]
                 for name in ("transaction_isolation", "transaction_read_only", "transaction_deferrable")]
        refused = observe(connection, "INSERT INTO written (what) VALUES ('no')")
        connection.rollback()
        connection.isolation_level = connection.read_only = connection.deferrable = None
        interleave(connection)
        return shown, refused, [connection.execute(f"SHOW {name}").fetchone()[0]
                                for name in ("transaction_isolation", "transaction_read_only", "transaction_deferrable")]


@scenario
def a_serialization_failure_reaches_its_client():
    with connect(autocommit=False) as one, connect(autocommit=False) as two, connect() as setup:
        setup.execute("INSERT INTO written (what, amount) VALUES ('a', 1)")
        one.isolation_level = two.isolation_level = IsolationLevel.REPEATABLE_READ
        for connection in (one, two):
            connection.execute("SELECT * FROM written")
        one.execute("UPDATE written SET amount = 2")
        one.commit()
        seen = observe(two, "UPDATE written SET amount = 3")
        two.rollback()
        return seen, written(setup)


@scenario
def a_deferred_constraint_fails_at_commit():
    with connect(autocommit=False) as connection:
        connection.execute("SET CONSTRAINTS ALL DEFERRED")
        for _ in range(2):
            connection.execute("INSERT INTO written (what) VALUES ('twice')")
        try:
            connection.commit()
            failed = None
        except psycopg.errors.UniqueViolation as error:
            failed = fields(error.diag)
        return failed, status(connection), written(connection)


@scenario
def two_phase_commit():
    with connect(autocommit=False) as connection, connect() as other:
        seen = []
        for name, verb in (("kept", "tpc_commit"), ("lost", "tpc_rollback")):
            xid = connection.xid(7, "drivers", name)
            connection.tpc_begin(xid)
            connection.execute("INSERT INTO written (what) VALUES (%s)", [name])
            connection.tpc_prepare()
            seen.append((status(connection), [x.bqual for x in other.tpc_recover()], other.execute("SELECT what FROM written").fetchall()))
            getattr(connection, verb)()
            seen.append((status(connection), other.tpc_recover()))
            interleave(connection)
        return seen, written(other)


@scenario
def two_phase_commit_by_another_connection():
    connection = connect(autocommit=False)
    connection.tpc_begin(connection.xid(8, "drivers", "by another"))
    connection.execute("INSERT INTO written (what) VALUES ('prepared')")
    connection.tpc_prepare()
    connection.close()
    with connect() as other:
        found = [x for x in other.tpc_recover() if x.bqual == "by another"]
        interleave(other)
        other.tpc_commit(found[0])
        return len(found), written(other)


@scenario(over=["0", "1", "5"])
def statements_prepared_at_a_threshold(threshold):
    with connect(prepare_threshold=int(threshold), autocommit=False) as connection:
        seen = []
        for round_ in range(8):
            seen.append([connection.execute("SELECT %s::int + 1", [round_]).fetchone(),
                         connection.execute("SELECT name FROM customers WHERE id = %s", [1 + round_]).fetchone()])
            if round_ % 3 == 2:
                connection.commit()
                interleave(connection)
        names = connection.execute("SELECT count(*) > 0 FROM pg_prepared_statements", prepare=False).fetchone()
        return seen, names


@scenario
def the_names_in_pg_prepared_statements():
    with connect(prepare_threshold=0) as connection:
        connection.execute("SELECT 'prepared'", prepare=True)
        return connection.execute("SELECT name FROM pg_prepared_statements", prepare=False).fetchall()


@scenario
def more_statements_than_prepared_max_are_deallocated():
    with connect(prepare_threshold=0) as connection:
        connection.prepared_max = 3
        seen = []
        for round_ in range(3):
            for i in range(6):
                seen.append(connection.execute(f"SELECT {i}, %s::text", [str(round_)]).fetchone())
                interleave(connection)
        return seen


@scenario
def a_prepared_statement_lives_on_behind_an_error_and_a_rollback():
    with connect(prepare_threshold=0, autocommit=False) as connection:
        seen = []
        for divisor in (1, 0, 2, 0, 4):
            seen.append(observe(connection, "SELECT 8 / %s::int", [divisor], prepare=True))
            connection.rollback()
            interleave(connection)
        return seen


@scenario
def a_prepared_statement_sees_that_its_table_changed():
    with connect(prepare_threshold=0) as connection:
        connection.execute("CREATE TABLE changes (a int)")
        try:
            seen = [observe(connection, "SELECT * FROM changes", prepare=True)[0][0]["tag"]]
            connection.execute("ALTER TABLE changes ADD b text")
            error = observe(connection, "SELECT * FROM changes", prepare=True)
            return seen, error, observe(connection, "SELECT 1", prepare=True)
        finally:
            connection.execute("DROP TABLE changes")


@scenario
def deallocate_all_and_discard_plans_leave_a_connection_that_prepares_again():
    with connect(prepare_threshold=0) as connection:
        seen = []
        for verb in ("DEALLOCATE ALL", "DISCARD PLANS", "DEALLOCATE ALL"):
            state = observe(connection, "SELECT %s::int", [1], prepare=True)[0]
            seen.append(state["SQLSTATE"] if "error" in state else state)  # this driver does not know that the name is gone
            seen.append(observe(connection, verb, protocol="simple"))
            interleave(connection)
            seen.append(observe(connection, f"SELECT '{len(seen)}', %s::int", [2], prepare=True))
        return seen


@scenario
def the_error_fields_of_a_statement_that_was_never_prepared():
    with connect() as connection:
        raw = connection.pgconn.exec_prepared(b"never", [])
        return fields(psycopg.Error(info=raw).diag), status(connection)


@scenario
def a_temporary_table_made_inside_a_do_block_is_there_behind_it():
    with connect() as connection:
        connection.execute("DO $$ BEGIN CREATE TEMP TABLE by_do (a int); END $$")
        return observe(connection, "SELECT count(*) FROM by_do")


def cancel_when_it_runs(connection, mark):
    """Cancels from another thread once the statement is seen to run."""
    def wait_and_cancel():
        with connect() as other:
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                running = other.execute("SELECT 1 FROM pg_stat_activity WHERE query LIKE %s AND state = 'active' AND pid <> pg_backend_pid()",
                                        [f"%{mark}%"], prepare=False).fetchone()
                if running:
                    break
                time.sleep(0.01)
            connection.cancel()
    thread = threading.Thread(target=wait_and_cancel)
    thread.start()
    return thread


@scenario
def cancel_ends_the_statement_and_only_it():
    seen = []
    for autocommit in (True, False):
        with connect(autocommit=autocommit) as connection:
            thread = cancel_when_it_runs(connection, "psycopg_is_cancelled")
            seen.append(observe(connection, "SELECT pg_sleep(60) /* psycopg_is_cancelled */"))
            thread.join()
            connection.rollback()
            seen.append(observe(connection, "SELECT 'goes on'"))
    return seen


@scenario
def statement_timeout_of_the_session():
    with connect(options="-c statement_timeout=50ms") as connection:
        seen = [observe(connection, "SELECT pg_sleep(60)")]
        interleave(connection)
        connection.execute("SET statement_timeout = 0")
        return seen, observe(connection, "SELECT 'goes on'")


def hears(connection, count):
    """The next `count` notifications; each statement in between may bring some."""
    heard = []
    connection.add_notify_handler(heard.append)

    def wait():
        deadline = time.monotonic() + 20
        while len(heard) < count and time.monotonic() < deadline:
            connection.execute("SELECT 1")
            interleave(connection)
        return heard
    return wait


@scenario
def a_listener_hears_what_others_and_itself_notify():
    with connect() as listener, connect() as other:
        wait = hears(listener, 3)
        listener.execute("LISTEN news")
        listener.execute('LISTEN "Älter"')
        for who, channel, payload in ((other, "news", "one"), (listener, "news", ""), (other, "Älter", "d'ía")):
            who.execute("SELECT pg_notify(%s, %s)", [channel, payload])
            interleave(listener)
        heard = [(notify.channel, notify.payload) for notify in wait()]
        channels = listener.execute("SELECT pg_listening_channels() ORDER BY 1").fetchall()
        listener.execute("UNLISTEN *")
        other.execute("NOTIFY news, 'unheard'")
        return heard, channels, listener.execute("SELECT pg_listening_channels()").fetchall()


@scenario
def a_listener_that_only_waits_is_told():
    with connect() as listener, connect() as other:
        listener.execute("LISTEN news")
        interleave(listener)
        other.execute("NOTIFY news, 'wake up'")
        notify = next(listener.notifies())
        return notify.channel, notify.payload


@scenario
def the_pid_of_a_notification_is_the_notifiers_backend_pid():
    with connect() as listener:
        wait = hears(listener, 1)
        listener.execute("LISTEN news")
        listener.execute("NOTIFY news")
        return [notify.pid == listener.info.backend_pid for notify in wait()]


@scenario
def the_drivers_backend_pid_is_the_servers():
    with connect() as connection:
        return connection.info.backend_pid == connection.execute("SELECT pg_backend_pid()").fetchone()[0]


@scenario
def notify_in_a_transaction_is_sent_at_commit():
    with connect() as listener, connect(autocommit=False) as other:
        listener.execute("LISTEN news")
        other.execute("NOTIFY news, 'rolled back'")
        other.rollback()
        other.execute("NOTIFY news, 'committed'")
        interleave(listener)
        other.commit()
        return next(listener.notifies()).payload


run()
