"""psycopg 3: every statement, error and notice in each of its protocols; ParameterStatus, transaction status."""
import psycopg
from psycopg.pq import ExecStatus

from psycopg_seen import CURSORS, connect, fields, interleave, observe, observe_each, parameters, status
from scenario import group, run, scenario

VALUES = (True, 42, 2**40, 2**70, 1.5, "día ☃", b"\x00\xff", [1, None, 3], ["a", None], None)


@scenario
def a_connection_starts_with_the_servers_parameters():
    with connect() as connection:
        info = connection.info
        return parameters(connection), status(connection), info.server_version, info.encoding, info.dbname, info.user


@scenario
def start_up_options_are_reported():
    with connect(options="-c DateStyle=German -c TimeZone=Asia/Kathmandu -c IntervalStyle=iso_8601", client_encoding="latin-1",
                 application_name="a name") as connection:
        return parameters(connection), observe(connection, "SELECT now() - now() + interval '1 day', date '2020-02-29'")


@scenario(over=CURSORS)
def statements_in_autocommit(protocol):
    with connect() as connection:
        return observe_each(connection, group("statements"), protocol)


@scenario(over=CURSORS)
def statements_in_one_transaction(protocol):
    with connect(autocommit=False) as connection:
        seen = {name: observe(connection, sql, protocol=protocol) for name, sql in group("statements").items()}
        connection.commit()
        return seen, status(connection)


@scenario(over=CURSORS)
def errors_in_autocommit(protocol):
    with connect() as connection:
        return observe_each(connection, group("errors"), protocol)


@scenario(over=CURSORS)
def errors_in_a_transaction(protocol):
    seen = {}
    with connect(autocommit=False) as connection:
        for name, sql in group("errors").items():
            before = observe(connection, "SELECT 1", protocol=protocol)
            seen[name] = before, observe(connection, sql, protocol=protocol), observe(connection, "SELECT 2", protocol=protocol)
            connection.rollback()
            interleave(connection)
    return seen


@scenario(over=CURSORS)
def errors_behind_a_savepoint(protocol):
    seen = {}
    with connect(autocommit=False) as connection:
        for name, sql in group("errors").items():
            steps = ("SAVEPOINT a", sql, "ROLLBACK TO a", "SELECT 'goes on'", "RELEASE a")
            seen[name] = [observe(connection, step, protocol=protocol) for step in steps]
            connection.commit()
    return seen


@scenario(over=CURSORS)
def notices(protocol):
    with connect() as connection:
        heard = []
        connection.add_notice_handler(lambda diagnostic: heard.append(fields(diagnostic)))
        return observe_each(connection, group("notices"), protocol), heard


@scenario(over=["extended", "prepared", "binary"])
def parameters_of_every_type_go_there_and_back(protocol):
    with connect() as connection:
        return [observe(connection, "SELECT %s", [value], protocol) for value in VALUES]


@scenario(over=["extended", "prepared"])
def values_as_python_sees_them(protocol):
    with connect() as connection:
        cursor = connection.execute("SELECT * FROM every_type LIMIT 1", prepare=protocol == "prepared")
        return [repr(value) for value in cursor.fetchone()]


@scenario
def several_statements_of_one_string():
    strings = ("SELECT 1; SELECT 2, 'b'; INSERT INTO written (what) VALUES ('s'); DELETE FROM written", "SELECT 1; SELECT 1/0; SELECT 3",
               "", " ; ;; ", "-- nothing", "BEGIN; SELECT 1; COMMIT; SELECT 2", "SELECT 1; BEGIN; SELECT 2", "ROLLBACK; SELECT 3",
               "BEGIN; SELECT 1/0", "ROLLBACK", "SELECT 'a;b'; SELECT $$;$$; SELECT 1 /* ; */", "CREATE TEMP TABLE t (a int); SELECT count(*) FROM t",
               "DROP TABLE t; SELECT * FROM t")
    with connect() as connection:
        return {sql: observe(connection, sql, protocol="simple") for sql in strings}


@scenario
def several_statements_in_the_extended_protocol_are_refused():
    with connect() as connection:
        return observe(connection, "SELECT %s; SELECT 2", [1]), observe(connection, "SELECT 1")


@scenario(over=["simple", "extended", "prepared"])
def transaction_verbs(protocol):
    verbs = ("BEGIN", "BEGIN", "SELECT 1", "SAVEPOINT a", "SELECT 1/0", "SELECT 1", "ROLLBACK TO a", "RELEASE a", "RELEASE a", "COMMIT",
             "COMMIT", "ROLLBACK", "BEGIN", "ROLLBACK AND CHAIN", "COMMIT AND CHAIN", "COMMIT", "START TRANSACTION READ ONLY",
             "INSERT INTO written (what) VALUES ('x')", "ABORT", "BEGIN ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation", "END",
             "SAVEPOINT outside", "BEGIN", "SELECT 1/0", "COMMIT", "SET TRANSACTION READ ONLY", "BEGIN", "COMMIT")
    with connect() as connection:
        heard = []
        connection.add_notice_handler(lambda diagnostic: heard.append(fields(diagnostic)))
        seen = []
        for verb in verbs:
            seen.append((verb, observe(connection, verb, protocol=protocol)))
            interleave(connection)
        return seen, heard


