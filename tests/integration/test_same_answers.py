"""Through the proxy a client sees what it would see directly: the same rows, types, tags and errors."""
import psycopg
import pytest

STATEMENTS = (
    "SELECT * FROM every_type",
    "SELECT",
    "SELECT 1 AS a, 'x'::text AS b, NULL AS c",
    "VALUES (1, 'a'), (2, 'b')",
    "TABLE every_type",
    "SELECT i, i * 2 FROM generate_series(1, 1000) AS i",
    "SELECT name FROM customers WHERE false",
    "INSERT INTO written (what, amount) VALUES ('a', 1), ('b', 2)",
    "INSERT INTO written (what) VALUES ('a') RETURNING what",
    "UPDATE written SET amount = 0 WHERE false",
    "DELETE FROM written",
    "EXPLAIN (COSTS OFF) SELECT * FROM customers WHERE id = 1",
    "SHOW server_version",
    "CREATE TABLE made_here (a int)",
    "DROP TABLE made_here",
    "WITH x AS (SELECT 1 AS a) SELECT * FROM x",
    "DO $$ BEGIN NULL; END $$",
    "SELECT set_config('application_name', 'x', true)",
    "/* comment */ SELECT 1 -- comment",
)
ERRORS = (
    "SELECT 1/0",
    "SELEC 1",
    "SELECT * FROM no_such_table",
    "SELECT no_such_column FROM customers",
    "SELECT no_such_function(1)",
    "SELECT customer.name FROM customers",
    "INSERT INTO written (id, what, amount) OVERRIDING SYSTEM VALUE VALUES (7, 'negative', -1)",
    "INSERT INTO customers (id, name) VALUES (1, 'again')",
    "INSERT INTO customers (id) VALUES (99999)",
    "SELECT 'abc'::int",
    "SELECT * FROM private.hidden, no_such_table",
    "DO $$ BEGIN RAISE EXCEPTION 'mine' USING ERRCODE = 'P0042', DETAIL = 'the detail', HINT = 'the hint'; END $$",
    "SELECT convert_from('\\xff', 'UTF8')",
    "CREATE ROLE nope",
    "SELECT 1; SELECT 1/0",
)
FIELDS = ("severity", "sqlstate", "message_primary", "message_detail", "message_hint", "statement_position", "internal_position",
          "internal_query", "context", "schema_name", "table_name", "column_name", "datatype_name", "constraint_name",
          "source_file", "source_function")
CURSORS = {"simple": (psycopg.ClientCursor, None), "extended": (psycopg.Cursor, False), "prepared": (psycopg.Cursor, True)}


def observe(connection, sql, prepare):
    options = {} if prepare is None else {"prepare": prepare}
    try:
        cursor = connection.execute(sql, **options)
    except psycopg.Error as error:
        return {field: getattr(error.diag, field) for field in FIELDS}
    if cursor.description is None:
        return cursor.statusmessage
    columns = [(c.name, c.type_code, c.internal_size, cursor.pgresult.fmod(i), cursor.pgresult.ftablecol(i))
               for i, c in enumerate(cursor.description)]
    raw = cursor.pgresult
    rows = [[raw.get_value(r, c) for c in range(raw.nfields)] for r in range(raw.ntuples)]
    return cursor.statusmessage, columns, rows


def observe_all(endpoint, statements, protocol):
    factory, prepare = CURSORS[protocol]
    with endpoint.connect(cursor_factory=factory, autocommit=False) as connection:
        seen = []
        for sql in statements:
            seen.append((sql, observe(connection, sql, prepare)))
            connection.rollback()
        return seen


@pytest.mark.parametrize("protocol", CURSORS)
def test_rows_types_and_tags_are_the_servers_own(proxy, direct, protocol):
    assert observe_all(proxy, STATEMENTS, protocol) == observe_all(direct, STATEMENTS, protocol)


@pytest.mark.parametrize("protocol", CURSORS)
def test_errors_carry_every_field_of_the_servers_own(proxy, direct, protocol):
    errors = ERRORS if protocol == "simple" else ERRORS[:-1]
    assert observe_all(proxy, errors, protocol) == observe_all(direct, errors, protocol)


def test_binary_results_are_the_servers_own(proxy, direct):
    def binary(endpoint):
        with endpoint.connect() as connection:
            result = connection.cursor(binary=True).execute("SELECT * FROM every_type").pgresult
            return [[(result.fformat(c), result.get_value(r, c)) for c in range(result.nfields)] for r in range(result.ntuples)]
    assert binary(proxy) == binary(direct)


def test_parameter_status_is_what_the_server_reports(proxy, direct):
    names = ("server_version", "server_encoding", "client_encoding", "DateStyle", "TimeZone", "integer_datetimes",
             "standard_conforming_strings", "IntervalStyle")
    options = {"options": "-c DateStyle=German -c TimeZone=Asia/Kathmandu", "client_encoding": "utf-8"}

    def statuses(endpoint, **more):
        with endpoint.connect(**more) as connection:
            return {name: connection.pgconn.parameter_status(name.encode()) for name in names}
    assert statuses(proxy) == statuses(direct)
    assert statuses(proxy, **options) == statuses(direct, **options)


def test_parameters_of_every_type_go_there_and_back(proxy):
    with proxy.connect() as connection:
        for value in (True, 42, 2**40, 1.5, "día ☃", b"\x00\xff", [1, None, 3], None):
            assert connection.execute("SELECT %s", [value], binary=True).fetchone()[0] in (value, str(value))


def test_notices_keep_severity_and_sqlstate(proxy):
    with proxy.connect() as connection:
        seen = []
        connection.add_notice_handler(lambda diag: seen.append((diag.severity, diag.sqlstate, diag.message_primary)))
        connection.execute("DO $$ BEGIN RAISE WARNING 'careful' USING ERRCODE = '01234'; END $$")
        assert seen == [("WARNING", "01234", "careful")]


def test_errors_and_notices_are_as_long_as_what_they_quote(proxy):
    with proxy.connect() as connection:
        seen = []
        connection.add_notice_handler(lambda diag: seen.append(len(diag.message_primary)))
        connection.execute("DO $$ BEGIN RAISE NOTICE '%', repeat('x', 3000000); END $$")
        assert seen == [3_000_000]
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as caught:
            connection.execute("SELECT repeat('x', 3000000)::int")
        assert len(caught.value.diag.message_primary) > 3_000_000
        assert connection.execute("SELECT 1").fetchone() == (1,)
