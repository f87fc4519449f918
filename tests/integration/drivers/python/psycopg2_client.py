"""What the scenarios of psycopg2 connect with, and how they look at what comes back."""
import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE

from scenario import ROUTED, ROUTED_QUERY, routed_to

STATES = ("IDLE", "ACTIVE", "INTRANS", "INERROR", "UNKNOWN")
DIAGNOSTICS = ("severity", "sqlstate", "message_primary", "message_detail", "message_hint", "statement_position", "internal_position",
               "internal_query", "context", "schema_name", "table_name", "column_name", "datatype_name", "constraint_name", "source_file",
               "source_function")


def connect(autocommit=True, **more):
    connection = psycopg2.connect("", **more)
    connection.autocommit = autocommit
    interleave(connection)
    return connection


def interleave(connection):
    """Between two statements of a scenario, one to the other cluster."""
    if ROUTED and connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
        with connection.cursor() as cursor:
            cursor.execute(ROUTED_QUERY)
            routed_to(cursor.fetchone()[0])
        if not connection.autocommit:
            connection.commit()


def status(connection):
    return STATES[connection.info.transaction_status]


def fields(error):
    return {"error": type(error).__name__, **{name: value for name in DIAGNOSTICS if (value := getattr(error.diag, name)) is not None}}


def observe(connection, sql, arguments=None):
    with connection.cursor() as cursor:
        try:
            cursor.execute(sql, arguments)
        except psycopg2.Error as error:
            return fields(error), status(connection)
        columns = [tuple(column) + (column.table_oid, column.table_column) for column in cursor.description or ()]
        rows = [[bytes(value) if isinstance(value, memoryview) else repr(value) for value in row] for row in cursor.fetchall()] if cursor.description else None
        return cursor.statusmessage, cursor.rowcount, columns, rows, status(connection)


def value(connection, sql, arguments=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return cursor.fetchone()[0]