@scenario
def a_reported_setting_is_reported_when_it_changes():
    changes = ("SET TimeZone = 'Asia/Kathmandu'", "SET application_name = 'other'", "SET DateStyle = 'German'", "RESET DateStyle",
               "BEGIN", "SET LOCAL TimeZone = 'UTC'", "SET IntervalStyle = 'iso_8601'", "ROLLBACK", "BEGIN", "SET LOCAL TimeZone = 'UTC'",
               "COMMIT", "SET default_transaction_read_only = on", "RESET ALL", "SET client_encoding = 'LATIN1'",
               "SELECT set_config('TimeZone', 'Africa/Cairo', false)", "DISCARD ALL", "SET TIME ZONE 'no such zone'")
    with connect() as connection:
        seen = []
        for change in changes:
            seen.append((change, observe(connection, change, protocol="simple"), parameters(connection)))
            interleave(connection)
        return seen


@scenario
def backslashes_are_read_as_the_session_says():
    texts = ("SELECT 'a\\'", "SELECT E'a\\'b'", "SET standard_conforming_strings = off", "SELECT 'a\\'b; SELECT 2; --'",
             "RESET standard_conforming_strings", "SELECT 'a\\'")
    with connect() as connection:
        return [(text, observe(connection, text, protocol="simple")) for text in texts]


@scenario
def text_that_is_not_in_the_clients_encoding_is_refused():
    with connect() as connection:
        raw = connection.pgconn.exec_(b"SELECT 'd\xeda'")
        with connect(client_encoding="latin1") as latin:
            answer = latin.pgconn.exec_(b"SELECT 'd\xeda', 'x'::text").get_value(0, 0)
        return raw.error_field(psycopg.pq.DiagnosticField.SQLSTATE), raw.error_message, answer, observe(connection, "SELECT 1")


def _described(pgconn, name, sql):
    """What is told of a statement that is prepared and run by name."""
    answers = pgconn.prepare(name, sql), pgconn.describe_prepared(name), pgconn.exec_prepared(name, [])
    return [(ExecStatus(answer.status).name, answer.error_message, [answer.fname(i) for i in range(answer.nfields)]) for answer in answers]


@scenario(over=["EXECUTE", "FETCH"])
def what_names_another_is_described_as_the_name_means_now(command):
    make, drop = (b"PREPARE n AS", b"DEALLOCATE n") if command == "EXECUTE" else (b"DECLARE n CURSOR WITH HOLD FOR", b"CLOSE n")
    use = command.encode() + b" n"
    with connect() as connection:
        pgconn = connection.pgconn
        seen = [_described(pgconn, b"first", use)]
        for number, query in enumerate((b"SELECT 'one' AS a", b"SELECT 1 AS b, 2 AS c", b"SELECT 3 AS d")):
            pgconn.exec_(make + b" " + query)
            seen.append(_described(pgconn, b"made %d" % number, use))
            pgconn.exec_(drop)
            seen.append(_described(pgconn, b"dropped %d" % number, use))
            interleave(connection)
        return seen


DAYS = b"SELECT '01/02/2003'::date - '2003-01-01'::date"
MEANINGS = {DAYS: ("DateStyle=SQL,DMY", "DateStyle=SQL,MDY"), b"SELECT extract(epoch from '2020-01-01 00:00'::timestamptz)": ("TimeZone=Asia/Kathmandu", "TimeZone=UTC"),
            rb"SELECT 'a\\b', length('\\')": ("standard_conforming_strings=off", "standard_conforming_strings=on"),
            b"SELECT '-1 2:03:04'::interval + '0'::interval": ("IntervalStyle=sql_standard", "IntervalStyle=postgres"),
            b"SELECT note FROM hidden": ("search_path=private,public", "search_path=public")}


def _prepared_under(options, sql):
    with connect(options=f"-c {options}") as connection:
        answer = connection.pgconn.prepare(b"same name", sql)
        answer = connection.pgconn.exec_prepared(b"same name", []) if not answer.error_message else answer
        return options, answer.error_message, [answer.get_value(0, i) for i in range(answer.nfields)]


@scenario
def a_text_means_what_the_settings_make_of_it_when_it_is_prepared():
    return [_prepared_under(option, sql) for sql, options in MEANINGS.items() for option in options * 2]


@scenario
def a_text_means_what_the_settings_make_of_it_in_a_pipeline():
    steps = ("SET DateStyle = 'SQL, DMY'", "SET DateStyle = 'SQL, MDY'", "BEGIN", "SET LOCAL DateStyle = 'SQL, DMY'", "ROLLBACK",
             "BEGIN", "SAVEPOINT a", "SET DateStyle = 'SQL, DMY'", "ROLLBACK TO a", "SET DateStyle = 'SQL, DMY'", "COMMIT", "RESET ALL")
    with connect() as connection:
        pgconn, seen = connection.pgconn, []
        pgconn.enter_pipeline_mode()
        for number, step in enumerate(steps):
            name = b"s%d" % number
            pgconn.send_query_params(step.encode(), [])
            pgconn.send_prepare(name, DAYS)
            pgconn.send_query_prepared(name, [])
            pgconn.pipeline_sync()
        for step in steps:
            for _ in range(3):
                answer = pgconn.get_result()
                seen.append((step, ExecStatus(answer.status).name, answer.error_message, answer.get_value(0, 0) if answer.ntuples else None))
                pgconn.get_result()
            pgconn.get_result()
        pgconn.exit_pipeline_mode()
        return seen


run()
