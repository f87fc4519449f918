"""Connections of psycopg 3, and all that can be seen of what a statement did."""
import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus

from scenario import ROUTED, ROUTED_QUERY, routed_to

CURSORS = {"simple": (psycopg.ClientCursor, {}), "extended": (psycopg.Cursor, {"prepare": False}),
           "prepared": (psycopg.Cursor, {"prepare": True}), "binary": (psycopg.Cursor, {"binary": True})}
PARAMETERS = ("server_version", "server_encoding", "client_encoding", "application_name", "is_superuser", "session_authorization",
              "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings",
              "default_transaction_read_only", "in_hot_standby")


def connect(autocommit=True, **more):
    """A connection; its first statement goes to the other cluster when statements are routed."""
    connection = psycopg.connect("", autocommit=autocommit, **more)
    interleave(connection)
    return connection


def interleave(connection):
    """Between two statements of a scenario, one to the other cluster."""
    if ROUTED and status(connection) == "IDLE":
        routed_to(connection.execute(ROUTED_QUERY, prepare=False).fetchone()[0])
        connection.commit()


def status(connection):
    return TransactionStatus(connection.pgconn.transaction_status).name


def result(raw):
    """A PGresult with its columns and the bytes of its rows."""
    columns = [(raw.fname(i), raw.ftype(i), raw.fsize(i), raw.fmod(i), raw.ftable(i), raw.ftablecol(i), raw.fformat(i))
               for i in range(raw.nfields)]
    rows = [[raw.get_value(row, column) for column in range(raw.nfields)] for row in range(raw.ntuples)]
    return {"status": ExecStatus(raw.status).name, "tag": raw.command_status, "columns": columns, "rows": rows}


def fields(diagnostic):
    """All fields of an error or notice but the line of the server's source, which a minor release moves."""
    names = [field.name for field in DiagnosticField if field.name != "SOURCE_LINE"]
    return {name: value for name in names if (value := getattr(diagnostic, name.lower(), None)) is not None}


def parameters(connection):
    return {name: connection.info.parameter_status(name) for name in PARAMETERS}


def observe(connection, sql, arguments=None, protocol="extended", **more):
    """What a statement answers, result by result, and in what state it leaves the connection."""
    factory, options = CURSORS[protocol]
    with factory(connection) as cursor:
        try:
            cursor.execute(sql, arguments, **{**options, **more})
            seen = [result(cursor.pgresult)]
            while cursor.nextset():
                seen.append(result(cursor.pgresult))
        except psycopg.Error as error:
            seen = {"error": type(error).__name__, **fields(error.diag)}
    return seen, status(connection)


def observe_each(connection, statements, protocol="extended"):
    seen = {}
    for name, sql in statements.items():
        seen[name] = observe(connection, sql, protocol=protocol)
        interleave(connection)
    return seen
