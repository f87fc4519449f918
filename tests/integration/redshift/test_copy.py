"""COPY FROM STDIN and TO STDOUT of PostgreSQL's clients on a Redshift route."""
import asyncio
import csv
import io
import os
import random

import asyncpg
import psycopg
import psycopg2
import pytest
from copying import BUCKET, KEY_ID, PREFIX, SECRET, TOKEN, connect, warehouse, with_keys
from launch import eventually, write_file
from psycopg import pq

pytestmark = pytest.mark.pgswitch
MANY_ROWS = int(os.environ.get("PGSWITCH_COPY_ROWS", 30000))  # of 1.9 kB; 550000 are a gigabyte
ALL = "SELECT id, what, day FROM loaded ORDER BY id"


@pytest.fixture(scope="module")
def stock(analytics, place):
    with warehouse(analytics, place / "copy") as started:
        yield started


@pytest.fixture(autouse=True)
def empty(analytics):
    analytics.sql("TRUNCATE loaded, counted", "app")


@pytest.fixture(params=({"workers": 1}, {"workers": 2, "pool_mode": "session"}), ids=("transaction", "session"))
def proxy(request, start_proxy, stock):
    started = start_proxy(rules=None, wrapper=with_keys(), databases={"dw": stock.database(), "bare": stock.database(copy_bucket=None)},
                          **{"pool_mode": "transaction", **request.param})
    yield started
    stock.expect_clean()


@pytest.fixture
def connection(proxy):
    with connect(proxy) as made:
        yield made


def copy_in(connection, statement, data):
    cursor = connection.cursor()
    with cursor.copy(statement) as copy:
        for piece in [data] if isinstance(data, (str, bytes)) else data:
            copy.write(piece)
    return cursor.statusmessage


HARD = ["plain", "", "\\N", "\\\\N", "N", "tab\there", "line\nend", "cr\rend", "back\\slash", "\\", "\\.", "quote\"s'", "ä€😀", "a,b|c", " spaces ", "\x01\x02\x7f", "\b\f\v",
        "%s", "x" * 190, "ends\\", "\n", "\r\n", "\t"]


def test_values_of_all_kinds_arrive_as_they_are(connection):
    rows = [(i, value, None) for i, value in enumerate(HARD)] + [(len(HARD), None, "2024-02-29")]
    cursor = connection.cursor()
    with cursor.copy("COPY loaded FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    assert cursor.statusmessage == f"COPY {len(rows)}"
    found = connection.execute(ALL).fetchall()
    assert [(i, what, str(day) if day else None) for i, what, day in found] == rows


def test_csv_arrives_as_it_is(connection):
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    writer.writerow(["what", "id"])
    writer.writerows([value, i] for i, value in enumerate(HARD) if value)
    tag = copy_in(connection, "COPY loaded (what, id) FROM STDIN WITH (FORMAT csv, HEADER match)", out.getvalue())
    wanted = [(i, value) for i, value in enumerate(HARD) if value]
    assert tag == f"COPY {len(wanted)}"
    assert [(i, what) for i, what, _ in connection.execute(ALL)] == wanted


@pytest.mark.parametrize("options, data, wanted", [
    ("CSV", '1,,\n2,"",\n', [(1, None), (2, "")]),
    ("(FORMAT csv, NULL 'nil', FORCE_NULL (what))", '1,nil,nil\n2,"nil",nil\n3,,nil\n', [(1, None), (2, None), (3, "")]),
    ("(FORMAT csv, FORCE_NOT_NULL (what))", "1,,\n", [(1, "")]),
    ("(FORMAT csv, QUOTE '''', ESCAPE '\\', DELIMITER ';')", "1;'it\\'s; so';\n", [(1, "it's; so")]),
    ("CSV HEADER DELIMITER AS E'\\t'", "a\tb\tc\n1\tx\t\n", [(1, "x")]),
    ("(DELIMITER '|', NULL '')", "1|x\\|y|\n2||2024-01-01\n", [(1, "x|y"), (2, None)]),
    ("DELIMITER ',' NULL AS 'none'", "1,none,none\n", [(1, None)]),
    ("", "1\tx\t\\N\r\n2\ty\t\\N\r\n\\.\r\n", [(1, "x"), (2, "y")]),
])
def test_options(connection, options, data, wanted):
    assert copy_in(connection, f"COPY loaded FROM STDIN {options}", data) == f"COPY {len(wanted)}"
    assert [row[:2] for row in connection.execute(ALL)] == wanted


def test_the_same_as_postgresql(connection, oltp, analytics):
    """Random data in both formats loads on Redshift as it does on PostgreSQL itself."""
    dice = random.Random(7)
    alphabet = ['a', 'B', '1', '\\', '\t', '\n', '"', "'", ',', 'é', 'N', '.', ' ']
    made = [(i, None if dice.random() < .1 else "".join(dice.choice(alphabet) for _ in range(dice.randrange(12)))) for i in range(500)]
    analytics.sql("CREATE TEMP TABLE IF NOT EXISTS x (id int)", "app")
    for options in ("", "CSV", "(FORMAT csv, QUOTE '''', NULL 'N')", "(DELIMITER ',', NULL '')"):
        with psycopg.connect(host=str(analytics.socket_folder), port=analytics.port, user="postgres", dbname="app") as direct:
            direct.execute("CREATE TEMP TABLE source (id int, what varchar(200))")
            with direct.cursor().copy("COPY source FROM STDIN") as copy:
                for row in made:
                    copy.write_row(row)
            with direct.cursor().copy(f"COPY source TO STDOUT {options}") as copy:
                data = b"".join(bytes(piece) for piece in copy)
            direct.execute("TRUNCATE source")
            with direct.cursor().copy(f"COPY source FROM STDIN {options}") as copy:
                copy.write(data)
            wanted = direct.execute("SELECT id, what FROM source ORDER BY id").fetchall()
        connection.execute("DELETE FROM loaded")
        cuts = sorted(dice.randrange(len(data)) for _ in range(20))
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
        assert copy_in(connection, f"COPY loaded (id, what) FROM STDIN {options}", pieces) == "COPY 500"
        assert [row[:2] for row in connection.execute(ALL)] == wanted
        with connection.cursor().copy(f"COPY (SELECT id, what FROM loaded ORDER BY id) TO STDOUT {options}") as copy:
            assert b"".join(bytes(piece) for piece in copy) == data


def test_psql(proxy, tmp_path):
    source, target = write_file(tmp_path / "in.csv", "id,what\n1,one\n2,\"two\nlines\"\n"), tmp_path / "out.csv"
    done = proxy.psql(f"\\copy loaded (id, what) from '{source}' csv header\n\\copy (select id, what from loaded order by id) to '{target}' csv header\n",
                      dbname="dw")
    assert (done.stdout, done.stderr) == ("COPY 2\nCOPY 2\n", "")
    assert target.read_text() == source.read_text()


def test_psycopg2(proxy):
    connection = psycopg2.connect(proxy.url(dbname="dw"))
    cursor = connection.cursor()
    cursor.copy_expert("COPY loaded (id, what) FROM STDIN", io.StringIO("1\tone\n2\t\\N\n"))
    assert cursor.rowcount == 2
    connection.commit()
    out = io.StringIO()
    cursor.copy_expert("COPY (SELECT id, what FROM loaded ORDER BY 1) TO STDOUT WITH CSV", out)
    assert out.getvalue() == "1,one\n2,\n"
    connection.close()


def test_asyncpg(proxy):
    async def run():
        connection = await asyncpg.connect(host=proxy.host, port=proxy.port, user="app", password="app-secret", database="dw", statement_cache_size=0)
        tag = await connection.copy_to_table("loaded", source=io.BytesIO(b"1,one,\n2,two,2024-01-01\n"), format="csv", columns=["id", "what", "day"])
        out = io.BytesIO()
        await connection.copy_from_query("SELECT id FROM loaded ORDER BY id", output=out, format="csv")
        await connection.close()
        return tag, out.getvalue()
    assert asyncio.run(run()) == ("COPY 2", b"1\n2\n")


def test_libpq_in_the_extended_protocol(connection):
    raw = connection.pgconn
    for row in (b"1\tone\t\\N\n", b"2\ttwo\t\\N\n"):
        result = raw.exec_params(b"COPY loaded FROM STDIN", [])
        assert result.status == pq.ExecStatus.COPY_IN and result.nfields == 3
        assert raw.put_copy_data(row) == 1 and raw.put_copy_end() == 1
        assert raw.get_result().command_status == b"COPY 1"
        assert raw.get_result() is None
    result = raw.exec_params(b"COPY (SELECT id, what FROM loaded ORDER BY id) TO STDOUT", [])
    assert result.status == pq.ExecStatus.COPY_OUT
    lines = []
    while (got := raw.get_copy_data(0))[0] > 0:
        lines.append(bytes(got[1]))
    assert lines == [b"1\tone\n", b"2\ttwo\n"]
    assert raw.get_result().command_status == b"COPY 2"
    assert raw.get_result() is None
    assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (2,)


def test_in_a_transaction(proxy, stock):
    with connect(proxy, autocommit=False) as connection:
        connection.execute("INSERT INTO loaded VALUES (1, 'before', NULL)")
        copy_in(connection, "COPY loaded FROM STDIN", "2\ta\t\\N\n")
        copy_in(connection, "COPY loaded FROM STDIN", "3\tb\t\\N\n")
        assert connection.execute("SELECT count(*) FROM loaded").fetchone() == (3,)
        connection.rollback()
        assert stock.rows() == ""
        copy_in(connection, "COPY loaded FROM STDIN", "4\tc\t\\N\n")
        connection.commit()
    assert stock.rows() == "4|c|"


def failure_of(connection, statement, data):
    with pytest.raises(psycopg.Error) as caught:
        copy_in(connection, statement, data)
    diagnostic = caught.value.diag
    return diagnostic.sqlstate, diagnostic.message_primary, diagnostic.context


FAILURES = [
    ("", "1\tx\t\\N\nabc\ty\t\\N\n", ("22P02", 'invalid input syntax for type integer: "abc"', 'COPY loaded, line 2, column id: "abc"')),
    ("CSV HEADER", 'id,what,day\n1,"a\nb",\n2,c,2024-13-45\n', ("22007", 'invalid input syntax for type date: "2024-13-45"', 'COPY loaded, line 4, column day: "2024-13-45"')),
    ("", "1\tx\n", ("22P04", 'missing data for column "day"', 'COPY loaded, line 1: "1\tx"')),
    ("", "1\tx\t\\N\ty\n", ("22P04", "extra data after last expected column", 'COPY loaded, line 1: "1\tx\t\\N\ty"')),
    ("", "\tx\t\\N\n", ("22P02", 'invalid input syntax for type integer: ""', 'COPY loaded, line 1, column id: ""')),
    ("", b"1\t\xff\t\\N\n", ("22021", 'invalid byte sequence for encoding "UTF8": 0xff', "COPY loaded, line 1")),
]


@pytest.mark.parametrize("options, data, wanted", FAILURES)
def test_what_is_wrong_with_the_data(connection, stock, options, data, wanted):
    assert failure_of(connection, f"COPY loaded FROM STDIN {options}", data) == wanted
    assert stock.rows() == ""
    assert copy_in(connection, "COPY loaded FROM STDIN", "7\tgood\t\\N\n") == "COPY 1"


def test_a_value_that_is_too_long(connection):
    state, message, context = failure_of(connection, "COPY loaded (id, what) FROM STDIN", "1\tshort\n2\t" + "x" * 300 + "\n")
    assert (state, message) == ("22001", "value too long for type character varying")
    assert context.startswith("COPY loaded, line 2, column what: \"xxx")


@pytest.mark.parametrize("data", ["1\tx\t\\N\nabc\ty\t\\N\n", "1\n"], ids=("server", "proxy"))
def test_a_failure_fails_the_transaction(proxy, stock, data):
    with connect(proxy, autocommit=False) as connection:
        connection.execute("INSERT INTO loaded VALUES (1, 'before', NULL)")
        with pytest.raises(psycopg.Error):
            copy_in(connection, "COPY loaded FROM STDIN", data)
        assert connection.info.transaction_status == pq.TransactionStatus.INERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("SELECT 1")
        assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
        assert stock.rows() == ""
        copy_in(connection, "COPY loaded FROM STDIN", "4\tc\t\\N\n")
        connection.commit()
    assert stock.rows() == "4|c|"


@pytest.mark.parametrize("statement, wanted", [
    ("COPY loaded FROM STDIN (FORMAT binary)", ("0A000", "COPY in the binary format cannot be run on Redshift")),
    ("COPY loaded FROM STDIN WHERE id > 1", ("0A000", "COPY FROM ... WHERE cannot be run on Redshift")),
    ("COPY loaded FROM STDIN (ENCODING 'JOHAB')", ("0A000", 'the data of COPY cannot be converted from or to "JOHAB" for Redshift')),
    ("COPY missing FROM STDIN", ("42P01", 'relation "missing" does not exist')),
    ("COPY loaded (nothing) FROM STDIN", ("42703", 'column "nothing" does not exist')),
    ("COPY loaded FROM STDIN (FORMAT csv, FORCE_NULL (nothing))", ("42703", 'column "nothing" does not exist')),
])
def test_what_cannot_be(connection, statement, wanted):
    state, message, _ = failure_of(connection, statement, "")
    assert state == wanted[0] and wanted[1] in message
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_without_a_bucket(proxy):
    with connect(proxy, "bare") as connection:
        with pytest.raises(psycopg.errors.FeatureNotSupported) as caught:
            copy_in(connection, "COPY loaded FROM STDIN", "")
        assert caught.value.diag.message_hint == "Set copy_bucket in the [databases] line of the route."


def test_it_is_seen_and_no_secret_is(proxy, stock, connection):
    with connection.cursor().copy("COPY loaded FROM STDIN") as copy:
        copy.write("1\tx\t\\N\n")
        connection.pgconn.flush()
        shown = proxy.console("SHOW COPIES")
        assert len(shown) == 1 and shown[0]["target"] == "loaded" and shown[0]["phase"] == "receiving" and shown[0]["route"] == "dw"
        assert shown[0]["object"].startswith(f"s3://{BUCKET}/{PREFIX}pgswitch-")
    assert proxy.console("SHOW COPIES") == []
    proxy.pooler.expect_log(f"COPY loaded through s3://{BUCKET}/{PREFIX}pgswitch-")
    assert SECRET not in proxy.pooler.log_text()


def test_keys_of_objects_cannot_be_guessed(stock, connection):
    before = len(stock.s3.requests)
    for _ in range(3):
        copy_in(connection, "COPY loaded FROM STDIN", "1\tx\t\\N\n")
    keys = {line.split()[1] for line in stock.s3.requests[before:] if line.startswith("PUT")}
    assert len(keys) == 3 and all(len(key.rsplit("-", 1)[1]) == 32 + len(".gz") for key in keys)


def test_a_session_token_goes_along(start_proxy, analytics, place):
    with warehouse(analytics, place / "copy-token", token=TOKEN) as stock:
        proxy = start_proxy(rules=None, wrapper=with_keys(TOKEN), databases={"dw": stock.database(copy_compression="none")})
        with connect(proxy) as connection:
            assert copy_in(connection, "COPY loaded FROM STDIN", "1\tx\t\\N\n") == "COPY 1"
        assert TOKEN not in proxy.pooler.log_text()
        stock.expect_clean()


def test_by_a_role_of_redshifts(start_proxy, analytics, place):
    role = "arn:aws:iam::123456789012:role/loads"
    with warehouse(analytics, place / "copy-role", role=f"{role}={KEY_ID}:{SECRET}") as stock:
        proxy = start_proxy(rules=None, wrapper=with_keys(), databases={"dw": stock.database(copy_iam_role=role)})
        with connect(proxy) as connection:
            assert copy_in(connection, "COPY loaded FROM STDIN", "1\tx\t\\N\n") == "COPY 1"
        stock.expect_clean()


def peak_memory(proxy):
    """kB."""
    return next(int(line.split()[1]) for line in open(f"/proc/{proxy.pooler.pid}/status") if line.startswith("VmHWM"))


@pytest.mark.timeout(120 + MANY_ROWS // 500)
def test_large_ones_go_in_parts_and_in_bounded_memory(start_proxy, stock):
    proxy = start_proxy(rules=None, wrapper=with_keys(), databases={"dw": stock.database(copy_part_size=5, copy_parallel=2, copy_compression="none")})
    dice = random.Random(3)
    filler = "".join(dice.choice("abcdefghij") for _ in range(1900))
    with connect(proxy) as connection:
        data = ("".join(f"{n}\t{filler}\n" for n in range(i, i + 500)) for i in range(0, MANY_ROWS, 500))
        assert copy_in(connection, "COPY counted FROM STDIN", data) == f"COPY {MANY_ROWS}"
        found = connection.execute("SELECT count(*), min(n), max(n), count(DISTINCT n) FROM counted").fetchone()
        assert found == (MANY_ROWS, 0, MANY_ROWS - 1, MANY_ROWS)
    assert sum("partNumber" in line and line.endswith("200") for line in stock.s3.requests) >= 10
    print(f"{peak_memory(proxy)} kB at most for {MANY_ROWS * len(filler) / 1e6:.0f} MB of data")
    assert peak_memory(proxy) < 120_000
    stock.expect_clean()


@pytest.mark.timeout(120 + MANY_ROWS // 500)
def test_large_ones_come_out_in_bounded_memory(start_proxy, stock):
    """The client begins to read when the server has long had more to send than the proxy may hold."""
    stock.cluster.sql(f"INSERT INTO counted SELECT n, repeat('x', 1900) FROM generate_series(1, {MANY_ROWS}) AS n", "app")
    proxy = start_proxy(rules=None, databases={"dw": stock.database()})
    with connect(proxy) as connection:
        raw, lines, size = connection.pgconn, 0, 0
        assert raw.exec_(b"COPY counted TO STDOUT").status == pq.ExecStatus.COPY_OUT
        eventually(lambda: proxy.console("SHOW COPIES")[0]["rows"] > 100)
        while (got := raw.get_copy_data(0))[0] > 0:
            lines, size = lines + 1, size + got[0]
        assert raw.get_result().command_status == f"COPY {MANY_ROWS}".encode()
        assert raw.get_result() is None
        assert lines == MANY_ROWS and size > MANY_ROWS * 1900
    print(f"{peak_memory(proxy)} kB at most for {size / 1e6:.0f} MB of data")
    assert peak_memory(proxy) < 60_000
